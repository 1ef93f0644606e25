#!/usr/bin/python3
"""Tests of the lab's phones and server on other authors' libraries, and of zzuf: calls over the loopback, commands, plans.
Relies on: tools/lab, the standard library; gcc and libsofia-sip-ua-dev, a JDK and libnist-sip-aosp-java, zzuf where
           they are installed: what needs one that is missing is skipped.
Relied on by: tests/lab/CMakeLists.txt.
"""
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "tools", "lab")]

import attack_plans  # noqa: E402
import console_attacker  # noqa: E402
import plan  # noqa: E402
import replay_attacker  # noqa: E402
import servers  # noqa: E402
import sip  # noqa: E402
import stacks  # noqa: E402
import test_attacks  # noqa: E402
import zzuf_attacker  # noqa: E402

HABITS = {"agent": "", "timer": 0, "reliable": False}
PATIENCE = 20  # seconds; a machine may be busy
SERVER = {"kind": "sofia", "challenge_invite": True, "challenge_status": 407, "unknown_register": 401, "offline": 480}
SERVER["open_inbound"] = True


def needs(name):
    """Skips a test where the program cannot be built."""
    tool = {"jain": "javac"}.get(name, "pkg-config")
    reason = stacks.missing(name) if shutil.which(tool) else tool + " is missing"
    return unittest.skipIf(reason, "%s: %s" % (name, reason))


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Phone:
    """One of the phones as a child process; `heard` waits for what it says."""

    def __init__(self, kind, user, server, directory, habits=HABITS):
        self.said = os.path.join(directory, user)
        self.at = 0
        self.port = free_port()
        command = stacks.phone(kind, "127.0.0.1", self.port, server, "127.0.0.1", 40000, habits)
        with open(self.said, "wb") as out, open(self.said + ".errors", "wb") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, stderr=errors, text=True
            )
        self.tell("as", user, sip.password_of(user, "s"), "A name")

    def tell(self, *fields):
        self.process.stdin.write("\t".join(fields) + "\n")
        self.process.stdin.flush()

    def heard(self, line):
        """Whether it says the line, beyond what was heard before."""
        deadline = time.time() + PATIENCE
        while time.time() < deadline:
            with open(self.said) as f:
                lines = f.read().split("\n")
            if line in lines[self.at :]:
                self.at = lines.index(line, self.at) + 1
                return True
            time.sleep(0.05)
        return False

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


