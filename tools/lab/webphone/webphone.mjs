// One WebSocket softphone of the lab: SIP.js or JsSIP in Node.js, registering, calling and writing like a person.
// Relies on: the packages of package.json; the session that softphones.py describes in one JSON argument.
// Relied on by: softphones.py.
//
// There is no browser and no media: sockets come from ws, session descriptions from here.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import path from "node:path";

const plan = JSON.parse(process.argv[2]);
const require = createRequire(path.join(plan.modules, "node_modules", "here.js"));
const WS = require("ws");

globalThis.window = globalThis;
globalThis.WebSocket = class extends WS {
  constructor(url, protocols) {
    super(url, protocols, { localAddress: plan.ip });
  }
};

// mulberry32: small, seeded, good enough to draw habits from
let state = plan.seed >>> 0;
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const between = (low, high) => low + (high - low) * random();
const choice = (list) => list[Math.floor(random() * list.length)];
const sleep = (seconds) => new Promise((done) => setTimeout(done, Math.max(0, seconds) * 1000));
const left = () => plan.end - Date.now() / 1000;
const uri = (user) => `sip:${user}@${plan.domain}`;
const note = (text) => console.log(`${(plan.seconds - left()).toFixed(1)} ${text}`);

const plain = random() < 0.6; // behind a media gateway that speaks plain RTP with everybody else

/** What a browser writes into an offer, without the candidates that a real one would gather; `other` is answered. */
function description(direction = "sendrecv", other = "") {
  if (other ? /m=audio \d+ RTP\/AVP/.test(other) : plain) {
    return [
      "v=0",
      `o=- ${Math.floor(between(1e9, 9e9))} 2 IN ${plan.ip.includes(":") ? "IP6" : "IP4"} ${plan.ip}`,
      "s=-",
      `c=IN ${plan.ip.includes(":") ? "IP6" : "IP4"} ${plan.ip}`,
      "t=0 0",
      `m=audio ${plan.media} RTP/AVP 0 8 101`,
      "a=rtpmap:0 PCMU/8000",
      "a=rtpmap:8 PCMA/8000",
      "a=rtpmap:101 telephone-event/8000",
      `a=${direction}`,
      "",
    ].join("\r\n");
  }
  const hex = Array.from({ length: 32 }, () => Math.floor(between(0, 256)).toString(16).padStart(2, "0").toUpperCase());
  return [
    "v=0",
    `o=- ${Math.floor(between(1e15, 9e15))} 2 IN IP4 127.0.0.1`,
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 126",
    "c=IN IP4 0.0.0.0",
    "a=rtcp:9 IN IP4 0.0.0.0",
    `a=ice-ufrag:${Math.floor(between(1e6, 1e7)).toString(36)}`,
    `a=ice-pwd:${hex.slice(0, 12).join("").toLowerCase()}`,
    `a=fingerprint:sha-256 ${hex.join(":")}`,
    "a=setup:actpass",
    "a=mid:0",
    `a=${direction}`,
    "a=rtcp-mux",
    "a=rtpmap:111 opus/48000/2",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:126 telephone-event/8000",
    "",
  ].join("\r\n");
}

/** SIP.js behind the few verbs that live() needs. */
async function sipjs(password) {
  const S = await import(pathToFileURL(path.join(plan.modules, "node_modules", "sip.js", "lib", "index.js")));
  const handler = () => ({
    remote: "",
    close() {},
    getDescription(options) {
      const held = options && options.hold;
      const body = description(held ? "sendonly" : "sendrecv", this.remote);
      return Promise.resolve({ body, contentType: "application/sdp" });
    },
    hasDescription: (type) => type === "application/sdp",
    rollbackDescription: () => Promise.resolve(),
    setDescription(sdp) {
      this.remote = sdp;
      return Promise.resolve();
    },
    sendDtmf: () => true,
  });
  const agent = new S.UserAgent({
    uri: S.UserAgent.makeURI(uri(plan.user)),
    displayName: plan.display,
    authorizationUsername: plan.user,
    authorizationPassword: password,
    transportOptions: { server: plan.server, connectionTimeout: 5 },
    sessionDescriptionHandlerFactory: handler,
    logBuiltinEnabled: false,
    delegate: {
      onInvite: (session) => answer(() => session.accept(), () => session.reject()),
      onMessage: (message) => message.accept(),
    },
  });
  await agent.start();
  const registerer = new S.Registerer(agent, { expires: plan.expires });
  const target = (user) => S.UserAgent.makeURI(uri(user));
  return {
    register: () =>
      registerer.register({
        requestDelegate: {
          onAccept: () => note("registered"),
          onReject: (reply) => note(`register: ${reply.message.statusCode}`),
        },
      }),
    unregister: () => registerer.unregister(),
    message: (user, text) => new S.Messager(agent, target(user), text).message(),
    subscribe: (user) => new S.Subscriber(agent, target(user), "presence", { expires: 60 }).subscribe(),
    publish: () =>
      new S.Publisher(agent, target(plan.user), "presence", {
        body: `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="${uri(plan.user)}"/>`,
        contentType: "application/pidf+xml",
      }).publish(),
    options: () => undefined,
    async call(user, talk, what) {
      const session = new S.Inviter(agent, target(user));
      const up = new Promise((done) =>
        session.stateChange.addListener((now) => {
          if (now === S.SessionState.Established) done(true);
          if (now === S.SessionState.Terminated) done(false);
        }),
      );
      await session.invite();
      if (what === "cancel") {
        await sleep(between(0.5, 2.5));
        if (session.state !== S.SessionState.Established) return session.cancel();
      }
      if (!(await Promise.race([up, sleep(15).then(() => null)]))) {
        return session.state === S.SessionState.Establishing ? session.cancel() : undefined;
      }
      await sleep(talk / 2);
      if (what === "hold" && session.state === S.SessionState.Established) {
        await session.invite({ sessionDescriptionHandlerOptions: { hold: true } });
        await sleep(between(0.5, 1.5));
        await session.invite();
      }
      if (what === "transfer" && session.state === S.SessionState.Established) {
        await session.refer(target(choice(plan.users)));
      }
      await sleep(talk / 2);
      if (session.state === S.SessionState.Established) await session.bye();
    },
    stop: () => agent.stop(),
  };
}

