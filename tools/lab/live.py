#!/usr/bin/python3
"""Runs a sensor on the lab's live interface while one attack is launched, and says when the attack was what.
Relies on: run.py, plan.py, label.py.
Relied on by: the project's live test, people.
"""
import argparse
import csv
import json
import os
import subprocess
import sys

import label
import network
import plan as planning
import run as lab

EPILOG = """The command runs inside the lab's isolated network, where the interface is br0 and 127.0.0.1 works: start the collector
in the same command if it has to be reached. It is started before the traffic and gets SIGINT after it; its output goes
to standard output. OUT/live.json then holds, per run, class, clients, start, onset_end and end in epoch seconds.

example:
  tools/lab/live.py --class flood --out /tmp/live -- sipcnn-infer --model models/first-light.sipcnn --interface br0 --json"""


class LiveSession(lab.Session):
    """A session with a sensor beside the capture."""

    def __init__(self, plan, out, command):
        super().__init__(plan, out)
        self.command, self.sensor = command, None

    def start_capture(self, pcap):
        super().start_capture(pcap)
        self.sensor = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, start_new_session=True)

    def stop_capture(self):
        super().stop_capture()
        self.status = self.sensor.poll()
        if self.status is None:
            os.killpg(self.sensor.pid, lab.signal.SIGINT)
            try:
                self.status = self.sensor.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.sensor.pid, lab.signal.SIGKILL)
                self.status = self.sensor.wait()


def timeline(name):
    """When each run started, when its onset was over, and when it ended."""
    with open(name + ".labels.tsv") as f:
        table = csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE)
        rows = {(int(r["frame"]), int(r["index"])): r for r in table}
    with open(name + ".runs.tsv") as f:
        runs = {int(r["run"]): r for r in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE)}
    out = {
        n: {
            "run": n,
            "class": r["class"],
            "tool": r["tool"],
            "clients": r["clients"].split(","),
            "start": float(r["start"]),
            "onset_end": float(r["start"]),
            "end": float(r["end"]),
        }
        for n, r in runs.items()
    }
    for m in label.messages(name + ".pcap")[0]:
        row = rows[m.frame, m.index]
        if row["part"] == "onset" and not m.status:
            out[int(row["run"])]["onset_end"] = m.time
    return sorted(out.values(), key=lambda r: r["start"])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--class", dest="cls", required=True, choices=planning.CLASSES, help="class of the attack"
    )
    parser.add_argument("--tool", help="tool of the attack (default: drawn)")
    parser.add_argument("--seed", type=int, default=1, help="draws everything random (default 1)")
    parser.add_argument(
        "--seconds",
        type=int,
        default=30,
        help="length, 25 at least (default 30); the attack starts after 10 to 15 s",
    )
    parser.add_argument("--out", required=True, help="directory for the capture, the labels and live.json")
    parser.add_argument("command", nargs="+", help="the sensor and its arguments, after --")
    args = parser.parse_args()
    if args.seconds < 25:
        parser.error("--seconds must be 25 at least")
    attack = {"class": args.cls, **({"tool": args.tool} if args.tool else {})}
    session = {
        "seconds": args.seconds,
        "users": 24,
        "phones": 10,
        "gap": 10,
        "nat": 0,
        "roamers": 0,
        "redial": 0,
        "attacks": [attack],
        "server": {"challenge_invite": True, "record_route": True},
    }
    out = os.path.abspath(args.out)
    try:
        plan = planning.expand(session, args.seed, "live", out)
        lab.check_machine(plan)
        os.makedirs(os.path.join(out, "work"), exist_ok=True)
        if not network.inside():
            return network.enter([lab.PYTHON, os.path.abspath(__file__)] + sys.argv[1:])
        live = LiveSession(plan, out, args.command)
        log = live.run(os.path.join(out, "live.pcap"))
    except (planning.Error, OSError) as error:
        print("live: %s" % error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    name = os.path.join(out, "live")
    status = subprocess.run(
        [lab.PYTHON, os.path.join(lab.HERE, "label.py"), name + ".pcap", log, name], stdout=sys.stderr
    ).returncode
    if status == 0:
        with open(name + ".json", "w") as f:
            json.dump(timeline(name), f, indent=1)
    return status or (1 if live.status not in (0, 130, -2) else 0)


if __name__ == "__main__":
    sys.exit(main())
