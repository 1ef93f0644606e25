#!/usr/bin/python3
"""Compares the SIP-over-UDP messages that wire_dump and tshark find in each capture of the corpus, frame by frame.

Usage: compare_tshark.py WIRE_DUMP CORPUS TABLE
TABLE is tests/wire/corpus.tsv: capture, messages (-1: libpcap does not read the file), note. A capture whose note
starts with "differs:" is compared by its count only. ICMP errors that quote SIP are no messages.
Exit: 0 all equal, 1 something differs, 77 tshark or the corpus is absent (skipped).
"""

import os
import shutil
import subprocess
import sys

SIP_OVER_UDP = "sip && udp && !icmp && !icmpv6"


def frames_of(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return [int(line.split(b"\t")[0]) for line in done.stdout.splitlines()]


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    dump, corpus, table = sys.argv[1:]
    if not shutil.which("tshark") or not os.path.isdir(corpus):
        print("skipped: no tshark or no corpus")
        return 77
    wrong = compared = 0
    with open(table, encoding="utf-8") as rows:
        for row in rows:
            if row.startswith("#"):
                continue
            name, count, note = (row.rstrip("\n").split("\t") + [""])[:3]
            path = os.path.join(corpus, name)
            ours = frames_of([dump, path])
            theirs = frames_of(["tshark", "-n", "-r", path, "-Y", SIP_OVER_UDP, "-T", "fields", "-e", "frame.number"])
            compared += 1
            if len(ours) == max(int(count), 0) and (ours == theirs or note.startswith("differs:")):
                continue
            wrong += 1
            print(f"{name}: table {count}, wire {len(ours)}, tshark {len(theirs)}, "
                  f"only one of them: {sorted(set(ours) ^ set(theirs))[:10]}")
    print(f"{compared} captures compared, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
