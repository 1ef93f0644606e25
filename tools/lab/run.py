#!/usr/bin/python3
"""Runs one lab session: network, server, honest clients, attackers, capture, labels.
Relies on: plan.py, network.py, servers.py, sipp_scenarios.py, phones.py, softphones.py, attackers.py, label.py;
           the Debian packages of `tools/packages.sh lab`; root.
Relied on by: data/samples/README.md, live.py, people.
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import attackers
import network
import plan as planning
import servers
import sip
import sipp_scenarios
import softphones
from styles import MESSAGE_TEXTS, draw_number

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"
NEEDED = {
    "kamailio": "kamailio",
    "sipp": "sip-tester",
    "svmap": "sipvicious",
    "tcpdump": "tcpdump",
    "ip": "iproute2",
    "unshare": "util-linux",
}
EXAMPLES = """examples:
  tools/lab/run.py --preset office-a --seed 11 --out /tmp/lab/office
  tools/lab/run.py my-session.json --seed 7 --name office --out /tmp/lab/office
  tools/lab/run.py --list
The directory then holds NAME.pcap, NAME.labels.tsv and NAME.runs.tsv (docs/labels.md), and work/ with all logs."""


class Session(servers.Servers, attackers.Attackers):
    """Processes of one running session. They live in its own process namespace and die with it."""

    def __init__(self, plan, out):
        self.plan, self.out, self.work = plan, out, os.path.join(out, "work")
        self.processes = []
        self.threads = []
        self.runs = []
        self.legs = os.path.join(self.work, "legs.jsonl")  # where a server that makes calls of its own notes them
        self.server = tuple(plan["server"]["address"])
        self.host = sip.bracket(self.server[0])

    # -- processes --------------------------------------------------------------------------------------

    def start(self, command, log, site=None, **options):
        with open(os.path.join(self.work, log), "ab") as f:
            process = subprocess.Popen(
                (network.at(site) if site else []) + command,
                stdin=subprocess.DEVNULL,
                stdout=f,
                stderr=f,
                cwd=self.work,
                **options
            )
        self.processes.append(process)
        return process

    def left(self):
        return self.plan["start"] + self.plan["seconds"] - time.time()

    def background(self, function, *args):
        thread = threading.Thread(target=function, args=args, daemon=True)
        thread.start()
        self.threads.append(thread)

    @staticmethod
    def finish(process, seconds):
        """Waits for a process for so long, then ends it."""
        try:
            process.wait(max(0.1, seconds))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(1)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    # -- capture -----------------------------------------------------------------------------

    def start_capture(self, pcap):
        self.capture = self.start(
            [
                "tcpdump",
                "-i",
                "br0",
                "-U",
                "-n",
                "-s",
                "262144",
                "-B",
                "16384",
                "-Z",
                "root",
                "--time-stamp-precision=nano",
                "-w",
                pcap,
                "(udp and not udp portrange 65002-65535) or tcp or icmp or icmp6 or (ip[6:2] & 0x3fff != 0)",
            ],
            "tcpdump.log",
        )
        log = os.path.join(self.work, "tcpdump.log")
        deadline = time.time() + 8
        while "listening on" not in open(log).read():
            if self.capture.poll() is not None or time.time() > deadline:
                raise planning.Error("tcpdump did not start: %s" % open(log).read().strip())
            time.sleep(0.1)

    def stop_capture(self):
        time.sleep(0.5)
        self.capture.send_signal(signal.SIGINT)
        self.capture.wait()
        with open(os.path.join(self.work, "tcpdump.log")) as f:
            lost = [x for x in f if "dropped by kernel" in x and not x.startswith("0 ")]
        if lost:
            print("lab: warning: the capture lost packets: " + lost[0].strip(), file=sys.stderr)

    # -- SIPp -------------------------------------------------------------------------------------------

    def sipp(
        self,
        entry,
        name,
        scenario,
        port,
        rows=None,
        rate=1.0,
        calls=1,
        listen=False,
        seconds=20.0,
        log="sipp.log",
    ):
        """Starts one SIPp with a scenario; a caller is bound in calls and time."""
        base = os.path.join(self.work, "sipp-%s-%d-%s" % (entry["ip"].replace(":", "_"), port, name))
        with open(base + ".xml", "w") as f:
            f.write(scenario)
        command = [
            "sipp",
            "-sf",
            base + ".xml",
            "-i",
            entry["ip"],
            "-p",
            str(port),
            "-nostdin",
            "-aa",
            "-cid_str",
            entry["call_id"],
            "-timeout",
            "%ds" % max(1, int(seconds)),
            "-timer_resol",
            "10",
        ] + (["-t", "t1"] if entry.get("wire") == "tcp" else [])
        if rows:
            with open(base + ".csv", "w") as f:
                f.write(sipp_scenarios.csv(rows))
            command += ["-inf", base + ".csv"]
        if listen:
            command += ["-m", "100000"]
        else:
            period = 1000
            if rate < 1:
                rate, period = 1, int(1000 / rate)
            command += [
                "-r",
                str(max(1, int(rate))),
                "-rp",
                str(period),
                "-m",
                str(calls),
                "%s:%d" % (self.host, self.server[1]),
            ]
        return self.start(command, log, entry["site"], env=dict(os.environ, TERM="dumb"))

    def rows(self, users, callees):
        return [
            (
                users[i % len(users)],
                users[i % len(users)],
                sip.password_of(users[i % len(users)], self.plan["salt"], self.plan["weak"]),
                callee,
            )
            for i, callee in enumerate(callees)
        ]

    def sipp_actor(self, entry):
        """One honest SIPp client for the whole session."""
        rng = random.Random(entry["seed"])
        time.sleep(max(0.0, self.plan["start"] + entry["at"] - time.time()))
        challenged = servers.challenge(self.plan["server"]) if entry["kind"] != "trunk" else 0
        domain = sip.bracket(self.plan["server"]["domain"])
        writer = sipp_scenarios.Writer(entry["family"], rng, domain, challenged)
        entry["call_id"] = writer.call_id
        writer.wire = ";transport=tcp" if entry.get("wire") == "tcp" else ""
        getattr(self, "sipp_" + entry["kind"])(entry, writer, rng)

    def sipp_callee(self, entry, writer, rng):
        status = rng.choice([200, 200, 200, 486, 603])
        self.sipp(
            entry,
            "answer",
            writer.answer(rng.randrange(200, 1800), status),
            entry["port"],
            listen=True,
            seconds=self.left() + 2,
        )
        expires = max(rng.choice([20, 30, 40]), self.plan["server"]["min_expires"])
        while self.left() > 3:
            self.finish(
                self.sipp(
                    entry,
                    "register",
                    writer.register(entry["port"], expires),
                    entry["register_port"],
                    self.rows(entry["users"], entry["users"]),
                    rate=3,
                    calls=len(entry["users"]),
                    seconds=6,
                ),
                7,
            )
            time.sleep(max(0.1, min(expires * rng.uniform(0.4, 0.7), self.left() - 2.5)))
        self.finish(
            self.sipp(
                entry,
                "unregister",
                writer.register(entry["port"], 0),
                entry["register_port"],
                self.rows(entry["users"], entry["users"]),
                rate=5,
                calls=len(entry["users"]),
                seconds=3,
            ),
            2,
        )

    def callees(self, rng, count, abroad=0.0, wrong=0.1):
        return [
            draw_number(rng)
            if rng.random() < abroad
            else str(rng.randrange(10**6))
            if rng.random() < wrong
            else rng.choice(self.plan["users"])
            for _ in range(count)
        ]

    def sipp_calls(self, entry, writer, rng, rate, abroad, wrong):
        while self.left() > 6:
            seconds = min(rng.uniform(8, 16), self.left() - 4)
            calls = max(1, int(rate * seconds))
            scenario = rng.choice(
                [
                    writer.call(rng.randrange(800, 4000)),
                    writer.call(rng.randrange(1500, 3000), hold=True),
                    writer.call(0, cancel_ms=rng.randrange(150, 1500)),
                    writer.call(rng.randrange(500, 2000)),
                ]
            )
            process = self.sipp(
                entry,
                "call",
                scenario,
                entry["port"],
                self.rows(entry["users"], self.callees(rng, calls, abroad, wrong)),
                rate,
                calls,
                seconds=seconds + 8,
            )
            self.finish(process, min(seconds + 6, self.left()))

    def sipp_caller(self, entry, writer, rng):
        self.sipp_calls(entry, writer, rng, entry["rate"], 0.05, 0.08)

    def sipp_trunk(self, entry, writer, rng):
        entry["users"] = [draw_number(rng).lstrip("+") for _ in range(20)]
        self.sipp_calls(entry, writer, rng, entry["rate"], entry["settings"].get("abroad", 0.3), 0.2)

    def sipp_message(self, entry, writer, rng):
        while self.left() > 4:
            calls = rng.randrange(1, 5)
            text = rng.choice(MESSAGE_TEXTS).replace("[", "(").replace("]", ")")
            self.finish(
                self.sipp(
                    entry,
                    "message",
                    writer.message(text),
                    entry["port"],
                    self.rows(entry["users"], self.callees(rng, calls, 0, 0.05)),
                    1,
                    calls,
                    seconds=8,
                ),
                8,
            )
            time.sleep(max(0.1, min(rng.uniform(2, 8), self.left() - 3)))

    def sipp_options(self, entry, writer, rng):
        self.finish(
            self.sipp(
                entry,
                "options",
                writer.options(),
                entry["port"],
                self.rows(entry["users"], entry["users"]),
                entry["rate"],
                10**6,
                seconds=self.left() - 1,
            ),
            self.left() - 1,
        )

    # -- attackers --------------------------------------------------------------------------------------

    def attack(self, run):
        time.sleep(max(0.0, self.plan["start"] + run["at"] - time.time()))
        print(
            "lab: %5.1f s  run %d: %s by %s from %s"
            % (time.time() - self.plan["start"], run["run"], run["class"], run["tool"], run["ip"]),
            file=sys.stderr,
        )
        record = {
            "run": run["run"],
            "class": run["class"],
            "tool": run["tool"],
            "settings": run["settings"],
            "launched": time.time(),
            "sockets": [[run["ip"], run["port"]]] + run.get("sockets", []),
            "sent_log": "",
            "accounts": run["accounts"],
        }
        self.runs.append(record)
        self.launch(run, record)
        record["ended"] = time.time()

    # -- the whole --------------------------------------------------------------------------------------

    def run(self, pcap):
        plan = self.plan
        network.build([plan["server"]["ip"]], plan["sites"], plan["dead"], plan["ip_version"] == 6)
        network.roads(plan["far"], plan["dead"][0], plan["ip_version"] == 6)
        for entry in plan["softphones"]:
            network.join(entry["namespace"], entry["ip"], plan["ip_version"] == 6)
        if plan["loss"]:
            for site in network.SITES:
                network.lose(site, plan["loss"])
        self.start_server()
        self.start_capture(pcap)
        self.start_listener()
        plan["start"] = time.time() + 1
        path = os.path.join(self.work, "plan.json")
        with open(path, "w") as f:
            json.dump(plan, f, indent=1)
        open(plan["dialog_log"], "w").close()
        for site in network.SITES:
            self.start([PYTHON, os.path.join(HERE, "phones.py"), path, site], "phones-%s.log" % site, site)
        if plan["softphones"]:
            self.start([PYTHON, os.path.join(HERE, "softphones.py"), path], "softphones.log")
        for entry in plan["sipp"]:
            self.background(self.sipp_actor, entry)
        for entry in plan["health"]:
            self.background(self.health_check, entry)
        for run in plan["runs"]:
            self.background(self.attack, run)
        self.watch(pcap)
        self.stop_capture()
        log = os.path.join(self.work, "runlog.json")
        record = {"server": list(self.server), "runs": sorted(self.runs, key=lambda r: r["run"])}
        record["legs"] = self.legs
        record["servers"] = [plan["server"]["ip"]] + [ip for ip, _ in plan["server"]["cores"]]
        with open(log, "w") as f:
            json.dump(record, f, indent=1)
        return log

    def watch(self, pcap):
        """Progress until the session's end."""
        shown = 0.0
        while self.left() > -1.0:
            time.sleep(0.2)
            if time.time() - shown > 10:
                shown = time.time()
                print(
                    "lab: %5.1f of %d s, capture %.1f MB"
                    % (time.time() - self.plan["start"], self.plan["seconds"], os.path.getsize(pcap) / 1e6),
                    file=sys.stderr,
                )


