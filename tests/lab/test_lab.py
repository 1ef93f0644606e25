#!/usr/bin/python3
"""Tests of the lab: the labeller on captures made here, the message builder, mutations, plans.
Relies on: tools/lab, the standard library.
Relied on by: tests/lab/CMakeLists.txt.
"""
import json
import os
import random
import struct
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
LAB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "lab")
sys.path.insert(0, LAB)

import frames  # noqa: E402
import label  # noqa: E402
import mutations  # noqa: E402
import plan  # noqa: E402
import sip  # noqa: E402
import styles  # noqa: E402
from useragent import Agent, World  # noqa: E402

SERVER, PHONE, ATTACKER = ("10.0.0.1", 5060), ("10.0.0.2", 5060), ("10.0.0.9", 5071)


def ipv4(source, destination, protocol, payload, ident=1, flags=0):
    def raw(ip):
        return bytes(int(x) for x in ip.split("."))

    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), ident, flags, 64, protocol, 0)
    return head + raw(source) + raw(destination) + payload


def ethernet(packet, kind=0x0800, tags=b""):
    return b"\x02" * 12 + tags + struct.pack(">H", kind) + packet


def udp(source, destination, data, ident=1):
    segment = struct.pack(">HHHH", source[1], destination[1], 8 + len(data), 0) + data
    return ethernet(ipv4(source[0], destination[0], 17, segment, ident))


def request(method, user, call_id, branch, vias=(), cseq=1, to_tag="", extra=""):
    lines = ["%s sip:%s@10.0.0.1 SIP/2.0" % (method, user), "Via: SIP/2.0/UDP x;branch=%s" % branch]
    lines += ["Via: SIP/2.0/UDP x;branch=%s" % v for v in vias]
    lines += ["From: <sip:%s@10.0.0.1>;tag=a" % user, "To: <sip:%s@10.0.0.1>%s" % (user, to_tag)]
    lines += ["Call-ID: " + call_id, "CSeq: %d %s" % (cseq, method)]
    return ("\r\n".join(lines) + extra + "\r\n\r\n").encode()


def reply(status, data):
    lines = data.decode().split("\r\n")
    return "\r\n".join(["SIP/2.0 %d X" % status] + lines[1:]).encode()


