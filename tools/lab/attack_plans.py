"""Draws what a description of an attack leaves open: tool, rate, spread, disguise, victims.
Relies on: styles.py, mutations.py, payloads.py, sipp_attacks.py, launch.py; the pools of plan.Planner, whose part it is.
Relied on by: plan.py.

`draw_CLASS` draws the settings of a class for the lab's own builders, `draw_BUILDER` then adds what is that builder's;
`draw_TOOL` draws those of a program with settings of its own.
"""
import ipaddress

import launch
import mutations
import payloads
import sipp_attacks
import stacks
import styles


# Which tools know which class. `raw`, `script`, `spoof`, `replay` and `shell` are builders of the lab's own by different
# minds; `svmap`, `svwar`, `svcrack` (SIPVicious), `sipp`, `sipsak`, `sofia` (sip-options) and `baresip` are programs.
# `nua` and `jain` are phones on the libraries of that name, `zzuf` flips bits: a description that wants one names it, so
# that those that name none keep their plans.
TOOLS = {
    "flood": "raw sipp script spoof replay sipsak shell nua jain",
    "distributed_flood": "raw script spoof sipp",
    "scan": "svmap raw script spoof sipsak sofia shell nua jain",
    "enumeration": "svwar raw script spoof sipp sipsak sofia replay shell nua jain",
    "bruteforce": "svcrack raw script spoof sipp sipsak nua jain",
    "teardown": "raw script spoof replay sipp nua jain",
    "hijack": "raw script spoof replay sipp baresip nua jain",
    "malformed": "raw script spoof replay shell zzuf",
    "injection": "raw script spoof replay sipp sipsak shell",
    "toll_fraud": "raw script replay sipp baresip nua jain",
    "spit": "raw script replay sipp baresip shell nua jain",
}
OWN = ("raw", "script", "spoof", "replay", "shell")  # these take the settings of draw_CLASS
NO_IPV6 = ("svwar", "svcrack", "sipsak", "sofia")  # do not take an IPv6 literal
NAMED = ("nua", "jain", "zzuf")
HEALTH = ("svmap", "sipsak", "sofia", "script", "spoof", "shell")  # tools that operators use as well
HEADERS = [
    "Subject",
    "User-Agent",
    "Reason",
    "X-Info",
    "P-Asserted-Identity",
    "Alert-Info",
    "Organization",
    "Warning",
]
SHELL_BREAKS = "length from to cseq version colon call nul many branch".split()


