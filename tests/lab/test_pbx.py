#!/usr/bin/python3
"""Tests of the lab's servers that make calls of their own: the PBX over the loopback, labels of its legs, plans.
Relies on: tools/lab, test_lab.py (captures made here), the standard library.
Relied on by: tests/lab/CMakeLists.txt.
"""
import asyncio
import json
import os
import random
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from test_lab import ATTACKER, LAB, PHONE, SERVER, Capture, reply, request, run, udp  # noqa: E402

import pbx  # noqa: E402
import plan  # noqa: E402
import sip  # noqa: E402
import sippy_pbx  # noqa: E402
from useragent import Agent, World  # noqa: E402

SPEC = {
    "kind": "pbx",
    "challenge_invite": True,
    "challenge_status": 401,
    "unknown_register": 401,
    "pbx": {
        "qualify": 0,
        "mailboxes": {"101": 2, "105": 0},
        "media": "through",
        "answers_for": True,
        "ring": 6,
        "odd_cseq": False,
        "hands_on": True,
        "moh": True,
        "tells_unknown": False,
        "options": "known",
        "insists": False,
        "stores": False,
    },
}


def specification(directory, **more):
    """What a plan draws for a PBX, at a free port of the loopback."""
    session = {"users": 40, "phones": 8, "attacks": [], "server": {**SPEC, "unknown": 404, "offline": 480}}
    drawn = plan.expand(session, 4, "pbx", directory)["server"]
    users = ["101", "102", "103", "104", "105"]
    spec = dict(drawn, **drawn["pbx"], users=users, weak=[], salt="s", seed=3, domain="127.0.0.1")
    spec.update(ip="127.0.0.1", address=["127.0.0.1", 0], queues={"104": ["102", "103"]}, **more)
    return dict(spec, legs=os.path.join(directory, "legs"), nonce_expire=60, qop=True, realm="pbx")


