#!/usr/bin/python3
"""sipcnn-data label from outside: the census, rules by hand, by answers, from alerts and from packet comments.
Relies on: sipcnn-data.
Relied on by: ctest."""
import json
import struct
import subprocess

import fixtures
from fixtures import FIRST_SECOND, RULES, assert_one_line, run


def classes_of(folder, capture):
    """Messages and runs by class after an import with the capture's rules."""
    output = folder / "check.h5"
    output.unlink(missing_ok=True)
    status, _, errors = run("import", "--output", output, "--label-default", "unlabelled", capture)
    assert status == 0, errors
    info = json.loads(run("info", output, "--json")[1])
    return {name: row["messages"] for name, row in info["classes"].items() if row["messages"]}, info["runs"]


def capture_in(folder):
    capture = folder / "cap.pcap"
    fixtures.write_capture(capture, 100)  # 20 of 10.0.0.9, 80 of 10.0.0.2, in two seconds
    rules = folder / "cap.labels.csv"
    rules.unlink(missing_ok=True)
    return capture, rules


def clients_are_shown_busiest_first(folder):
    capture, rules = capture_in(folder)
    status, output, errors = run("label", capture)
    lines = output.splitlines()
    assert status == 0 and not errors and "100 not, of 2 clients" in lines[0], output
    assert lines[2].split()[:6] == ["10.0.0.2", "80", "80", "80", "1", "1"] and "OPTIONS 80" in lines[2], lines
    assert lines[3].startswith("10.0.0.9 ") and "10/s" in lines[3], lines
    assert "and 1 more" in run("label", capture, "--top", 1)[1]
    assert not rules.exists()


def rules_are_added_by_hand(folder):
    capture, rules = capture_in(folder)
    status, output, _ = run("label", capture, "--class", "scan", "--client", "10.0.0.9", "--note", 'ours, "really"')
    assert status == 0 and "80 not, of 1 clients" in output, output
    run("label", capture, "--class", "benign", "--from", FIRST_SECOND, "--to", f"{FIRST_SECOND}.5")
    run("label", capture, "--class", "teardown", "--call-id", "99@10.0.0.2")
    text = rules.read_text()
    assert text.startswith(RULES) and text.count("\n") == 4 and '"ours, ""really"""' in text, text
    counts, runs = classes_of(folder, capture)
    assert counts["scan"] == 20 and counts["teardown"] == 1 and counts["benign"] == 26 - 6, counts
    assert [r["class"] for r in runs] == ["scan", "teardown"] and runs[0]["tool"] == "unknown", runs
    before = rules.read_bytes()
    assert_one_line(run("label", capture, "--class", "nonsense", "--client", "10.0.0.2"), "nonsense")
    assert_one_line(run("label", capture, "--class", "scan", "--client", "10.0.0.300"), "10.0.0.300")
    assert rules.read_bytes() == before


def usage_is_checked(folder):
    capture, _ = capture_in(folder)
    for arguments in ([], [capture, capture], [capture, "--class", "scan"], [capture, "--client", "10.0.0.9"],
                      [capture, "--ask", "--comments"], [capture, "--map", "x"], [capture, "--from", "noon"],
                      [capture, "--top", "-1"], [capture, "--eve", "x", "--gap", "-1"]):
        status, output, errors = run("label", *arguments)
        assert status == 2 and output == "" and errors, arguments
    assert "examples:" in run("label", "--help")[1]
    assert_one_line(run("label", folder / "none.pcap"), "none.pcap", "No such file")


