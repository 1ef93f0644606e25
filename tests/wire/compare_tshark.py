#!/usr/bin/python3
"""Compares the SIP messages that wire_dump and tshark find in captures, frame by frame and transport by transport.

Usage: compare_tshark.py WIRE_DUMP CORPUS TABLE
       compare_tshark.py WIRE_DUMP CAPTURE...
TABLE is tests/wire/corpus.tsv: capture, messages over UDP (-1: libpcap does not read the file), TCP, WebSocket,
note. A capture whose note starts with "differs:" is compared by its counts only. Without a table the captures are
compared with tshark alone. ICMP errors that quote SIP are no messages.
Exit: 0 all equal, 1 something differs, 77 tshark or the corpus is absent (skipped).
"""

import os
import shutil
import subprocess
import sys

SIP = "sip && !icmp && !icmpv6"
TRANSPORTS = ("udp", "tcp", "ws")


def lines_of(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return [line.split("\t") for line in done.stdout.decode("ascii", "replace").splitlines()]


def ours(dump, path):
    """(frame, transport) of each message."""
    return [(int(fields[0]), fields[1]) for fields in lines_of([dump, path])]


def theirs(path):
    fields = ["frame.number", "tcp.stream", "websocket.opcode", "sip.Method", "sip.Status-Code"]
    command = ["tshark", "-n", "-o", "tcp.reassemble_out_of_order:TRUE", "-r", path, "-Y", SIP, "-T", "fields",
               "-E", "occurrence=a"]
    found = []
    for field in fields:
        command += ["-e", field]
    for frame, tcp, websocket, methods, codes in lines_of(command):
        transport = "ws" if websocket else "tcp" if tcp else "udp"
        messages = len([text for text in (methods + "," + codes).split(",") if text])
        found += [(int(frame), transport)] * (1 if transport == "udp" else messages)
    return found


def count(messages):
    return [sum(1 for _, t in messages if t == transport) for transport in TRANSPORTS]


def rows_of(arguments):
    """(capture, counts or None, note) of each capture to compare."""
    if len(arguments) != 2 or not os.path.isdir(arguments[0]):
        return [(path, None, "") for path in arguments]
    rows = []
    with open(arguments[1], encoding="utf-8") as table:
        for row in table:
            if not row.startswith("#"):
                name, udp, tcp, websocket, note = row.rstrip("\n").split("\t")
                rows.append((os.path.join(arguments[0], name), [max(int(udp), 0), int(tcp), int(websocket)], note))
    return rows


def main():
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    dump, arguments = sys.argv[1], sys.argv[2:]
    if not shutil.which("tshark") or not os.path.exists(arguments[0]):
        print("skipped: no tshark or no corpus")
        return 77
    wrong = compared = 0
    for path, expected, note in rows_of(arguments):
        mine, other = ours(dump, path), theirs(path)
        compared += 1
        if (expected is None or count(mine) == expected) and (mine == other or note.startswith("differs:")):
            continue
        wrong += 1
        print(f"{path}: table {expected}, wire {count(mine)}, tshark {count(other)}, "
              f"only one of them: {sorted(set(mine) ^ set(other))[:10]}")
    print(f"{compared} captures compared, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
