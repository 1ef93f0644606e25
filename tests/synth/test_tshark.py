#!/usr/bin/python3
"""tshark reads every honest message of synthesised sessions as SIP and finds none malformed, and all checksums right.

Relies on: sipcnn-data, tshark (skipped without it).
Relied on by: ctest; tests/long/synth_replay.sh gives more sessions.

  test_tshark.py SIPCNN-DATA [SESSIONS [FIRST-SEED]]
"""
import os
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
KINDS = "office carrier callcentre campus trunk hosted home mixed".split()
CHECKS = ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "sip.tls.port:5061"]
BAD = "_ws.malformed || _ws.expert.severity == error || ip.checksum.status == 0 || udp.checksum.status == 0"


def tshark(capture, ports, *options):
    decode = [word for port in ports for word in ("-d", "udp.port==%s,sip" % port)]
    command = ["tshark", "-n", "-r", capture, *CHECKS, *decode, *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def main():
    if not shutil.which("tshark"):
        print("no tshark: skipped")
        return SKIPPED
    tool = sys.argv[1]
    sessions, first = (int(word) for word in (sys.argv[2:] + ["4", "500"][len(sys.argv) - 2 :]))
    failed = 0
    with tempfile.TemporaryDirectory(prefix="sipcnn-tshark-") as folder:
        for seed in range(first, first + sessions):
            capture = os.path.join(folder, "s.pcap")
            subprocess.run(
                [tool, "synth", "--output", capture, "--seed", str(seed), "--kind", KINDS[seed % len(KINDS)],
                 "--messages", "3000"],
                check=True, stdout=subprocess.DEVNULL)
            with open(capture[:-5] + ".labels.tsv") as file:
                rows = sum(1 for _ in file) - 1
            # tshark takes some ports for those of other protocols.
            ports = sorted({port for line in tshark(capture, [], "-Y", "udp && !sip", "-T", "fields", "-e", "udp.port")
                            for port in line.split(",")})[:200]
            found = len(tshark(capture, ports, "-Y", "sip.Method || sip.Status-Code", "-T", "fields", "-e", "sip.CSeq.seq"))
            bad = tshark(capture, ports, "-Y", BAD, "-T", "fields", "-e", "frame.number", "-e", "_ws.expert.message")
            print("seed %d: %d messages, %d that tshark calls SIP, %d faulty" % (seed, rows, found, len(bad)))
            for line in bad[:5]:
                print("  frame %s" % line)
            failed += bool(bad) or found != rows
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
