#!/usr/bin/python3
"""Tests of the lab's honest side: TCP and WebSocket in captures, hidden topologies, servers, plans, agents on TCP.
Relies on: tools/lab, test_lab.py (captures made here), the standard library; kamailio where it is installed.
Relied on by: tests/lab/CMakeLists.txt.
"""
import asyncio
import glob
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from test_lab import ATTACKER, LAB, PHONE, SERVER, Capture, ethernet, ipv4, reply, request, run, udp  # noqa: E402

import connections  # noqa: E402
import ejabberd  # noqa: E402
import frames  # noqa: E402
import honest_plans  # noqa: E402
import kamailio_config  # noqa: E402
import kamailio_front  # noqa: E402
import plan  # noqa: E402
import sip  # noqa: E402
from messaging import Messaging  # noqa: E402
from useragent import Agent, World  # noqa: E402

CORE = ("10.0.0.77", 5060)
BODY = b"hello there"


def with_body(number, name=b"Content-Length"):
    head = request("MESSAGE", "200", "b%d" % number, "z9hG4bKb%d" % number)[:-2]
    return head + name + b": %d\r\n\r\n" % len(BODY) + BODY


def tcp(source, destination, sequence, data, flags=0x18, ident=1):
    numbers = (sequence & 0xFFFFFFFF, 0, 5 << 4, flags, 65535, 0, 0)
    head = struct.pack(">HHIIBBHHH", source[1], destination[1], *numbers)
    return ethernet(ipv4(source[0], destination[0], 6, head + data, ident))


def websocket(data, opcode=1, final=True, mask=b"\x11\x22\x33\x44"):
    length = len(data)
    size = bytes([length]) if length < 126 else b"\x7e" + struct.pack(">H", length)
    first = bytes([(0x80 if final else 0) | opcode])
    if not mask:
        return first + size + data
    masked = bytes(b ^ mask[i % 4] for i, b in enumerate(data))
    return first + bytes([size[0] | 0x80]) + size[1:] + mask + masked


class Streams(unittest.TestCase):
    """frames.py reads from TCP what was written into it."""

    def read(self, segments, start=1000, syn=True):
        """[(frame, index, message)] of segments given as (offset, data)."""
        streams, out = frames.Streams(), []
        if syn:
            streams.add(PHONE, SERVER, self.segment(start - 1, b"", 2))
        for number, (offset, data) in enumerate(segments):
            for index, message in enumerate(streams.add(PHONE, SERVER, self.segment(start + offset, data))):
                out.append((number, index, message))
        return out

    @staticmethod
    def segment(sequence, data, flags=0x18):
        return tcp(PHONE, SERVER, sequence, data, flags)[14 + 20 :]

    def test_cut_at_every_offset(self):
        whole = with_body(1) + b"\r\n\r\n" + with_body(2, b"l")
        for cut in range(1, len(whole)):
            found = self.read([(0, whole[:cut]), (cut, whole[cut:])])
            self.assertEqual([m for _, _, m in found], [with_body(1), with_body(2, b"l")], cut)
            first = 0 if cut >= len(with_body(1)) else 1
            self.assertEqual([(n, i) for n, i, _ in found], [(first, 0), (1, first)], cut)

    def test_byte_by_byte_and_around_the_end_of_numbers(self):
        whole = with_body(1) + with_body(2)
        found = self.read([(i, whole[i : i + 1]) for i in range(len(whole))], start=0xFFFFFFF0)
        self.assertEqual([(n, i) for n, i, _ in found], [(len(with_body(1)) - 1, 0), (len(whole) - 1, 0)])

    def test_out_of_order_again_and_overlapping(self):
        whole = with_body(1)
        parts = [(50, whole[50:]), (0, whole[:20]), (0, whole[:20]), (10, whole[10:60]), (0, whole)]
        found = self.read(parts)
        self.assertEqual(found, [(3, 0, whole)])

    def test_begins_in_the_middle(self):
        found = self.read([(0, b"half of a line\r\nX: y\r\n\r\n" + with_body(1))], syn=False)
        self.assertEqual([m for _, _, m in found], [with_body(1)])

    def test_a_hole_that_stays(self):
        pieces = [with_body(i) for i in range(frames.GAP_SEGMENTS + 2)]
        found = self.read([(10000 + sum(map(len, pieces[:i])), p) for i, p in enumerate(pieces)])
        self.assertEqual([m for _, _, m in found], pieces)

    def test_websocket(self):
        upgrade = b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
        a, b, c = with_body(1), request("OPTIONS", "1", "w", "z9hG4bKw"), with_body(3)
        whole = upgrade + websocket(a) + websocket(b"ping", 9) + websocket(b"\r\n\r\n")
        whole += websocket(b[:40], 1, False) + websocket(b"", 10) + websocket(b[40:], 0)
        whole += websocket(c, 2, mask=b"")
        for cut in range(1, len(whole)):
            found = self.read([(0, whole[:cut]), (cut, whole[cut:])])
            self.assertEqual([m for _, _, m in found], [a, b, c], cut)


