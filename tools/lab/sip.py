"""SIP messages of the lab: build in a style, read tolerantly, digest authentication.
Relies on: styles.py.
Relied on by: useragent.py, phones.py, pbx.py, raw_attacker.py. (label.py has its own reader on purpose.)
"""
import hashlib
import re
import time

from styles import CODEC_NAMES, COMPACT, hexes, make_branch

LONG = {short: name for name, short in COMPACT.items()}
CANONICAL = {
    name.lower(): name
    for name in list(COMPACT)
    + [
        "CSeq",
        "Max-Forwards",
        "User-Agent",
        "Server",
        "Expires",
        "Authorization",
        "Proxy-Authorization",
        "WWW-Authenticate",
        "Proxy-Authenticate",
        "Record-Route",
        "Route",
        "Allow",
        "Accept",
    ]
}


class Message:
    """Start line, headers in order as (canonical name, value), body as bytes."""

    def __init__(self, start, headers=(), body=b""):
        self.start, self.headers, self.body = start, list(headers), body

    def get(self, name, default=""):
        return next((v for n, v in self.headers if n == name), default)

    def all(self, name):
        return [v for n, v in self.headers if n == name]

    def set(self, name, value):
        """Replaces the first header of that name, or appends it."""
        for i, (n, _) in enumerate(self.headers):
            if n == name:
                self.headers[i] = (name, value)
                return
        self.headers.append((name, value))

    @property
    def status(self):
        m = re.match(r"SIP/2\.0 (\d{3})", self.start)
        return int(m.group(1)) if m else 0

    @property
    def method(self):
        """Of a reply: that of its CSeq."""
        return self.get("CSeq").split()[-1] if self.status and self.get("CSeq") else self.start.split(" ")[0]

    @property
    def branch(self):
        m = re.search(r"branch=([^;, \t]+)", self.get("Via"))
        return m.group(1) if m else ""


def parse(data):
    """Reads a datagram; None if it has no SIP start line."""
    text = data.decode("utf-8", "surrogateescape")
    head, _, body = text.partition("\r\n\r\n")
    lines = re.sub(r"\r\n[ \t]+", " ", head.lstrip("\r\n")).split("\r\n")
    if not re.match(r"SIP/2\.0 \d{3}|[^ ]+ [^ ]+ SIP/", lines[0]):
        return None
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        name = name.strip()
        if colon:
            name = LONG.get(name.lower(), CANONICAL.get(name.lower(), name))
            headers.append((name, value.strip()))
    return Message(lines[0], headers, body.encode("utf-8", "surrogateescape"))


class Splitter:
    """Cuts a stream into messages by Content-Length (RFC 3261, 18.3)."""

    def __init__(self):
        self.data = b""

    def feed(self, data):
        """The whole messages so far."""
        self.data += data
        out = []
        while True:
            self.data = self.data.lstrip(b"\r\n")
            head, end, rest = self.data.partition(b"\r\n\r\n")
            if not end:
                return out
            length = re.search(rb"\n(?:content-length|l)[ \t]*:[ \t]*(\d{1,7})", head, re.I)
            body = int(length.group(1)) if length else 0
            if len(rest) < body:
                return out
            out.append(head + end + rest[:body])
            self.data = rest[body:]


def uri_of(value):
    """The URI of a name-addr or addr-spec."""
    value = re.sub(r'"(?:[^"\\]|\\.)*"', "", value)  # a display name may hold angle brackets
    m = re.search(r"<([^>]*)>", value)
    return m.group(1) if m else value.split(";")[0].strip()


def user_of(uri):
    m = re.match(r"(?:sips?|tel):([^@;>]*)", uri)
    return m.group(1) if m else ""


def host_port(uri):
    """(host, port) of a SIP URI with an IP address, else None."""
    m = re.search(r"(?:@|sips?:)(\[[0-9a-fA-F:]+\]|[0-9.]+)(?::(\d+))?(?=[;>?]|$)", uri)
    return (m.group(1).strip("[]"), int(m.group(2) or 5060)) if m else None


def tag_of(value):
    m = re.search(r";\s*tag=([^;,> ]+)", value)
    return m.group(1) if m else ""


def bracket(ip):
    return "[%s]" % ip if ":" in ip else ip


def _name(style, name, rng):
    if style.compact and name in COMPACT:
        return COMPACT[name]
    if style.lower and name in ("Call-ID", "CSeq", "Max-Forwards", "User-Agent", "Content-Length"):
        return {"Call-ID": "Call-Id", "CSeq": "Cseq"}.get(name, name.lower())
    return name