def load(args):
    """(description, name) of the session that the arguments name."""
    path = args.session or os.path.join(HERE, "sessions", args.preset + ".json")
    try:
        with open(path) as f:
            return json.load(f), args.name or os.path.splitext(os.path.basename(path))[0]
    except OSError as error:
        raise planning.Error("%s: %s" % (path, error.strerror))
    except ValueError as error:
        raise planning.Error("%s: %s" % (path, error))


def say(text):
    print("lab: " + text, file=sys.stderr)


def check_machine(plan):
    if os.geteuid():
        raise planning.Error("network namespaces need root")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for program, package in {**NEEDED, **attackers.needed(plan)}.items():
        if not shutil.which(program):
            raise planning.Error("%s is missing: apt-get install %s" % (program, package))
    for reason in (servers.missing(plan), attackers.unbuilt(plan)):
        if reason:
            raise planning.Error(reason)
    instead = servers.second_best(plan)
    if instead and not network.inside():
        say(instead)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("session", nargs="?", help="JSON file that describes the session")
    parser.add_argument("--preset", help="one of tools/lab/sessions/")
    parser.add_argument("--list", action="store_true", help="list the presets and end")
    parser.add_argument("--seed", type=int, default=1, help="draws everything random (default 1)")
    parser.add_argument("--name", help="name of the files (default: that of the description)")
    parser.add_argument("--out", help="directory for the results; made if missing")
    parser.add_argument("--seconds", type=int, help="another length than the description's")
    parser.add_argument(
        "--keep-logs", action="store_true", help="keep work/ (always kept when something fails)"
    )
    args = parser.parse_args()
    if args.list:
        for f in sorted(os.listdir(os.path.join(HERE, "sessions"))):
            with open(os.path.join(HERE, "sessions", f)) as g:
                print("%-16s %s" % (f[:-5], json.load(g).get("note", "")))
        return 0
    if not args.out or bool(args.session) == bool(args.preset):
        parser.error("give a session file or --preset, and --out")
    try:
        session, name = load(args)
        if args.seconds:
            session["seconds"] = args.seconds
        out = os.path.abspath(args.out)
        plan = planning.expand(session, args.seed, name, out)
        check_machine(plan)
        plan["softphones"] = softphones.usable(plan["softphones"], None if network.inside() else say)
        os.makedirs(os.path.join(out, "work"), exist_ok=True)
        if not network.inside():
            return network.enter([PYTHON, os.path.abspath(__file__)] + sys.argv[1:])
        return inside(plan, out, name, args)
    except (planning.Error, OSError) as error:
        print("lab: %s" % error, file=sys.stderr)
        return 1


def inside(plan, out, name, args):
    pcap = os.path.join(out, name + ".pcap")
    try:
        log = Session(plan, out).run(pcap)
    except KeyboardInterrupt:
        print("lab: interrupted; %s is not labelled" % pcap, file=sys.stderr)
        return 1
    status = subprocess.run(
        [PYTHON, os.path.join(HERE, "label.py"), pcap, log, os.path.join(out, name)]
    ).returncode
    if status == 0 and not args.keep_logs:
        shutil.rmtree(os.path.join(out, "work"))
    return status


if __name__ == "__main__":
    sys.exit(main())
