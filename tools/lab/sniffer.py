"""A listener on the wire: follows a capture while it grows, and the calls in it.
Relies on: sip.py; the pcap file that attackers.py has written packet by packet.
Relied on by: script_attacker.py, spoof_attacker.py, replay_attacker.py, attackers.py.

Whoever forges a BYE or takes over a call has to know it; this is how, whatever server and phones are in use.
"""
import dataclasses
import ipaddress
import struct

import sip

HEADER, RECORD = 24, 16  # octets of a pcap file's and a record's header


class Sniffer:
    """Yields what came since the last look: (source, destination, payload) of each UDP packet with SIP in it."""

    def __init__(self, path):
        self.file, self.rest = open(path, "rb"), b""
        self.order = "<" if self.file.read(HEADER)[:1] in (b"\xd4", b"\x4d") else ">"

    def new(self):
        self.rest += self.file.read()
        at = 0
        while len(self.rest) - at >= RECORD:
            kept = struct.unpack(self.order + "I", self.rest[at + 8 : at + 12])[0]
            if len(self.rest) - at < RECORD + kept:
                break
            found = udp(self.rest[at + RECORD : at + RECORD + kept])
            at += RECORD + kept
            if found and b"SIP/2.0" in found[2][:2000]:
                yield found
        self.rest = self.rest[at:]


def udp(frame):
    """(source, destination, payload) of an Ethernet frame with a whole UDP packet, else None."""
    kind, packet = frame[12:14], frame[14:]
    if kind == b"\x08\x00" and len(packet) > 28 and packet[9] == 17:
        header, addresses = 4 * (packet[0] & 15), (packet[12:16], packet[16:20])
    elif kind == b"\x86\xdd" and len(packet) > 48 and packet[6] == 17:
        header, addresses = 40, (packet[8:24], packet[24:40])
    else:
        return None
    source, destination = struct.unpack(">HH", packet[header : header + 4])
    first, second = (str(ipaddress.ip_address(a)) for a in addresses)
    return (first, source), (second, destination), packet[header + 8 :]


@dataclasses.dataclass
class Call:
    """A call as the listener saw the caller's leg of it."""

    caller: tuple
    invite: sip.Message
    reply: sip.Message = None  # the last provisional or successful one
    confirmed: bool = False

    @property
    def call_id(self):
        return self.invite.get("Call-ID")

    @property
    def cseq(self):
        return int(self.invite.get("CSeq").split()[0])

    @property
    def callee_uri(self):
        """Where the callee wants requests of the dialog."""
        return sip.uri_of(self.reply.get("Contact")) or self.invite.start.split(" ")[1]

    @property
    def caller_uri(self):
        return sip.uri_of(self.invite.get("Contact")) or sip.uri_of(self.invite.get("From"))

    @property
    def routes(self):
        """Record-Route as the callee would use it."""
        return self.reply.all("Record-Route")


class Wire:
    """The calls that live now, and the last honest requests to the server. Other attackers' are left alone: their
    sockets are `strangers`, and in the networks `far` nobody is honest."""

    def __init__(self, path, server, strangers=(), far=()):
        self.sniffer, self.server = Sniffer(path), tuple(server)
        self.strangers = {tuple(s) for s in strangers}
        self.far = [ipaddress.ip_network(net) for net in far]
        self.calls, self.requests = {}, []

    def honest(self, source):
        return source not in self.strangers and not any(
            ipaddress.ip_address(source[0]) in net for net in self.far
        )

    def look(self):
        """Reads what is new."""
        for source, destination, payload in self.sniffer.new():
            inwards = destination[0] == self.server[0] and payload[:4] != b"SIP/"
            if inwards and not self.honest(source):
                continue
            message = sip.parse(payload)
            if message is None or not message.get("CSeq"):
                continue
            if inwards and len(message.all("Via")) == 1:  # not from a registrar behind the server
                self.requests = self.requests[-400:] + [payload]
            if message.status:
                self.replied(message, destination)
            elif message.method == "INVITE" and inwards:
                self.invited(message, source)
            elif message.method in ("BYE", "CANCEL"):
                self.calls.pop(message.get("Call-ID"), None)
        if len(self.calls) > 200:
            self.calls = dict(list(self.calls.items())[-100:])

    def invited(self, message, source):
        if not sip.tag_of(message.get("To")) and len(message.all("Via")) == 1:
            try:
                Call(source, message).cseq
            except (ValueError, IndexError):
                return  # a broken one of somebody else's
            self.calls[message.get("Call-ID")] = Call(source, message)

    def replied(self, message, destination):
        call = self.calls.get(message.get("Call-ID"))
        if call is None or message.method != "INVITE" or destination != call.caller:
            return
        if 100 < message.status < 300:
            call.reply, call.confirmed = message, message.status >= 200
        elif message.status >= 300:
            del self.calls[message.get("Call-ID")]

    def early(self):
        """Calls that ring, the latest first."""
        return [c for c in reversed(list(self.calls.values())) if c.reply and not c.confirmed]

    def confirmed(self):
        """Calls that are being talked on, the latest first."""
        return [
            c for c in reversed(list(self.calls.values())) if c.confirmed and sip.tag_of(c.reply.get("To"))
        ]
