"""Draws the honest side that came after phones and machines: fronts, transports, real softphones, services that write.
Relies on: styles.py.
Relied on by: plan.py (a Planner is an Honest).

Everything here has a random source of its own, so that a description that uses none of it keeps its plan.
"""
import random

import stacks
import styles

SERVICES = "alerts chat codes news person reminders".split()
SOFTPHONES = {
    "baresip": ("udp", "tcp"),
    "linphone": ("udp", "tcp"),
    "twinkle": ("udp",),
    "sipjs": ("ws",),
    "jssip": ("ws",),
    "sofia": ("udp", "tcp"),
    "jain": ("udp",),
}
WS_PORTS = [80, 8080, 8088, 5066]
STREAM_ATTACKS = "flood enumeration bruteforce injection spit toll_fraud hijack".split()  # all with the server
STREAM_KINDS = (None, "plain", "register", "numbers", "prefixes", "answer", "reuse", "blind")
B2BUAS = ("pbx", "sippy", "sofia")  # they answer each call and make another
KINDS = ("registrar", "edge", "dispatcher", "ejabberd") + B2BUAS
SERVER = {  # settings of a server beyond plan.py's, and what they are unless a description says otherwise
    "kind": "registrar",
    "tcp": False,
    "ws_port": 0,
    "presence": False,
    "natping": 0,
    "hide": "",
    "mask_ip": "",
    "probe": 4,
    "cores": [],
    "challenge_status": 407,
    "min_expires": 0,
    "pbx": {},
}
EJABBERD = {  # what that server does, whatever was drawn
    "challenge_invite": True,
    "open_inbound": False,
    "unknown_register": 401,
    "wrong_password": 401,
    "unknown": 404,
    "offline": 480,
    "presence": False,
    "natping": 0,
    "min_expires": 60,
}
NO_WEBSOCKET = ("ejabberd",) + B2BUAS
PBX_NAMES = [
    "PBX",
    "IP Office 11.1.2",
    "MX-ONE/7.4",
    "KX-NS1000/008.10",
    "HiPath 3000 V9",
    "VoiceServer 2.6.1 (x86_64)",
    "OXE/12.4",
    "Softswitch/4.0",
]