/** Enough of WebRTC for JsSIP to make and take descriptions. */
class PeerConnection {
  constructor() {
    this.iceGatheringState = "complete";
    this.iceConnectionState = "connected";
    this.signalingState = "stable";
  }
  createOffer() {
    return Promise.resolve({ type: "offer", sdp: description() });
  }
  createAnswer() {
    return Promise.resolve({ type: "answer", sdp: description("sendrecv", this.remoteDescription.sdp) });
  }
  setLocalDescription(value) {
    this.localDescription = value;
    return Promise.resolve();
  }
  setRemoteDescription(value) {
    this.remoteDescription = value;
    return Promise.resolve();
  }
  addEventListener() {}
  removeEventListener() {}
  getSenders() {
    return [];
  }
  getReceivers() {
    return [];
  }
  close() {
    this.signalingState = "closed";
  }
}

/** JsSIP behind the same verbs. */
async function jssip(password) {
  const JsSIP = require("jssip");
  globalThis.RTCPeerConnection = PeerConnection;
  globalThis.RTCSessionDescription = class {
    constructor(value) {
      Object.assign(this, value);
    }
  };
  const media = { mediaConstraints: { audio: false, video: false } };
  const agent = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(plan.server)],
    uri: uri(plan.user),
    display_name: plan.display || undefined,
    password,
    register_expires: plan.expires,
    register: false,
    session_timers: random() < 0.5,
    connection_recovery_min_interval: 2,
  });
  agent.on("registered", () => note("registered"));
  agent.on("registrationFailed", (event) => note(`register: ${event.response ? event.response.status_code : event.cause}`));
  agent.on("newRTCSession", ({ originator, session }) => {
    if (originator === "remote") answer(() => session.answer(media), () => session.terminate({ status_code: 486 }));
  });
  agent.on("newMessage", ({ originator, message }) => originator === "remote" && message.accept());
  agent.start();
  await new Promise((done) => agent.once("connected", done));
  return {
    register: () => agent.register(),
    unregister: () => agent.unregister(),
    message: (user, text) => agent.sendMessage(uri(user), text),
    subscribe: () => undefined,
    publish: () => undefined,
    options: (user) => agent.sendOptions(uri(user)),
    async call(user, talk, what) {
      const session = agent.call(uri(user), media);
      const up = new Promise((done) => {
        session.on("confirmed", () => done(true));
        session.on("failed", () => done(false));
        session.on("ended", () => done(false));
      });
      if (what === "cancel") {
        await sleep(between(0.5, 2.5));
        if (!session.isEstablished() && !session.isEnded()) return session.terminate();
      }
      if (!(await Promise.race([up, sleep(15).then(() => null)]))) {
        return session.isEnded() ? undefined : session.terminate();
      }
      await sleep(talk / 2);
      if (what === "hold" && session.isEstablished()) {
        session.hold();
        await sleep(between(0.5, 1.5));
        session.unhold();
      }
      if (what === "transfer" && session.isEstablished()) session.refer(uri(choice(plan.users)));
      await sleep(talk / 2);
      if (!session.isEnded()) session.terminate();
    },
    stop: () => agent.stop(),
  };
}

/** Rings, then takes the call or refuses it. */
async function answer(accept, reject) {
  await sleep(between(0.4, 3));
  try {
    await (random() < plan.answer ? accept() : reject());
  } catch (error) {
    note(`answer: ${error.message}`); // the caller was faster
  }
}

/** One thing that a person does with a browser. */
async function contact(phone) {
  const what = choice(["call", "call", "call", "call", "message", "message", "subscribe", "publish", "options"]);
  const user = choice(plan.users);
  if (what === "call") {
    await phone.call(user, between(1, 5), choice(["talk", "talk", "talk", "hold", "cancel", "transfer"]));
  } else if (what === "message") {
    await phone.message(user, choice(plan.texts));
  } else {
    await phone[what](user);
  }
}

async function main() {
  const make = { sipjs, jssip }[plan.kind];
  for (let i = 0; i < plan.mistype; i++) {
    const wrong = await make(`wrong${i}`);
    await wrong.register();
    await sleep(between(1, 2.5));
    await wrong.stop();
  }
  const phone = await make(plan.password);
  await phone.register();
  await sleep(1);
  while (left() > 4) {
    await sleep(Math.min(-Math.log(1 - random()) * plan.gap, left() - 2));
    if (left() < 4) break;
    try {
      await contact(phone);
    } catch (error) {
      note(`contact: ${error.message}`);
    }
  }
  if (random() < 0.6) await phone.unregister();
  await sleep(0.5);
  await phone.stop();
  process.exit(0);
}

process.on("unhandledRejection", (error) => note(`rejected: ${error && error.message}`));
process.on("uncaughtException", (error) => note(`failed: ${error && error.stack}`));
setTimeout(() => process.exit(0), (left() + 1) * 1000).unref();
main();
