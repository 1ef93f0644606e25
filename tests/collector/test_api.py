#!/usr/bin/python3
"""Tests of sipcnn-collector from outside: its HTTP interface, its page, its life and its sudden death.

Relies on: Python's standard library and the built command. Relied on by: ctest.
Usage: test_api.py PATH-OF-SIPCNN-COLLECTOR [unittest arguments]
"""
import base64
import hashlib
import http.client
import json
import os
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

COMMAND = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "sipcnn-collector"

ROOT = tempfile.TemporaryDirectory(prefix="sipcnn-collector-")

HOSTILE = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'; DROP TABLE incident; --", "%s%n%x",
    "a\u0000b", "\r\nSet-Cookie: x=1", "\u001b[31mred\u009b31m", "\u202egnp.exe", "\ud7ff\ue000\U0010ffff",
    "../../etc/passwd", "</style></script><!--", "\\u0041\\\"", "{{7*7}}${jndi:ldap://x}", "\u2028\u2029\ufeff", "x" * 200,
]


def incident(number=1, state="open", **fields):
    made = {"id": f"test:{number}", "by": "model", "state": state, "class": "scan", "client": "10.0.0.9",
            "target": "203.0.113.10:5060", "first": 1795524750.728123, "last": 1795524750.728123,
            "time": 1795524750.728123, "frame": 12, "messages": 5, "p": 0.97, "severity": "high", "sensor": "edge"}
    made.update(fields)
    return made


def tearDownModule():
    ROOT.cleanup()


class Collector:
    """A running collector on a free port, with its own folder."""

    def __init__(self, *options, folder=None, largest_file=None):
        self.folder = folder or tempfile.mkdtemp(dir=ROOT.name)
        self.database = os.path.join(self.folder, "incidents.db")
        limit = None
        if largest_file:
            limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
        self.process = subprocess.Popen([COMMAND, "--port", "0", "--database", self.database, *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limit)
        self.line = self.process.stdout.readline()
        self.port = int(re.fullmatch(r"collector: http://\S+:(\d+)/\n", self.line)[1])

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body, headers or {})
        reply = connection.getresponse()
        content = reply.read()
        connection.close()
        return reply, content

    def get(self, path, **headers):
        reply, content = self.ask("GET", path, headers=headers)
        return reply.status, json.loads(content)

    def post(self, body, headers=None):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        reply, answer = self.ask("POST", "/v1/incidents", content, headers)
        return reply.status, json.loads(answer)

    def stop(self, with_signal=signal.SIGTERM):
        self.process.send_signal(with_signal)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


def run(*arguments):
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=20, cwd="/")
    return done.returncode, done.stdout, done.stderr


