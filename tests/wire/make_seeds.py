#!/usr/bin/python3
"""Writes the seeds of fuzz_scan, fuzz_decap and fuzz_tcp into tests/seeds/. Usage: tests/wire/make_seeds.py"""

import pathlib
import struct

SEEDS = pathlib.Path(__file__).resolve().parent.parent / "seeds"

VIA = "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776;rport\r\n"
PARTIES = "From: \"Alice\" <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>{tag}\r\nCall-ID: a@192.0.2.1\r\n"
SDP = ("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n"
       "a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n")

MESSAGES = {
    "invite": "INVITE sip:bob@example.com;transport=udp SIP/2.0\r\n" + VIA + PARTIES.format(tag="") +
              "CSeq: 1 INVITE\r\nContact: <sip:alice@192.0.2.1:5060>;expires=60\r\nMax-Forwards: 70\r\n"
              f"Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n\r\n" + SDP,
    "register": "REGISTER sip:example.com SIP/2.0\r\n" + VIA + PARTIES.format(tag="") +
                "CSeq: 2 REGISTER\r\nm: *\r\nExpires: 0\r\nAuthorization: Digest username=\"alice\",realm=\"r\","
                "nonce=\"n\",uri=\"sip:r\",response=\"0123\",qop=auth\r\nDate: Sat, 13 Nov 2010 23:29:00 GMT\r\n\r\n",
    "challenge": "SIP/2.0 401 Unauthorized\r\n" + VIA + PARTIES.format(tag=";tag=2") +
                 "CSeq: 2 REGISTER\r\nWWW-Authenticate: Digest realm=\"r\",nonce=\"n\",stale=true\r\nl: 0\r\n\r\n",
    "multipart": "MESSAGE tel:+12015550123;phone-context=x SIP/2.0\r\nv : SIP / 2.0 / TCP\r\n [2001:db8::1]:5061 ;"
                 "branch = z9hG4bK1 , SIP/2.0/UDP h\r\n" + PARTIES.format(tag="") + "CSeq: 3 MESSAGE\r\n"
                 "c: multipart/mixed;boundary=b\r\n\r\n--b\r\nContent-Type: application/sdp\r\n\r\n" + SDP + "\r\n--b--\r\n",
    "broken": "\r\nOPT IONS <sip:%x%n%4@[::1 SIP/7.0\nTo: \"open <sip:a@b\nno colon\r\n: empty\r\nCSeq: 99999999999\r\n"
              "Contact: a,b;;=\"\\\r\nContent-Length: -1\r",
}


def udp(payload):
    return struct.pack("!4H", 5060, 5060, 8 + len(payload), 0) + payload


def ip4(protocol, payload, ident=1, fields=0):
    return struct.pack("!2B3H2BH4s4s", 0x45, 0, 20 + len(payload), ident, fields, 64, protocol, 0,
                       bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])) + payload


def ip6(following, payload):
    address = bytes([0xfd, 0x66]) + bytes(13)
    return struct.pack("!IHBB", 0x60000000, len(payload), following, 64) + address + b"\1" + address + b"\2" + payload


def ethernet(packet, kind=0x0800, tags=b""):
    return bytes(12) + tags + struct.pack("!H", kind) + packet


def pieces4(datagram, size):
    return [ip4(17, datagram[at:at + size], 7, at // 8 | (0x2000 if at + size < len(datagram) else 0))
            for at in range(0, len(datagram), size)]


def pieces6(datagram, size):
    return [ip6(44, struct.pack("!BBHI", 17, 0, at | (at + size < len(datagram)), 9) + datagram[at:at + size])
            for at in range(0, len(datagram), size)]


def series(link, frames, step=20):
    """fuzz_decap's input; `link` indexes its list of link layers, `step` is in milliseconds."""
    return bytes([link]) + b"".join(struct.pack("!Hh", len(frame), step) + frame for frame in frames)


def websocket(opcode, payload, final=True, mask=b"\x37\xfa\x21\x3d"):
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else struct.pack("!BH", 0xfe, len(payload))
    return (bytes([(0x80 if final else 0) | opcode]) + size + mask +
            bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)))


def segments(pieces):
    """fuzz_tcp's input: (flags, payload) of each segment, 10 ms apart."""
    return b"\0" + b"".join(struct.pack("!BBH", flags, 2, len(piece) - (flags >> 4 & 4)) + piece
                            for flags, piece in pieces)


def streams():
    invite, challenge = MESSAGES["invite"].encode(), MESSAGES["challenge"].encode()
    upgrade = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
    frames = (websocket(1, challenge) + websocket(9, b"ping") + websocket(2, invite[:99], False) +
              websocket(0, invite[99:]) + websocket(8, b""))
    far = struct.pack("!I", 5000)
    return {
        "messages": b"\1" + invite + b"\r\n\r\n" + challenge + invite,
        "damaged": b"\1" + invite.replace(b"Content-Length: ", b"Content-Length: -") + challenge,
        "frames": b"\3" + frames,
        "connection": segments([(2, b""), (19, b""), (16, invite[:200]), (16, invite[200:]), (17, challenge),
                                (20, b""), (2 | 64, far), (16, invite), (8, b"")]),
        "websocket": segments([(16, upgrade), (17, b"HTTP/1.1 101 x\r\nSec-WebSocket-Protocol: sip\r\n\r\n"),
                               (16, frames), (128, frames), (16 | 32, frames)]),
        "holes": segments([(2, b""), (16, invite[:100]), (16 | 64, struct.pack("!I", 400) + challenge),
                           (17, b""), (16 | 64, struct.pack("!I", 101) + invite[100:])]),
    }


def main():
    datagram = udp(MESSAGES["register"].encode())
    whole = ip4(17, datagram)
    frames = {
        "ethernet": series(1, [ethernet(whole), ethernet(whole, tags=bytes.fromhex("88a8000181000002")),
                               ethernet(ip6(17, datagram), 0x86dd)]),
        "pppoe": series(1, [ethernet(struct.pack("!2B3H", 0x11, 0, 1, len(whole) + 2, 0x21) + whole, 0x8864)]),
        "cooked": series(2, [bytes(14) + struct.pack("!H", 0x0800) + whole]),
        "cooked2": series(3, [struct.pack("!H", 0x0800) + bytes(18) + whole]),
        "loopback": series(4, [struct.pack("<I", 2) + whole, struct.pack(">I", 30) + ip6(17, datagram)]),
        "fragments": series(0, pieces4(datagram, 64) + pieces6(datagram, 128)[::-1]),
        "overlap": series(0, pieces4(datagram, 64)[:2] + pieces4(datagram, 32)),
        "tunnel": series(0, [ip4(4, whole), ip6(41, ip6(17, datagram)), ip6(4, ip4(41, ip6(0, bytes([17]) + bytes(7)
                                                                                              + datagram)))]),
        "duplicates": series(0, [whole] * 4, 1),
    }
    for target, seeds in (("fuzz_scan", {name: text.encode() for name, text in MESSAGES.items()}),
                          ("fuzz_decap", frames), ("fuzz_tcp", streams())):
        (SEEDS / target).mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (SEEDS / target / name).write_bytes(data)


if __name__ == "__main__":
    main()
