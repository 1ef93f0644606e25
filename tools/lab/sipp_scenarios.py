"""SIPp scenarios in three families of message style, written as XML when a session needs them.
Relies on: styles.py, SIPp 3.6.
Relied on by: run.py.

A family is a builder of its own: header order, Call-ID, branch, tag and session description differ.
"""
import styles

FAMILIES = {
    "plain": {
        "order": "Via From To Call-ID CSeq Contact Max-Forwards Subject User-Agent Authorization Expires Content-Type",
        "branch": "[branch]",
        "tag": "[pid]SIPpTag00[call_number]",
        "call_id": "%u-%p@%s",
        "name": "{user}",
        "agents": ["", "SIPp", "sipsak 0.9.7"],
        "origin": "user1 53655765 2353687637",
        "codecs": "0",
        "cseq": 1,
        "port": True,
    },
    "gateway": {
        "order": "Via Max-Forwards From To Call-ID CSeq User-Agent Contact Expires Allow Supported Authorization Content-Type",
        "branch": "z9hG4bK[pid]7[call_number]{step}",
        "tag": "as[pid]c[call_number]",
        "call_id": "%p{hex8}%u",
        "name": '"{user}"',
        "agents": [
            "Cisco-SIPGateway/IOS-15.2.4.M3",
            "Asterisk PBX 16.2.1~dfsg-1",
            "FreeSWITCH-mod_sofia/1.10.7-release",
            "SBC/4.1",
        ],
        "origin": "CiscoSystemsSIP-GW-UserAgent 7161 4216",
        "codecs": "18 0 8 101",
        "cseq": 101,
        "port": True,
    },
    "soft": {
        "order": "Via From To CSeq Call-ID Max-Forwards Supported Allow Contact Expires Content-Type User-Agent Authorization",
        "branch": "z9hG4bK.{hex8}.[call_number].{step}",
        "tag": "{hex8}~[call_number]",
        "call_id": "{hex8}-%u-%p@{hex8}.local",
        "name": "",
        "agents": [
            "Linphone/3.12.0 (belle-sip/1.6.3)",
            "MicroSIP/3.20.5",
            "Zoiper rv2.10.11.4",
            "sipcli/v1.8",
        ],
        "origin": "- 3724 1189",
        "codecs": "96 0 8 101",
        "cseq": 20,
        "port": False,
    },
}
FAILURES = [403, 404, 408, 410, 480, 481, 486, 487, 488, 500, 503, 603, 604]


