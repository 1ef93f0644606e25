#!/usr/bin/python3
"""A PBX as a session's server: registrar, mailboxes, and a B2BUA that answers calls and makes others of its own.
Relies on: useragent.py (transactions, style), pbx_calls.py, sip.py; a specification that servers.py wrote.
Relied on by: servers.py.

Nothing that it sends towards one party has the Call-ID, tags or CSeq of what the other sent. So it notes in `legs`
which message of its own follows from which that came in: label.py needs it.
"""
import argparse
import asyncio
import dataclasses
import json
import random
import re
import sys
import time

import pbx_calls
import sip
from pbx_calls import Binding, Leg
from styles import alnum, draw_style
from useragent import T1, Agent, World

REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    489: "Bad Event",
    501: "Not Implemented",
    503: "Service Unavailable",
    603: "Decline",
    604: "Does Not Exist Anywhere",
}
NEEDED = ("Via", "From", "To", "Call-ID", "CSeq")
MESSAGE_BODY = "application/simple-message-summary"
PLAIN_URI = re.compile(r"sips?:[A-Za-z0-9.!~*'()&=+$,;?/%_@:\[\]#-]+$")


def draw(rng, agent):
    """The style of a PBX: any stack's forms, spelt as servers spell, a name of its own."""
    return dataclasses.replace(
        draw_style(rng),
        user_agent=agent,
        private_ip="",
        contact_params="",
        colon=": ",
        compact=False,
        lower=False,
        fold=False,
        acks=True,
        extra=(),
    )


class Stream(asyncio.Protocol):
    """A phone's TCP connection."""

    def __init__(self, pbx):
        self.pbx, self.splitter = pbx, sip.Splitter()

    def connection_made(self, transport):
        self.peer = transport.get_extra_info("peername")[:2]
        self.pbx.streams[self.peer] = transport

    def connection_lost(self, _error):
        self.pbx.streams.pop(self.peer, None)

    def data_received(self, data):
        for message in self.splitter.feed(data):
            self.pbx.datagram_received(message, self.peer)


