#!/usr/bin/python3
"""Live: a flood on an interface becomes an incident at the collector within two seconds after the run's onset.
usage: test_live.py replay    a labelled flood of data/samples with its own timing, through a pair of veth interfaces
       test_live.py lab       the lab attacks while the sensor watches its bridge (root; the lab's packages)
       test_live.py lab CLASS [SEED]    the same with another attack, for people
Relies on: sipcnn-infer, sipcnn-collector, data/samples; iproute2 and unshare; tools/lab for the second form.
Relied on by: ctest."""
import csv
import json
import lzma
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import system

LIMIT = 2.0  # seconds from the end of the onset to the collector
BEFORE, AFTER = 3.0, 4.0  # seconds of the capture around the onset's end that are replayed
READY = 10  # seconds for a sensor to begin its capture
INSIDE = "SIPCNN_TEST_INSIDE"


def model():
    """The words that choose the model: the shipped one where it fits this build, else the fixture's."""
    for path in system.SOURCE / "models/sipcnn-base.sipcnn", system.QUICK_MODEL:
        if path.exists() and system.run(system.INFER, "--model", path, "--read", "/dev/null").stderr.find(str(path)) < 0:
            return ["--model", path]
    return ["--rules-only"]


def ask(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def incidents(url):
    """All incidents that the collector has, with `received` (when it heard of each first) and `opened`."""
    listed = ask(url + "/v1/incidents?limit=1000")["incidents"]
    return [ask(url + "/v1/incidents/" + urllib.parse.quote(i["id"], safe="")) for i in listed]


def is_capturing(sensor, interface):
    """Whether the process has a packet socket bound to the interface, as the kernel tells."""
    index = socket.if_nametoindex(interface)
    with open("/proc/net/packet") as table:
        bound = {line.split()[8] for line in table.readlines()[1:] if int(line.split()[4]) == index}
    for entry in pathlib.Path(f"/proc/{sensor.pid}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except OSError:
            continue
        if target.startswith("socket:[") and target[8:-1] in bound:
            return True
    return False


def judge(found, clients, classes, start, onset_end):
    """Prints what came when; the first right incident must be early enough."""
    right = sorted(i["received"] for i in found
                   if i["class"] in classes and (i["client"] in clients or not i["client"]) and i["received"] >= start)
    for incident in sorted(found, key=lambda i: i["received"]):
        opened = incident["opened"]
        print("%+7.3f s  by %-5s  %-12s %s; the message that opened it: %+7.3f s, number %d of its client" % (
            incident["received"] - onset_end, incident["by"], incident["class"], incident["client"],
            opened["time"] - onset_end, opened["messages"]))
    system.expect(right, "no incident of", classes, "with", clients)
    delay = right[0] - onset_end
    print("incident at the collector %.3f s after the end of the onset, %.3f s after the run's first message" %
          (delay, right[0] - start))
    system.expect(delay <= LIMIT, "that is later than", LIMIT, "s")


# ---- a labelled flood, replayed ----

def packets(path):
    """(frame number, seconds, bytes) of a packed little-endian pcap file."""
    with lzma.open(path) as file:
        unit = {b"\xd4\xc3\xb2\xa1": 1e6, b"\x4d\x3c\xb2\xa1": 1e9}.get(file.read(24)[:4])
        system.expect(unit, path, "is another kind of capture")
        number = 0
        while header := file.read(16):
            seconds, part, length, _ = struct.unpack("<IIII", header)
            number += 1
            yield number, seconds + part / unit, file.read(length)


def read_table(path):
    opened = lzma.open(path, "rt") if path.suffix == ".xz" else open(path)
    with opened as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def choose_flood():
    """A flood that reaches 20 requests in the second after its onset: (sample, run's row, right classes, its onset's
    frames). No slower one can be known for certain in two seconds (docs/labels.md)."""
    for sample in system.samples():
        base = str(sample).removesuffix(".pcap.xz")
        runs = read_table(pathlib.Path(base + ".runs.tsv"))
        floods = {r["run"]: r for r in runs if r["class"] == "flood"}
        if not floods:
            continue
        rows = read_table(pathlib.Path(base + ".labels.tsv.xz"))
        times = {number: at for number, at, _ in packets(sample)}
        for run, flood in floods.items():
            mine = [r for r in rows if r["run"] == run]
            onset = [int(r["frame"]) for r in mine if r["part"] == "onset"]
            if not onset:
                continue
            end = times[max(onset)]
            soon = sum(end < times[int(r["frame"])] < end + 1 for r in mine if r["part"] == "request")
            if soon >= 20:
                classes = {"flood"}.union(*(r["also"].split(",") for r in mine)) - {""}
                return sample, flood, classes, set(onset)
    system.skip("no sample has a fast flood")


def send(sample, flood, onset):
    """Sends the part of the capture around the run; (time of its first packet, time of the onset's last one)."""
    end = next(at for number, at, _ in packets(sample) if number == max(onset))
    wanted = [p for p in packets(sample) if end - BEFORE <= p[1] <= end + AFTER]
    first = last = None
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind(("wire0", 0))
        begin = time.time() - wanted[0][1]
        for number, at, frame in wanted:
            time.sleep(max(0, begin + at - time.time()))
            raw.send(frame)
            if number in onset:
                last = time.time()
                first = first or last
    print("%s: run %s, %d packets in %.1f s" % (sample.name, flood["run"], len(wanted), wanted[-1][1] - wanted[0][1]))
    return first, last


def replay():
    if not os.environ.get(INSIDE):
        return enter_namespace()
    for command in ("link set lo up", "link add wire0 mtu 65535 type veth peer name wire1 mtu 65535",
                    "link set wire0 arp off up", "link set wire1 arp off up"):
        if system.run("ip", *command.split()).returncode:
            system.skip("ip " + command + " is not possible here")
    sample, flood, classes, onset = choose_flood()
    with system.scratch() as folder, system.collector(folder) as url:
        words = [system.INFER, *model(), "--interface", "wire1", "--report", url, "--json", "--quiet"]
        print(*map(str, words))
        sensor = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        system.expect(system.wait_until(lambda: is_capturing(sensor, "wire1"), READY), "the sensor does not start")
        first, last = send(sample, flood, onset)
        found = incidents(url)
        sensor.send_signal(signal.SIGINT)
        system.expect(sensor.wait(20) == 0, "the sensor ended with", sensor.returncode)
        judge(found, flood["clients"].split(","), classes, first, last)


def enter_namespace():
    """The same program again in a network of its own, as root there."""
    words = ["unshare", "--net", "--fork", "--kill-child"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])
    if not shutil.which("unshare") or not shutil.which("ip") or system.run(*words, "true").returncode:
        system.skip("no network namespaces, or no ip(8)")
    inside = subprocess.run([*words, sys.executable, "-B", __file__, "replay"], env=dict(os.environ, **{INSIDE: "1"}))
    sys.exit(inside.returncode)


# ---- the lab ----

def watch_bridge(folder):
    """What live.py starts inside the lab's network: collector and sensor, until SIGINT; leaves incidents.json."""
    stop = []
    signal.signal(signal.SIGINT, lambda *_: stop.append(True))
    with system.collector(folder) as url:
        sensor = subprocess.Popen([system.INFER, *model(), "--interface", "br0", "--report", url, "--json", "--quiet"],
                                  stdout=subprocess.DEVNULL, start_new_session=True)
        while not stop and sensor.poll() is None:
            time.sleep(.05)
        (folder / "incidents.json").write_text(json.dumps(incidents(url)))
        sensor.send_signal(signal.SIGINT)
        sys.exit(sensor.wait(20))


def lab(attack="flood", seed="6"):
    if os.geteuid() != 0:
        system.skip("the lab needs root")
    for program in "kamailio", "sipp", "tcpdump", "unshare", "ip":
        if not shutil.which(program):
            system.skip(program + " is not installed")
    with system.scratch() as folder:
        watch = [sys.executable, "-B", __file__, "watch", folder]
        result = system.run(system.SOURCE / "tools/lab/live.py", "--class", attack, "--tool", "raw", "--seed", seed,
                            "--seconds", "25", "--out", folder, "--", *watch)
        system.expect(result.returncode == 0, result.stdout, result.stderr)
        found = json.loads((folder / "incidents.json").read_text())
        runs = [r for r in json.loads((folder / "live.json").read_text()) if r["class"] == attack]
        system.expect(runs, "the lab made no", attack, result.stderr)
        rows = read_table(folder / "live.labels.tsv")
        classes = {attack}.union(*(r["also"].split(",") for r in rows if r["run"] == str(runs[0]["run"]))) - {""}
        judge(found, runs[0]["clients"], classes, runs[0]["start"], runs[0]["onset_end"])


def main():
    words = sys.argv[1:]
    if words == ["replay"]:
        replay()
    elif words[:1] == ["watch"]:
        watch_bridge(pathlib.Path(words[1]))
    else:
        lab(*words[1:])


main()
