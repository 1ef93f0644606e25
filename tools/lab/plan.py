"""Expands a session's description and a seed into a plan: addresses, accounts, server, actors, attack runs.
Relies on: styles.py.
Relied on by: run.py.

Everything random about a session is drawn here, from one seed. Attackers and honest clients draw addresses,
ports, accounts and styles from the same pools.
"""
import random

import mutations
import styles

DEFAULTS = {
    "seconds": 90,
    "users": 50,
    "user_form": "ext3",
    "domain": "ip",
    "ip_version": 4,
    "prefixes": 2,
    "spare": 44,
    "dead": 24,
    "server": {},
    "phones": 36,
    "gap": 22,
    "nat": 6,
    "roamers": 1,
    "redial": 1,
    "monitor": [],
    "dialler": [],
    "trunk": [],
    "storm": [],
    "health": [],
    "sipp": [],
    "attacks": [],
    "quiet": 0.0,
    "note": "",
}

CLASSES = (
    "flood distributed_flood scan enumeration bruteforce teardown hijack malformed injection toll_fraud spit"
).split()
TOOLS = {
    "scan": ["svmap", "raw"],
    "enumeration": ["svwar", "raw"],
    "bruteforce": ["svcrack", "raw"],
    "flood": ["raw", "sipp"],
    "spit": ["raw", "sipp"],
}


class Error(Exception):
    """A description that cannot be run."""


def expand(session, seed, name, out):
    """The plan of a session. Raises Error with one clear line."""
    unknown = set(session) - set(DEFAULTS)
    if unknown:
        raise Error("unknown setting '%s'; known are: %s" % (sorted(unknown)[0], ", ".join(sorted(DEFAULTS))))
    return Planner({**DEFAULTS, **session}, seed, name, out).plan()


