"""Reads a capture down to SIP messages: pcap, Ethernet, IP, fragments, UDP, TCP streams, WebSocket.
Relies on: the standard library. It shares no code with data/wire on purpose: each checks the other.
Relied on by: label.py, and through it live.py.
"""
import hashlib
import ipaddress
import re
import struct

DUPLICATE_SECONDS = 0.005  # a mirror port's second copy comes within this time
GAP_SEGMENTS = 64  # so many segments behind a hole: what fills it is lost, go on behind it
HEAD_BYTES = 65536  # no header section is longer: whatever this is, it is not SIP
UDP, TCP = 17, 6
METHODS = (
    "INVITE ACK BYE CANCEL REGISTER OPTIONS MESSAGE SUBSCRIBE NOTIFY PUBLISH REFER INFO UPDATE PRACK"
).split()
SHAPE = re.compile(
    rb"SIP/|[!%'*+\-.0-9A-Z_`a-z~]+[ \t]+[^\r\n]*[^\r\n \t][^\r\n]*[ \t]SIP/|(?:"
    + "|".join(METHODS).encode()
    + rb")[ \t]+(?:sips?|tel):"
)
LENGTH = re.compile(rb"\n(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*(?:\r?\n|$)", re.I)
UPGRADE = re.compile(rb"\nupgrade[ \t]*:[ \t]*websocket", re.I)


class Error(Exception):
    """A capture that cannot be read."""


def has_shape(payload):
    """SIP by the shape of its first line; ports do not matter."""
    return bool(SHAPE.match(re.match(rb"[^\r\n]*", payload.lstrip(b"\r\n")[:4096]).group()))


# -- frames and packets ----------------------------------------------------------------------------------


def frames(path):
    """(number, time, bytes) of each frame of a pcap file with Ethernet frames."""
    with open(path, "rb") as f:
        head = f.read(24)
        magic = head[:4]
        kinds = {
            b"\xd4\xc3\xb2\xa1": ("<", 1e6),
            b"\x4d\x3c\xb2\xa1": ("<", 1e9),
            b"\xa1\xb2\xc3\xd4": (">", 1e6),
            b"\xa1\xb2\x3c\x4d": (">", 1e9),
        }
        if magic not in kinds:
            raise Error("%s: not a pcap file" % path)
        order, unit = kinds[magic]
        if struct.unpack(order + "I", head[20:24])[0] & 0xFFFF != 1:
            raise Error("%s: not an Ethernet capture" % path)
        number = 0
        while True:
            record = f.read(16)
            if len(record) < 16:
                return
            seconds, fraction, kept, _ = struct.unpack(order + "IIII", record)
            data = f.read(kept)
            if len(data) < kept:
                raise Error("%s: cut off in frame %d" % (path, number + 1))
            number += 1
            yield number, seconds + fraction / unit, data


class Decoder:
    """Ethernet, IPv4 and IPv6 down to UDP and TCP; puts IPv4 fragments together."""

    def __init__(self):
        self.fragments = {}
        self.names = {}

    def name(self, raw):
        if raw not in self.names:
            self.names[raw] = str(ipaddress.ip_address(raw))
        return self.names[raw]

    def transport(self, frame):
        """(packet from the IP header on, protocol, source address, destination address, its segment) or None."""
        at, kind = 12, struct.unpack(">H", frame[12:14])[0]
        while kind in (0x8100, 0x88A8):
            at += 4
            kind = struct.unpack(">H", frame[at : at + 2])[0]
        packet = frame[at + 2 :]
        if kind == 0x0800 and len(packet) >= 20:
            length, flags = struct.unpack(">H", packet[2:4])[0], struct.unpack(">H", packet[6:8])[0]
            source, destination, protocol = packet[12:16], packet[16:20], packet[9]
            data = packet[4 * (packet[0] & 15) : length]
            if flags & 0x3FFF:
                data = self.reassemble((packet[4:6], source, destination, protocol), flags, data)
        elif kind == 0x86DD and len(packet) >= 40:
            source, destination, protocol = packet[8:24], packet[24:40], packet[6]
            data = packet[40 : 40 + struct.unpack(">H", packet[4:6])[0]]
        else:
            return None
        if protocol not in (UDP, TCP) or not data or len(data) < (8 if protocol == UDP else 20):
            return None
        return packet, protocol, self.name(source), self.name(destination), data

    def reassemble(self, key, flags, data):
        parts = self.fragments.setdefault(key, {})
        parts[8 * (flags & 0x1FFF)] = (data, bool(flags & 0x2000))
        whole, at = b"", 0
        while at in parts:
            data, more = parts[at]
            whole, at = whole + data, at + len(data)
            if not more:
                del self.fragments[key]
                return whole
        return None


# -- streams ---------------------------------------------------------------------------------------------