class Honest:
    """What plan.py's Planner draws for the honest side with `self.more`."""

    def start_honest(self):
        self.more = random.Random("%s/%d/more" % (self.name, self.seed))
        self.softphones = []

    def front(self, error):
        """Addresses of the registrars behind an edge or a dispatcher."""
        srv, rng, s = self.srv, self.more, self.s
        if min(s["tcp"], s["ws"]) < 0 or s["tcp"] + s["ws"] > 1:
            raise error("'tcp' and 'ws' are shares: together they are 1 at most")
        if not 0 <= s["loss"] < 50:
            raise error("'loss' is so many of a hundred packets, below 50")
        if srv["kind"] not in KINDS:
            raise error("unknown kind of server '%s'; known are: %s" % (srv["kind"], ", ".join(KINDS)))
        for _ in range({"edge": 1, "dispatcher": 2}.get(srv["kind"], 0)):
            ip = self.address()
            self.site_of[ip] = "core"
            srv["cores"].append([ip, rng.choice([5060, 5060, 5070, 5090])])
        srv["mask_ip"] = srv["mask_ip"] or "192.0.2.%d" % rng.randrange(1, 255)
        if srv["kind"] in NO_WEBSOCKET and (
            s["ws"] or any(given.get("kind") in ("sipjs", "jssip") for given in s["softphones"])
        ):
            raise error("%s speaks no SIP over WebSocket" % srv["kind"])
        if srv["kind"] == "ejabberd":
            if s["trunk"]:
                raise error("a session with ejabberd has no trunk: it asks everybody for a password")
            srv.update(EJABBERD, realm=srv["domain"])
        elif srv["kind"] in B2BUAS:
            if srv["kind"] == "sippy" and (s["tcp"] or s["ip_version"] == 6):
                raise error("sippy speaks UDP over IPv4 here")
            srv["ports"], given = srv["ports"][:1], s["server"]
            srv["realm"] = given.get("realm", rng.choice([srv["domain"], "pbx", "sip"]))
            srv["challenge_status"] = given.get("challenge_status", rng.choice([401, 407]))

    def exchange(self):
        """What a PBX does beyond a registrar: its habits, mailboxes, queues; drawn once everybody has an account."""
        srv, rng, s = self.srv, self.more, self.s
        if srv["kind"] not in B2BUAS:
            return
        online = [u for u in self.online if u in self.users]
        queues = {}
        for _ in range(rng.choice([0, 1, 2])):
            queues[self.account()] = rng.sample(online, min(len(online), rng.randrange(2, 5)))
        given, short = srv["pbx"], rng.choice(["*97", "*98", "8500", "999"])
        srv["pbx"] = {
            "agent": rng.choice(PBX_NAMES + [""]),
            "qualify": rng.choice([0, 4, 6, 10, 15]),  # seconds between two OPTIONS to a phone
            "patience": rng.choice([2, 3]),
            "pinger": rng.choice(["ping", "pbx", "keepalive", "unknown", "anonymous"]),
            "mailboxes": {u: rng.choice([0, 0, 1, 3]) for u in self.users if rng.random() < 0.6},
            "voicemail": short,
            "services": [] if short == "999" else ["*60", "*43"],
            "account": rng.random() < 0.6,
            "unasked_state": rng.choice(["active", "terminated", "terminated;reason=noresource"]),
            "answers_for": rng.random() < 0.7,  # a mailbox takes calls that nobody answers
            "queues": queues,
            "rounds": rng.choice([1, 2]),
            "moh": rng.random() < 0.6,
            "media": rng.choice(["through", "through", "direct", "late"]),
            "hands_on": rng.random() < 0.5,  # holds and INFO reach the other party
            "asserts": rng.random() < 0.3,
            "tells_unknown": rng.random() < 0.3,
            "ring": rng.choice([6, 8, 12]),
            "events": ["message-summary"] + ["presence", "dialog"] * bool(srv["presence"]),
            "options": rng.choice(["all", "known", "known"]),
            "no_method": rng.choice([[405], [501], [489]]),
            "answers_broken": rng.random() < 0.6,
            "insists": rng.random() < 0.75,
            "stores": rng.random() < 0.3,
            "hasty": rng.random() < 0.5,
            "names_algorithm": rng.random() < 0.7,
            "odd_cseq": rng.random() < 0.5,
            "refresh": rng.choice([0, 0, 5]),  # seconds between two re-INVITEs that ask whether a call lives
            "dates": rng.random() < 0.4,
            "min_expires": srv["min_expires"],
            "max_expires": rng.choice([60, 3600]),
            "max_calls": rng.choice([40, 80]),
            "too_many": rng.choice([503, 486]),
            **given,
        }
        if srv["kind"] == "sofia":
            habits = {"timer": rng.choice([0, 120, 1800]), "reliable": rng.random() < 0.5}
            srv["pbx"] = {**habits, **srv["pbx"]}

    def devices(self):
        """Second phones of users (forked calls), phones on TCP, phones that vanish."""
        s, rng = self.s, self.more
        phones = [a for a in self.actors if a["kind"] == "phone"]
        for first in rng.sample(phones, min(len(phones), s["forked"])):
            ip = self.address()
            self.actors.append(
                dict(first, ip=ip, port=self.port(ip), namespace=self.site_of[ip], seed=rng.getrandbits(32))
            )
            self.honest.append(ip)
        for phone in rng.sample(phones, min(len(phones), s["unplugged"])):
            phone["gone_at"] = rng.uniform(10, s["seconds"] * 0.7)
        for actor in self.actors:
            if actor["kind"] in ("phone", "burst", "dialler"):
                actor["wire"] = self.wire()
        for entry in self.sipp:
            entry["wire"] = "tcp" if self.wire() == "tcp" else "udp"
        self.srv["tcp"] = self.srv["tcp"] or s["tcp"] > 0
        if s["ws"] and not self.srv["ws_port"]:
            self.srv["ws_port"] = rng.choice(WS_PORTS)

    def wire(self):
        """What a client speaks: everybody has the same odds."""
        chance = self.more.random() if self.s["tcp"] or self.s["ws"] else 1.0
        return "tcp" if chance < self.s["tcp"] else "ws" if chance < self.s["tcp"] + self.s["ws"] else "udp"

    def over_stream(self, run):
        """Attackers take TCP and WebSocket as often as phones do, where their tool can; `wire` may say which."""
        settings = run["settings"]
        fits = run["tool"] in ("raw", "sipp", "script") and run["class"] in STREAM_ATTACKS
        if fits and settings.get("kind") in STREAM_KINDS and not settings.get("target"):
            wire = self.wire()
            if wire == "tcp" or wire == "ws" and run["tool"] == "raw":
                settings.setdefault("wire", wire)

    def account(self):
        """An account that nobody uses yet."""
        while self.idle:
            user = self.idle.pop()
            if user not in self.in_use():
                return user
        raise self.error("no account left: raise 'users'")

    def in_use(self):
        """Accounts of SIPp's actors and of storms, who draw from the same list."""
        storms = [member[0] for a in self.actors if a["kind"] == "storm" for member in a["members"]]
        return set(storms).union(*(entry["users"] for entry in self.sipp))

    def real_phones(self, error):
        """Softphones of other authors: baresip, linphone, and SIP.js and JsSIP on WebSockets."""
        self.error, rng = error, self.more
        for given in self.s["softphones"]:
            kind = given.get("kind")
            if kind not in SOFTPHONES:
                raise error("unknown softphone '%s'; known are: %s" % (kind, ", ".join(sorted(SOFTPHONES))))
            for _ in range(given.get("count", 1)):
                ip, wire = self.address(), given.get("wire") or rng.choice(SOFTPHONES[kind])
                self.site_of[ip] = "soft-%d" % len(self.softphones)
                if wire not in SOFTPHONES[kind]:
                    raise error("%s does not speak '%s' here" % (kind, wire))
                self.srv["tcp"] = self.srv["tcp"] or wire == "tcp"
                if wire == "ws" and not self.srv["ws_port"]:
                    self.srv["ws_port"] = rng.choice(WS_PORTS)
                entry = {
                    "kind": kind,
                    "ip": ip,
                    "namespace": self.site_of[ip],
                    "port": self.port(ip),
                    "media": 65002 + 20 * (len(self.softphones) % 20),
                    "wire": wire,
                    "user": self.account(),
                    "display": styles.draw_display(rng) if rng.random() < 0.7 else "",
                    "seed": rng.getrandbits(32),
                    "at": rng.uniform(0.5, 8),
                    "gap": given.get("gap", 14) * rng.uniform(0.6, 1.6),
                    "expires": rng.choice([30, 60, 120]),
                    # baresip tries a wrong password ten times by itself
                    "mistype": 0 if kind == "baresip" else rng.choice([0, 0, 0, 0, 1, 2]),
                    "answer": rng.choice([0.95, 0.8, 0.6]),
                }
                if kind in ("sofia", "jain"):
                    entry["habits"] = stacks.draw_habits(rng, styles.AGENTS)
                self.softphones.append(entry)
                self.online.append(entry["user"])

    def ways_back(self):
        """Who is behind a connection or a NAT is reached only through the server: it stays in every dialog."""
        if self.softphones or self.srv["tcp"] or self.srv["ws_port"] or self.srv["kind"] != "registrar":
            self.srv["record_route"] = self.s["server"].get("record_route", True)

    def services(self, error):
        """Honest senders of many MESSAGEs, with the people who asked for them."""
        self.error, rng = error, self.more
        for given in self.s["services"]:
            form = given.get("form") or rng.choice(SERVICES)
            if form not in SERVICES:
                raise error("unknown service '%s'; known are: %s" % (form, ", ".join(SERVICES)))
            ip = self.address()
            site = self.site_of[ip]
            members = []
            for _ in range(given.get("members", 14)):
                own = next((x for x in reversed(self.fresh) if self.site_of[x] == site), None)
                if own is None:
                    raise error("no address left: raise 'spare'")
                self.fresh.remove(own)
                members.append([self.account(), own, self.port(own)])
                self.online.append(members[-1][0])
            self.actors.append(
                {
                    "kind": "service",
                    "namespace": site,
                    "ip": ip,
                    "port": self.port(ip),
                    "seed": rng.getrandbits(32),
                    "form": form,
                    "user": self.account(),
                    "members": members,
                    "wire": self.wire(),
                    "rate": given.get("rate", rng.uniform(0.6, 1.5)),
                    "expires": rng.choice([30, 45, 60]),
                    "gap": self.s["gap"] * rng.uniform(1, 3),
                    "at": given.get("at", rng.uniform(1, 6)),
                }
            )