class Capture:
    """A pcap file in the making; labels come back by frame number."""

    def __init__(self, directory):
        self.directory, self.frames, self.now = directory, [], 1000.0
        self.servers, self.legs = [], []

    def add(self, frame, wait=0.05):
        self.now += wait
        self.frames.append((self.now, frame))
        return len(self.frames)

    def labels(self, runs):
        base = os.path.join(self.directory, "t")
        with open(base + ".pcap", "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
            for time, frame in self.frames:
                whole = int(time)
                f.write(
                    struct.pack("<IIII", whole, int((time - whole) * 1e9), len(frame), len(frame)) + frame
                )
        with open(base + ".json", "w") as f:
            json.dump({"runs": runs, "servers": self.servers, "legs": base + ".legs"}, f)
        with open(base + ".legs", "w") as f:
            f.writelines(json.dumps(leg) + "\n" for leg in self.legs)
        sys.argv = ["label.py", base + ".pcap", base + ".json", base]
        stdout, sys.stdout = sys.stdout, open(os.devnull, "w")
        try:
            status = label.main()
        finally:
            sys.stdout.close()
            sys.stdout = stdout
        assert status == 0
        with open(base + ".labels.tsv") as f:
            rows = [line.rstrip("\n").split("\t") for line in f][1:]
        with open(base + ".runs.tsv") as f:
            self.runs = [line.rstrip("\n").split("\t") for line in f][1:]
        return {int(r[0]): tuple(r[2:]) for r in rows}


def run(cls, tool="raw", number=1, **settings):
    return {
        "run": number,
        "class": cls,
        "tool": tool,
        "settings": settings,
        "sockets": [list(ATTACKER)],
        "sent_log": "",
        "launched": 999.0,
        "ended": 1100.0,
    }


class Labels(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.capture = Capture(self.directory.name)

    def tearDown(self):
        self.directory.cleanup()

    def exchange(self, number, method="REGISTER", user=None, status=404):
        """A request of the attacker with its reply; the two frame numbers."""
        data = request(method, user or "u%d" % number, "c%d" % number, "z9hG4bK%d" % number)
        return self.capture.add(udp(ATTACKER, SERVER, data, number)), self.capture.add(
            udp(SERVER, ATTACKER, reply(status, data), number), 0.001
        )

    def test_onset_request_and_reply(self):
        frames = [self.exchange(i) for i in range(40)]
        rows = self.capture.labels([run("enumeration")])
        for i, (asked, answered) in enumerate(frames):
            part = ("onset", "onset") if i < 5 else ("request", "reply")
            self.assertEqual((rows[asked][3], rows[answered][3]), part)
            self.assertEqual(rows[asked][:3], ("enumeration", "flood", "1"))  # 20 a second that never succeed
        self.assertEqual(self.capture.runs[0][:3], ["1", "enumeration", "raw"])
        self.assertEqual(self.capture.runs[0][6], "10.0.0.9")

    def test_run_below_its_description_is_ignored(self):
        frames = [self.exchange(i) for i in range(4)]
        rows = self.capture.labels([run("enumeration")])
        for pair in frames:
            for frame in pair:
                self.assertEqual(rows[frame][0], "ignore")
                self.assertEqual(rows[frame][2], "0")
        self.assertEqual(self.capture.runs, [])

    def test_successes_are_no_enumeration(self):
        for i in range(20):
            self.exchange(i, status=200)
        rows = self.capture.labels([run("enumeration")])
        self.assertEqual({r[0] for r in rows.values()}, {"ignore"})

    def test_onset_of_a_request_that_is_repeated(self):
        data = request("REGISTER", "u", "same", "z9hG4bKsame")
        frames = []
        for i in range(30):
            self.capture.add(udp(ATTACKER, SERVER, data, 100 + i))
            frames.append(self.capture.add(udp(SERVER, ATTACKER, reply(404, data), 100 + i), 0.001))
        rows = self.capture.labels([run("flood")])
        self.assertEqual([rows[f][3] for f in frames], ["onset"] * 5 + ["reply"] * 25)

    def test_relayed_leg_is_context(self):
        for i in range(5):
            self.exchange(i, "INVITE", status=407)
        relayed = self.capture.add(
            udp(SERVER, PHONE, request("INVITE", "u0", "c0", "z9hG4bKproxy", ["z9hG4bK0"]))
        )
        answer = self.capture.add(
            udp(PHONE, SERVER, reply(180, request("INVITE", "u0", "c0", "z9hG4bKproxy", ["z9hG4bK0"])))
        )
        rows = self.capture.labels([run("enumeration")])
        for frame in (relayed, answer):
            self.assertEqual(rows[frame], ("ignore", "", "1", "relay"))

    def test_forged_bye_leaves_the_honest_call_benign(self):
        invite = request("INVITE", "200", "honest", "z9hG4bKh1")
        before = self.capture.add(udp(PHONE, SERVER, invite))
        forged = request("BYE", "200", "honest", "z9hG4bKf", cseq=2, to_tag=";tag=b")
        attack = self.capture.add(udp(ATTACKER, SERVER, forged))
        passed_on = self.capture.add(
            udp(SERVER, PHONE, request("BYE", "200", "honest", "z9hG4bKp", ["z9hG4bKf"], 2, ";tag=b"))
        )
        after = self.capture.add(
            udp(PHONE, SERVER, request("BYE", "200", "honest", "z9hG4bKh2", cseq=3, to_tag=";tag=b"))
        )
        rows = self.capture.labels([run("teardown", kind="bye")])
        self.assertEqual(rows[before][0], "benign")
        self.assertEqual(rows[attack], ("teardown", "", "1", "request"))
        self.assertEqual(rows[passed_on][3], "relay")
        self.assertEqual(rows[after][0], "benign")

    def test_honest_messages_of_the_same_address_are_benign(self):
        for i in range(8):
            self.exchange(i)
        honest = self.capture.add(
            udp((ATTACKER[0], 5060), SERVER, request("OPTIONS", "1", "other", "z9hG4bKo"))
        )
        rows = self.capture.labels([run("enumeration")])
        self.assertEqual(rows[honest][0], "benign")

    def test_every_message_has_one_row_and_nothing_else_has(self):
        data = request("OPTIONS", "1", "m", "z9hG4bKm")
        first = self.capture.add(udp(PHONE, SERVER, data))
        self.capture.add(udp(PHONE, SERVER, data), 0.002)  # a mirror port's copy
        third = self.capture.add(udp(PHONE, SERVER, data), 0.002)  # one copy at most
        late = self.capture.add(udp(PHONE, SERVER, data), 0.5)
        self.capture.add(udp(PHONE, SERVER, b"\r\n\r\n"))
        self.capture.add(
            ethernet(ipv4(SERVER[0], PHONE[0], 1, b"\x03\x03\0\0\0\0\0\0" + udp(PHONE, SERVER, data)[14:]))
        )
        tagged = self.capture.add(ethernet(udp(PHONE, SERVER, data, 7)[14:], tags=b"\x81\x00\x00\x05"))
        rows = self.capture.labels([])
        self.assertEqual(sorted(rows), [first, third, late, tagged])

    def test_fragments_in_any_order(self):
        done = []
        for order, ident in (((0, 1), 9), ((1, 0), 10)):
            data = request("OPTIONS", "1", "f%d" % ident, "z9hG4bKf", extra="\r\nX: " + "y" * 2000)
            segment = struct.pack(">HHHH", 5060, 5060, 8 + len(data), 0) + data
            parts = [(segment[:1480], 0x2000), (segment[1480:], 185)]
            frames = [
                self.capture.add(ethernet(ipv4(PHONE[0], SERVER[0], 17, parts[k][0], ident, parts[k][1])))
                for k in order
            ]
            done.append(frames[-1])
        self.assertEqual(sorted(self.capture.labels([])), done)


class Messages(unittest.TestCase):
    def test_digest_of_rfc_2617(self):
        class Fixed(random.Random):
            def getrandbits(self, _):
                return 0x0A4F113B

        fields = {
            "realm": "testrealm@host.com",
            "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            "qop": "auth,auth-int",
        }
        value = sip.credentials(fields, "Mufasa", "Circle Of Life", "GET", "/dir/index.html", Fixed(), 1)
        self.assertIn('response="6629fae49393a05397450978507c4ef1"', value)

    def test_every_style_can_be_read_back(self):
        rng = random.Random(5)
        world = World(SERVER, "pbx.example.net", "salt", [])
        for _ in range(500):
            agent = Agent(world, rng, "10.0.0.2", 5060, "o'brien")
            sent = agent.opening("INVITE", "200", body=agent.offer())
            read = sip.parse(sip.render(sent, agent.style, rng))
            for name in ("Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards"):
                self.assertEqual(read.get(name), sent.get(name).strip())
            self.assertEqual(read.body, sent.body)
            self.assertEqual(int(read.get("Content-Length")), len(read.body))
            self.assertEqual(sip.user_of(sip.uri_of(read.get("From"))), "o'brien")

    def test_malformed_differs_and_keeps_its_shape(self):
        rng = random.Random(6)
        agent = Agent(World(SERVER, "10.0.0.1", "salt", []), rng, "10.0.0.2", 5060, "100")
        for kind in mutations.MALFORMED:
            changed = 0
            for _ in range(40):
                data = sip.render(agent.opening("INVITE", "200", body=agent.offer()), agent.style, rng)
                broken, _ = mutations.malformed(rng, data, [kind])
                self.assertTrue(mutations.has_sip_shape(broken))
                self.assertTrue(frames.has_shape(broken))
                changed += broken != data
            self.assertEqual(changed, 40, kind)

    def test_injection_stays_well_formed(self):
        rng = random.Random(7)
        for field in mutations.FIELDS:
            for kind, make in mutations.INJECTIONS.items():
                agent = Agent(World(SERVER, "10.0.0.1", "salt", []), rng, "10.0.0.2", 5060, "100")
                message = mutations.inject(
                    agent.opening("INVITE", "200", body=agent.offer()), make(rng), field
                )
                read = sip.parse(sip.render(message, agent.style, rng))
                self.assertEqual(len(read.start.split(" ")), 3, (field, kind))
                self.assertTrue(all(n and v for n, v in read.headers), (field, kind))


class Plans(unittest.TestCase):
    def session(self, name):
        with open(os.path.join(LAB, "sessions", name)) as f:
            return json.load(f)

    def test_same_seed_same_plan(self):
        for name in sorted(os.listdir(os.path.join(LAB, "sessions"))):
            one, two, other = (plan.expand(self.session(name), seed, "n", "/tmp") for seed in (3, 3, 4))
            self.assertEqual(json.dumps(one), json.dumps(two), name)
            self.assertNotEqual(json.dumps(one), json.dumps(other), name)

    def test_sockets_are_used_once(self):
        for seed in range(5):
            drawn = plan.expand(self.session("office-a.json"), seed, "n", "/tmp")
            sockets = [(r["ip"], r["port"]) for r in drawn["runs"]] + [
                tuple(s) for r in drawn["runs"] for s in r.get("sockets", [])
            ]
            sockets += [(a["ip"], a["port"]) for a in drawn["actors"] if a["kind"] != "storm"]
            self.assertEqual(len(sockets), len(set(sockets)))

    def test_errors_name_the_thing(self):
        for session, word in (
            ({"secnds": 3}, "secnds"),
            ({"attacks": [{"class": "flod"}]}, "flod"),
            ({"server": {"port": 1}}, "port"),
            ({"ip_version": 6, "attacks": [{"class": "bruteforce", "tool": "svcrack"}]}, "svcrack"),
        ):
            with self.assertRaisesRegex(plan.Error, word):
                plan.expand(session, 1, "n", "/tmp")

    def test_attackers_share_addresses_with_honest_clients(self):
        shared = 0
        for seed in range(6):
            drawn = plan.expand(self.session("office-a.json"), seed, "n", "/tmp")
            honest = {a["ip"] for a in drawn["actors"]}
            shared += sum(r["ip"] in honest for r in drawn["runs"])
        self.assertGreater(shared, 10)

    def test_pools_overlap(self):
        rng = random.Random(1)
        self.assertEqual({f[5] for f in styles.FAMILIES} - set(styles.TAG_FORMS), set())
        for form in styles.CALL_ID_FORMS:
            self.assertTrue(styles.make_call_id(rng, form, "10.0.0.1"))


if __name__ == "__main__":
    unittest.main()