class Stream:
    """One direction of a TCP connection: segments in, whole SIP messages out."""

    def __init__(self, sequence):
        self.next = sequence  # number of the next byte in order
        self.waiting = {}  # sequence number -> segment behind a hole
        self.data = bytearray()  # in order, not yet framed
        self.websocket = False
        self.part = b""  # of a WebSocket message in several frames

    def add(self, sequence, segment):
        """Puts a segment in its place; the messages that it completes."""
        if segment:
            self.waiting.setdefault(sequence, segment)
        if len(self.waiting) > GAP_SEGMENTS:
            self.next = min(self.waiting, key=lambda s: (s - self.next) & 0xFFFFFFFF)
            self.data.clear()
        moved = True
        while moved:
            moved = False
            for start in list(self.waiting):
                behind = (self.next - start) & 0xFFFFFFFF  # bytes of it that are here already
                if behind < 1 << 31:
                    fresh = self.waiting.pop(start)[behind:]
                    self.data += fresh
                    self.next = (self.next + len(fresh)) & 0xFFFFFFFF
                    moved = moved or bool(fresh)
        return list(self.framed())

    def framed(self):
        while True:
            message = self.websocket_message() if self.websocket else self.sip_message()
            if message is None:
                return
            if message and has_shape(message):
                yield message

    def sip_message(self):
        """The next message by Content-Length, b"" for something passed over, None for want of bytes."""
        while self.data[:1] in (b"\r", b"\n"):
            del self.data[:1]
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            if len(self.data) > HEAD_BYTES:
                self.data.clear()
            return None
        head = bytes(self.data[: end + 2])
        if head.startswith((b"GET ", b"HTTP/1.")) and UPGRADE.search(head):
            del self.data[: end + 4]
            self.websocket = True
            return b""
        if not has_shape(head):
            del self.data[: max(1, self.data.find(b"\n") + 1)]  # a line that belongs to nothing
            return b""
        length = LENGTH.search(head)
        whole = end + 4 + (int(length.group(1)) if length else 0)
        if len(self.data) < whole:
            return None
        message = bytes(self.data[:whole])
        del self.data[:whole]
        return message

    def websocket_message(self):
        """The next text or binary message, b"" for a control frame or a part, None for want of bytes."""
        data = self.data
        if len(data) < 2:
            return None
        final, opcode, masked, length, at = data[0] & 0x80, data[0] & 15, data[1] & 0x80, data[1] & 127, 2
        if length > 125:
            size = 2 if length == 126 else 8
            if len(data) < 2 + size:
                return None
            length, at = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
        if len(data) < at + (4 if masked else 0) + length:
            return None
        mask = bytes(data[at : at + 4]) if masked else b""
        at += len(mask)
        payload = bytes(data[at : at + length])
        del data[: at + length]
        if mask:
            payload = bytes(b ^ mask[i & 3] for i, b in enumerate(payload))
        if opcode & 8:
            return b""
        self.part += payload
        if not final:
            return b""
        whole, self.part = self.part, b""
        return whole


class Streams:
    """All TCP connections of a capture."""

    def __init__(self):
        self.streams = {}

    def add(self, source, destination, segment):
        """The messages that a segment completes."""
        sequence, flags = struct.unpack(">I", segment[4:8])[0], segment[13]
        payload = segment[4 * (segment[12] >> 4) :]
        key = source, destination
        if flags & 4:  # RST
            self.streams.pop(key, None)
            return []
        if flags & 2:  # SYN
            self.streams[key] = Stream((sequence + 1) & 0xFFFFFFFF)
        if key not in self.streams:
            self.streams[key] = Stream(sequence)  # the capture began in the middle
        return self.streams[key].add(sequence, payload)


# -- the whole -------------------------------------------------------------------------------------------


class Copies:
    """Finds the second copies that a mirror port makes of packets, each once."""

    def __init__(self):
        self.last = {}
        self.count = 0

    def is_copy(self, packet, time):
        whole = packet[:8] + packet[9:10] + packet[12:] if packet[0] >> 4 == 4 else packet[:7] + packet[8:]
        key = hashlib.sha1(whole).digest()
        before = self.last.get(key)
        if before is not None and time - before <= DUPLICATE_SECONDS:
            del self.last[key]
            self.count += 1
            return True
        self.last[key] = time
        return False


def messages(path, copies):
    """(frame, index, time, source, destination, payload) of each SIP message, in order of completion."""
    decoder, streams = Decoder(), Streams()
    for number, time, frame in frames(path):
        found = decoder.transport(frame)
        if not found:
            continue
        packet, protocol, source, destination, segment = found
        ports = struct.unpack(">HH", segment[:4])
        source, destination = (source, ports[0]), (destination, ports[1])
        if protocol == UDP:
            payload = segment[8 : struct.unpack(">H", segment[4:6])[0]]
            if has_shape(payload) and not copies.is_copy(packet, time):
                yield number, 0, time, source, destination, payload
            continue
        for index, payload in enumerate(streams.add(source, destination, segment)):
            yield number, index, time, source, destination, payload
