#!/usr/bin/python3
"""Replays calls and registrations of synthesised sessions at a real Kamailio with a SIPp callee behind it: they complete.

Relies on: sipcnn-data, kamailio, sipp, h5py; loopback only.
Relied on by: tests/long/synth_replay.sh.

A caller's INVITE, ACK and BYE are sent as they were written, but for what a real peer decides: addresses, the
callee's tag, its Contact and the routes. A call completes if INVITE and BYE get their 200 through the proxy.

  replay.py SIPCNN-DATA [CALLS [FIRST-SEED]]
"""
import collections
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
PROXY, CALLEE = 15060, 15070
KINDS = "office carrier callcentre campus trunk hosted home mixed".split()
SHORT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}
CONFIG = """#!KAMAILIO
log_stderror=yes
debug=-1
children=2
disable_tcp=yes
auto_aliases=no
dns=no
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
listen=udp:127.0.0.1:%d
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("usrloc", "db_mode", 0)
request_route {
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
    if (has_totag()) {
        if (loose_route()) t_relay();
        else sl_send_reply("481", "Call/Transaction Does Not Exist");
        exit;
    }
    if (is_method("ACK")) exit;
    if (is_method("REGISTER")) { if (!save("location")) sl_reply_error(); exit; }
    record_route();
    $du = "sip:127.0.0.1:%d";
    t_relay();
}
""" % (PROXY, CALLEE)

REPLY = """<send%s><![CDATA[
SIP/2.0 %s
[last_Via:]
[last_From:]
[last_To:]%s
[last_Call-ID:]
[last_CSeq:]
[last_Record-Route:]
Contact: <sip:[local_ip]:[local_port]>
Content-Length: 0

]]></send>"""
SCENARIO = "\n".join(['<?xml version="1.0"?>', '<scenario name="callee">', '<recv request="INVITE" crlf="true"/>',
                      REPLY % ("", "180 Ringing", ";tag=[call_number]"), REPLY % (' retrans="500"', "200 OK", ";tag=[call_number]"),
                      '<recv request="ACK" optional="true" rtd="true"/>', '<recv request="BYE"/>', REPLY % ("", "200 OK", ""),
                      "</scenario>"])


class Message:
    """A SIP message's start line, header lines (unfolded) and body, written back as they were."""

    def __init__(self, data):
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = re.sub(rb"\r\n[ \t]+", b" ", head).decode("utf-8", "surrogateescape").split("\r\n")
        self.start, self.lines = lines[0], lines[1:]

    @staticmethod
    def name(line):
        name = line.partition(":")[0].strip().lower()
        return SHORT.get(name, name)

    def all(self, name):
        return [line.partition(":")[2].strip() for line in self.lines if self.name(line) == name]

    def get(self, name):
        return (self.all(name) or [""])[0]

    def change(self, name, change):
        self.lines = [line.partition(":")[0] + ":" + change(line.partition(":")[2]) if self.name(line) == name else line
                      for line in self.lines]

    def drop(self, name):
        self.lines = [line for line in self.lines if self.name(line) != name]

    def bytes(self):
        return ("\r\n".join([self.start] + self.lines) + "\r\n\r\n").encode("utf-8", "surrogateescape") + self.body

    @property
    def method(self):
        return self.get("cseq").split()[-1]

    @property
    def status(self):
        return int(self.start.split()[1]) if self.start.startswith("SIP/") else 0


def uri(value):
    found = re.search(r"<([^>]*)>", value)
    return found.group(1) if found else value.split(";")[0].strip()


def sessions(tool, folder, seed):
    """The messages of one session: (source, destination, Message) in order."""
    import h5py
    path = os.path.join(folder, "s.h5")
    subprocess.run([tool, "synth", "--output", path, "--seed", str(seed), "--kind", KINDS[seed % len(KINDS)],
                    "--messages", "20000"], check=True, stdout=subprocess.DEVNULL)
    with h5py.File(path) as file:
        m = file["messages"]
        offset, data = m["offset"][:], m["bytes"][:].tobytes()
        source, destination = m["source"][:], m["destination"][:]
        return [(source[i].tobytes(), destination[i].tobytes(), Message(data[offset[i]:offset[i + 1]]))
                for i in range(len(source))]


def calls(found):
    """The last INVITE, the ACK and the BYE of callers who hung up, on their own leg."""
    by_id = collections.defaultdict(list)
    for source, destination, message in found:
        by_id[message.get("call-id")].append((source, destination, message))
    for messages in by_id.values():
        caller, entry, first = messages[0]
        if first.status or first.method != "INVITE" or "tag=" in first.get("to"):
            continue
        own = [m for s, d, m in messages if s == caller and d == entry and not m.status]
        opening = [m for m in own if m.method == "INVITE" and "tag=" not in m.get("to")]
        acks = [m for m in own if m.method == "ACK" and m.get("cseq").split()[0] == opening[-1].get("cseq").split()[0]]
        byes = [m for m in own if m.method == "BYE"]
        if acks and byes:
            yield opening[-1], acks[-1], byes[0]


