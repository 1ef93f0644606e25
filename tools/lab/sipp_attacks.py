"""SIPp as an attacker: scenarios in the families of the honest ones, for the classes that they do not cover.
Relies on: sipp_scenarios.py, payloads.py.
Relied on by: attackers.py.

Fields of a row: 0 the caller, 1 its digest, 2 the callee, 3 the payload or the address.
"""
import re

import payloads
import sipp_scenarios

# Header lines and their names in a request, with [field3] where the payload goes.
INJECTED = {
    "From name": None,
    "User-Agent": "User-Agent: [field3]",
    "Subject": "Subject: [field3]",
    "Reason": 'Reason: SIP;cause=200;text="[field3]"',
    "P-Asserted-Identity": 'P-Asserted-Identity: "[field3]" <sip:[field0]@[local_ip]>',
    "Contact parameter": None,
    "Alert-Info": "Alert-Info: <http://[local_ip]/[field3]>",
    "X-Info": "X-Info: [field3]",
    "SDP session": None,
}


class Writer(sipp_scenarios.Writer):
    """The scenarios of one family, and the hostile ones in its style."""

    def enumeration(self, method):
        """A request per user part, whose answer nobody waits for."""
        text = self.flood(method)
        return text.replace("To: <sip:[field2]@", "To: <sip:[field0]@") if method == "REGISTER" else text

    def guess(self):
        """REGISTER with one guess per call."""
        registrar, aor, c = "sip:" + self.domain, "sip:[field0]@" + self.domain, self.f["cseq"]
        out = [self.request("REGISTER", "r", registrar, cseq=c, expires="60", to_uri=aor)]
        out += [
            '<recv response="403" optional="true" next="1"/>',
            '<recv response="404" optional="true" next="1"/>',
        ]
        out += ['<recv response="401" auth="true" timeout="3000" ontimeout="1"/>']
        out += [
            self.request("REGISTER", "s", registrar, cseq=c + 1, auth="[field1]", expires="60", to_uri=aor)
        ]
        out += ['<recv response="%d" optional="true" next="1"/>' % code for code in (403, 404, 200)]
        out += ['<recv response="401" timeout="3000" ontimeout="1"/>', '<label id="1"/>']
        return self._scenario("guess", [x.replace(' retrans="500"', "") for x in out])

    def injection(self, method, where):
        """A request with [field3] in one place."""
        callee = "sip:[field2]@" + self.domain
        body = self.sdp() if method == "INVITE" or where == "SDP session" else ""
        text = self.request(method, "a", callee, body=body, expires="60" if method == "REGISTER" else "")
        if where == "SDP session":
            text = text.replace("\ns=-\n", "\ns=[field3]\n")
        elif where == "Contact parameter":
            text = re.sub(r"(?m)^Contact: .*$", lambda m: m.group() + ";x=[field3]", text, count=1)
        elif where == "From name":
            start = text.index("From: ") + len("From: ")
            text = text[:start] + '"[field3]" ' + text[text.index("<sip:", start) :]
        else:
            name = where + ": "
            lines = [x for x in text.split("\n") if not x.startswith(name)]
            at = next(i for i, x in enumerate(lines) if x.startswith("Content-Length"))
            text = "\n".join(lines[:at] + [INJECTED[where]] + lines[at:])
        return self._scenario("injection", [text.replace(' retrans="500"', "")])

    @staticmethod
    def payload(rng, where, kinds):
        """What fits into a row: fields end at a semicolon, quotes and parameters are as the place needs them."""
        while True:
            text = payloads.hostile(rng, kinds)
            if where in ("Contact parameter", "Alert-Info"):
                text = payloads.token(text).replace("=", "%3D")
            elif where in ("From name", "Reason", "P-Asserted-Identity"):
                text = payloads.quoted(text)
            if ";" not in text and "[" not in text and text.isprintable():
                return text

    def forged(self, method, route, more, sdp=False):
        """A request of somebody else's call; what is not the family's own comes by `-key`, since it may hold anything."""
        lines = {
            "Via": "SIP/2.0/[transport] [local_ip]:[local_port];branch="
            + self.f["branch"].replace("{step}", "f").replace("{hex8}", self.hex8),
            "From": "[d_from]",
            "To": "[d_to]",
            "Call-ID": "[d_call]",
            "CSeq": "[d_cseq] " + method,
            "Max-Forwards": "70",
            "Contact": "<sip:[local_ip]:[local_port]>",
        }
        if method in ("BYE", "CANCEL"):
            del lines["Contact"]
        if self.agent:
            lines["User-Agent"] = self.agent
        if sdp:
            lines["Content-Type"] = "application/sdp"
        out = ["%s [d_uri] SIP/2.0" % method]
        out += ["%s: %s" % (n, lines[n]) for n in self.f["order"].split() if n in lines]
        out += ["Route: [d_route]"] * route + ["[d_more]"] * more + ["Content-Length: [len]"]
        body = self.sdp() if sdp else ""
        return self._scenario("forged", ["<send><![CDATA[\n\n%s\n\n%s\n]]></send>" % ("\n".join(out), body)])

    @staticmethod
    def spread(text, port):
        """A scenario for `-t ui`: every call from the address in [field3], with brackets in [field4] if it needs
        them. (SIPp forgets the port in this mode.)"""
        text = text.replace("[local_ip]", "[field4]").replace("[media_ip]", "[field3]")
        return text.replace("[local_port]", str(port))


def csv(rows):
    """SIPp's injection file from rows of plain fields: caller, digest, callee, and what the scenario adds."""
    return "SEQUENTIAL\n" + "".join(
        "%s;[authentication username=%s password=%s];%s" % row[:4] + "".join(";" + x for x in row[4:]) + "\n"
        for row in rows
    )