def render(message, style, rng):
    """The bytes of a message as the style writes them."""
    order = {name: i for i, name in enumerate(style.order)}
    order.setdefault("Proxy-Authorization", order.get("Authorization", 90))
    order.setdefault("Record-Route", order["Via"] + 0.5)
    order.setdefault("Content-Length", 99)
    headers = message.headers + [("Content-Length", str(len(message.body)))]
    ranked = sorted(range(len(headers)), key=lambda i: (order.get(headers[i][0], 80), i))
    lines = [message.start]
    for i in ranked:
        name, value = headers[i]
        if (
            style.fold
            and name in ("Allow", "Contact", "Authorization", "Proxy-Authorization")
            and ", " in value
        ):
            value = value.replace(", ", ",\r\n ", 1)
        lines.append(_name(style, name, rng) + style.colon + value)
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + message.body


def via(style, rng, ip, port, branch=None, transport="udp"):
    """(Via value, branch) in the style's form."""
    branch = branch or make_branch(rng, style.branch_form)
    sent_by = bracket(ip) + (":%d" % port if port != 5060 or style.sent_by_port else "")
    if transport == "ws":
        sent_by = ip  # a name that nobody resolves; no port
    params = {"last": ";branch=%s;rport", "first": ";rport;branch=%s", "none": ";branch=%s"}[
        style.rport
    ] % branch
    return "SIP/2.0/%s %s%s" % (transport.upper(), sent_by, params), branch


def name_addr(style, display, uri, tag=""):
    """From or To in the style's form of names."""
    form = style.name_form
    if form == "token" and not re.fullmatch(r"[A-Za-z0-9.!%*_+`'~ -]+", display or "!;"):
        form = "quoted"
    tail = ";tag=" + tag if tag else ""
    if form == "bare" and ";" not in uri and "?" not in uri:
        return uri + tail
    if not display or form in ("none", "bare"):
        return "<%s>%s" % (uri, tail)
    if form == "token":
        return "%s <%s>%s" % (display, uri, tail)
    return '"%s" <%s>%s' % (display.replace("\\", "\\\\").replace('"', '\\"'), uri, tail)


def sdp(style, rng, ip, user="-", hold=False, version=1):
    """An offer or answer; no media ever flows."""
    kind = "IP6" if ":" in ip else "IP4"
    session = rng.randrange(1000, 2**31)
    lines = [
        "v=0",
        "o=%s %d %d IN %s %s" % (user.replace(" ", "_") or "-", session, session + version, kind, ip),
        "s=" + rng.choice(["-", "call", "SIP Call", "session", "Talk"]),
        "c=IN %s %s" % (kind, ip),
        "t=0 0",
        "m=audio %d RTP/AVP %s" % (rng.randrange(8000, 60000, 2), style.codecs),
    ]
    lines += [
        "a=rtpmap:%s %s" % (c, CODEC_NAMES[c])
        for c in style.codecs.split()
        if c not in "0 8" or rng.random() < 0.6
    ]
    if "101" in style.codecs:
        lines.append("a=fmtp:101 0-15")
    if rng.random() < 0.5:
        lines.append("a=ptime:20")
    lines.append("a=sendonly" if hold else "a=sendrecv")
    return ("\r\n".join(lines) + "\r\n").encode()


def _md5(text):
    return hashlib.md5(text.encode("utf-8", "surrogateescape")).hexdigest()


def challenge_of(reply):
    """(header name for the answer, dictionary of the challenge) or None."""
    for name, answer in (
        ("WWW-Authenticate", "Authorization"),
        ("Proxy-Authenticate", "Proxy-Authorization"),
    ):
        value = reply.get(name)
        if value:
            return answer, digest_fields(value)
    return None


def credentials(fields, user, password, method, uri, rng, count=1):
    """The value of Authorization for a challenge (RFC 2617, MD5, qop auth if offered)."""
    nonce = fields.get("nonce", "")
    out = 'Digest username="%s", realm="%s", nonce="%s", uri="%s"' % (
        user,
        fields.get("realm", ""),
        nonce,
        uri,
    )
    if not fields.get("qop"):
        answer = response(user, fields.get("realm", ""), password, method, uri, nonce)
        return out + ', response="%s", algorithm=MD5' % answer
    cnonce = hexes(rng, 8)
    answer = response(
        user, fields.get("realm", ""), password, method, uri, "%s:%08x:%s:auth" % (nonce, count, cnonce)
    )
    return out + ', response="%s", algorithm=MD5, cnonce="%s", qop=auth, nc=%08x' % (answer, cnonce, count)


def response(user, realm, password, method, uri, between):
    """The digest itself; `between` is the nonce, with qop nonce:nc:cnonce:qop (RFC 2617, 3.2.2.1)."""
    return _md5(
        "%s:%s:%s"
        % (_md5("%s:%s:%s" % (user, realm, password)), between, _md5("%s:%s" % (method, uri)))
    )


def digest_fields(value):
    """The parameters of a challenge or of an answer to one, names in lower case."""
    return dict((k.lower(), q or t) for k, q, t in re.findall(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))', value))


def password_of(user, salt, weak=()):
    """Every account's password follows from its name and the session's salt; `weak` ones are easily guessed."""
    return user[-3:] + "1" if user in weak else _md5(user + salt)[:10]


def http_date():
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