class Client:
    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(2.5)
        self.host = "127.0.0.1:%d" % self.socket.getsockname()[1]

    def send(self, message, target, tag="", routes=()):
        kind = message.start.split(" ")[0]
        message.start = "%s %s SIP/2.0" % (kind, target)
        message.change("via", lambda v: re.sub(r"(SIP/2\.0/UDP )\S*?(?=;)", r"\g<1>" + self.host, v, count=1))
        message.change("contact", lambda v: re.sub(r"(<sips?:(?:[^@>]*@)?)[^;>]*", r"\g<1>" + self.host, v))
        if tag:
            message.change("to", lambda v: re.sub(r";\s*tag=[^;\s]*", "", v) + ";tag=" + tag)
        message.drop("route")
        message.drop("record-route")
        message.lines = message.lines[:1] + ["Route: " + r for r in routes] + message.lines[1:]
        self.socket.sendto(message.bytes(), ("127.0.0.1", PROXY))

    def final(self, method):
        """The final reply to a request of this kind, or None."""
        try:
            while True:
                reply = Message(self.socket.recv(65535))
                if reply.status >= 200 and reply.method == method:
                    return reply
        except socket.timeout:
            return None

    def close(self):
        self.socket.close()


def place(invite, ack, bye):
    """'' if the call completes, else what went wrong."""
    client = Client()
    user = re.match(r"sips?:([^@;>]*)@", invite.start.split(" ")[1])
    try:
        client.send(invite, "sip:%s127.0.0.1:%d" % (user.group(1) + "@" if user else "", PROXY))
        reply = client.final("INVITE")
        if reply is None or reply.status != 200:
            return "INVITE: %s\n%s" % (reply.start if reply else "no final reply", "\n".join([invite.start] + invite.lines))
        tag = re.search(r";\s*tag=([^;\s]*)", reply.get("to")).group(1)
        routes = [r.strip() for v in reply.all("record-route") for r in v.split(",")][::-1]
        client.send(ack, uri(reply.get("contact")), tag, routes)
        client.send(bye, uri(reply.get("contact")), tag, routes)
        reply = client.final("BYE")
        return "" if reply is not None and reply.status == 200 else "BYE: %s" % (reply.start if reply else "no reply")
    finally:
        client.close()


def register(message):
    client = Client()
    try:
        client.send(message, "sip:127.0.0.1:%d" % PROXY)
        reply = client.final("REGISTER")
        return "" if reply is not None and reply.status == 200 else "REGISTER: %s" % (reply.start if reply else "no reply")
    finally:
        client.close()


def start_peers(folder):
    config = os.path.join(folder, "kamailio.cfg")
    with open(config, "w") as file:
        file.write(CONFIG)
    with open(os.path.join(folder, "callee.xml"), "w") as file:
        file.write(SCENARIO)
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    proxy = subprocess.Popen(["kamailio", "-DD", "-E", "-f", config, "-Y", folder], cwd=folder, **quiet)
    callee = subprocess.Popen(["sipp", "-sf", "callee.xml", "-i", "127.0.0.1", "-p", str(CALLEE), "-nostdin"], cwd=folder, **quiet)
    time.sleep(1.5)
    return proxy, callee


def main():
    if not shutil.which("kamailio") or not shutil.which("sipp"):
        print("no kamailio or no sipp: skipped")
        return SKIPPED
    tool = sys.argv[1]
    wanted, seed = (int(word) for word in (sys.argv[2:] + ["100", "900"][len(sys.argv) - 2:]))
    done = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="sipcnn-replay-") as folder:
        peers = start_peers(folder)
        try:
            while done["calls"] < wanted:
                found = sessions(tool, folder, seed)
                registers = [m for _, _, m in found if not m.status and m.method == "REGISTER"][:40]
                for kind, results in (("calls", (place(*c) for c in list(calls(found))[:40])),
                                      ("registrations", (register(m) for m in registers))):
                    for result in results:
                        done[kind] += 1
                        if result:
                            done["failed " + kind] += 1
                            print("seed %d: %s" % (seed, result), flush=True)
                seed += 1
        finally:
            for peer in peers:
                peer.terminate()
            for peer in peers:
                peer.wait()
    print("%d calls, %d did not complete; %d registrations, %d refused"
          % (done["calls"], done["failed calls"], done["registrations"], done["failed registrations"]))
    return 1 if done["failed calls"] or done["failed registrations"] else 0


if __name__ == "__main__":
    sys.exit(main())
