"""An agent's connection to its server: TCP, and WebSocket on top of it (RFC 6455, RFC 7118).
Relies on: sip.py.
Relied on by: useragent.py.
"""
import asyncio
import base64
import struct

import sip

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
FINAL, MASKED = 0x80, 0x80


class Connection(asyncio.Protocol):
    """TCP: whole messages go to the agent."""

    def __init__(self, agent):
        self.agent, self.splitter = agent, sip.Splitter()
        self.ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.ready.set_result(True)

    def connection_lost(self, _error):
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("the server ended the connection"))

    def data_received(self, data):
        for message in self.splitter.feed(data):
            self.take(message)

    def take(self, message):
        self.agent.datagram_received(message, self.agent.world.server)

    def send(self, message):
        self.transport.write(message)


class WebSocket(Connection):
    """WebSocket: one message a frame, masked as a client's must be."""

    def __init__(self, agent):
        super().__init__(agent)
        self.data = b""

    def connection_made(self, transport):
        self.transport = transport
        key = base64.b64encode(self.agent.rng.getrandbits(128).to_bytes(16, "big")).decode()
        host, port = self.agent.world.server[0], self.agent.world.ws_port
        lines = [
            "GET / HTTP/1.1",
            "Host: %s:%d" % (sip.bracket(host), port),
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: " + key,
            "Sec-WebSocket-Protocol: sip",
            "Sec-WebSocket-Version: 13",
        ]
        transport.write("\r\n".join(lines + ["", ""]).encode())

    def data_received(self, data):
        self.data += data
        if not self.ready.done():
            head, end, rest = self.data.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.ready.set_exception(ConnectionError("the server refuses WebSocket"))
                self.transport.close()
                return
            self.data = rest
            self.ready.set_result(True)
        while self.frame():
            pass

    def frame(self):
        """Takes one frame out of what has come; False for want of bytes. A server masks none and splits none."""
        if len(self.data) < 2:
            return False
        opcode, length, at = self.data[0] & 15, self.data[1] & 127, 2
        if length > 125:
            at = 4 if length == 126 else 10
            length = int.from_bytes(self.data[2:at], "big")
        if len(self.data) < at + length:
            return False
        payload, self.data = self.data[at : at + length], self.data[at + length :]
        if opcode in (TEXT, BINARY) and payload.strip():
            self.take(payload)
        elif opcode == PING:
            self.put(PONG, payload)
        elif opcode == CLOSE:
            self.transport.close()
        return True

    def send(self, message):
        self.put(TEXT, message)

    def put(self, opcode, payload):
        length, mask = len(payload), self.agent.rng.getrandbits(32).to_bytes(4, "big")
        if length < 126:
            size = bytes([MASKED | length])
        elif length < 1 << 16:
            size = bytes([MASKED | 126]) + struct.pack(">H", length)
        else:
            size = bytes([MASKED | 127]) + struct.pack(">Q", length)
        masked = bytes(b ^ mask[i & 3] for i, b in enumerate(payload))
        self.transport.write(bytes([FINAL | opcode]) + size + mask + masked)
