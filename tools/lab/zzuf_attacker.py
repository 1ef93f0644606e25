#!/usr/bin/python3
"""One launch of an attacker who breaks messages with zzuf: what honest clients were heard to send, its bits flipped.
Relies on: replay_attacker.py (what it hears, whether a message is still whole), launch.py; the Debian package zzuf.
Relied on by: attackers.py.
"""
import subprocess
import sys

import launch
import replay_attacker

TRIES = 12
METHODS = ("INVITE", "REGISTER", "OPTIONS", "MESSAGE", "SUBSCRIBE", "BYE", "PUBLISH")


def fuzzed(data, seed, ratio):
    """zzuf's change of a message, behind its first line, which is what makes it SIP."""
    first = data.find(b"\r\n") + 2
    command = ["zzuf", "--seed", str(seed), "--ratio", str(ratio), "--bytes", "%d-" % first]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


class Zzuf(replay_attacker.Replay):
    def broken(self, data):
        """A change that the grammar does not allow; with more bits flipped until there is one."""
        for i in range(TRIES):
            out = fuzzed(data, self.rng.getrandbits(31), self.settings["ratio"] * (1 + i))
            if not replay_attacker.is_whole(out):
                return out
        return data[: data.find(b"\r\n\r\n")]

    def malformed(self):
        for data in self.turns(METHODS):
            self.send(self.broken(self.renewed(data)))


if __name__ == "__main__":
    sys.exit(launch.main("zzuf_attacker", __doc__, lambda spec: Zzuf(spec).run()))
