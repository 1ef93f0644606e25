#!/usr/bin/python3
"""Tests of the lab's attackers: what their builders write, what they hear, which tool draws what. No network, no root.
Relies on: tools/lab, test_lab.py (captures), the standard library.
Relied on by: tests/lab/CMakeLists.txt.
"""
import csv
import os
import random
import struct
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
LAB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "lab")
sys.path.insert(0, LAB)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import attack_plans  # noqa: E402
import attackers  # noqa: E402
import frames  # noqa: E402
import payloads  # noqa: E402
import plan  # noqa: E402
import replay_attacker  # noqa: E402
import script_attacker  # noqa: E402
import sip  # noqa: E402
import sipp_attacks  # noqa: E402
import sniffer  # noqa: E402
import spoof_attacker  # noqa: E402
import test_lab  # noqa: E402
from useragent import Agent, World  # noqa: E402

SERVER = ("10.0.0.1", 5060)
SPEC = {
    "run": 1,
    "class": "flood",
    "seed": 3,
    "ip": "127.0.0.1",
    "port": 0,
    "user": "100",
    "seconds": 1,
    "users": ["100", "101"],
    "world": {"server": list(SERVER), "domain": "10.0.0.1", "salt": "x", "weak": []},
    "settings": {"rate": 10},
}


def honest(rng, method="INVITE"):
    """A message of some honest phone, as bytes."""
    agent = Agent(World(SERVER, "10.0.0.1", "salt", []), rng, "10.0.0.2", 5060, "100")
    message = agent.opening(method, "200", body=agent.offer() if method == "INVITE" else b"")
    return sip.render(message, agent.style, rng)


