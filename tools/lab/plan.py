"""Expands a session's description and a seed into a plan: addresses, accounts, server, actors, attack runs.
Relies on: styles.py, honest_plans.py, attack_plans.py.
Relied on by: run.py.

Everything random about a session is drawn here, from one seed. Attackers and honest clients draw addresses,
ports, accounts and styles from the same pools.
"""
import collections
import random

import styles
from attack_plans import Attacks
from honest_plans import SERVER, Honest

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
    "softphones": [],
    "services": [],
    "forked": 0,
    "unplugged": 0,
    "tcp": 0.0,
    "ws": 0.0,
    "loss": 0,
    "attacks": [],
    "most": 0,
    "quiet": 0.0,
    "note": "",
}

CLASSES = (
    "flood distributed_flood scan enumeration bruteforce teardown hijack malformed injection toll_fraud spit"
).split()


class Error(Exception):
    """A description that cannot be run."""


def expand(session, seed, name, out):
    """The plan of a session. Raises Error with one clear line."""
    unknown = set(session) - set(DEFAULTS)
    if unknown:
        raise Error("unknown setting '%s'; known are: %s" % (sorted(unknown)[0], ", ".join(sorted(DEFAULTS))))
    return Planner({**DEFAULTS, **session}, seed, name, out).plan()


class Planner(Honest, Attacks):
    def __init__(self, session, seed, name, out):
        self.s, self.seed, self.name, self.out = session, seed, name, out
        self.rng = random.Random("%s/%d" % (name, seed))
        self.taken = {}  # (ip, port) in use
        self.site_of = {}
        self.actors, self.sipp, self.runs = [], [], []
        self.start_honest()

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
        self.health = [self.health_check(given, Error) for given in s["health"]]
        self.sipp_actors()
        self.devices()
        self.real_phones(Error)
        self.services(Error)
        self.exchange()
        self.ways_back()
        self.far_nets, self.ghosts = self.draw_far_nets(), []
        self.attacks()
        names = ("east", "west") + ("core",) * bool(self.srv["cores"])
        sites = {site: [ip for ip in self.pool if self.site_of[ip] == site] for site in names}
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
            "softphones": self.softphones,
            "loss": s["loss"],
            "health": self.health,
            "runs": self.runs,
            "far": self.far_nets + self.ghosts,
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
            **{k: list(v) if isinstance(v, list) else v for k, v in SERVER.items()},
        }
        unknown = set(given) - set(self.srv)
        if unknown:
            raise Error(
                "unknown server setting '%s'; known are: %s"
                % (sorted(unknown)[0], ", ".join(sorted(self.srv)))
            )
        self.srv.update(given)
        self.srv["address"] = [self.server_ip, self.srv["ports"][0]]
        self.front(Error)
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
        wanted, self.turns = [], collections.Counter()
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
        tool, tools = self.tool(cls, given, self.turns[cls])
        self.turns[cls] += 1
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
            "callees": self.callees(),
            "settings": {},
        }
        settings = self.draw(cls, tool, run, given)
        settings.update({k: v for k, v in given.items() if k not in ("class", "tool", "count", "seconds")})
        run["settings"] = settings
        self.over_stream(run)
        self.cap(run)
        run["seconds"] = round(given.get("seconds", run.get("seconds", 12)), 2)
        lead = 9 if settings.get("honest_first") else 0  # what honest work takes before
        run["at"] = round(max(10, min(at, s["seconds"] - run["seconds"] - lead - 5)), 2)  # late, but not cut off
        return run