class Phone(Agent):
    """An agent that keeps what it received."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.heard = []

    def on_request(self, message, address):
        self.heard.append(message)
        super().on_request(message, address)


class Calls(unittest.TestCase):
    """Phones on the loopback register with the PBX and call each other through it."""

    def play(self, story, **more):
        async def whole():
            server = pbx.Pbx(specification(self.directory.name, **more))
            await server.open()
            world = World(("127.0.0.1", server.port), "127.0.0.1", "s", [], users=("101", "102", "103"))
            phones = {}
            for number in ("101", "102", "103"):
                phones[number] = Phone(world, random.Random(number), "127.0.0.1", 0, number)
                phones[number].style.private_ip, phones[number].told_ip = "", "127.0.0.1"
                await phones[number].open()
            try:
                await story(server, phones)
            finally:
                for agent in [server] + list(phones.values()):
                    for task in agent.tasks:
                        task.cancel()
                    agent.close()

        with tempfile.TemporaryDirectory() as name:
            self.directory = type("Directory", (), {"name": name})
            asyncio.run(asyncio.wait_for(whole(), 25))

    def legs(self):
        with open(os.path.join(self.directory.name, "legs")) as f:
            return [json.loads(line) for line in f]

    @staticmethod
    def of(phone, method):
        return [m for m in phone.heard if m.method == method]

    def test_registration(self):
        async def story(server, phones):
            wrong = await phones["101"].register(60, password="guess")
            self.assertIn(wrong.status, (401, 403))
            self.assertEqual(server.reachable("101"), [])
            self.assertEqual((await phones["101"].register(60)).status, 200)
            self.assertEqual(len(server.reachable("101")), 1)
            await asyncio.sleep(0.4)
            lamp = self.of(phones["101"], "NOTIFY")[0]  # 101 has a mailbox
            self.assertIn(b"Voice-Message: 2/", lamp.body)
            stranger = Phone(phones["101"].world, random.Random(1), "127.0.0.1", 0, "999")
            await stranger.open()
            asked = await stranger.transact(stranger.opening("REGISTER", "999"))
            self.assertEqual(asked.status, 401)  # like any other
            stranger.close()
            await phones["101"].register(0)
            self.assertEqual(server.reachable("101"), [])

        self.play(story)

    def test_a_call_has_two_legs(self):
        async def story(server, phones):
            for phone in phones.values():
                await phone.register(60)
            status = await phones["101"].call("102", talk=0.5, features=["hold"])
            self.assertEqual(status, 200)
            await asyncio.sleep(0.3)
            (invite, *_) = self.of(phones["102"], "INVITE")
            self.assertEqual(sip.user_of(sip.uri_of(invite.get("From"))), "101")
            self.assertEqual(len(invite.all("Via")), 1)
            mine = {leg[0] for leg in self.legs() if leg[2] == invite.get("Call-ID")}
            self.assertEqual(
                len(mine - {invite.get("Call-ID")}), 1
            )  # one call that it follows from, another one
            self.assertGreater(len(self.of(phones["102"], "INVITE")), 1)  # the hold was handed on
            self.assertEqual(len(self.of(phones["102"], "BYE")), 1)
            self.assertEqual(server.legs, {})

        self.play(story)

    def test_the_server_speaks_where_nobody_answers(self):
        async def story(server, phones):
            await phones["101"].register(60)
            self.assertEqual(await phones["101"].call("103"), 480)
            self.assertEqual(await phones["101"].call("105", talk=0.3), 200)  # its mailbox
            self.assertEqual(await phones["101"].call("777"), 404)
            await asyncio.sleep(0.1)
            self.assertEqual(server.mailboxes["105"], 1)

        self.play(story)

    def test_cancel_and_queue(self):
        async def story(server, phones):
            for phone in phones.values():
                await phone.register(60)
            phones["102"].profile = {"ignore": 1}
            self.assertEqual(await phones["101"].call("102", cancel_after=0.2), 487)
            await asyncio.sleep(0.2)
            self.assertEqual(len(self.of(phones["102"], "CANCEL")), 1)
            await phones["101"].call("104", talk=3)
            self.assertEqual(len(self.of(phones["103"], "BYE")), 1)  # who took the call from the queue

        self.play(story)

    def test_transfer(self):
        async def story(server, phones):
            for phone in phones.values():
                await phone.register(60)
            phones["101"].world = World(phones["101"].world.server, "127.0.0.1", "s", [], users=("103",))
            await phones["101"].call("102", talk=1, features=["refer"])
            await asyncio.sleep(1.5)
            self.assertEqual(len(self.of(phones["103"], "INVITE")), 1)
            self.assertTrue(any(b"200 OK" in m.body for m in self.of(phones["101"], "NOTIFY")))

        self.play(story)

    def test_noise_is_survived(self):
        async def story(server, phones):
            rng = random.Random(2)
            whole = sip.render(phones["101"].opening("INVITE", "102", body=b"x"), phones["101"].style, rng)
            for _ in range(400):
                data = bytearray(whole)
                for _ in range(rng.randrange(1, 8)):
                    data[rng.randrange(len(data))] = rng.randrange(256)
                server.datagram_received(bytes(data), ("127.0.0.1", 9))
            self.assertEqual((await phones["101"].register(60)).status, 200)

        self.play(story)


class Labels(unittest.TestCase):
    """What a server makes of a run's requests is another leg of the run."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.capture = Capture(self.directory.name)
        self.capture.servers = [SERVER[0]]

    def tearDown(self):
        self.directory.cleanup()

    def send(self, source, destination, method, call_id, branch, status=0, tags=("a", ""), cseq=1):
        data = request(method, "200", call_id, branch, cseq=cseq, to_tag=tags[1])
        data = data.replace(b"tag=a", b"tag=" + tags[0].encode())
        data = reply(status, data) if status else data
        return self.capture.add(udp(source, destination, data, len(self.capture.frames) + 1))

    def test_a_call_of_a_run(self):
        first = self.send(ATTACKER, SERVER, "INVITE", "in", "z9hG4bK1")
        self.capture.legs.append(["in", "z9hG4bK1", "out", "z9hG4bK2"])
        second = [
            self.send(SERVER, PHONE, "INVITE", "out", "z9hG4bK2", tags=("b", "")),
            self.send(PHONE, SERVER, "INVITE", "out", "z9hG4bK2", 200, ("b", ";tag=c")),
            self.send(PHONE, SERVER, "BYE", "out", "z9hG4bK9", tags=("c", ";tag=b")),
        ]
        other = self.send(SERVER, PHONE, "OPTIONS", "ping", "z9hG4bK3")
        rows = self.capture.labels([run("injection")])
        self.assertEqual(rows[first][0], "injection")
        for frame in second:
            self.assertEqual(rows[frame][::2], ("benign", "0"))  # the PBX's own
        self.assertEqual(rows[other][0], "benign")

    def test_a_forged_bye_owns_only_its_step(self):
        honest = self.send(PHONE, SERVER, "INVITE", "in", "z9hG4bK1")
        self.capture.legs.append(["in", "z9hG4bK1", "out", "z9hG4bK2"])
        leg = self.send(SERVER, PHONE, "INVITE", "out", "z9hG4bK2", tags=("b", ""))
        forged = self.send(ATTACKER, SERVER, "BYE", "in", "z9hG4bK7", tags=("a", ";tag=x"))
        self.capture.legs.append(["in", "z9hG4bK7", "out", "z9hG4bK8"])
        ended = self.send(SERVER, PHONE, "BYE", "out", "z9hG4bK8", tags=("b", ";tag=c"))
        later = self.send(PHONE, SERVER, "BYE", "in", "z9hG4bK11", tags=("a", ";tag=x"), cseq=2)
        rows = self.capture.labels([run("teardown")])
        self.assertEqual([rows[f][0] for f in (honest, leg, ended, later)], ["benign"] * 4)
        self.assertEqual(rows[forged][0], "teardown")

    def test_texts_that_a_server_delivers_count_as_spit(self):
        for i in range(14):
            call, branch = "m%d" % i, "z9hG4bKm%d" % i
            data = request("MESSAGE", "2%02d" % i, call, branch).replace(b"tag=a", b"tag=%d" % (1000000 + i))
            data += b"buy now"
            self.capture.add(udp(ATTACKER, SERVER, data, 2 * i + 1), 0.9)
            self.capture.legs.append([call, branch, "d" + call, branch + "x"])
            self.capture.add(
                udp(
                    SERVER,
                    PHONE,
                    data.replace(call.encode(), b"d" + call.encode(), 1).replace(
                        branch.encode(), branch.encode() + b"x", 1
                    ),
                    2 * i + 2,
                )
            )
        self.capture.labels([run("spit")])
        self.assertEqual([row[1] for row in self.capture.runs], ["spit"])