class Pbx(Agent):
    """Accounts, bindings and mailboxes; calls are pbx_calls.Call."""

    def __init__(self, spec):
        rng = random.Random(spec["seed"])
        world = World(tuple(spec["address"]), spec["domain"], spec["salt"], spec["weak"])
        style = draw(rng, spec["agent"])
        super().__init__(world, rng, *spec["address"], user="pbx", style=style, display="")
        self.spec, self.accounts = spec, set(spec["users"])
        self.streams = {}  # (ip, port) -> TCP connection
        self.bindings = {}  # user -> [Binding]
        self.nonces = {}  # nonce -> when it was made
        self.mailboxes = dict(spec["mailboxes"])  # user -> new messages
        self.legs = {}  # Call-ID -> Leg
        self.calls = {}  # (Call-ID, branch) of the caller's INVITE -> Call
        self.begun = set()  # (branch, method, Call-ID) of requests that came
        self.unacked = set()  # keys of INVITEs whose refusal nobody has acknowledged
        self.notes = open(spec["legs"], "a", buffering=1)

    # -- wire -------------------------------------------------------------------------------------------

    async def serve(self):
        await self.open()
        if self.spec["tcp"]:
            loop = asyncio.get_running_loop()
            await loop.create_server(lambda: Stream(self), self.ip, self.port)
        await self.qualify()

    def close(self):
        super().close()
        self.notes.close()

    def send(self, data, dest=None):
        if isinstance(data, sip.Message):
            data = sip.render(data, self.style, self.rng)
        if dest in self.streams:
            self.streams[dest].write(data)
        elif dest:
            self.transport.sendto(data, dest)

    def error_received(self, exc):
        print("pbx: %s" % exc, flush=True)

    def datagram_received(self, data, address):
        super().datagram_received(data, tuple(address[:2]))

    def note_leg(self, cause, message):
        """What came in, what follows from it: Call-ID and branch of each."""
        line = [s.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for s in cause + key(message)]
        self.notes.write(json.dumps(line) + "\n")

    async def ask(self, message, address, cause=None, **options):
        """A request of the PBX's own, with its final reply; `cause` is the key of the request that led to it."""
        if address in self.streams:
            message.set("Via", message.get("Via").replace("/UDP", "/TCP"))
        if cause:
            self.note_leg(cause, message)
        return await self.transact(message, dest=address, retransmit=address not in self.streams, **options)

    def here(self, user=""):
        return "<sip:%s%s:%d>" % (user + "@" if user else "", sip.bracket(self.ip), self.port)

    def outside(self, method, binding, local, cause=None, **options):
        """A request out of dialogs to a phone."""
        message = self.message(
            method,
            binding.uri,
            sip.name_addr(self.style, *local, self.new_tag()),
            "<%s>" % re.sub(r"[;?].*", "", binding.uri),
            self.new_call_id(),
            self.rng.randrange(1, 9000) if self.spec["odd_cseq"] else self.style.first_cseq,
            **options
        )
        message.set("Contact", self.here(sip.user_of(local[1])))
        return message

    def reply(self, request, status, reason, to_tag="", **options):
        """As phones reply, but with what the server saw of the sender, and always with a tag."""
        if status > 100 and not to_tag:
            to_tag = self.new_tag()
        message = super().reply(request, status, reason, to_tag, **options)
        if message.get("Contact"):
            message.set("Contact", self.here(sip.user_of(request.start.split(" ")[1])))
        seen = getattr(request, "seen", None)
        if seen and message.get("Via"):
            via = message.get("Via")
            host = re.match(r"\S+\s+(\[[^]]*\]|[^:;\s]+)", via)
            if re.search(r";\s*rport(?=[;,\s]|$)", via):
                via = re.sub(r";\s*rport(?=[;,\s]|$)", ";rport=%d" % seen[1], via, 1)
            if host and host.group(1).strip("[]") != seen[0] or "rport=" in via:
                first, comma, rest = via.partition(",")
                via = first + ";received=" + seen[0] + comma + rest
            message.set("Via", via)
        return message

    def respond(self, request, address, status, reason="", **options):
        reason, back = reason or REASONS.get(status, "Rejected"), self.back(request, address)
        super().respond(request, back, status, reason, **options)
        if status >= 300 and request.method == "INVITE" and self.spec["insists"] and back not in self.streams:
            self.unacked.add(key(request))
            self.spawn(self.insist(request, back))

    async def insist(self, request, back):
        """A refused call is refused again until that is acknowledged."""
        data = self.answered[request.branch, request.method, request.get("Call-ID")]
        for wait in (T1, 1.0, 2.0, 4.0):
            await asyncio.sleep(wait)
            if key(request) not in self.unacked:
                return
            self.send(data, back)
        self.unacked.discard(key(request))

    def back(self, request, address):
        """Where replies go (RFC 3261, 18.2.2; RFC 3581)."""
        via = request.get("Via")
        if address in self.streams or self.spec["force_rport"] or re.search(r";\s*rport", via):
            return address
        port = re.match(r"\S+\s+(?:\[[^]]*\]|[^:;\s]+):(\d{1,5})", via)
        return (address[0], int(port.group(1)) if port and 0 < int(port.group(1)) < 65536 else 5060)

    # -- requests ---------------------------------------------------------------------------------------

    def on_request(self, request, address):
        request.seen = address
        wrong = fault(request)
        if wrong:
            if request.method != "ACK" and self.spec["answers_broken"] and request.get("Via"):
                self.respond(request, address, 400, wrong)
            return
        again = request.branch, request.method, request.get("Call-ID")
        if again in self.answered and request.method != "ACK":
            self.send(self.answered[again], self.back(request, address))
            return
        if again in self.begun and request.method != "ACK":
            return  # it is being worked on
        self.begun.add(again)
        self.unacked.discard(key(request)) if request.method == "ACK" else None
        leg = self.legs.get(request.get("Call-ID"))
        if request.method == "CANCEL":
            self.on_cancel(request, address)
        elif sip.tag_of(request.get("To")):
            if leg is None or not leg.fits(request) or leg.ended:
                if request.method != "ACK":
                    self.respond(request, address, 481)
            else:
                leg.call.inside(leg, request, address)
        elif request.method != "ACK":
            handler = getattr(self, "on_" + request.method.lower(), None)
            if request.method in OUTSIDE and handler:
                handler(request, address)
            else:
                self.respond(request, address, *self.spec["no_method"])

    def on_cancel(self, request, address):
        call = self.calls.get(key(request))
        if call is None or call.caller.confirmed:
            self.respond(request, address, 481)
        else:
            self.respond(request, address, 200, "OK", to_tag=call.tag)
            call.cancel(key(request))

    def on_options(self, request, address):
        user = sip.user_of(request.start.split(" ")[1])
        if self.spec["options"] == "known" and user and user not in self.accounts:
            self.respond(request, address, self.spec["unknown"])
        else:
            self.respond(request, address, 200, "OK")

    def refuse(self, request, address, status):
        self.respond(request, address, status)

    # -- passwords --------------------------------------------------------------------------------------

    def challenge(self, request, address, status, stale=False):
        nonce = alnum(self.rng, 24).lower()
        self.nonces[nonce] = time.time()
        value = 'Digest realm="%s", nonce="%s"' % (self.spec["realm"], nonce)
        value += ', algorithm=MD5' * self.spec["names_algorithm"] + ', qop="auth"' * self.spec["qop"]
        value += ", stale=true" * stale
        name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
        self.respond(request, address, status, extra=[(name, value)])

    def admitted(self, request, address, user, status):
        """Whether the request proves to come from that account; if not, it has been answered. An unknown account
        is asked like a known one."""
        value = request.get("Authorization" if status == 401 else "Proxy-Authorization")
        if not value.lower().startswith("digest"):
            self.challenge(request, address, status)
            return False
        fields = sip.digest_fields(value)
        made, nonce = self.nonces.get(fields.get("nonce")), fields.get("nonce", "")
        if made is None or time.time() - made > self.spec["nonce_expire"]:
            self.challenge(request, address, status, stale=made is not None)
            return False
        if fields.get("qop"):
            nonce += ":%s:%s:%s" % tuple(fields.get(name, "") for name in ("nc", "cnonce", "qop"))
        right = sip.response(
            user,
            self.spec["realm"],
            self.world.password(user),
            request.method,
            fields.get("uri", ""),
            nonce,
        )
        if user in self.accounts and fields.get("username") == user and fields.get("response") == right:
            return True
        if self.spec["wrong_password"] == 401:
            self.challenge(request, address, status)
        else:
            self.respond(request, address, 403)
        return False

    def known_caller(self, request, address):
        """The account that a call, message or subscription is from, `` for one that needs none, or None."""
        local = sip.uri_of(request.get("From"))
        user = sip.user_of(local)
        host = re.sub(r"^sips?:(?:[^@]*@)?|[;?].*|:\d+$", "", local).strip("[]")
        foreign = host not in (self.world.domain, self.ip)
        if address[0] in self.spec["trusted"] or not self.spec["challenge_invite"]:
            return user
        if foreign and self.spec["open_inbound"]:
            return ""
        return user if self.admitted(request, address, user, self.spec["challenge_status"]) else None

    # -- registrations ----------------------------------------------------------------------------------

    def on_register(self, request, address):
        user = sip.user_of(sip.uri_of(request.get("To")))
        if user not in self.accounts and self.spec["unknown_register"] != 401:
            self.refuse(request, address, self.spec["unknown_register"])
        elif self.admitted(request, address, user, 401):
            self.bind(request, address, user)

    def bind(self, request, address, user):
        bound = [b for b in self.bindings.get(user, []) if b.until > time.time()]
        fresh = []
        for value in pbx_calls.split(request.all("Contact")):
            given = re.search(r"(?i);\s*expires=(\d+)", value) or re.match(r"(\d+)", request.get("Expires"))
            seconds = min(int(given.group(1)) if given else 3600, self.spec["max_expires"])
            if 0 < seconds < self.spec["min_expires"]:
                least = [("Min-Expires", str(self.spec["min_expires"]))]
                self.respond(request, address, 423, extra=least)
                return
            uri = "*" if value.strip() == "*" else sip.uri_of(value)
            if uri != "*" and not PLAIN_URI.match(uri):
                self.respond(request, address, 400, "Bad Contact")
                return
            if seconds == 0:
                bound = [] if uri == "*" else [b for b in bound if b.uri != uri]
                continue
            known = next((b for b in bound if b.uri == uri), None)
            if known is None:
                fresh.append(Binding(uri, address, time.time() + seconds, key(request)))
            else:
                known.address, known.until = address, time.time() + seconds
        bound = (bound + fresh)[-self.spec["max_contacts"] :]
        self.bindings[user] = bound
        contacts = [("Contact", "<%s>;expires=%d" % (b.uri, max(1, b.until - time.time()))) for b in bound]
        dated = [("Date", sip.http_date())] * self.spec["dates"]
        self.respond(request, address, 200, "OK", extra=contacts + dated)
        for binding in fresh:
            self.spawn(self.welcome(user, binding))

    def reachable(self, user):
        """Bindings that calls go to."""
        return [b for b in self.bindings.get(user, []) if b.until > time.time() and b.answers]

    async def welcome(self, user, binding):
        """A new binding is asked whether it lives, and told what is in the mailbox."""
        await asyncio.sleep(self.rng.uniform(0.01, 0.2))
        if self.spec["qualify"]:
            await self.ping(binding)
        if user in self.mailboxes:
            await self.lamp(user, binding, binding.cause)

    async def ping(self, binding):
        binding.due = time.time() + self.spec["qualify"] * self.rng.uniform(0.9, 1.1)
        message = self.outside("OPTIONS", binding, ("", "sip:%s@%s" % (self.spec["pinger"], self.domain)))
        reply = await self.ask(message, binding.address, binding.cause, timeout=self.spec["patience"])
        binding.answers = reply is not None

    async def qualify(self):
        """Every few seconds the PBX asks every phone, reached or not, whether it lives."""
        while True:
            await asyncio.sleep(0.25)
            now = time.time()
            for user, bound in list(self.bindings.items()):
                self.bindings[user] = [b for b in bound if b.until > now]
                for binding in self.bindings[user]:
                    if self.spec["qualify"] and binding.due < now:
                        binding.due = now + self.spec["qualify"]
                        self.spawn(self.ping(binding))

    # -- mailboxes --------------------------------------------------------------------------------------

    def summary(self, user):
        new = self.mailboxes.get(user, 0)
        lines = ["Messages-Waiting: " + ("yes" if new else "no")]
        lines += ["Message-Account: sip:%s@%s" % (self.spec["voicemail"], self.domain)] * self.spec["account"]
        return ("\r\n".join(lines + ["Voice-Message: %d/%d (0/0)" % (new, 2 * new), ""])).encode()

    async def lamp(self, user, binding, cause=None):
        """The NOTIFY that switches a phone's lamp, unasked as most PBXs send it."""
        extra = [("Event", "message-summary"), ("Subscription-State", self.spec["unasked_state"])]
        message = self.outside(
            "NOTIFY",
            binding,
            ("", "sip:%s@%s" % (self.spec["voicemail"], self.domain)),
            body=self.summary(user),
            content_type=MESSAGE_BODY,
            extra=extra,
        )
        await self.ask(message, binding.address, cause, timeout=4)

    def left_message(self, user, cause):
        self.mailboxes[user] = self.mailboxes.get(user, 0) + 1
        for binding in self.reachable(user):
            self.spawn(self.lamp(user, binding, cause))

    # -- the rest ---------------------------------------------------------------------------------------

    def on_invite(self, request, address):
        user = self.known_caller(request, address)
        if user is None:
            return
        if len(self.calls) >= self.spec["max_calls"]:
            self.respond(request, address, self.spec["too_many"])
            return
        call = pbx_calls.Call(self, request, address, user)
        self.spawn(call.run())

    def on_message(self, request, address):
        user = self.known_caller(request, address)
        if user is not None:
            self.spawn(self.pass_on(request, address))

    async def pass_on(self, request, address):
        """A text goes to every phone of the callee as a request of the PBX's own."""
        to = sip.user_of(request.start.split(" ")[1])
        if to not in self.accounts:
            self.respond(request, address, self.spec["unknown"])
            return
        local = pbx_calls.party(request)
        local = local[0], "sip:%s@%s" % (sip.user_of(local[1]), self.domain)
        sent = [
            self.ask(
                self.outside(
                    "MESSAGE", b, local, body=request.body, content_type=request.get("Content-Type")
                ),
                b.address,
                key(request),
                timeout=5,
            )
            for b in self.reachable(to)
        ]
        if self.spec["stores"] and not sent:
            self.respond(request, address, 202, "Accepted")
        elif self.spec["stores"] and self.spec["hasty"]:
            self.respond(request, address, 202, "Accepted")
            await asyncio.gather(*sent)
        else:
            replies = [r for r in await asyncio.gather(*sent) if r]
            best = min((r.status for r in replies), default=self.spec["offline"])
            self.respond(request, address, best, "OK" if best == 200 else "")

    def on_subscribe(self, request, address):
        event = request.get("Event").split(";")[0].strip()
        user = self.known_caller(request, address)
        if user is None:
            return
        if event not in self.spec["events"]:
            self.respond(request, address, 489)
            return
        tag, given = self.new_tag(), re.match(r"\d+", request.get("Expires"))
        seconds = min(int(given.group()) if given else 3600, 3600)
        self.respond(request, address, 200, "OK", to_tag=tag, extra=[("Expires", str(seconds))])
        leg = Leg.answering(self, request, address, tag)
        self.spawn(self.tell_watcher(leg, request, event, user, seconds))

    async def tell_watcher(self, leg, request, event, user, seconds):
        watched = sip.user_of(request.start.split(" ")[1]) or user
        body, kind = self.summary(watched), MESSAGE_BODY
        if event != "message-summary":
            kind = "application/pidf+xml" if event == "presence" else "application/dialog-info+xml"
            state = "open" if self.reachable(watched) else "closed"
            body = (
                '<?xml version="1.0"?>\n<state entity="sip:%s@%s">%s</state>' % (watched, self.domain, state)
            ).encode("utf-8", "surrogateescape")
        state = "active;expires=%d" % seconds if seconds else "terminated;reason=timeout"
        notify = leg.request("NOTIFY", body, kind, extra=[("Event", event), ("Subscription-State", state)])
        await self.ask(notify, leg.address, key(request), timeout=4)

    def on_publish(self, request, address):
        if self.known_caller(request, address) is None:
            return
        if request.get("Event").split(";")[0].strip() in self.spec["events"]:
            extra = [("SIP-ETag", alnum(self.rng, 8)), ("Expires", "60")]
            self.respond(request, address, 200, "OK", extra=extra)
        else:
            self.respond(request, address, 489)


OUTSIDE = ("INVITE", "REGISTER", "OPTIONS", "MESSAGE", "SUBSCRIBE", "PUBLISH")


def key(message):
    """What names a transaction here and in label.py."""
    return message.get("Call-ID"), message.branch


def fault(request):
    """Why a request cannot be answered as it is meant, or None."""
    for name in NEEDED:
        if not request.get(name):
            return "Missing %s Header" % name
    cseq = request.get("CSeq").split()
    if len(cseq) != 2 or not cseq[0].isdigit() or len(cseq[0]) > 10 or cseq[1] != request.method:
        return "Bad CSeq"
    if not re.match(r"[A-Za-z.!%*_+`'~-]+ \S+ SIP/2\.0$", request.start):
        return "Bad Request Line"
    if not request.branch and not request.get("Via").startswith("SIP/2.0/"):
        return "Bad Via"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("spec", help="JSON file that servers.py wrote")
    args = parser.parse_args()
    with open(args.spec) as f:
        spec = json.load(f)
    asyncio.run(Pbx(spec).serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