class Api(unittest.TestCase):
    def setUp(self):
        self.collector = Collector()
        self.addCleanup(self.end)

    def end(self):
        code, out, err = self.collector.stop()
        self.assertEqual((code, out, err), (0, "", ""))

    def test_stores_lists_and_details(self):
        self.assertEqual(self.collector.post(incident(1)), (200, {"accepted": 1}))
        self.assertEqual(self.collector.post({"incidents": [incident(2), incident(1, "closed", last=1795524760.0)]}),
                         (200, {"accepted": 2}))
        status, reply = self.collector.get("/v1/incidents")
        self.assertEqual((status, [i["id"] for i in reply["incidents"]]), (200, ["test:2", "test:1"]))
        self.assertEqual(reply["incidents"][1]["state"], "closed")
        self.assertEqual(reply["incidents"][0]["time"], 1795524750.728123)
        status, one = self.collector.get("/v1/incidents/test:1")
        self.assertEqual([c["state"] for c in one["history"]], ["open", "closed"])
        self.assertEqual(one["opened"], incident(1))
        self.assertEqual(self.collector.get("/v1/stats")[1]["class"], {"scan": {"open": 1, "closed": 1}})
        self.assertEqual(self.collector.get("/healthz"), (200, {"status": "ok"}))

    def test_pages(self):
        self.collector.post({"incidents": [incident(n) for n in range(250)]})
        seen, after = [], ""
        while after is not None:
            reply = self.collector.get(f"/v1/incidents?limit=60&after={after}")[1]
            seen += [i["id"] for i in reply["incidents"]]
            after = reply["next"]
        self.assertEqual(seen, [f"test:{n}" for n in reversed(range(250))])

    def test_hostile_strings_come_back_unchanged(self):
        rows = []
        for n, text in enumerate(HOSTILE):
            safe = re.sub("[\x00-\x1f\x7f]", "", text)[:16]
            rows.append(incident(n, client=text, target=text, sensor=text, sources=[text, text], evidence=[text],
                                 extra={"<b>" + safe: text}, **{"class": "x" + safe}))
        rows += [incident(0, id=text) for text in ("<script>", "a/b", "../..", "%2e%2F", "a?b#c&d", "'--", "\"")]
        self.assertEqual(self.collector.post({"incidents": rows}), (200, {"accepted": len(rows)}))
        reply, content = self.collector.ask("GET", "/v1/incidents?limit=1000")
        self.assertRegex(content.decode("ascii"), r"\A[ -~]*\Z")
        self.assertEqual(reply.headers["Content-Type"], "application/json")
        self.assertEqual(reply.headers["X-Content-Type-Options"], "nosniff")
        listed = {i["id"]: i for i in json.loads(content)["incidents"]}
        for row in rows:
            self.assertEqual({name: listed[row["id"]][name] for name in row}, row)
            status, one = self.collector.get("/v1/incidents/" + urllib.parse.quote(row["id"], safe=""))
            self.assertEqual((status, one["opened"]), (200, row))
            query = urllib.parse.urlencode({"class": row["class"]})
            self.assertIn(row["id"], [i["id"] for i in self.collector.get("/v1/incidents?" + query)[1]["incidents"]])
        self.assertEqual(self.collector.get("/v1/stats")[1]["total"], len(rows))

    def test_refuses_bad_bodies_as_a_whole(self):
        for body, error in ((b"{", "line 1, column 1 (byte 1)"), (b"", "line 1"), (b"\xff\xfe", "line 1"),
                            (b'{"incidents":[\n\n{]}', "line 3, column 2"),
                            (json.dumps({"incidents": [incident(1), incident(2, p=2)]}).encode(),
                             "incidents[1].p: expected a number from 0 to 1"),
                            (json.dumps({"incidents": [incident(n) for n in range(1001)]}).encode(), "1001 in one request")):
            status, reply = self.collector.post(body)
            self.assertEqual(status, 400)
            self.assertIn(error, reply["error"])
        self.assertEqual(self.collector.get("/v1/stats")[1]["total"], 0)

    def test_bounds_bodies(self):
        largest = json.dumps(incident(1)).encode().ljust(1 << 20)
        self.assertEqual(self.collector.post(largest), (200, {"accepted": 1}))
        self.assertEqual(self.collector.post(largest + b" ")[0], 413)
        chunks = (largest[at:at + 65536] for at in range(0, 1 << 20, 65536))
        self.assertEqual(json.loads(self.collector.ask("POST", "/v1/incidents", chunks)[1]), {"accepted": 1})
        reply, _ = self.collector.ask("POST", "/v1/incidents", (b" " * 65536 for _ in range(40)))
        self.assertEqual(reply.status, 413)

    def test_bad_requests(self):
        for method, path, status, error in (
                ("GET", "/nothing", 404, "no such path"), ("GET", "/v1/incidents/unknown", 404, "no incident"),
                ("POST", "/v1/stats", 404, "/v1/incidents"), ("PUT", "/v1/incidents", 405, "use GET"),
                ("DELETE", "/v1/incidents/x", 405, "use GET"), ("GET", "/v1/incidents?limit=0", 400, "limit"),
                ("GET", "/v1/incidents?limit=1001", 400, "limit"), ("GET", "/v1/incidents?limit=9x", 400, "limit"),
                ("GET", "/v1/incidents?after=-1", 400, "after"), ("GET", "/v1/incidents?since=1e3", 400, "since"),
                ("GET", "/v1/incidents?after=99999999999999999999", 400, "after"),
                ("GET", "/v1/incidents?state=shut", 400, "state")):
            reply, content = self.collector.ask(method, path)
            self.assertEqual((path, reply.status), (path, status))
            self.assertIn(error, json.loads(content)["error"])

    def test_other_hosts_and_origins_are_refused(self):
        own = f"127.0.0.1:{self.collector.port}"
        for headers, status in (({"Host": "evil.example"}, 403), ({"Host": "127.0.0.1.evil.example"}, 403),
                                ({"Host": "localhost"}, 200), ({"Host": "[::1]:8700"}, 200),
                                ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403),
                                ({"Host": own, "Origin": "http://" + own}, 200)):
            self.assertEqual((headers, self.collector.post(incident(1), headers)[0]), (headers, status))
            self.assertEqual((headers, self.collector.ask("GET", "/v1/stats", headers=headers)[0].status), (headers, status))

    def test_page_allows_only_its_own_script(self):
        reply, content = self.collector.ask("GET", "/")
        page, policy = content.decode(), reply.headers["Content-Security-Policy"]
        self.assertEqual(reply.headers["Content-Type"], "text/html; charset=utf-8")
        for tag in ("script", "style"):
            self.assertEqual(page.count(f"<{tag}"), 1)
            text = re.search(f"<{tag}>(.*?)</{tag}>", page, re.S)[1]
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            self.assertIn(f"{tag}-src 'sha256-{digest}'", policy)
        for rule in ("default-src 'none'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"):
            self.assertIn(rule, policy)
        self.assertNotIn("unsafe", policy)
        self.assertNotRegex(page, r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|\son\w+=|\sstyle=")
        self.assertNotRegex(page, r"(src|href)=[\"']?(https?:)?//|@import|url\(")

    def test_keeps_connections_open(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.collector.port, timeout=20)
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        first = connection.sock
        connection.request("POST", "/v1/incidents", json.dumps(incident(1)))
        connection.getresponse().read()
        self.assertIsNotNone(first)
        self.assertIs(connection.sock, first)
        connection.close()

    def test_silent_and_broken_clients_hold_nobody_up(self):
        clients = [socket.create_connection(("127.0.0.1", self.collector.port)) for _ in range(40)]
        for n, client in enumerate(clients):
            client.sendall((b"POST /v1/incidents HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{",
                            b"GET / HT", b"\x16\x03\x01\x00\xa5", b"")[n % 4])
        start = time.monotonic()
        self.assertEqual(self.collector.get("/healthz")[0], 200)
        self.assertLess(time.monotonic() - start, 2)
        for client in clients:
            client.close()


class Token(unittest.TestCase):
    def start(self, *options):
        folder = tempfile.mkdtemp(dir=ROOT.name)
        token = os.path.join(folder, "token")
        with open(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write("s3cret-token\n")
        collector = Collector("--token-file", token, *options, folder=folder)
        self.addCleanup(lambda: self.assertEqual(collector.stop()[0], 0))
        return collector

    def test_sending_needs_the_token(self):
        collector = self.start()
        for header, status in ((None, 401), ("", 401), ("Bearer", 401), ("Bearer ", 401), ("Bearer s3cret-toke", 401),
                               ("Bearer s3cret-tokenx", 401), ("Basic s3cret-token", 401), ("Bearer  s3cret-token", 401),
                               ("Bearer s3cret-token", 200), ("bearer s3cret-token", 200)):
            reply = collector.post(incident(1), {} if header is None else {"Authorization": header})
            self.assertEqual((header, reply[0]), (header, status))
        self.assertEqual(collector.get("/v1/stats")[1]["total"], 1)
        reply, _ = collector.ask("POST", "/v1/incidents", b"{}")
        self.assertEqual(reply.headers["WWW-Authenticate"], "Bearer")

    def test_beyond_loopback_reading_needs_it_too(self):
        collector = self.start("--listen", "0.0.0.0")
        self.assertEqual(collector.get("/v1/stats")[0], 401)
        self.assertEqual(collector.get("/v1/incidents/x")[0], 401)
        self.assertEqual(collector.get("/v1/stats", Authorization="Bearer s3cret-token")[0], 200)
        self.assertEqual(collector.ask("GET", "/")[0].status, 200)
        self.assertEqual(collector.get("/healthz")[0], 200)


class Life(unittest.TestCase):
    def test_help_and_usage(self):
        code, out, err = run("--help")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("examples:", out)
        for arguments, expected, text in (
                (("--nonsense",), 2, "--help"), (("x",), 2, "unexpected argument: x"), (("--port", "70000"), 2, "70000"),
                (("--retain", "-1"), 2, "-1"), (("--database", "/nonexistent/x.db"), 1, "/nonexistent/x.db: No such file"),
                (("--token-file", "/nonexistent/t"), 1, "/nonexistent/t: No such file")):
            code, out, err = run(*arguments)
            self.assertEqual((arguments, code, out), (arguments, expected, ""))
            self.assertIn(text, err)

    def test_unsafe_listening_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            database = os.path.join(folder, "x.db")
            for listen, text in (("0.0.0.0", "--token-file"), ("[::]:0", "--token-file"), ("127.0.0.1:x", "port"),
                                 ("[::1", "bracket"), ("", "ADDRESS")):
                code, _, err = run("--listen", listen, "--database", database)
                self.assertEqual((listen, code, err.count("\n")), (listen, 2, 1))
                self.assertIn(text, err)

    def test_port_in_use(self):
        collector = Collector()
        code, _, err = run("--port", str(collector.port), "--database", os.path.join(collector.folder, "other.db"))
        self.assertEqual((code, err), (1, f"sipcnn-collector: cannot listen on 127.0.0.1 port {collector.port}: "
                                          "Address already in use\n"))
        collector.stop()

    def test_signals_end_it_cleanly(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            collector = Collector()
            collector.post(incident(1))
            self.assertEqual(collector.stop(number), (0, "", ""))
            self.assertEqual(os.listdir(collector.folder), ["incidents.db"])

    def test_old_incidents_are_deleted_at_start(self):
        collector = Collector()
        collector.post({"incidents": [incident(n) for n in range(3)]})
        collector.stop()
        with sqlite3.connect(collector.database) as database:
            database.execute("UPDATE incident SET changed = changed - 864000 WHERE id = 'test:1'")
        database.close()
        collector = Collector("--retain", "9", folder=collector.folder)
        for _ in range(50):
            if collector.get("/v1/stats")[1]["total"] == 2:
                break
            time.sleep(0.1)
        self.assertEqual(collector.get("/v1/incidents/test:1")[0], 404)
        collector.stop()

    def test_kill_loses_nothing_that_was_accepted(self):
        folder, accepted = None, set()
        for round_number in range(8):
            collector = Collector(folder=folder)
            folder = collector.folder

            def load():
                try:
                    for n in range(100000):
                        rows = [incident(f"{round_number}-{n}-{k}") for k in range(20)]
                        if collector.post({"incidents": rows})[0] == 200:
                            accepted.update(row["id"] for row in rows)
                except (OSError, http.client.HTTPException):
                    pass

            sender = threading.Thread(target=load)
            sender.start()
            time.sleep(0.15 + 0.03 * round_number)
            self.assertEqual(collector.stop(signal.SIGKILL)[0], -signal.SIGKILL)
            sender.join()
        database = sqlite3.connect(collector.database)
        self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        stored = [row[0] for row in database.execute("SELECT id FROM incident")]
        half = database.execute("SELECT count(*) FROM incident WHERE raw IS NULL OR revision IS NULL").fetchone()[0]
        database.close()
        self.assertEqual((len(stored), half), (len(set(stored)), 0))
        self.assertGreater(len(accepted), 100)
        self.assertEqual(accepted - set(stored), set())
        collector = Collector(folder=folder)
        self.assertEqual(collector.get("/v1/stats")[1]["total"], len(stored))
        self.assertEqual(collector.stop(), (0, "", ""))

    def test_full_disk_is_an_answer_and_a_line(self):
        collector = Collector()
        collector.post(incident(1))
        collector.stop()
        collector = Collector(folder=collector.folder, largest_file=1 << 20)  # stands in for a full disk
        answers = [collector.post({"incidents": [incident(f"{n}-{k}", note="x" * 2000) for k in range(20)]}) for n in range(20)]
        self.assertEqual(answers[0][0], 200)
        self.assertEqual(answers[-1][0], 503)
        self.assertIn("incidents.db", answers[-1][1]["error"])
        self.assertEqual(collector.get("/v1/incidents/test:1")[0], 200)
        code, _, err = collector.stop()
        self.assertIn("incidents.db", err)
        self.assertLess(err.count("\n"), 6)
        database = sqlite3.connect(collector.database)
        self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        kept = database.execute("SELECT count(*) FROM incident").fetchone()[0]
        database.close()
        self.assertEqual(kept, 1 + 20 * sum(status == 200 for status, _ in answers))
        self.assertEqual(code, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