class Planner:
    def __init__(self, session, seed, name, out):
        self.s, self.seed, self.name, self.out = session, seed, name, out
        self.rng = random.Random("%s/%d" % (name, seed))
        self.taken = {}  # (ip, port) in use
        self.site_of = {}
        self.actors, self.sipp, self.runs = [], [], []

    def plan(self):
        s, rng = self.s, self.rng
        self.addresses()
        self.users = styles.draw_users(rng, s["users"], s["user_form"])
        self.salt = styles.alnum(rng, 8)
        self.online = []
        self.server()
        self.phones()
        self.machines()
        self.weak = [u for u in self.users if rng.random() < 0.08]
        self.health = [self.health_check(given) for given in s["health"]]
        self.sipp_actors()
        self.attacks()
        sites = {site: [ip for ip in self.pool if self.site_of[ip] == site] for site in ("east", "west")}
        return {
            "name": self.name,
            "seed": self.seed,
            "seconds": s["seconds"],
            "ip_version": s["ip_version"],
            "sites": sites,
            "dead": self.dead,
            "server": self.srv,
            "users": self.users,
            "weak": self.weak,
            "salt": self.salt,
            "actors": self.actors,
            "sipp": self.sipp,
            "health": self.health,
            "runs": self.runs,
            "dialog_log": self.out + "/work/dialogs.jsonl",
        }

    # -- pools ------------------------------------------------------------------------------------------

    def addresses(self):
        s, rng = self.s, self.rng
        count = s["phones"] + s["spare"] + s["dead"] + 24
        if s["ip_version"] == 6:
            prefixes = [
                "fd%02x:%x:%x::" % (rng.randrange(256), rng.randrange(1, 65536), rng.randrange(1, 65536))
                for _ in range(s["prefixes"])
            ]
            hosts = ["%x" % h for h in rng.sample(range(16, 65000), count)]
        else:
            prefixes = [
                rng.choice(["10.%d.%d.", "10.%d.%d.", "172.%d.%d.", "100.%d.%d."])
                % (rng.randrange(16, 32) if i % 2 else rng.randrange(64, 100), rng.randrange(256))
                for i in range(s["prefixes"])
            ]
            hosts = [str(h) for h in range(2, 250)]
        every = sorted({p + h for p in prefixes for h in hosts})
        if len(every) < count + 1:
            raise Error(
                "%d addresses needed, %d prefixes hold %d: raise 'prefixes'"
                % (count + 1, s["prefixes"], len(every))
            )
        every = rng.sample(every, count + 1)
        self.server_ip, every = every[0], every[1:]
        self.dead, self.pool = every[: s["dead"]], every[s["dead"] :]
        for ip in self.pool:
            self.site_of[ip] = rng.choice(["east", "west"])
        self.fresh = list(self.pool)
        self.honest = []

    def address(self):
        """An address that nobody has yet."""
        if not self.fresh:
            raise Error("no address left: raise 'spare'")
        return self.fresh.pop()

    def port(self, ip, port=None):
        """A free local port at an address, with the same odds for everybody."""
        for _ in range(50):
            port = port or styles.draw_port(self.rng)
            if (ip, port) not in self.taken:
                self.taken[ip, port] = True
                return port
            port = None
        raise Error("no port left at " + ip)

    def attacker_address(self):
        """Now and then one that carries honest calls too."""
        if self.honest and self.rng.random() < 0.35:
            return self.rng.choice(self.honest)
        if self.rng.random() < 0.15 and self.used:
            return self.rng.choice(self.used)
        ip = self.address()
        self.used.append(ip)
        return ip

    # -- server -----------------------------------------------------------------------------------------

    def server(self):
        rng, given = self.rng, self.s["server"]
        port = rng.choice([5060] * 4 + [5080, 5062, 15060])
        ports = [port] + ([rng.choice([5160, 5070])] if rng.random() < 0.3 else [])
        domain = (
            self.server_ip
            if self.s["domain"] == "ip"
            else rng.choice(["pbx.example.net", "sip.example.org", "voice.lab.example"])
        )
        self.gateway = self.address()
        gateway_port = self.port(self.gateway)
        host = "[%s]" % self.gateway if ":" in self.gateway else self.gateway
        self.srv = {
            "ip": self.server_ip,
            "ports": ports,
            "domain": domain,
            "realm": rng.choice([domain, "asterisk", "sip"]),
            "server_header": rng.choice(
                ["", "kamailio (5.6.3 (x86_64/linux))", "PBX", "Asterisk PBX 16.2.1~dfsg-1"]
            ),
            "replies": rng.choice(["sl", "tm"]),
            "max_contacts": rng.choice([4, 8]),
            "fr_timer": rng.choice([3000, 5000]),
            "fr_inv_timer": rng.choice([9000, 12000]),
            "auto_100": rng.random() < 0.7,
            "nonce_expire": rng.choice([20, 60, 300]),
            "trusted": [],
            "force_rport": rng.random() < 0.7,
            "qop": rng.random() < 0.5,
            "challenge_invite": rng.random() < 0.7,
            "open_inbound": rng.random() < 0.5,
            "gateway": "%s:%d" % (host, gateway_port),
            "record_route": rng.random() < 0.75,
            "wrong_password": rng.choice([401, 401, 403]),
            "unknown_register": rng.choice([401, 404, 403]),
            "unknown": rng.choice([404, 404, 404, 604, 403]),
            "offline": rng.choice([480, 404, 480]),
            "offline_after_timeout": rng.random() < 0.5,
        }
        unknown = set(given) - set(self.srv)
        if unknown:
            raise Error(
                "unknown server setting '%s'; known are: %s"
                % (sorted(unknown)[0], ", ".join(sorted(self.srv)))
            )
        self.srv.update(given)
        self.srv["address"] = [self.server_ip, self.srv["ports"][0]]
        self.actor(
            "gateway", self.gateway, gateway_port, user="gw", profile={"answer": 8, "busy": 1, "ignore": 1}
        )
        self.used = []

    def actor(self, kind, ip, port, **options):
        self.actors.append(
            dict(
                kind=kind,
                namespace=self.site_of[ip],
                ip=ip,
                port=port,
                seed=self.rng.getrandbits(32),
                **options
            )
        )
        return self.actors[-1]

    # -- honest -----------------------------------------------------------------------------------------

    def profile(self):
        return self.rng.choice(
            [
                {"answer": 7, "busy": 1, "decline": 1, "ignore": 1},
                {"answer": 1},
                {"answer": 2, "ignore": 2, "busy": 1},
                {"answer": 3, "decline": 1},
                {"answer": 4, "silent": 1},
            ]
        )

    def phones(self):
        s, rng = self.s, self.rng
        users = list(self.users)
        rng.shuffle(users)
        self.idle = users[s["phones"] + s["roamers"] + s["redial"] :]
        nat = [self.address() for _ in range(2)] if s["nat"] else []
        for i in range(min(s["phones"], len(users))):
            ip = rng.choice(nat) if i < s["nat"] else self.address()
            options = self.phone_options()
            if rng.random() < 0.2:
                options["gap"] = 10 * s["seconds"]  # a phone that only waits for calls
            self.actor("phone", ip, self.port(ip), user=users[i], at=rng.uniform(0, 5), **options)
            self.online.append(users[i])
            self.honest.append(ip)
        for user in users[s["phones"] : s["phones"] + s["roamers"]]:
            places = [(ip, self.port(ip)) for ip in (self.address(), self.address())]
            same = [p for p in places if self.site_of[p[0]] == self.site_of[places[0][0]]]
            self.actor(
                "roamer",
                places[0][0],
                places[0][1],
                user=user,
                places=same if len(same) > 1 else [places[0], (places[0][0], self.port(places[0][0]))],
                expires=30,
                gap=15,
                at=rng.uniform(0, 10),
            )
        for user in users[s["phones"] + s["roamers"] : s["phones"] + s["roamers"] + s["redial"]]:
            ip = self.address()
            number = rng.choice(self.users) if rng.random() < 0.5 else str(rng.randrange(10**3, 10**5))
            self.actor(
                "burst",
                ip,
                self.port(ip),
                user=user,
                number=number,
                times=rng.randrange(4, 9),
                expires=40,
                gap=s["gap"],
                at=rng.uniform(2, s["seconds"] * 0.6),
            )
            self.honest.append(ip)

    def phone_options(self):
        s, rng = self.s, self.rng
        options = {
            "profile": self.profile(),
            "expires": rng.choice([15, 20, 30, 45, 60]),
            "gap": s["gap"] * rng.uniform(0.5, 2),
            "loss": rng.choice([0, 0, 0, 0.02, 0.06]),
            "mistype": rng.choice([0] * 7 + [1, 1, 2, 3]),
            "odd": rng.choice([0, 0.2, 2]),
            "wrong": rng.choice([0.3, 0.8, 2]),
        }
        if rng.random() < 0.3:
            options.update(keep_alive=rng.choice([5, 10, 15]), crlf=rng.random() < 0.4)
        if rng.random() < 0.25:
            options.update(
                abroad=rng.choice([0.6, 1.5, 3]),
                numbers=[styles.draw_number(rng) for _ in range(rng.choice([1, 2, 4]))],
            )
        if rng.random() < 0.1:
            options["rebind_at"] = rng.uniform(10, s["seconds"] * 0.8)
        if rng.random() < 0.2:
            options["restart"] = True
        return options

    def machines(self):
        s, rng = self.s, self.rng
        for given in s["monitor"]:
            ip = self.address()
            phones = [
                [a["ip"], a["port"]]
                for a in self.actors
                if a["kind"] == "phone" and a["namespace"] != self.site_of[ip]
            ]
            targets = (
                rng.sample(phones, min(len(phones), given.get("phones", 12)))
                + [[d, 5060] for d in self.dead[: given.get("dead", 4)]]
                + [self.srv["address"]]
            )
            rng.shuffle(targets)
            self.actor(
                "monitor",
                ip,
                self.port(ip),
                user=rng.choice(["monitor", "ping", "nagios", "100"]),
                targets=targets,
                spacing=given.get("spacing", 0.08),
                gap=given.get("gap", 5),
                patience=given.get("patience", 3),
                at=rng.uniform(3, 8),
            )
        for kind in ("dialler", "trunk"):
            for given in s[kind]:
                ip = self.address()
                self.srv["trusted"].append(ip)
                options = {"rate": rng.uniform(2, 5), **given}
                at = options.pop("at", rng.uniform(4, 12))
                self.actor(
                    kind,
                    ip,
                    self.port(ip),
                    user=rng.choice(self.users) if kind == "dialler" else "trunk",
                    at=at,
                    **options
                )
                self.honest.append(ip) if rng.random() < 0.3 else None
        for given in s["storm"]:
            count = min(given.get("users", 20), len(self.idle))
            shared = self.address() if given.get("nat") else None
            site = self.site_of[shared] if shared else rng.choice(["east", "west"])
            members = []
            for user in rng.sample(self.idle, count):
                ip = shared or next((x for x in reversed(self.fresh) if self.site_of[x] == site), None)
                if ip is None:
                    break
                if not shared:
                    self.fresh.remove(ip)
                members.append([user, ip, self.port(ip)])
            if members:
                self.actor(
                    "storm",
                    members[0][1],
                    0,
                    members=members,
                    within=given.get("within", 3),
                    times=given.get("times", 2),
                    expires=rng.choice([30, 60]),
                    at=given.get("at", rng.uniform(10, max(11, s["seconds"] * 0.6))),
                )

    def health_check(self, given):
        """An operator who lets svmap ask the own server, and nothing else, whether it lives: an attack tool's stack at honest work."""
        ip = self.address()
        return {
            "ip": ip,
            "site": self.site_of[ip],
            "port": self.port(ip),
            "gap": given.get("gap", 8),
            "disguise": self.rng.getrandbits(30) + 1 if given.get("disguised") else 0,
        }

    def sipp_actors(self):
        """Honest SIPp: callees that register, callers, a trunk, messages, keep-alive."""
        rng = self.rng
        free = list(self.idle)
        for given in self.s["sipp"]:
            kind, family = given["kind"], given.get("family") or rng.choice(["plain", "gateway", "soft"])
            ip = self.address()
            users = [free.pop() for _ in range(min(given.get("users", 3), len(free)))] or [
                rng.choice(self.users)
            ]
            entry = {
                "kind": kind,
                "family": family,
                "ip": ip,
                "port": self.port(ip),
                "site": self.site_of[ip],
                "users": users,
                "seed": rng.getrandbits(32),
                "at": given.get("at", rng.uniform(2, 8)),
                "rate": given.get("rate", 0.5),
                "settings": {k: v for k, v in given.items() if k not in ("kind", "family", "users")},
            }
            if kind == "callee":
                entry["register_port"] = self.port(ip)
                self.online += users
            if kind == "trunk":
                self.srv["trusted"].append(ip)
            self.honest.append(ip)
            self.sipp.append(entry)

    # -- attacks ----------------------------------------------------------------------------------------

    def attacks(self):
        s, rng = self.s, self.rng
        wanted = []
        for given in s["attacks"]:
            if given.get("class") not in CLASSES:
                raise Error(
                    "attack of unknown class '%s'; known are: %s" % (given.get("class"), ", ".join(CLASSES))
                )
            wanted += [given] * given.get("count", 1)
        rng.shuffle(wanted)
        first, last = max(12, s["seconds"] * s["quiet"]), s["seconds"] - 8
        for i, given in enumerate(wanted):
            at = first + (last - first) * (i + rng.uniform(0, 0.8)) / max(1, len(wanted))
            self.runs.append(self.attack(i + 1, dict(given), at))

    def attack(self, number, given, at):
        rng, cls, s = self.rng, given["class"], self.s
        tools = list(TOOLS.get(cls, ["raw"]))
        if s["ip_version"] == 6:  # these two do not speak IPv6 to a literal
            tools = [t for t in tools if t not in ("svwar", "svcrack")]
        if "svwar" in tools and not self.svwar_methods():
            tools.remove("svwar")
        tool = given.get("tool") or rng.choice(tools)
        if tool not in tools:
            raise Error(
                "class %s has no tool '%s' against this server over IPv%d; it has: %s"
                % (cls, tool, s["ip_version"], ", ".join(tools))
            )
        ip = self.attacker_address()
        run = {
            "run": number,
            "class": cls,
            "tool": tool,
            "ip": ip,
            "site": self.site_of[ip],
            "port": self.port(ip),
            "seed": rng.getrandbits(31),
            "user": rng.choice(self.users),
            "accounts": rng.sample(self.users, 3),
            "settings": {},
        }
        settings = getattr(self, "draw_" + (cls if tool == "raw" else tool))(run, given)
        settings.update({k: v for k, v in given.items() if k not in ("class", "tool", "count", "seconds")})
        run["settings"] = settings
        run["seconds"] = round(given.get("seconds", run.get("seconds", 12)), 2)
        run["at"] = round(max(10, min(at, s["seconds"] - run["seconds"] - 5)), 2)  # late, but not cut off
        return run

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
            "honest_first": rng.random() < 0.35,
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
        count = rng.randrange(20, 34)
        site = run["site"]
        candidates = [ip for ip in self.pool if self.site_of[ip] == site]
        run["sockets"] = [[ip, self.port(ip)] for ip in rng.sample(candidates, min(count, len(candidates)))]
        s = {
            **self.habits(),
            **self.pace(run, 20, 80, rng.randrange(110, 220)),
            "method": rng.choice(["INVITE", "REGISTER", "MESSAGE", "SUBSCRIBE"]),
            "victims": rng.choice(["one", "known", "unknown"]),
            "identity": "changing",
        }
        s.update(call_ids="new", honest_first=False)
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
            candidates = [ip for ip in self.pool if self.site_of[ip] == run["site"]]
            run["sockets"] = [
                [ip, self.port(ip)]
                for ip in rng.sample(candidates, min(rng.randrange(3, 9), len(candidates)))
            ]
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
            "user": weak or rng.choice([u for u in self.users if u not in self.weak]),
            "range": "%d-%d" % (first, first + rng.randrange(25, 80)),
        }
        return s

    def draw_sipp(self, run, given):
        rng = self.rng
        if run["class"] == "flood":
            pace = self.pace(run, 12, 120, rng.randrange(80, 200))
            method = rng.choice(["INVITE", "INVITE", "REGISTER", "OPTIONS"])
            return {
                "rate": max(12, int(pace["rate"])),
                "calls": pace["limit"],
                "family": rng.choice(["plain", "gateway", "soft"]),
                "method": method,
                "victims": "unknown" if method == "OPTIONS" else rng.choice(["known", "unknown"]),
            }
        run["seconds"] = 30
        return {
            "rate": rng.choice([1, 2, 3]),
            "calls": rng.randrange(16, 30),
            "family": rng.choice(["plain", "gateway", "soft"]),
            "method": rng.choice(["INVITE", "MESSAGE"]),
        }