class Plans(unittest.TestCase):
    def test_the_presets(self):
        for name in sorted(os.listdir(os.path.join(LAB, "sessions"))):
            if name.startswith(("pbx", "sippy")):
                with open(os.path.join(LAB, "sessions", name)) as f:
                    session = json.load(f)
                for seed in range(20):
                    server = plan.expand(session, seed, name[:-5], "/tmp/x")["server"]
                    self.assertEqual(server["ports"], [server["address"][1]])
                    self.assertNotIn("asterisk", json.dumps(server["pbx"]).lower() + server["realm"])

    def test_what_they_cannot_do(self):
        for more in ({"ws": 0.5}, {"softphones": [{"kind": "jssip"}]}):
            with self.assertRaises(plan.Error):
                plan.expand({"server": {"kind": "pbx"}, **more}, 1, "x", "/tmp/x")
        with self.assertRaises(plan.Error):
            plan.expand({"server": {"kind": "sippy"}, "tcp": 0.5}, 1, "x", "/tmp/x")

    def test_bindings_of_sippy(self):
        phones = sippy_pbx.Phones(
            {
                "users": ["1"],
                "salt": "",
                "weak": [],
                "min_expires": 10,
                "max_contacts": 2,
                "gateway": "1.2.3.4:5",
            }
        )
        self.assertIsNone(phones.find("1"))
        self.assertIsNone(phones.bind("1", ["<sip:1@a>"], 5, ("a", 1)))
        self.assertEqual(len(phones.bind("1", ["<sip:1@a>", "<sip:x@b>;expires=20"], 60, ("a", 1))), 2)
        self.assertEqual(phones.find("1"), ("x", ("a", 1)))
        self.assertEqual(phones.find("0044123456789"), ("0044123456789", ("1.2.3.4", 5)))
        with self.assertRaises(KeyError):
            phones.find("2")
        self.assertEqual(phones.bind("1", ["*"], 0, ("a", 1)), [])


if __name__ == "__main__":
    unittest.main()