class Attacks:
    """The half of plan.Planner that draws attacks."""

    # -- which tool, and from where ---------------------------------------------------------------------

    def tools_for(self, cls):
        """The tools that can do it against this server."""
        tools = TOOLS[cls].split()
        if self.s["ip_version"] == 6:
            tools = [t for t in tools if t not in NO_IPV6]
        if "svwar" in tools and not self.svwar_methods():
            tools.remove("svwar")
        if cls == "spit" and self.srv["challenge_invite"]:
            tools.remove("shell")  # it knows no digest
        if cls == "enumeration" and "sipsak" in tools and not self.sipsak_methods():
            tools.remove("sipsak")
        return tools

    def tool(self, cls, given, turn):
        """The tool that a description names, or the next in turn: a session with many runs has them all."""
        tools = self.tools_for(cls)
        wanted = given.get("tool")
        if isinstance(wanted, list):
            tools, wanted = [t for t in tools if t in wanted], None
        elif wanted is None:
            tools = [t for t in tools if t not in NAMED]
        if wanted is None and tools:
            start = sum(map(ord, self.name)) + self.seed
            wanted = tools[(start + turn) % len(tools)]
        return wanted, tools

    def draw(self, cls, tool, run, given):
        """The settings of a run: those of its class for the lab's own builders, else those of its tool."""
        if tool not in OWN:
            return getattr(self, "draw_" + tool)(run, given)
        settings = getattr(self, "draw_" + cls)(run, given)
        if tool != "raw":
            getattr(self, "draw_" + tool)(run, given, settings)
        return settings

    def cap(self, run):
        """What a description bounds: the messages of a run (`most`, of a session) and its seconds."""
        most = self.s["most"]
        for key in ("limit", "calls"):
            if most and run["settings"].get(key, 0) > most:
                run["settings"][key] = most

    def far(self, count):
        """Sockets at addresses that nobody has, for sources that a sprayer makes up."""
        rng, out = self.rng, set()
        nets = [ipaddress.ip_network(net) for net in self.far_nets]
        while len(out) < count:
            net = rng.choice(nets)
            out.add(str(net[rng.randrange(1, min(net.num_addresses - 1, 1 << 32))]))
        return [[ip, styles.draw_port(rng)] for ip in sorted(out)]

    def beside(self, count):
        """The same at addresses between those of honest clients; each has a route of its own."""
        rng, used = self.rng, set(self.pool) | set(self.dead) | {self.server_ip}
        used |= {net.split("/")[0] for net in self.ghosts}
        out = set()
        while len(out) < count:
            prefix, mark, _ = rng.choice(self.pool).rpartition(":" if ":" in self.pool[0] else ".")
            ip = (
                prefix
                + mark
                + ("%x" % rng.randrange(16, 65000) if mark == ":" else str(rng.randrange(2, 250)))
            )
            out |= {str(ipaddress.ip_address(ip))} - used
        self.ghosts += ["%s/%d" % (ip, 128 if ":" in ip else 32) for ip in sorted(out)]
        return [[ip, styles.draw_port(rng)] for ip in sorted(out)]

    def draw_far_nets(self):
        """Networks from which sprayers pretend to send; replies to them leave over the bridge and are lost."""
        rng = self.rng
        if self.s["ip_version"] == 6:
            return [
                "2a%02x:%x:%x::/64" % (rng.randrange(256), rng.randrange(1, 65536), rng.randrange(1, 65536))
                for _ in range(3)
            ]
        firsts = rng.sample([5, 8, 31, 37, 41, 45, 62, 77, 79, 80, 87, 91, 94, 95], 4)
        # Short ones: 10,000 of them still fit into one field of runs.tsv (Python's csv reads 131,072 characters).
        return ["%d.%d.0.0/16" % (first, rng.randrange(1, 10)) for first in firsts]

    def callees(self):
        """Whom an attacker calls who has a directory: mostly people who are there."""
        rng = self.rng
        away = [u for u in self.users if u not in self.online]
        out = rng.sample(self.online, min(len(self.online), 26)) + rng.sample(away, min(len(away), 5))
        rng.shuffle(out)
        return out

    def targets(self, run, s, count):
        """User parts for the programs that are given a list."""
        rng = self.rng
        kind, first = s.get("victims", "known"), s.get("first", rng.choice([90, 400, 1000, 5000]))
        run["targets"] = []
        for i in range(count):
            user = launch.victim(rng, {"victims": kind, "first": first}, self.users, run["seed"], i)
            run["targets"].append("".join(c for c in user if c.isalnum() or c in "+.-_") or "100")

    def near_sockets(self, run, low, high):
        """Sockets at other addresses of the run's site, those of honest clients among them."""
        candidates = [ip for ip in self.pool if self.site_of[ip] == run["site"]]
        count = min(self.rng.randrange(low, high), len(candidates))
        return [[ip, self.port(ip)] for ip in self.rng.sample(candidates, count)]

    # -- what a builder has beside its class's settings -------------------------------------------------

    def draw_script(self, run, given, s):
        rng, cls = self.rng, run["class"]
        s.pop("raw_repeat", None)
        if cls == "flood":
            s["kind"] = given.get("kind") or rng.choice(
                ["plain"] * 4 + ["names", "credentials", "long", "accomplice", "loop", "reflect"]
            )
            if s["kind"] == "loop" and (
                self.srv["challenge_invite"] or self.srv.get("kind", "registrar") != "registrar"
            ):
                s["kind"] = "plain"  # a loop needs a server that relays unasked
            if s["kind"] == "accomplice" and not self.srv["challenge_invite"]:
                s["rate"] = max(s["rate"], 12)
            if s["kind"] in ("accomplice", "loop"):
                run["sockets"] = [[run["ip"], self.port(run["ip"])]]
                busy = set(self.online) | {a.get("user") for a in self.actors}
                unused = [u for u in self.users if u not in busy]  # else somebody answers
                run["accounts"] = rng.sample(unused, 2) if len(unused) > 1 else run["accounts"]
                s["honest_first"] = False
            if s["kind"] in ("names", "credentials", "long", "reflect", "accomplice"):
                s.pop("target", None)
            if s["kind"] == "reflect":
                s["reflect"] = [[ip, 5060] for ip in rng.sample(self.dead, 2)]
        elif cls == "bruteforce":
            s["kind"] = given.get("kind") or rng.choice(["answer", "answer", "reuse", "blind"])
        elif cls == "teardown":
            s["kind"] = given.get("kind") or rng.choice(["bye", "bye", "cancel", "reply", "guessed"])
            s["direct"] = False
        elif cls == "hijack" and s["kind"] == "dialog":
            s["takes"] = given.get("takes") or rng.choice([None, "INVITE", "UPDATE", "REFER"])
        elif cls == "malformed":
            self.other_author(s, payloads.BROKEN, 6)
        elif cls == "injection":
            self.other_author(s, payloads.KINDS, 2)
            self.places(s)

    def other_author(self, s, kinds, few):
        """Kinds out of payloads.py instead of mutations.py."""
        s["kinds"] = list(kinds) if self.rng.random() < 0.6 else self.rng.sample(list(kinds), few)

    def places(self, s):
        rng = self.rng
        s["fields"] = (
            payloads.PLACES if rng.random() < 0.5 else rng.sample(payloads.PLACES, rng.choice([1, 3, 6]))
        )

    def draw_spoof(self, run, given, s):
        rng, cls = self.rng, run["class"]
        low, high = {
            "flood": (1, 1),
            "distributed_flood": (20, 300),
            "scan": (0, 0),
            "enumeration": (0, 1),
            "bruteforce": (2, 60),
            "teardown": (1, 12),
            "hijack": (1, 4),
            "malformed": (1, 20),
            "injection": (1, 20),
        }[cls]
        sources = given.get("sources", rng.randrange(low, high + 1))
        if sources:
            near = sources <= 20 and len(self.ghosts) < 100 and rng.random() < 0.6
            run["sockets"] = self.beside(sources) if near else self.far(sources)
        s.update(sources=sources, honest_first=False, honest_after=False)
        if cls == "distributed_flood" and not given.get("limit"):
            s["limit"] = max(s["limit"], min(3 * sources, 400))
            run["seconds"] = min(40.0, s["limit"] / s["rate"] + 1)
        elif cls == "teardown":
            s.update(kind=given.get("kind") or rng.choice(["bye", "bye", "cancel", "guessed"]), direct=False)
        elif cls == "hijack":
            s.update(
                kind="dialog",
                rate=1,
                takes=given.get("takes") or rng.choice([None, "INVITE", "UPDATE", "REFER"]),
            )
        elif cls == "malformed":
            self.other_author(s, payloads.BROKEN, 6)
        elif cls == "injection":
            self.other_author(s, payloads.KINDS, 2)
            self.places(s)

    def draw_replay(self, run, given, s):
        rng, cls = self.rng, run["class"]
        s.update(honest_after=False, open=not self.srv["challenge_invite"], fresh=rng.random() < 0.7)
        s.pop("target", None)
        if cls == "flood":
            s["recordings"] = rng.choice([1, 1, 3])
            if s["victims"] != "unknown" and s["open"]:
                s["victims"] = "unknown"
        elif cls == "enumeration":
            s["method"] = "REGISTER" if s["method"] == "REGISTER" else "any"
        elif cls == "teardown":
            s.update(kind="cancel" if s["kind"] == "cancel" else "bye", direct=False)
        elif cls == "hijack":
            s["takes"] = given.get("takes") or rng.choice([None, "INVITE", "UPDATE", "REFER"])
            s["rate"] = max(s["rate"], 2)
        elif cls == "injection":
            self.other_author(s, payloads.KINDS, 2)
            self.places(s)

    def draw_shell(self, run, given, s):
        rng, cls = self.rng, run["class"]
        s.update(honest_after=False)
        s.pop("target", None)
        s["rate"] = min(s["rate"], 14)
        if cls == "flood":  # a process per message: fast enough for the description, not faster
            s.update(rate=14 if s["rate"] > 5 else s["rate"], limit=min(s["limit"], 110))
            s["victims"] = "unknown" if s["victims"] == "few" else s["victims"]
        elif cls == "malformed":
            s["kinds"] = SHELL_BREAKS if rng.random() < 0.6 else rng.sample(SHELL_BREAKS, 4)
        elif cls == "injection":
            s["fields"] = rng.sample(HEADERS + ["body"], rng.choice([1, 2, 4]))
        elif cls == "spit":
            s["method"] = "MESSAGE"
        run["seconds"] = min(45.0, s.get("limit", 60) / s["rate"] * 1.3 + 3)
        self.targets(run, s, s.get("limit", 60))

    def pace(self, run, low, high, messages):
        """A rate, log-uniform, and a length that holds about `messages`."""
        rng = self.rng
        rate = low * (high / low) ** rng.random()
        run["seconds"] = min(40.0, messages / rate + 1)
        return {
            "rate": round(rate, 2),
            "limit": messages,
            "rhythm": rng.choice(["even", "random", "random", "bursts"]),
        }

    def habits(self):
        """Traits that say nothing about the label."""
        rng = self.rng
        return {
            "identity": rng.choice(["fixed", "changing"]),
            "call_ids": rng.choice(["new", "new", "new", "same"]),
            "honest_first": rng.random() < 0.45,
            "honest_after": rng.random() < 0.1,
        }

    def draw_flood(self, run, given):
        rng = self.rng
        method = rng.choice(
            [
                "INVITE",
                "INVITE",
                "REGISTER",
                "OPTIONS",
                "MESSAGE",
                "SUBSCRIBE",
                "PUBLISH",
                ["INVITE", "OPTIONS"],
                ["REGISTER", "SUBSCRIBE", "MESSAGE"],
            ]
        )
        s = {
            **self.habits(),
            **self.pace(run, 11, 250, rng.randrange(70, 220)),
            "method": method,
            "raw_repeat": rng.random() < 0.12,
            "victims": rng.choice(["known", "few", "one", "unknown"]),
            "patience": 1.0,
        }
        if self.would_succeed(method):
            s["victims"] = "unknown"
        if rng.random() < 0.2:
            run["seconds"], s["rate"], s["limit"], s["rhythm"] = (
                40,
                rng.uniform(2.5, 4),
                110,
                "even",
            )  # slow, but more than 60 a minute
        if rng.random() < 0.1:
            s["target"] = [rng.choice(self.dead), 5060]
        return s

    def draw_distributed_flood(self, run, given):
        rng = self.rng
        run["sockets"] = self.near_sockets(run, 20, 34)
        s = {
            **self.habits(),
            **self.pace(run, 20, 80, rng.randrange(110, 220)),
            "method": rng.choice(["INVITE", "REGISTER", "MESSAGE", "SUBSCRIBE"]),
            "victims": rng.choice(["one", "known", "unknown"]),
            "identity": "changing",
        }
        s.update(call_ids="new", honest_first=False)
        if rng.random() < 0.15:  # slow: more than 60 a minute from all together
            s.update(rate=rng.uniform(2.5, 6), limit=100, rhythm="random")
            run["seconds"] = 40
        if self.would_succeed(s["method"]):
            s["victims"] = "unknown"
        if s["method"] == "INVITE" and not self.srv["challenge_invite"]:
            s["acks"] = False
        return s

    def would_succeed(self, method):
        """Whether known accounts would answer such a flood with success, so that it would be none."""
        methods = method if isinstance(method, list) else [method]
        return (
            "OPTIONS" in methods
            or not self.srv["challenge_invite"]
            and bool({"MESSAGE", "SUBSCRIBE"} & set(methods))
        )

    def hosts(self, site):
        """Targets of a scan: phones of the other site, addresses where nobody is, the server."""
        rng = self.rng
        phones = [a["ip"] for a in self.actors if a["kind"] == "phone" and a["namespace"] != site]
        hosts = (
            rng.sample(phones, min(len(phones), rng.randrange(3, 16)))
            + rng.sample(self.dead, rng.randrange(1, len(self.dead) + 1))
            + [self.server_ip]
        )
        return sorted(set(hosts))

    def draw_scan(self, run, given):
        rng = self.rng
        kind = rng.choice(["hosts", "hosts", "ports", "methods"])
        s = {
            **self.habits(),
            **self.pace(run, 1, 60, 200),
            "call_ids": "new",
            "hosts": self.hosts(run["site"]),
            "ports": [5060],
            "methods": [rng.choice(["OPTIONS", "OPTIONS", "REGISTER", "INVITE"])],
        }
        s["honest_first"] = False
        if kind == "ports":
            s["hosts"], s["ports"] = [self.server_ip] + rng.sample(s["hosts"], 1), [
                5060,
                5061,
                5062,
                5065,
                5070,
                5080,
                5090,
                5160,
                6060,
                15060,
                8060,
            ][: rng.randrange(5, 12)]
        if kind == "methods":
            s["hosts"], s["methods"] = rng.sample(s["hosts"], min(4, len(s["hosts"]))), rng.sample(
                ["OPTIONS", "REGISTER", "INVITE", "SUBSCRIBE", "MESSAGE", "PUBLISH", "INFO"], 4
            )
        if rng.random() < 0.3:
            s["user"] = rng.choice(self.users)
        run["seconds"] = min(30, len(s["hosts"]) * len(s["ports"]) * len(s["methods"]) / s["rate"] + 1)
        return s

    def draw_enumeration(self, run, given):
        rng = self.rng
        s = {
            **self.habits(),
            **self.pace(run, 0.8, 60, rng.randrange(16, 80)),
            "method": rng.choice(["REGISTER", "REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE", "MESSAGE"]),
            "victims": rng.choice(["range", "names", "unknown"]),
            "first": rng.choice([1, 90, 400, 800, 1500, 5000, 9000]),
            "identity": "fixed",
        }
        s["honest_first"] = rng.random() < 0.1
        return s

    def words(self):
        rng = self.rng
        out = [
            rng.choice(
                [
                    str(rng.randrange(10**3, 10**4)),
                    styles.alnum(rng, 6).lower(),
                    rng.choice(["admin", "secret", "123456", "password", "qwerty", "sip", "voip", "letmein"])
                    + rng.choice(["", "1", "!", "123"]),
                ]
            )
            for _ in range(rng.randrange(14, 45))
        ]
        return out

    def draw_bruteforce(self, run, given):
        rng = self.rng
        words = self.words()
        run["accounts"] = run["accounts"][: rng.choice([1, 1, 2, 3])]
        if rng.random() < 0.3 and self.weak:
            run["accounts"], words[-1:] = [self.weak[0]], [self.weak[0][-3:] + "1"]
        s = {
            **self.habits(),
            **self.pace(run, 1, 25, len(words) + 1),
            "method": rng.choice(["REGISTER", "REGISTER", "INVITE"])
            if self.srv["challenge_invite"]
            else "REGISTER",
            "passwords": words,
            "reuse_nonce": rng.random() < 0.3,
            "identity": "fixed",
        }
        run["seconds"] += 2
        if rng.random() < 0.25:
            run["sockets"] = self.near_sockets(run, 3, 9)
        return s

    def draw_teardown(self, run, given):
        run["seconds"] = 25
        return {
            **self.habits(),
            "rate": self.rng.uniform(0.5, 2),
            "limit": self.rng.randrange(6, 16),
            "rhythm": "random",
            "kind": self.rng.choice(["bye", "bye", "cancel", "reply"]),
            "direct": self.rng.random() < 0.3,
            "patience": 0.8,
        }

    def draw_hijack(self, run, given):
        kind = self.rng.choice(["register", "dialog"])
        run["seconds"] = 20
        run["accounts"] = self.rng.sample(self.online, min(len(self.online), self.rng.randrange(4, 11)))
        return {
            **self.habits(),
            "rate": self.rng.uniform(0.8, 4) if kind == "register" else 1,
            "limit": 20,
            "kind": kind,
            "honest_first": False,
            "honest_after": False,
        }

    def draw_malformed(self, run, given):
        rng = self.rng
        kinds = list(mutations.MALFORMED)
        return {
            **self.habits(),
            **self.pace(run, 0.7, 30, rng.randrange(15, 70)),
            "method": rng.choice(
                ["INVITE", "OPTIONS", "REGISTER", ["INVITE", "OPTIONS", "REGISTER", "MESSAGE", "SUBSCRIBE"]]
            ),
            "victims": rng.choice(["one", "few", "known"]),
            "mixed_styles": rng.random() < 0.6,
            "kinds": kinds if rng.random() < 0.6 else rng.sample(kinds, 8),
            "call_ids": "new",
        }

    def draw_injection(self, run, given):
        rng = self.rng
        kinds = list(mutations.INJECTIONS)
        return {
            **self.habits(),
            **self.pace(run, 0.7, 20, rng.randrange(15, 70)),
            "method": rng.choice(
                ["INVITE", "REGISTER", "OPTIONS", ["INVITE", "OPTIONS", "REGISTER", "MESSAGE", "SUBSCRIBE"]]
            ),
            "victims": rng.choice(["one", "few", "known"]),
            "mixed_styles": rng.random() < 0.6,
            "kinds": kinds if rng.random() < 0.5 else rng.sample(kinds, 2),
            "call_ids": "new",
            "acks": False,  # an ACK would be of the run, but without a payload
        }

    def draw_spit(self, run, given):
        rng = self.rng
        run["seconds"] = 30
        return {
            **self.habits(),
            "rate": rng.uniform(0.8, 4),
            "limit": rng.randrange(16, 30),
            "rhythm": "random",
            "method": rng.choice(["INVITE", "MESSAGE"]),
            "acks": True,
            "register": rng.random() < 0.8,
            "identity": "fixed",
            "call_ids": "new",
        }

    def draw_toll_fraud(self, run, given):
        rng = self.rng
        run["seconds"] = 30
        return {
            **self.habits(),
            "rate": rng.uniform(0.6, 3),
            "limit": rng.randrange(9, 26),
            "rhythm": "random",
            "kind": rng.choice(["numbers", "prefixes"]),
            "acks": True,
            "register": rng.random() < 0.7,
        }

    # -- other tools' settings --------------------------------------------------------------------------

    def coat(self, given):
        """SIPVicious as it is, or disguised: a seed for the disguise and a throttle."""
        rng = self.rng
        disguised = given.get("disguised", rng.random() < 0.6)
        return {
            "disguise": rng.getrandbits(30) + 1 if disguised else 0,
            "throttle": rng.choice([0.005, 0.02, 0.1, 0.4])
            if disguised
            else rng.choice([0.005, 0.005, 0.05]),
        }

    def draw_svmap(self, run, given):
        rng = self.rng
        run["seconds"] = 20
        s = {
            **self.coat(given),
            "hosts": self.hosts(run["site"]),
            "ports": rng.choice(["5060", "5060", "5060-5064", "5060,5080,5160"]),
            "method": rng.choice(["OPTIONS", "OPTIONS", "REGISTER", "INVITE"]),
        }
        if s["disguise"]:
            s["fromname"] = rng.choice(["Alice", "100", "pbx", "O'Brien", "test"])
        return s

    def svwar_methods(self):
        """Methods with which svwar gets anywhere: an unknown account must be a 404, else it gives up at once."""
        calls = not self.srv["challenge_invite"] and self.srv["unknown"] == 404
        return ["REGISTER"] * (self.srv["unknown_register"] == 404) + ["OPTIONS", "INVITE"] * calls

    def draw_svwar(self, run, given):
        rng = self.rng
        run["seconds"] = 25
        first = rng.choice([90, 100, 150, 195, 290, 400, 1000, 2000, 5000])
        s = {
            **self.coat(given),
            "honest_first": rng.random() < 0.3,
            "extensions": "%d-%d" % (first, first + rng.randrange(30, 110)),
            "method": rng.choice(self.svwar_methods()),
        }
        s["force"] = rng.random() < 0.3
        if rng.random() < 0.25:
            s["template"] = rng.choice(["1%04i", "%05i", "49%06i"])
        return s

    def draw_svcrack(self, run, given):
        rng = self.rng
        run["seconds"] = 25
        first = rng.randrange(100, 9000)
        numbers = [u for u in self.weak if u[-3:].isdigit() and u[-3] != "0"]
        weak = rng.choice(numbers) if numbers and rng.random() < 0.3 else None
        if weak:
            first = int(weak[-3:] + "1") - rng.randrange(15, 25)
        s = {
            **self.coat(given),
            "honest_first": rng.random() < 0.3,
            "user": weak or rng.choice([u for u in self.users if u not in self.weak]),
            "range": "%d-%d" % (first, first + rng.randrange(25, 80)),
        }
        return s

    def draw_sipp(self, run, given):
        rng, cls = self.rng, run["class"]
        s = {"family": rng.choice(["plain", "gateway", "soft"])}
        if cls == "flood":
            pace = self.pace(run, 12, 120, rng.randrange(80, 200))
            method = rng.choice(["INVITE", "INVITE", "REGISTER", "OPTIONS"])
            s.update(rate=max(12, int(pace["rate"])), calls=pace["limit"], method=method)
            s["victims"] = "unknown" if self.would_succeed(method) else rng.choice(["known", "unknown"])
        elif cls in ("teardown", "hijack"):
            s.update(getattr(self, "draw_" + cls)(run, given), direct=False)
            s["kind"] = {"reply": "bye"}.get(s["kind"], s["kind"])
            s["takes"] = given.get("takes") or rng.choice([None, "INVITE", "UPDATE", "REFER"])
            s.update(honest_after=False)
        elif cls in ("distributed_flood", "enumeration", "bruteforce", "injection"):
            s.update(getattr(self, "draw_" + cls)(run, given), honest_after=False)
            s["method"] = s["method"] if isinstance(s["method"], str) else "INVITE"
            getattr(self, "draw_sipp_" + cls)(run, s)
        else:
            run["seconds"] = 30
            s.update(
                rate=rng.choice([1, 1, 2, 3]),
                calls=rng.randrange(16, 30),
                method=rng.choice(["INVITE", "MESSAGE"]),
            )
            s["kind"] = rng.choice(["numbers", "numbers", "prefixes"])
            if cls == "toll_fraud":
                s["method"], s["rate"] = "INVITE", rng.choice([0.6, 1, 2])
        return s

    def draw_sipp_distributed_flood(self, run, s):
        """SIPp binds the same port at every address."""
        port = run["port"]
        run["sockets"] = [[ip, port] for ip, _ in run["sockets"] if not self.taken.get((ip, port))]
        self.taken.update({(ip, port): True for ip, _ in run["sockets"]})
        s["method"] = self.rng.choice(["INVITE", "REGISTER"])

    def draw_sipp_enumeration(self, run, s):
        s["method"] = self.rng.choice(["REGISTER", "REGISTER", "INVITE", "OPTIONS"])
        self.targets(run, s, s["limit"])

    def draw_sipp_bruteforce(self, run, s):
        s["method"] = "REGISTER"
        run.pop("sockets", None)
        run["seconds"] += 4

    def draw_sipp_injection(self, run, s):
        s["method"] = self.rng.choice(["INVITE", "OPTIONS", "MESSAGE", "REGISTER"])
        s["fields"] = self.rng.sample(list(sipp_attacks.INJECTED), self.rng.choice([1, 2, 3]))
        s["kinds"] = None if self.rng.random() < 0.6 else self.rng.sample(list(payloads.KINDS), 2)
        self.targets(run, s, min(s["limit"], 60))

    def sipsak_methods(self):
        """Methods with which sipsak only asks: it answers every challenge, which would be guessing."""
        refused = self.srv["unknown_register"] != 401
        return ["REGISTER"] * refused + ["OPTIONS"] * (not self.srv["challenge_invite"])

    def draw_sipsak(self, run, given):
        rng, cls = self.rng, run["class"]
        s = getattr(self, "draw_" + cls)(run, given)
        s.update(honest_after=False, method="OPTIONS")
        run.pop("sockets", None)
        if cls == "scan":
            s.update(methods=["OPTIONS"], user="", rate=min(s["rate"], 6), patience=0.8)
        elif cls == "enumeration":
            s.update(method=rng.choice(self.sipsak_methods()), rate=min(s["rate"], 8))
            s["victims"] = rng.choice(["range", "unknown"])
            self.targets(run, s, min(s["limit"], 60))
        elif cls == "bruteforce":
            run["accounts"] = run["accounts"][:1]
            s.update(method="REGISTER", rate=min(s["rate"], 8))
        elif cls == "injection":
            s["fields"] = rng.sample(HEADERS, rng.choice([1, 2, 4]))
            s.update(rate=min(s["rate"], 6), limit=min(s["limit"], 40))
            self.targets(run, s, s["limit"])
        else:
            s.update(portion=rng.choice([10, 25, 60]), victims="unknown", rhythm="bursts")
            s.update(rate=rng.uniform(1, 3) * 25 / s["portion"], limit=rng.randrange(100, 260))
            self.targets(run, s, max(1, s["limit"] // s["portion"]))
            s.pop("target", None)
            run["seconds"] = 20
            return s
        run["seconds"] = min(45, max(run["seconds"], 1.3 * s.get("limit", 40) / s["rate"] + 3))
        return s

    def draw_sofia(self, run, given):
        s = getattr(self, "draw_" + run["class"])(run, given)
        s.update(honest_after=False, method="OPTIONS", rate=min(s["rate"], 5), patience=1.0)
        if run["class"] == "enumeration":
            self.targets(run, s, min(s["limit"], 50))
        else:
            s["methods"] = ["OPTIONS"]
        run["seconds"] = 35
        return s

    def draw_baresip(self, run, given):
        s = getattr(self, "draw_" + run["class"])(run, given)
        s.update(honest_after=False, method="INVITE")
        if run["class"] == "hijack":
            s["kind"] = "register"
        else:
            s.update(rate=self.rng.uniform(0.5, 1.1), talk=self.rng.choice([[0.6, 1.2], [0.8, 2.0]]))
            run["seconds"] = min(45, 1.2 * s["limit"] / s["rate"] + 8)
        return s

    def draw_nua(self, run, given):
        """A phone on a library: what it is set up for, and a pace that it keeps."""
        rng, cls = self.rng, run["class"]
        s = getattr(self, "draw_" + cls)(run, given)
        s.update(honest_after=False, named=rng.random() < 0.7, **stacks.draw_habits(rng, styles.AGENTS))
        s.pop("target", None)
        s.pop("raw_repeat", None)
        run.pop("sockets", None)
        if cls in ("flood", "enumeration"):
            s["rate"] = min(s["rate"], 60)
            refused = ["INVITE", "REGISTER", "MESSAGE"]  # where nobody has the account
            refused += ["OPTIONS"] * (self.srv["kind"] != "sofia") + ["SUBSCRIBE"] * (not self.srv["presence"])
            s["method"] = rng.choice(refused)
            s["victims"] = "unknown" if self.would_succeed(s["method"]) else s["victims"]
        elif cls == "scan":
            s["rate"] = min(s["rate"], 20)
        elif cls == "bruteforce":
            s["method"] = "REGISTER"
        elif cls == "teardown":
            s.update(kind=rng.choice(["bye", "bye", "guessed"]), direct=False)
        elif cls == "hijack":
            s["takes"] = given.get("takes") or rng.choice([None, "INVITE", "UPDATE", "REFER"])
        elif s.get("method") != "MESSAGE":  # calls take their time
            s.update(rate=rng.uniform(0.5, 1.1), talk=rng.choice([[0.6, 1.2], [0.8, 2.0]]))
            run["seconds"] = min(45, 1.2 * s["limit"] / s["rate"] + 8)
        return s

    draw_jain = draw_nua

    def draw_zzuf(self, run, given):
        s = self.draw_malformed(run, given)
        s.update(honest_after=False, fresh=self.rng.random() < 0.7, rate=min(s["rate"], 15))
        s["ratio"] = self.rng.choice([0.0005, 0.002, 0.01])  # of all bits
        s.pop("kinds")
        return s

    def health_check(self, given, error):
        """An operator lets an attack tool ask the own server, and nothing else, whether it lives."""
        if given.get("tool", "svmap") not in HEALTH:
            raise error(
                "health check by unknown tool '%s'; known are: %s" % (given["tool"], ", ".join(HEALTH))
            )
        if self.s["ip_version"] == 6 and given.get("tool") in NO_IPV6:
            raise error("%s, a health check, does not speak to an IPv6 literal" % given["tool"])
        rng, ip = self.rng, self.address()
        return {
            "tool": given.get("tool", "svmap"),
            "ip": ip,
            "site": self.site_of[ip],
            "port": self.port(ip),
            "user": rng.choice(self.idle or self.users),
            "seed": rng.getrandbits(31),
            "gap": given.get("gap", 8),
            "disguise": rng.getrandbits(30) + 1 if given.get("disguised") else 0,
        }