def ethernet(packet):
    return b"\x02" * 12 + (b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd") + packet


class Script(unittest.TestCase):
    def setUp(self):
        self.open = []

    def tearDown(self):
        for script in self.open:
            for s in script.sockets:
                s.close()

    def script(self, seed):
        self.open.append(script_attacker.Script(dict(SPEC, seed=seed)))
        return self.open[-1]

    def test_every_template_can_be_read_back(self):
        for seed in range(40):
            script = self.script(seed)
            for method in ("INVITE", "MESSAGE", "SUBSCRIBE", "OPTIONS"):
                text, f = script.fill(method, "sip:101@10.0.0.1", **script.body_of(method))
                message = sip.parse(text.encode())
                self.assertEqual(message.get("Call-ID"), f["call_id"])
                self.assertEqual(int(message.get("Content-Length")), len(message.body))
                self.assertEqual(message.get("CSeq").split()[1], method)
                self.assertTrue(replay_attacker.is_whole(text.encode()), text)

    def test_a_challenge_is_answered_with_a_right_digest(self):
        script = self.script(1)
        sent = []
        script.send = lambda text, dest=None, at=0: sent.append(text)
        ask = script.ask("REGISTER", "sip:10.0.0.1", password="secret", user="100", to="sip:100@10.0.0.1")
        lines = [
            "SIP/2.0 401 Unauthorized",
            "Call-ID: " + ask["fields"]["call_id"],
            "CSeq: %d REGISTER" % ask["fields"]["cseq"],
        ]
        lines += ['WWW-Authenticate: Digest realm="r", nonce="n"', "To: <sip:100@10.0.0.1>;tag=s", "", ""]
        script.received("\r\n".join(lines).encode(), SERVER, 0)
        wanted = sip.credentials(
            {"realm": "r", "nonce": "n"}, "100", "secret", "REGISTER", "sip:10.0.0.1", random.Random(1)
        )
        self.assertIn(wanted.split("response=")[1][:34], sent[-1])
        script.received("\r\n".join(lines).encode(), SERVER, 0)  # the same reply again changes nothing
        self.assertEqual(len(sent), 2)

    def test_payloads_leave_the_grammar_whole(self):
        rng = random.Random(4)
        for seed in range(12):
            script = self.script(seed)
            for where in payloads.PLACES:
                for kind in payloads.KINDS:
                    text, _ = script.fill("INVITE", "sip:101@h", body=script.offer())
                    changed = payloads.place(rng, text, payloads.hostile(rng, [kind]), where)
                    message = sip.parse(changed.encode("utf-8", "surrogateescape"))
                    self.assertNotEqual(changed, text)
                    self.assertEqual(len(message.start.split(" ")), 3, (where, kind))
                    self.assertTrue(all(n and v for n, v in message.headers), (where, kind))
                    self.assertEqual(int(message.get("Content-Length")), len(message.body), (where, kind))

    def test_broken_differs_and_keeps_its_shape(self):
        rng = random.Random(5)
        script = self.script(2)
        for kind in payloads.BROKEN:
            for _ in range(30):
                text, _ = script.fill("INVITE", "sip:101@h", body=script.offer())
                data = payloads.broken(rng, text, [kind])
                self.assertNotEqual(data, text.encode())
                self.assertTrue(frames.has_shape(data), kind)


class Replay(unittest.TestCase):
    def test_honest_messages_are_whole(self):
        rng = random.Random(6)
        for _ in range(400):
            data = honest(rng, rng.choice(["INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE"]))
            self.assertTrue(replay_attacker.is_whole(data), data)

    def test_the_fuzzer_always_breaks_and_keeps_the_shape(self):
        rng = random.Random(7)
        fuzzer = replay_attacker.Fuzzer(rng)
        for _ in range(300):
            data = honest(rng)
            broken = fuzzer.broken(data, honest(rng, "OPTIONS"))
            self.assertFalse(replay_attacker.is_whole(broken))
            self.assertTrue(frames.has_shape(broken))

    def test_changes_reach_compact_and_folded_headers(self):
        data = b"INVITE sip:a@b SIP/2.0\r\nv: x\r\nt: <sip:a@b>,\r\n  c\r\ni: 1\r\nCSeq: 4 INVITE\r\n\r\n"
        data = replay_attacker.change(data, "To", lambda v: b"<sip:z@b>")
        data = replay_attacker.as_method(data, "BYE", 9)
        self.assertEqual(data, b"BYE sip:a@b SIP/2.0\r\nv: x\r\nt: <sip:z@b>\r\ni: 1\r\nCSeq: 9 BYE\r\n\r\n")
        self.assertNotIn(b"i: 1", replay_attacker.drop(data, b"Call-ID|i"))


class Spoof(unittest.TestCase):
    def test_packets_are_read_back_with_good_checksums(self):
        for source, destination in (
            (("198.51.100.9", 5071), SERVER),
            (("2001:db8::9", 5071), ("2001:db8::1", 5060)),
        ):
            for data in (b"OPTIONS sip:a@b SIP/2.0\r\n\r\n", b"OPTIONS sip:a@bc SIP/2.0\r\n\r\n"):
                packet = spoof_attacker.packet(source, destination, data, 7, 64)
                self.assertEqual(sniffer.udp(ethernet(packet)), (source, destination, data))
                header = 20 if packet[0] >> 4 == 4 else 40
                addresses = packet[12:20] if header == 20 else packet[8:40]
                length = len(packet) - header
                cover = addresses + struct.pack(
                    ">HH" if header == 20 else ">II", *((17, length) if header == 20 else (length, 17))
                )
                self.assertEqual(
                    spoof_attacker.checksum(cover + packet[header:]), 0xFFFF
                )  # zero, as it is sent


class Sniffing(unittest.TestCase):
    def frame(self, source, destination, data):
        return ethernet(spoof_attacker.packet(source, destination, data, 1, 64))

    def test_a_growing_capture_gives_each_call_once(self):
        phone, rng = ("10.0.0.2", 5060), random.Random(8)
        invite = honest(rng)
        message = sip.parse(invite)
        head = ["Via: " + message.get("Via"), "From: " + message.get("From"), "To: <sip:200@10.0.0.1>;tag=t"]
        head += [
            "Call-ID: " + message.get("Call-ID"),
            "CSeq: " + message.get("CSeq"),
            "Contact: <sip:200@10.0.0.7:5080>",
            "",
            "",
        ]
        ringing, answer = (
            ("SIP/2.0 %s\r\n" % s + "\r\n".join(head)).encode() for s in ("180 Ringing", "200 OK")
        )
        parts = [(phone, SERVER, invite), (SERVER, phone, ringing), (SERVER, phone, answer)]
        with tempfile.NamedTemporaryFile() as f:
            f.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
            f.flush()
            wire = sniffer.Wire(f.name, SERVER)
            self.addCleanup(wire.sniffer.file.close)
            seen = []
            for source, destination, data in parts:
                frame = self.frame(source, destination, data)
                record = struct.pack("<IIII", 1, 1, len(frame), len(frame)) + frame
                for piece in (record[:50], record[50:]):  # a record that is not whole yet
                    f.write(piece)
                    f.flush()
                    wire.look()
                seen.append((len(wire.early()), len(wire.confirmed())))
            self.assertEqual(seen, [(0, 0), (1, 0), (0, 1)])
            call = wire.confirmed()[0]
            self.assertEqual((call.caller, call.callee_uri), (phone, "sip:200@10.0.0.7:5080"))
            self.assertEqual(wire.requests, [invite])


class Tools(unittest.TestCase):
    SESSION = {"seconds": 120, "server": {"challenge_invite": True, "unknown": 404, "unknown_register": 404}}

    def draw(self, seed=1, **session):
        return plan.expand({**self.SESSION, **session}, seed, "n", "/tmp")

    def test_every_class_has_three_builders_over_both_versions(self):
        for cls in plan.CLASSES:
            for version in (4, 6):
                planner = plan.Planner(
                    {**plan.DEFAULTS, **self.SESSION, "ip_version": version}, 1, "n", "/tmp"
                )
                planner.plan()
                self.assertGreaterEqual(len(planner.tools_for(cls)), 3, (cls, version))

    def test_every_tool_has_a_launcher_and_draws_a_plan(self):
        for cls, tools in attack_plans.TOOLS.items():
            for tool in tools.split():
                self.assertTrue(hasattr(attackers.Attackers, "launch_" + tool), tool)
                for challenged in (True, False):
                    server = dict(self.SESSION["server"], challenge_invite=challenged)
                    if (cls, tool, challenged) == ("spit", "shell", True):
                        continue  # it knows no digest
                    for seed in range(4):
                        run = self.draw(seed, server=server, attacks=[{"class": cls, "tool": tool}])["runs"][
                            0
                        ]
                        self.assertEqual((run["class"], run["tool"]), (cls, tool))
                        self.assertLessEqual(run["seconds"], 60)

    def test_tools_take_turns(self):
        runs = self.draw(attacks=[{"class": "flood", "count": 14}], spare=80, prefixes=3)["runs"]
        self.assertEqual({r["tool"] for r in runs}, set(attack_plans.TOOLS["flood"].split()) - set(attack_plans.NAMED))
        runs = self.draw(attacks=[{"class": "flood", "count": 6, "tool": ["raw", "spoof"]}])["runs"]
        self.assertEqual({r["tool"] for r in runs}, {"raw", "spoof"})

    def test_ten_thousand_sources(self):
        for version in (4, 6):
            attack = {"class": "distributed_flood", "tool": "spoof", "sources": 10000}
            run = self.draw(attacks=[attack], ip_version=version)["runs"][0]
            self.assertEqual(len({ip for ip, _ in run["sockets"]}), 10000)
            if version == 4:
                self.assertLess(len(",".join(ip for ip, _ in run["sockets"])), csv.field_size_limit())

    def test_a_session_bounds_the_messages_of_a_run(self):
        runs = self.draw(attacks=[{"class": "flood", "count": 8}], most=90, spare=80, prefixes=3)["runs"]
        self.assertTrue(all(r["settings"].get("limit", r["settings"].get("calls")) <= 90 for r in runs))

    def test_health_checks_of_unknown_tools_are_refused(self):
        with self.assertRaisesRegex(plan.Error, "nosuch"):
            self.draw(health=[{"tool": "nosuch"}])

    def test_sipp_scenarios_take_what_a_row_can_hold(self):
        rng = random.Random(9)
        for family in ("plain", "gateway", "soft"):
            writer = sipp_attacks.Writer(family, rng, "10.0.0.1", True)
            for where in sipp_attacks.INJECTED:
                text = writer.injection("INVITE", where)
                self.assertEqual(text.count("[field3]"), 1, (family, where))
                payload = writer.payload(rng, where, None)
                self.assertFalse(set(payload) & set(";[\r\n"))
            for method in ("BYE", "INVITE", "REFER"):
                self.assertIn("[d_call]", writer.forged(method, True, method == "REFER", method == "INVITE"))

    def test_the_shell_refuses_what_it_cannot_send(self):
        result = subprocess.run(
            ["bash", os.path.join(LAB, "shell_attacker.sh"), "10.0.0.1"], capture_output=True, text=True
        )
        self.assertEqual(result.returncode, 2)
        self.assertIn("usage:", result.stderr)


class Also(unittest.TestCase):
    """Which further classes a run is given."""

    def labels(self, digests, cls, ends):
        with tempfile.TemporaryDirectory() as directory:
            capture = test_lab.Capture(directory)
            for i in range(20):
                extra = '\r\nAuthorization: Digest username="100"' if i < digests else ""
                data = test_lab.request("REGISTER", "100", "c%d" % i, "z9hG4bK%d" % i, extra=extra)
                capture.add(test_lab.udp(test_lab.ATTACKER, test_lab.SERVER, data, i), 4)
                status = 401 if i < digests else ends
                answer = test_lab.udp(test_lab.SERVER, test_lab.ATTACKER, test_lab.reply(status, data), i)
                capture.add(answer, 0.01)
            run = dict(test_lab.run(cls), ended=2000.0)
            rows = capture.labels([run])
            return {row[1] for row in rows.values()}

    def test_a_few_digests_among_payloads_are_no_guessing(self):
        self.assertEqual(self.labels(5, "injection", 404), {""})
        self.assertEqual(self.labels(12, "injection", 404), {"bruteforce"})

    def test_a_challenge_that_is_answered_is_no_failure(self):
        with tempfile.TemporaryDirectory() as directory:
            capture = test_lab.Capture(directory)
            for i in range(70):  # MESSAGEs in a minute, each challenged and then delivered
                for cseq, status in ((1, 407), (2, 200)):
                    data = test_lab.request(
                        "MESSAGE", "1%02d" % (i % 4), "c%d" % i, "z9hG4bK%d-%d" % (i, cseq), cseq=cseq
                    )
                    capture.add(test_lab.udp(test_lab.ATTACKER, test_lab.SERVER, data, 2 * i + cseq), 0.3)
                    answer = test_lab.reply(status, data)
                    capture.add(test_lab.udp(test_lab.SERVER, test_lab.ATTACKER, answer, 2 * i + cseq), 0.01)
            rows = capture.labels([test_lab.run("flood")])
            self.assertEqual({row[0] for row in rows.values()}, {"ignore"})


if __name__ == "__main__":
    unittest.main()