class Writer:
    """Writes the scenarios of one family. `domain`: as it stands in URIs; `challenged`: the server asks for digests."""

    def __init__(self, family, rng, domain, challenged):
        self.f, self.rng, self.domain, self.challenged = FAMILIES[family], rng, domain, challenged
        self.hex8 = styles.hexes(rng, 8)
        self.wire = ""  # or ";transport=tcp", which a Contact then says
        self.agent = rng.choice(self.f["agents"])
        self.call_id = self.f["call_id"].replace("{hex8}", self.hex8)

    def sdp(self, hold=False):
        lines = [
            "v=0",
            "o=%s IN IP[local_ip_type] [local_ip]" % self.f["origin"],
            "s=-",
            "c=IN IP[media_ip_type] [media_ip]",
            "t=0 0",
            "m=audio 16%03d RTP/AVP %s" % (self.rng.randrange(0, 999, 2) % 998, self.f["codecs"]),
        ]
        lines += ["a=rtpmap:%s %s" % (c, styles.CODEC_NAMES[c]) for c in self.f["codecs"].split()]
        return "\n".join(lines + (["a=sendonly"] if hold else []))

    def request(
        self,
        method,
        step,
        uri,
        to_tag="",
        body="",
        cseq=None,
        auth="",
        expires="",
        to_uri=None,
        from_user="[field0]",
        kind="application/sdp",
    ):
        name = self.f["name"].replace("{user}", from_user)
        from_uri = "sip:%s@%s" % (from_user, self.domain)
        to_uri = to_uri or uri
        via = "SIP/2.0/[transport] [local_ip]:[local_port];branch=" + self.f["branch"].replace(
            "{step}", step
        ).replace("{hex8}", self.hex8)
        headers = {
            "Via": via,
            "From": ("%s <%s>;tag=%s" % (name, from_uri, self.f["tag"])).strip().replace("{hex8}", self.hex8),
            "To": "<%s>%s" % (to_uri, to_tag),
            "Call-ID": "[call_id]",
            "CSeq": "%d %s" % (cseq or self.f["cseq"], method),
            "Max-Forwards": "70",
        }
        if method not in ("CANCEL", "ACK", "BYE"):
            headers["Contact"] = "<sip:%s@[local_ip]:[local_port]%s>" % (from_user, self.wire)
        if self.agent:
            headers["User-Agent"] = self.agent
        if auth:
            headers["Authorization"] = auth
        if expires != "":
            headers["Expires"] = expires
        if method == "INVITE":
            headers.update(
                {"Subject": "call"} if "Subject" in self.f["order"] else {"Allow": styles.ALLOW[1]}
            )
        if body:
            headers["Content-Type"] = kind
        lines = ["%s %s SIP/2.0" % (method, uri)]
        for name in self.f["order"].split():
            if name in headers:
                lines.append(headers[name] if name == "Authorization" else "%s: %s" % (name, headers[name]))
        if method not in ("REGISTER", "MESSAGE", "OPTIONS") and to_tag == "[peer_tag_param]":
            lines.insert(3, "[routes]")
        lines.append("Content-Length: [len]")
        return "<send%s><![CDATA[\n\n%s\n\n%s\n]]></send>" % (
            ' retrans="500"' if method != "ACK" else "",
            "\n".join(lines),
            body,
        )

    def reply(self, line, body="", contact=True, retrans=False):
        headers = [
            "SIP/2.0 " + line,
            "[last_Via:]",
            "[last_Record-Route:]",
            "[last_From:]",
            "[last_To:];tag=" + self.f["tag"].replace("{hex8}", self.hex8) + "u",
            "[last_Call-ID:]",
            "[last_CSeq:]",
        ]
        if contact:
            headers.append("Contact: <sip:[local_ip]:[local_port];transport=[transport]>")
        if self.agent:
            headers.append("Server: " + self.agent)
        if body:
            headers.append("Content-Type: application/sdp")
        headers.append("Content-Length: [len]")
        return "<send%s><![CDATA[\n\n%s\n\n%s\n]]></send>" % (
            ' retrans="500"' if retrans else "",
            "\n".join(headers),
            body,
        )

    def _scenario(self, name, parts):
        return (
            '<?xml version="1.0" encoding="UTF-8" ?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n<scenario name="%s">\n%s\n</scenario>\n'
            % (name, "\n".join(parts))
        )

    def _failures(self, label):
        return ['<recv response="%d" optional="true" next="%s"/>' % (code, label) for code in FAILURES]

    def call(self, talk_ms, hold=False, cancel_ms=0, never_ack=False, body=True):
        """A caller: digest if challenged, then answered, refused or (cancel_ms) given up while it rings."""
        callee = "sip:[field2]@" + self.domain
        c = self.f["cseq"]
        out = [self.request("INVITE", "a", callee, body=self.sdp() if body else "")]
        if self.challenged:
            out += (
                ['<recv response="100" optional="true"/>']
                + self._failures("8")
                + [
                    '<recv response="%d" auth="true"/>' % self.challenged,
                    self.request("ACK", "a", callee, "[peer_tag_param]"),
                    self.request("INVITE", "b", callee, body=self.sdp(), cseq=c + 1, auth="[field1]"),
                ]
            )
            c += 1
        step = "b" if self.challenged else "a"
        out += ['<recv response="100" optional="true"/>'] + self._failures("9")
        if cancel_ms:
            out += [
                '<recv response="180"/>',
                '<pause milliseconds="%d"/>' % cancel_ms,
                self.request("CANCEL", step, callee, cseq=c),
                '<recv response="200"/>',
                '<recv response="487"/>',
                self.request("ACK", step, callee, "[peer_tag_param]", cseq=c),
                '<nop next="10"/>',
            ]
        else:
            out += [
                '<recv response="180" optional="true"/>',
                '<recv response="183" optional="true"/>',
                '<recv response="200" rrs="true" timeout="16000" ontimeout="10"/>',
            ]
            if never_ack:
                out += ['<nop next="10"/>']
            else:
                out += [
                    self.request("ACK", "k", "[next_url]", "[peer_tag_param]", cseq=c, to_uri=callee),
                    '<pause milliseconds="%d"/>' % talk_ms,
                ]
                if hold:
                    c += 1
                    out += [
                        self.request(
                            "INVITE", "h", "[next_url]", "[peer_tag_param]", self.sdp(True), c, to_uri=callee
                        ),
                        '<recv response="100" optional="true"/>',
                        '<recv response="200" rrs="true" timeout="4000" ontimeout="10"/>',
                        self.request("ACK", "i", "[next_url]", "[peer_tag_param]", cseq=c, to_uri=callee),
                        '<pause milliseconds="700"/>',
                    ]
                out += [
                    self.request("BYE", "z", "[next_url]", "[peer_tag_param]", cseq=c + 1, to_uri=callee),
                    '<recv response="200" timeout="4000" ontimeout="10"/>',
                    '<nop next="10"/>',
                ]
        if self.challenged:
            out += [
                '<label id="8"/>',
                self.request("ACK", "a", callee, "[peer_tag_param]"),
                '<nop next="10"/>',
            ]
        out += [
            '<label id="9"/>',
            self.request("ACK", step, callee, "[peer_tag_param]", cseq=c),
            '<label id="10"/>',
        ]
        return self._scenario("call", out)

    def answer(self, ring_ms, status=200):
        """A callee: rings, then answers or refuses."""
        out = [
            '<recv request="INVITE" crlf="true"/>',
            self.reply("180 Ringing"),
            '<pause milliseconds="%d"/>' % ring_ms,
        ]
        if status == 200:
            out += [
                self.reply("200 OK", self.sdp(), retrans=True),
                '<recv request="ACK" timeout="8000" ontimeout="1"/>',
                '<recv request="BYE" timeout="30000" ontimeout="1"/>',
                self.reply("200 OK").replace(";tag=" + self.f["tag"].replace("{hex8}", self.hex8) + "u", ""),
            ]
        else:
            out += [
                self.reply(
                    "%d %s" % (status, "Busy Here" if status == 486 else "Decline"),
                    contact=False,
                    retrans=True,
                ),
                '<recv request="ACK" timeout="8000" ontimeout="1"/>',
            ]
        return self._scenario("answer", out + ['<label id="1"/>'])

    def register(self, contact_port, expires):
        """REGISTER with digest; expires 0 takes the binding away."""
        registrar = "sip:" + self.domain
        aor = "sip:[field0]@" + self.domain

        def one(step, cseq, auth=""):
            text = self.request(
                "REGISTER", step, registrar, cseq=cseq, auth=auth, expires=str(expires), to_uri=aor
            )
            return text.replace("@[local_ip]:[local_port]%s>" % self.wire, "@[local_ip]:%d%s>" % (contact_port, self.wire))

        c = self.f["cseq"]
        return self._scenario(
            "register",
            [
                one("r", c),
                '<recv response="100" optional="true"/>',
                '<recv response="200" optional="true" next="1"/>',
                '<recv response="401" auth="true"/>',
                one("s", c + 1, "[field1]"),
                '<recv response="100" optional="true"/>',
                '<recv response="403" optional="true" next="1"/>',
                '<recv response="200"/>',
                '<label id="1"/>',
            ],
        )

    def message(self, text):
        """Instant messages outside of dialogs."""
        callee = "sip:[field2]@" + self.domain
        c = self.f["cseq"]
        out = [self.request("MESSAGE", "m", callee, body=text, kind="text/plain")]
        if self.challenged:
            out += self._failures("1") + [
                '<recv response="%d" auth="true"/>' % self.challenged,
                self.request(
                    "MESSAGE", "n", callee, body=text, cseq=c + 1, auth="[field1]", kind="text/plain"
                ),
            ]
        return self._scenario(
            "message",
            out
            + self._failures("1")
            + [
                '<recv response="202" optional="true" next="1"/>',
                '<recv response="200" timeout="5000" ontimeout="1"/>',
                '<label id="1"/>',
            ],
        )

    def flood(self, method):
        """One request per call, no retransmission, no interest in the answer."""
        callee = "sip:[field2]@" + self.domain
        uri = "sip:" + self.domain if method == "REGISTER" else callee
        text = self.request(
            method,
            "a",
            uri,
            body=self.sdp() if method == "INVITE" else "",
            to_uri=callee,
            expires="60" if method == "REGISTER" else "",
        )
        return self._scenario("flood", [text.replace(' retrans="500"', "")])

    def options(self):
        """Keep-alive to the server."""
        return self._scenario(
            "options",
            [
                self.request("OPTIONS", "o", "sip:" + self.domain, to_uri="sip:" + self.domain),
                '<recv response="404" optional="true" next="1"/>',
                '<recv response="200" timeout="4000" ontimeout="1"/>',
                '<label id="1"/>',
            ],
        )


def csv(rows):
    """SIPp's injection file: user, [authentication ...], callee."""
    return "SEQUENTIAL\n" + "".join("%s;[authentication username=%s password=%s];%s\n" % row for row in rows)
