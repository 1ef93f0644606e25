"""What every attacker needs before it builds a message: specification, pace, victims, log of what it sent.
Relies on: sip.py (passwords), styles.py.
Relied on by: raw_attacker.py (victims), script_attacker.py, spoof_attacker.py, replay_attacker.py.

Builders share nothing but this: how a message looks is each builder's own matter.
"""
import argparse
import hashlib
import json
import random
import sys
import time

import sip
from styles import draw_number

NAMES = (
    "admin test user guest sales info office reception root support fax phone demo voip sip alice bob carol dave john mary"
).split()


def victim(rng, settings, users, seed, count):
    """A user part, by the run's kind of victims; `count` is the number of the request."""
    kind = settings.get("victims", "known")
    if kind == "one":
        return users[seed % len(users)]
    if kind == "few":
        return users[(seed + rng.randrange(3)) % len(users)]
    if kind == "unknown":
        known = rng.choice(users)
        return rng.choice(
            [
                known[:-1] + str(rng.randrange(100, 999)),
                str(rng.randrange(100, 10**6)),
                known + rng.choice("xyz01"),
            ]
        )
    if kind == "range":
        return str(settings.get("first", 100) + count)
    if kind == "names":
        return rng.choice(NAMES) + rng.choice(["", "", "1", "2", str(rng.randrange(99))])
    if kind == "international":
        return draw_number(rng)
    return rng.choice(users)


class Launch:
    """One launch of an attacker. `wait` keeps the run's rate, rhythm and bounds; `note` logs what was sent."""

    def __init__(self, spec):
        self.spec, self.settings = spec, spec["settings"]
        self.rng = random.Random(spec["seed"])
        world = spec["world"]
        self.server, self.domain = tuple(world["server"]), sip.bracket(world["domain"])
        self.host = sip.bracket(self.server[0])
        self.users = spec["users"]
        self.count = 0
        self.next = time.time()
        self.end = self.next + spec["seconds"]
        self.log = open(spec["sent_log"], "a", buffering=1) if spec.get("sent_log") else None

    def password(self, user):
        world = self.spec["world"]
        return sip.password_of(user, world["salt"], world["weak"])

    def note(self, ip, port, data):
        """label.py finds the run's messages by this log: run, address, port, SHA-1."""
        if self.log:
            self.log.write("%d\t%s\t%d\t%s\n" % (self.spec["run"], ip, port, hashlib.sha1(data).hexdigest()))

    def victim(self):
        return victim(self.rng, self.settings, self.users, self.spec["seed"], self.count)

    def method(self):
        m = self.settings.get("method", "INVITE")
        return self.rng.choice(m) if isinstance(m, list) else m

    def left(self):
        return self.end - time.time()

    def due(self):
        """When the next request is to be sent; draws the gap as the run's rhythm says."""
        gap, rhythm = 1 / self.settings["rate"], self.settings.get("rhythm", "even")
        if rhythm == "random":
            gap = self.rng.expovariate(1 / gap)
        elif rhythm == "bursts":
            gap = gap * 10 if self.count % 10 == 0 else 0.002
        self.count += 1
        self.next = max(self.next + gap, time.time() - 0.05)
        return self.next

    def more(self):
        """Whether the request that `due` announced may still be sent."""
        return self.left() > 0 and self.count <= self.settings.get("limit", 2000)

    def wait(self):
        """Sleeps until the next request is due; False at the end of the run."""
        time.sleep(max(0.0, self.due() - time.time()))
        return self.more()


def main(name, doc, attack):
    """The command line of an attacker: one JSON file; `attack(spec)` runs it."""
    parser = argparse.ArgumentParser(
        description=doc.split("\n")[0],
        epilog="example:\n  ip netns exec east tools/lab/%s.py work/run-3.json\n"
        "run.py --keep-logs leaves such files; raw_attacker.py --help shows one. Nothing is sent beyond `seconds`."
        % name,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("spec", help="JSON file with the run's specification")
    args = parser.parse_args()
    try:
        with open(args.spec) as f:
            spec = json.load(f)
    except (OSError, ValueError) as error:
        print("%s: %s: %s" % (name, args.spec, error), file=sys.stderr)
        return 2
    try:
        attack(spec)
    except KeyboardInterrupt:
        pass  # the session is over
    return 0