class Labels(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.capture = Capture(self.directory.name)

    def tearDown(self):
        self.directory.cleanup()

    def test_rows_of_messages_in_one_segment(self):
        first = self.capture.add(tcp(PHONE, SERVER, 1, with_body(1)[:100]))
        second = self.capture.add(tcp(PHONE, SERVER, 101, with_body(1)[100:] + with_body(2)))
        rows = self.capture.labels([])
        self.assertNotIn(first, rows)
        self.assertIn(second, rows)
        with open(os.path.join(self.directory.name, "t.labels.tsv")) as f:
            places = [line.split("\t")[:2] for line in f][1:]
        self.assertEqual(places, [[str(second), "0"], [str(second), "1"]])

    def test_legs_beyond_a_server_that_hides_call_ids(self):
        legs = []
        for i in range(20):
            data = request("MESSAGE", "u%d" % i, "c%d" % i, "z9hG4bK%d" % i)
            data = data.replace(b";tag=a", b";tag=solid-tag%d" % i)
            self.capture.add(udp(ATTACKER, SERVER, data, i))
            hidden = data.replace(b"Call-ID: c", b"Call-ID: masked").replace(b"z9hG4bK", b"z9hG4bKother")
            legs.append(self.capture.add(udp(SERVER, PHONE, hidden, 100 + i)))
            legs.append(self.capture.add(udp(PHONE, SERVER, reply(200, hidden), i)))
            self.capture.add(udp(SERVER, ATTACKER, reply(200, data), 200 + i))
        record = run("spit")
        self.assertEqual({self.capture.labels([record])[leg][3] for leg in legs}, {"request", "reply"})
        self.capture.servers = [SERVER[0]]
        rows = self.capture.labels([record])
        self.assertEqual({rows[leg][::2] for leg in legs}, {("benign", "0")})  # the server's own
        self.assertEqual(self.capture.runs[0][1], "spit")  # its texts reached twenty people

    def test_delivered_is_what_leaves_the_servers(self):
        for i in range(20):
            data = request("MESSAGE", "u%d" % i, "c%d" % i, "z9hG4bK%d" % i)
            self.capture.add(udp(ATTACKER, SERVER, data, i))
            inner = request("MESSAGE", "u%d" % i, "c%d" % i, "z9hG4bKp%d" % i, ["z9hG4bK%d" % i])
            self.capture.add(udp(SERVER, CORE, inner, 100 + i))
            self.capture.add(udp(SERVER, ATTACKER, reply(404, data), 200 + i))
        self.capture.servers = [SERVER[0], CORE[0]]
        self.capture.labels([run("spit")])
        self.assertEqual(self.capture.runs, [])

    def test_forged_bye_beyond_an_edge(self):
        tags = b"<sip:200@10.0.0.1>;tag=b", b"<sip:200@10.0.0.1>;tag=a"
        forged = request("BYE", "200", "honest", "z9hG4bKf", cseq=2, to_tag=";tag=b")
        self.capture.add(udp(ATTACKER, SERVER, forged))
        passed = forged.replace(b"Call-ID: honest", b"Call-ID: masked").replace(b"z9hG4bKf", b"z9hG4bKe")
        leg = self.capture.add(udp(SERVER, PHONE, passed))
        other = request("BYE", "200", "masked", "z9hG4bKh", cseq=2).replace(*reversed(tags))
        own = self.capture.add(udp(PHONE, SERVER, other))
        self.capture.servers = [SERVER[0]]
        rows = self.capture.labels([run("teardown", kind="bye")])
        self.assertEqual(rows[leg][0], "benign")  # the edge's own
        self.assertEqual(rows[own][0], "benign")


class Plans(unittest.TestCase):
    def presets(self):
        for path in sorted(glob.glob(os.path.join(LAB, "sessions", "*.json"))):
            with open(path) as f:
                yield os.path.basename(path)[:-5], json.load(f)

    def test_presets_expand_the_same_twice_and_share_nothing(self):
        for name, session in self.presets():
            one = plan.expand(session, 5, name, "/tmp/x")
            self.assertEqual(json.dumps(one), json.dumps(plan.expand(session, 5, name, "/tmp/x")), name)
            own = [e["user"] for e in one["softphones"]]
            for actor in one["actors"]:
                if actor["kind"] == "service":
                    own += [actor["user"]] + [user for user, _, _ in actor["members"]]
            self.assertEqual(len(own), len(set(own)), name)
            where = [ip for site in one["sites"].values() for ip in site]
            where += [e["ip"] for e in one["softphones"]]
            self.assertEqual(len(where), len(set(where)), name)
            self.assertNotIn(one["server"]["ip"], where)

    def test_a_session_that_asks_for_nothing_new_keeps_its_plan(self):
        """New settings draw from a source of their own."""
        _, session = next(p for p in self.presets() if p[0] == "benign-e")
        old = plan.expand(session, 5, "x", "/tmp/x")
        new = plan.expand(dict(session, tcp=1.0, forked=0), 5, "x", "/tmp/x")
        self.assertEqual(old["users"], new["users"])
        self.assertEqual([a["ip"] for a in old["actors"]], [a["ip"] for a in new["actors"]])
        self.assertTrue(all(a.get("wire") == "tcp" for a in new["actors"] if a["kind"] == "phone"))

    def test_attackers_take_tcp_where_phones_do(self):
        classes = ("enumeration", "bruteforce", "flood")
        attacks = [{"class": c, "tool": "raw", "count": 4} for c in classes]
        session = {"users": 60, "tcp": 1.0, "attacks": attacks}
        wires = [r["settings"].get("wire") for r in plan.expand(session, 1, "x", "/tmp/x")["runs"]]
        self.assertGreater(wires.count("tcp"), 4)
        session["tcp"] = 0.0
        wires = [r["settings"].get("wire") for r in plan.expand(session, 1, "x", "/tmp/x")["runs"]]
        self.assertEqual(set(wires), {None})

    def test_what_cannot_be_run_says_so(self):
        for session, words in (
            ({"softphones": [{"kind": "sipcow"}]}, "sipcow"),
            ({"softphones": [{"kind": "jssip", "wire": "udp"}]}, "udp"),
            ({"services": [{"form": "gossip"}], "users": 80}, "gossip"),
            ({"services": [{"form": "chat", "members": 60}], "users": 80, "spare": 100}, "users"),
            ({"server": {"kind": "toaster"}}, "toaster"),
            ({"tcp": 0.7, "ws": 0.4}, "shares"),
            ({"loss": 90}, "hundred"),
            ({"server": {"kind": "ejabberd"}, "ws": 0.1}, "WebSocket"),
            ({"server": {"kind": "ejabberd"}, "trunk": [{}]}, "trunk"),
        ):
            with self.assertRaises(plan.Error) as caught:
                plan.expand(session, 1, "x", "/tmp/x")
            self.assertIn(words, str(caught.exception))

    def test_every_form_of_service_is_served(self):
        for form in honest_plans.SERVICES:
            self.assertTrue(callable(getattr(Messaging, "serve_" + form)))


class Servers(unittest.TestCase):
    def plan_of(self, **server):
        session = {"users": 20, "phones": 5, "spare": 40, "server": server}
        if server.get("kind") != "ejabberd":
            session["trunk"] = [{}]
        return plan.expand(session, 3, "s", "/tmp/x")

    def texts(self):
        """(name, kamailio.cfg) of every kind of server."""
        for more in ({}, {"tcp": True, "ws_port": 8080, "presence": True, "natping": 10}):
            p = self.plan_of(**more)
            yield "registrar", kamailio_config.write(p["server"], p["users"], p["weak"], p["salt"])
            for kind, hide in (("edge", ""), ("edge", "plain"), ("edge", "callid"), ("dispatcher", "")):
                p = self.plan_of(kind=kind, hide=hide, **more)
                p["server"]["dispatcher_list"] = "/tmp/list"
                yield kind + hide, kamailio_front.write(p["server"], p["salt"])
                for i in range(len(p["server"]["cores"])):
                    core = kamailio_config.write(p["server"], p["users"], p["weak"], p["salt"], behind=i)
                    yield "%s core %d" % (kind, i), core

    def test_kamailio_takes_every_configuration(self):
        for name, text in self.texts():
            self.assertNotIn("{{", text, name)
            self.assertIn("request_route", text, name)
        if not shutil.which("kamailio", path=os.environ["PATH"] + ":/usr/sbin"):
            self.skipTest("kamailio is not installed")
        if not os.path.exists("/usr/lib/x86_64-linux-gnu/kamailio/modules/websocket.so"):
            self.skipTest("kamailio's WebSocket module is not installed")
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "k.cfg")
            for name, text in self.texts():
                with open(path, "w") as f:
                    f.write(text)
                check = ["/usr/sbin/kamailio", "-c", "-f", path]
                result = subprocess.run(check, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                self.assertEqual(result.returncode, 0, name + result.stdout[-400:])

    def test_a_front_trusts_its_trunks_and_nobody_who_says_so(self):
        p = self.plan_of(kind="edge")
        text = kamailio_front.write(p["server"], p["salt"])
        self.assertLess(text.index('remove_hf("X-Trunk")'), text.index("append_hf"))
        self.assertIn(p["server"]["trusted"][0], text)

    def test_ejabberd_reads_json(self):
        p = self.plan_of(kind="ejabberd", tcp=True)
        with tempfile.TemporaryDirectory() as directory:
            command, environment = ejabberd.prepare(p, directory)
            with open(environment["EJABBERD_CONFIG_PATH"]) as f:
                config = json.load(f)
            with open(os.path.join(directory, "accounts")) as f:
                self.assertEqual(len(f.readlines()), len(p["users"]))
        self.assertEqual(config["hosts"], [p["server"]["domain"]])
        self.assertEqual({x["transport"] for x in config["listen"]}, {"udp", "tcp"})
        self.assertEqual(command[0], "erl")


class Registrar(asyncio.Protocol):
    """Answers each REGISTER: 423 to a short one, else 200, in two writes that cut the message."""

    seen = []

    def connection_made(self, transport):
        self.transport, self.splitter = transport, sip.Splitter()

    def data_received(self, data):
        for message in map(sip.parse, self.splitter.feed(data)):
            self.seen.append(message)
            short = int(message.get("Expires") or message.get("Contact").rpartition("=")[2] or 0) < 60
            head = "SIP/2.0 423 Interval Too Brief\r\nMin-Expires: 60\r\n" if short else "SIP/2.0 200 OK\r\n"
            names = ("Via", "From", "To", "Call-ID", "CSeq")
            head += "".join("%s: %s\r\n" % (n, message.get(n)) for n in names) + "Content-Length: 0\r\n\r\n"
            self.transport.write(head[:60].encode())
            asyncio.get_running_loop().call_later(0.02, self.transport.write, head[60:].encode())


class Agents(unittest.TestCase):
    def test_register_over_tcp_with_longer_bindings_and_a_lost_connection(self):
        async def main():
            loop = asyncio.get_running_loop()
            server = await loop.create_server(Registrar, "127.0.0.1", 0)
            world = World(server.sockets[0].getsockname(), "127.0.0.1", "salt", [])
            agent = await Agent(world, random.Random(3), "127.0.0.1", 0, "100", wire="tcp").open()
            agent.style.expires_in_contact = False
            first = await agent.register(20)
            agent.close()
            second = await agent.register(20)
            agent.close()
            server.close()
            for task in agent.tasks:
                task.cancel()
            return first.status, second.status

        Registrar.seen.clear()
        self.assertEqual(asyncio.run(main()), (200, 200))
        self.assertEqual([m.get("Expires") for m in Registrar.seen], ["20", "60", "60"])
        for message in Registrar.seen:
            self.assertTrue(message.get("Via").startswith("SIP/2.0/TCP 127.0.0.1:"))
            self.assertIn(";transport=tcp", message.get("Contact"))

    def test_splitter_at_every_offset(self):
        whole = with_body(1) + b"\r\n\r\n" + with_body(2, b"l") + b"\r\n"
        for cut in range(1, len(whole)):
            splitter = sip.Splitter()
            found = splitter.feed(whole[:cut]) + splitter.feed(whole[cut:])
            self.assertEqual(found, [with_body(1), with_body(2, b"l")])


class Pipe:
    """What a connection wrote."""

    def __init__(self):
        self.data, self.closed = b"", False

    def write(self, data):
        self.data += data

    def close(self):
        self.closed = True


class WebSockets(unittest.TestCase):
    def connected(self, taken):
        """(connection of an agent that keeps what it gets, what it writes) after the handshake."""
        agent = Agent(World(SERVER, "x", "salt", [], ws_port=80), random.Random(4), "10.0.0.2", 5060, "100", wire="ws")
        agent.datagram_received = lambda message, _address: taken.append(message)
        link, pipe = connections.WebSocket(agent), Pipe()
        link.connection_made(pipe)
        return agent, link, pipe

    def test_what_an_agent_sends_is_read_from_the_capture(self):
        async def main():
            agent, link, pipe = self.connected([])
            stream = frames.Stream(0)
            at = len(pipe.data)
            self.assertEqual(stream.add(0, pipe.data), [])
            link.data_received(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            sent = [sip.render(agent.opening("OPTIONS", "1" * n), agent.style, agent.rng) for n in (3, 70000)]
            for message in sent:
                link.send(message)
            self.assertEqual(stream.add(at, pipe.data[at:]), sent)
            self.assertRegex(sip.parse(sent[0]).get("Via"), r"^SIP/2.0/WS \w+\.invalid;")

        asyncio.run(main())

    def test_what_a_server_sends_at_every_cut(self):
        hello = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
        whole = hello + websocket(with_body(1), mask=b"") + websocket(b"x", 9, mask=b"")
        whole += websocket(b"\r\n", mask=b"") + websocket(with_body(2), 2, mask=b"")

        async def main():
            for cut in range(1, len(whole)):
                taken = []
                _, link, pipe = self.connected(taken)
                link.data_received(whole[:cut])
                link.data_received(whole[cut:])
                self.assertEqual(taken, [with_body(1), with_body(2)], cut)
                self.assertEqual(pipe.data[-7] & 15, 10)  # the answer to the ping: two bytes, mask, one byte

        asyncio.run(main())

    def test_refused(self):
        async def main():
            _, link, pipe = self.connected([])
            link.data_received(b"HTTP/1.1 404 Not Found\r\n\r\n")
            self.assertTrue(pipe.closed)
            with self.assertRaises(ConnectionError):
                await link.ready

        asyncio.run(main())


class Web(unittest.TestCase):
    def test_packages_are_pinned(self):
        with open(os.path.join(LAB, "webphone", "package.json")) as f:
            wanted = json.load(f)["dependencies"]
        with open(os.path.join(LAB, "webphone", "package-lock.json")) as f:
            locked = json.load(f)["packages"]
        for name, version in wanted.items():
            self.assertRegex(version, r"^\d+\.\d+\.\d+$")
            self.assertEqual(locked["node_modules/" + name]["version"], version)
        for name, package in locked.items():
            self.assertTrue(not name or package["integrity"].startswith("sha512-"), name)
            self.assertNotIn("resolved", package)  # every machine has its own registry


if __name__ == "__main__":
    unittest.main()