def a_person_is_asked(folder):
    capture, rules = capture_in(folder)
    done = subprocess.run([fixtures.SIPCNN_DATA, "label", capture, "--ask"], input="m\nwhat\nb\nflood\n",
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done
    assert "frame 2: OPTIONS sip:bob@example.com SIP/2.0" in done.stdout and "classes: flood" in done.stdout, done.stdout
    counts, _ = classes_of(folder, capture)
    assert counts == {"benign": 80, "flood": 20}, counts
    rules.unlink()
    subprocess.run([fixtures.SIPCNN_DATA, "label", capture, "--ask"], input=b"\nq\n", capture_output=True, timeout=60,
                   check=True)
    assert not rules.exists()


def alert(second, number, signature, source="10.0.0.9", **more):
    stamp = f"2026-11-24T{12 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.250000+0000"
    return json.dumps({"timestamp": stamp, "event_type": "alert", "src_ip": source, "dest_ip": "10.0.0.1",
                       "alert": {"signature_id": number, "signature": signature, "category": "x"}, **more})


def alerts_become_runs(folder):
    capture, rules = capture_in(folder)
    eve = folder / "eve.json"
    eve.write_text("\n".join([
        alert(10, 1, "VOIP Distributed-Flood seen"), alert(50, 1, "VOIP Distributed-Flood seen"),
        alert(200, 1, "VOIP Distributed-Flood seen"), json.dumps({"event_type": "flow", "timestamp": "x"}),
        alert(20, 7, "Guesses", "10.0.0.1", dest_ip="10.0.0.7", direction="to_client"), alert(30, 8, "odd"),
        alert(31, 9, "noise")]))
    mapping = folder / "map.csv"
    mapping.write_text("match,class\n7,bruteforce\nnoise,-\n")
    status, output, errors = run("label", capture, "--eve", eve, "--map", mapping, "--gap", 60, "--before", 2)
    assert status == 0 and "6 alerts read, 2 passed over, 3 rules" in output and "8 odd" in errors, (output, errors)
    rows = [line.split(",") for line in rules.read_text().splitlines()[1:]]
    assert [(row[2], row[5], row[7]) for row in rows] == [
        ("10.0.0.9", "distributed_flood", "1"), ("10.0.0.7", "bruteforce", "2"), ("10.0.0.9", "distributed_flood", "3")]
    assert float(rows[0][1]) - float(rows[0][0]) == 42 and rows[0][0].endswith(".250000000"), rows[0]
    for text, words in (("{\n", "line 1"), (alert(1, 1, "flood", "nobody"), "without an address"),
                        ('{"event_type":"alert","src_ip":"10.0.0.1","alert":{"signature":"flood"}}', "timestamp")):
        eve.write_text(text)
        assert_one_line(run("label", capture, "--eve", eve), "eve.json line 1", words)
    mapping.write_text("7,nonsense\n")
    assert_one_line(run("label", capture, "--eve", eve, "--map", mapping), "map.csv line 1", "nonsense")


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def write_pcapng(path, comments, messages=10):
    """OPTIONS of one client, a second apart, with comments by frame."""
    data = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", 101, 0, 0))
    for number in range(messages):
        packet = fixtures.udp_packet(fixtures.sip_request(number))
        micros = (FIRST_SECOND + number) * 1000000
        body = struct.pack("<IIIII", 0, micros >> 32, micros & 0xFFFFFFFF, len(packet), len(packet))
        body += packet + b"\0" * (-len(packet) % 4)
        for text in comments.get(number + 1, ()):
            raw = text.encode()
            body += struct.pack("<HH", 1, len(raw)) + raw + b"\0" * (-len(raw) % 4)
        data += block(6, body + struct.pack("<HH", 0, 0))
    path.write_bytes(data)


def comments_become_rules(folder):
    capture, rules = folder / "notes.pcapng", folder / "notes.labels.csv"
    write_pcapng(capture, {2: ["sipcnn: teardown run=4 tool=by-hand", "just a remark"],
                           5: ["sipcnn: scan; also=enumeration run=5 scope=call"], 9: ["sipcnn: benign scope=client"]})
    status, output, errors = run("label", capture, "--comments")
    assert status == 0 and "3 comments read" in output and "0 not, of 0 clients" in output, (output, errors)
    counts, runs = classes_of(folder, capture)
    assert counts == {"benign": 8, "teardown": 1, "scan": 1}, counts
    assert [(r["class"], r["tool"]) for r in runs] == [("teardown", "by-hand"), ("scan", "")], runs
    rules.unlink()
    for text, words in (("sipcnn:", "no class"), ("sipcnn: scan scope=planet", "scope=planet"),
                        ("sipcnn: scan twice", "twice"), ("sipcnn: scan run=-1", "run=-1")):
        write_pcapng(capture, {3: [text]})
        assert_one_line(run("label", capture, "--comments"), "notes.pcapng frame 3", words)
    plain, _ = capture_in(folder)
    assert_one_line(run("label", plain, "--comments"), "cap.pcap", "no pcapng file")
    assert not rules.exists()


with fixtures.folder() as scratch:
    clients_are_shown_busiest_first(scratch)
    rules_are_added_by_hand(scratch)
    usage_is_checked(scratch)
    a_person_is_asked(scratch)
    alerts_become_runs(scratch)
    comments_become_rules(scratch)
print("labels by hand, by answers, from alerts and from packet comments")