@needs("sofia-pbx")
class Server(unittest.TestCase):
    """Phones register with the B2BUA on Sofia-SIP and call each other through it."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        session = {"users": 40, "phones": 8, "server": dict(SERVER, unknown=404, domain="127.0.0.1")}
        drawn = plan.expand(session, 4, "sofia", self.directory)["server"]
        self.port = free_port()
        self.spec = dict(drawn, **dict(drawn["pbx"], qualify=0), users=["101", "102", "103"], salt="s", weak=[])
        self.spec.update(ip="127.0.0.1", ports=[self.port], mailboxes={"101": 2}, realm="pbx")
        side = servers.Servers()
        side.work, side.legs = self.directory, os.path.join(self.directory, "legs")
        command = stacks.command("sofia-pbx") + [side.sofia_settings(self.spec)]
        self.server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.kill)
        deadline = time.time() + PATIENCE
        while not servers.Servers.listening(("127.0.0.1", self.port)) and time.time() < deadline:
            time.sleep(0.05)

    def phone(self, kind, user, **habits):
        phone = Phone(kind, user, ("127.0.0.1", self.port), self.directory, dict(HABITS, **habits))
        self.addCleanup(phone.close)
        phone.tell("register", "60")
        self.assertTrue(phone.heard("REGISTER 401"))
        self.assertTrue(phone.heard("REGISTER 200"))
        return phone

    def legs(self):
        with open(os.path.join(self.directory, "legs")) as f:
            return [json.loads(line) for line in f]

    def call(self, one, other):
        """A call from one to the other with all that phones do; the legs of it are noted."""
        one.tell("call", "sip:102@127.0.0.1")
        self.assertTrue(other.heard("incoming"))
        other.tell("answer")
        self.assertTrue(one.heard("talking"))
        time.sleep(0.3)
        one.tell("hold")
        self.assertTrue(one.heard("INVITE 200"))
        time.sleep(0.3)
        other.tell("hangup")
        self.assertTrue(one.heard("ended"))
        legs = self.legs()
        self.assertGreaterEqual(len(legs), 3)  # INVITE, the hold, BYE
        calls = {leg[0] for leg in legs}
        self.assertEqual(calls, {leg[2] for leg in legs})  # the BYE comes from the other side
        self.assertEqual(len(calls), 2)
        self.assertTrue(all(leg[1].startswith("z9hG4bK") and leg[3].startswith("z9hG4bK") for leg in legs))
        self.assertEqual(len({leg[3] for leg in legs}), len(legs))

    @needs("sofia")
    def test_phones_on_sofia(self):
        one, other = self.phone("sofia", "101"), self.phone("sofia", "102", timer=120, reliable=True)
        self.call(one, other)
        one.tell("message", "sip:102@127.0.0.1", "hello")
        self.assertTrue(one.heard("MESSAGE 200"))
        one.tell("call", "sip:999@127.0.0.1")
        self.assertTrue(one.heard("INVITE 404"))
        one.tell("call", "sip:103@127.0.0.1")
        self.assertTrue(one.heard("INVITE 480"))

    @needs("sofia")
    def test_what_attackers_write_into_a_call_id_does_not_harm_the_notes(self):
        self.phone("sofia", "102")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            lines = ["MESSAGE sip:102@127.0.0.1 SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bKx" % s.getsockname()[1]]
            lines += ["From: <sip:101@elsewhere>;tag=1", "To: <sip:102@127.0.0.1>", "CSeq: 1 MESSAGE"]
            lines += ['Call-ID: a"\\b{}', "Max-Forwards: 70", "Content-Type: text/plain", "Content-Length: 1", "", "x"]
            s.settimeout(PATIENCE)
            s.sendto("\r\n".join(lines).encode(), ("127.0.0.1", self.port))
            while b"SIP/2.0 200" not in s.recv(65535):
                pass
        self.assertEqual(self.legs()[0][:2], ['a"\\b{}', "z9hG4bKx"])

    @needs("sofia")
    @needs("jain")
    def test_a_phone_on_jain_calls_one_on_sofia(self):
        self.call(self.phone("jain", "101", timer=120, reliable=True), self.phone("sofia", "102"))

    @needs("sofia")
    def test_attacks(self):
        self.attacks(self.phone("sofia", "101"))

    @needs("jain")
    def test_attacks_of_jain(self):
        self.attacks(self.phone("jain", "101"))

    def attacks(self, phone):
        phone.tell("probe", "INVITE", "sip:102@127.0.0.1")
        self.assertTrue(phone.heard("INVITE 407"))
        phone.tell("forge", "BYE", "sip:102@127.0.0.1", "some@id", "7", "<sip:101@x>;tag=a1", "<sip:102@x>;tag=b2", "", "")
        self.assertTrue(phone.heard("BYE 481"))
        phone.tell("as", "102", "wrong", "")
        phone.tell("guess")
        self.assertTrue(phone.heard("REGISTER 401"))
        self.assertTrue(phone.heard("REGISTER 401"))


class Written(unittest.TestCase):
    """What the phones put on the wire, for honest people and for attackers, keeps the grammar."""

    def written(self, kind, *commands):
        """The requests that commands lead to, as a server receives them that never answers."""
        with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            s.settimeout(PATIENCE)
            phone = Phone(kind, "101", s.getsockname(), directory, dict(HABITS, timer=120, reliable=True))
            found = {}
            try:
                for command in commands:
                    phone.tell(*command)
                while len(found) < sum(c[0] != "as" for c in commands):
                    data = s.recv(65535)
                    if data.strip(b"\r\n\0"):
                        found.setdefault(data.split(b" ")[0], data)
            finally:
                phone.close()
        return found

    def check(self, kind):
        everything = [("register", "60"), ("call", "sip:102@127.0.0.1"), ("message", "sip:102@127.0.0.1", "hello")]
        everything += [("options", "sip:102@127.0.0.1"), ("subscribe", "sip:102@127.0.0.1", "presence")]
        everything += [("forge", "UPDATE", "sip:102@127.0.0.1", "some@id", "7", "<sip:1@x>;tag=a", "<sip:2@x>;tag=b")]
        for name in ([], ["Some Body"]):
            found = self.written(kind, ["as", "101", "secret"] + name, *everything)
            for method, data in found.items():
                self.assertTrue(replay_attacker.is_whole(data), data)
                data.decode("ascii")
                if method != b"UPDATE":
                    self.assertEqual(b'"Some Body" <sip:101@' in data, bool(name), data)
            self.assertIn(b"o=", found[b"UPDATE"])
            self.assertIn(b"Call-ID: some@id", found[b"UPDATE"])

    @needs("sofia")
    def test_sofia(self):
        self.check("sofia")

    @needs("jain")
    def test_jain(self):
        self.check("jain")


class Commands(unittest.TestCase):
    """What an attacker types, without a phone."""

    def typed(self, cls, **settings):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "typed")
            old, stacks.phone = stacks.phone, lambda *_: ["sh", "-c", "exec cat > " + path]
            try:
                s = {**HABITS, "rate": 400, "limit": 12, "talk": [0, 0.01], **settings}
                spec = dict(test_attacks.SPEC, program="sofia", callees=["100", "101"] * 8, accounts=["100", "101"], settings=s)
                spec.update({"class": cls})
                console = console_attacker.Console(spec)
                getattr(console, cls)()
                console.child.stdin.close()
                console.child.wait()
            finally:
                stacks.phone = old
            with open(path) as f:
                return [line.rstrip("\n").split("\t") for line in f]

    def test_each_class(self):
        lines = self.typed("flood", method="INVITE", victims="unknown")
        self.assertEqual([line[:2] for line in lines], [["probe", "INVITE"]] * 12)
        lines = self.typed("enumeration", method="REGISTER", victims="range", first=300)
        self.assertEqual([line[1] for line in lines if line[0] == "as"], [str(300 + i) for i in range(1, 13)])
        lines = self.typed("scan", hosts=["10.0.0.7", "10.0.0.8"], ports=[5060, 5061], methods=["OPTIONS"])
        self.assertEqual(len({line[2] for line in lines}), 4)
        lines = self.typed("bruteforce", passwords=["a", "b", "c"])
        self.assertEqual([line[2] for line in lines if line[0] == "as"], ["a", "b", "c"])
        self.assertEqual(sum(line == ["guess"] for line in lines), 3)
        lines = self.typed("hijack", kind="register")
        self.assertEqual([line[1] for line in lines if line[0] == "as"], ["100", "101"])
        lines = self.typed("spit", method="MESSAGE")
        self.assertEqual({line[2] for line in lines if line[0] == "message"}, {lines[0][2]})
        self.assertEqual(len(lines), 12)
        lines = self.typed("toll_fraud", kind="numbers")
        self.assertEqual([line[0] for line in lines], ["call", "hangup"] * 12)


class Plans(unittest.TestCase):
    def test_who_names_none_of_them_has_none(self):
        for cls in plan.CLASSES:
            for seed in range(6):
                attacks = [{"class": cls, "count": 12}]
                runs = plan.expand({"attacks": attacks, "spare": 90, "prefixes": 3}, seed, "x", "/tmp")["runs"]
                self.assertFalse({r["tool"] for r in runs} & set(attack_plans.NAMED))

    def test_habits_are_drawn_alike_for_both_sides(self):
        session = {"softphones": [{"kind": "sofia", "count": 20}], "users": 90, "spare": 90, "prefixes": 3}
        session["attacks"] = [{"class": "spit", "tool": "nua", "count": 20}]
        drawn = plan.expand(session, 1, "x", "/tmp")
        for habits in [e["habits"] for e in drawn["softphones"]], [r["settings"] for r in drawn["runs"]]:
            agents = [h["agent"] for h in habits]
            self.assertTrue(4 < agents.count("") < 18, agents)
            self.assertGreater(len({h["timer"] for h in habits}), 2)


@unittest.skipUnless(shutil.which("zzuf"), "zzuf is missing")
class Zzuf(unittest.TestCase):
    def test_it_breaks_all_but_the_first_line(self):
        rng = random.Random(3)
        attacker = zzuf_attacker.Zzuf.__new__(zzuf_attacker.Zzuf)
        attacker.rng, attacker.settings = rng, {"ratio": 0.0005}
        for _ in range(20):
            data = test_attacks.honest(rng)
            self.assertTrue(replay_attacker.is_whole(data))
            broken = attacker.broken(data)
            self.assertFalse(replay_attacker.is_whole(broken))
            self.assertEqual(broken.split(b"\r\n")[0], data.split(b"\r\n")[0])
        self.assertEqual(zzuf_attacker.fuzzed(data, 5, 0.01), zzuf_attacker.fuzzed(data, 5, 0.01))
        self.assertNotEqual(zzuf_attacker.fuzzed(data, 5, 0.01), zzuf_attacker.fuzzed(data, 6, 0.01))


if __name__ == "__main__":
    unittest.main()
