#!/usr/bin/python3
"""Labels a lab capture per message (docs/labels.md), from the capture and the log of what was launched.
Relies on: frames.py for the capture; its own reader of SIP.
Relied on by: run.py, live.py (the reader).
"""
import argparse
import collections
import csv
import hashlib
import json
import math
import os
import re
import sys

import frames
from frames import Error

ONSET = {
    "bruteforce": 10,
    "spit": 10,
    "toll_fraud": 10,
    "distributed_flood": 20,
    "malformed": 0,
    "injection": 0,
    "teardown": 0,
}
ONSET_DEFAULT = 5
SOLID_TAG = 6  # a shorter From tag may be somebody else's too
LEG_SECONDS = 32  # a request and its relayed legs lie within RFC 3261's timer B
ALSO_SHARE = 0.3  # of a run's requests that make it another class as well, where single ones tell it
INTERNATIONAL = re.compile(r"(?:\+|00|011|0011|900|9011)[1-9]\d{8,}$")
PREFIX_PROBE = re.compile(
    r"(?:\+|\*|[089]|00|000|011|900|9011|810|1100|8800|99900)?[1-9]\d{9,}$"
)  # of a run that tries prefixes


# -- the capture -----------------------------------------------------------------------------------------


class Record:
    """One SIP message of the capture, with what labelling needs of it."""

    __slots__ = (
        "frame",
        "index",
        "time",
        "source",
        "destination",
        "payload",
        "status",
        "method",
        "uri_user",
        "call_id",
        "cseq",
        "branches",
        "tags",
        "to",
        "from_user",
        "to_user",
        "authorized",
        "account",
        "primary",
        "also",
        "run",
        "part",
        "of_server",
        "cause",
    )

    def __init__(self, frame, index, time, source, destination, payload):
        self.frame, self.index, self.time, self.source, self.destination, self.payload = (
            frame,
            index,
            time,
            source,
            destination,
            payload,
        )
        self.primary, self.also, self.run, self.part = "", "", 0, ""
        self.of_server = False  # a leg under a Call-ID that a server made: its own, honest message
        self.cause = None  # Call-ID of the request that a server's own follows from
        self.read()

    def read(self):
        text = self.payload.lstrip(b"\r\n").decode("utf-8", "replace")
        head = re.sub(r"\r?\n[ \t]+", " ", text.split("\r\n\r\n")[0])
        lines = re.split(r"\r?\n", head)
        first = re.match(r"SIP/\S*\s+(\d+)", lines[0])
        self.status = int(first.group(1)) if first else (1 if lines[0].startswith("SIP/") else 0)
        fields = collections.defaultdict(list)
        short = {"v": "via", "f": "from", "t": "to", "i": "call-id"}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            name = name.strip().lower()
            if colon:
                fields[short.get(name, name)].append(value.strip())
        self.call_id = (fields["call-id"] or [""])[0]
        self.cseq = " ".join((fields["cseq"] or [""])[0].split())
        self.branches = re.findall(r"branch=([^;,\s]*)", ",".join(fields["via"]))
        self.method = self.cseq.split(" ")[-1] if self.status else lines[0].split(" ")[0].split("\t")[0]
        self.to = (fields["to"] or [""])[0]
        self.tags = [
            tag.group(1) if tag else ""
            for tag in (re.search(r";\s*tag=([^;,\s>]+)", v) for v in ((fields["from"] or [""])[0], self.to))
        ]
        self.from_user, self.to_user = user((fields["from"] or [""])[0]), user(self.to)
        self.uri_user = "" if self.status else user((lines[0].split(" ") + [""])[1])
        digest = (fields["authorization"] or fields["proxy-authorization"] or [""])[0]
        self.authorized = bool(digest)
        account = re.search(r'username="([^"]*)', digest)
        self.account = account.group(1) if account else self.from_user

    @property
    def key(self):
        """A reply has the key of the request that it answers."""
        return self.call_id, self.cseq, self.branches[0] if self.branches else ""


def user(value):
    m = re.search(r"(?:sips?|tel):([^@>;]*)@", value)
    return m.group(1) if m else ""


def messages(path):
    """(SIP messages, number of mirror copies left out) of a capture."""
    copies = frames.Copies()
    return [Record(*found) for found in frames.messages(path, copies)], copies.count


# -- runs ------------------------------------------------------------------------------------------------


def sent(path):
    """How often which socket sent what, by a builder's own log; one that never came to send has none."""
    if not os.path.exists(path):
        return collections.Counter()
    with open(path) as f:
        return collections.Counter(
            (ip, int(port), digest) for _, ip, port, digest in (line.split() for line in f)
        )


class Run:
    def __init__(self, record):
        self.id, self.cls, self.tool, self.settings = (
            record["run"],
            record["class"],
            record["tool"],
            record["settings"],
        )
        self.sockets = {(ip, port) for ip, port in record["sockets"]}
        self.launched, self.ended = record["launched"], record.get("ended", record["launched"] + 60)
        self.sent = None
        if record["sent_log"]:
            self.sent = sent(record["sent_log"])
            self.logged = sum(self.sent.values())
        self.requests, self.replies = [], []
        self.valid, self.also = True, []

    def sent_this(self, m):
        """Whether the run's socket sent the message: by the sender's own log, else by socket and time."""
        if m.source not in self.sockets or not self.launched - 0.5 <= m.time <= self.ended + 1.5:
            return False
        if self.sent is None:
            return True
        key = m.source[0], m.source[1], hashlib.sha1(m.payload).hexdigest()
        if self.sent[key] > 0:
            self.sent[key] -= 1
            return True
        return False


def legs(path):
    """What a server that makes requests of its own noted: lists of Call-ID and branch in, Call-ID and branch out."""
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return [json.loads(line) for line in f]


class Assigner:
    """Gives each message, in capture order, its run and part; what no run touches stays benign."""

    def __init__(self, runs, servers=(), legs=()):
        self.servers = set(servers)  # addresses whose messages are other legs of what somebody else sent
        self.by_socket = collections.defaultdict(list)
        for run in runs:
            for socket in run.sockets:
                self.by_socket[socket].append(run)
        self.asked = {}  # key of a run's request -> run
        self.branches = {}  # (Call-ID, branch) of a run's request -> run
        self.calls = {}  # Call-ID that a run made -> run
        self.tags = {}  # From tag that a run made -> run
        self.steps = {}  # (tags, CSeq) of a request whose tag is not the run's alone -> (time, run)
        self.honest_tags = set()
        self.made = set()  # Call-IDs of servers' own requests
        self.legs = {tuple(leg[2:]): tuple(leg[:2]) for leg in legs}  # (Call-ID, branch) -> that which led to it

    def add(self, m):
        run = self.sender(m)
        if run:
            m.run, m.part = run.id, "request"
            run.requests.append(m)
            if not m.status:
                self.remember(m, run)
            return
        if self.servers and not m.status and m.tags[0] not in self.tags:
            self.honest_tags.add(m.tags[0])
        run = self.answered(m)
        if run:
            m.run, m.part = run.id, "reply"
            run.replies.append(m)
            return
        run = self.relayed(m)
        if run:
            m.run, m.part, m.primary = run.id, "relay", "ignore"
            m.of_server = m.call_id in self.made

    def remember(self, m, run):
        self.asked[m.key] = run
        if m.branches and m.branches[0]:
            self.branches.setdefault((m.call_id, m.branches[0]), run)
        if run.cls not in ("teardown", "hijack") and m.call_id:  # these two use the Call-IDs of others
            self.calls[m.call_id] = run
        if m.tags[0] in self.honest_tags or len(m.tags[0]) < SOLID_TAG or run.cls in ("teardown", "hijack"):
            self.steps[tuple(m.tags), m.cseq] = m.time, run
        else:
            self.tags[m.tags[0]] = run

    def sender(self, m):
        """The run whose socket sent the message, unless it only takes part in what somebody else started: its
        agent may have registered before, and is called or scanned like any phone."""
        run = next((r for r in self.by_socket.get(m.source, ()) if r.sent_this(m)), None)
        if run is None or m.status and self.asked.get(m.key, run) is not run:
            return None
        foreign = self.calls.get(m.call_id) is not run and (m.status or re.search(r";\s*tag=", m.to))
        return None if foreign and run.cls not in ("teardown", "hijack", "malformed") else run

    def answered(self, m):
        """The run whose request this reply answers on the same leg."""
        if not m.status:
            return None
        run = self.asked.get(m.key)
        if run is None:
            run = next((r for r in self.by_socket.get(m.destination, ()) if self.expects(r, m)), None)
        return run if run and m.source not in run.sockets else None

    def expects(self, run, m):
        """A reply whose Via or CSeq is not the request's own is known by its Call-ID; if a broken request left the
        server none to repeat, by the socket, where that served nothing honest."""
        if not run.launched - 0.5 <= m.time <= run.ended + 40:
            return False
        honest = run.settings.get("honest_first") or run.settings.get("honest_after")
        return self.calls.get(m.call_id) is run or run.cls == "malformed" and not honest

    def relayed(self, m):
        """The run of which this is another leg: its branch lies below the proxy's, or the call is its own. A forged
        CANCEL has the branch of the attacked INVITE, whose other leg stays what it was."""
        if (m.call_id, m.branches[0] if m.branches else "") in self.legs:
            return self.followed(m)
        for branch in m.branches[1:]:
            run = self.branches.get((m.call_id, branch))
            if run and not (run.cls == "teardown" and m.cseq.endswith("INVITE")):
                return run
        return self.calls.get(m.call_id) or self.behind(m)

    def followed(self, m):
        """The run that led a server to make a request of its own, which this is or answers: another leg of the run,
        and so is the rest of a call that it made. Who ends or turns somebody else's call owns only that step."""
        cause = self.legs[m.call_id, m.branches[0]]
        self.made.add(m.call_id)
        run = self.branches.get(cause) or self.calls.get(cause[0])
        if run is None or run.cls == "teardown" and m.cseq.endswith("INVITE"):
            return self.calls.get(m.call_id)
        m.cause = cause[0]
        if run.cls not in ("teardown", "hijack"):
            self.calls.setdefault(m.call_id, run)
        return run

    def behind(self, m):
        """The run of which this is a leg beyond a server that hides the topology: Via and Call-ID are its own there,
        tags and CSeq are not."""
        if m.source[0] not in self.servers and m.destination[0] not in self.servers:
            return None
        run = next((self.tags[tag] for tag in m.tags if tag in self.tags), None)
        if run is None:
            when, step = self.steps.get((tuple(m.tags), m.cseq), (0.0, None))
            run = step if m.time - when <= LEG_SECONDS else None
        if run:
            self.made.add(m.call_id)
        return run


# -- does a run meet its class's description? ------------------------------------------------------------


def busiest(times, window):
    """The most events within any window of that many seconds."""
    best = start = 0
    for i, t in enumerate(times):
        while t - times[start] > window:
            start += 1
        best = max(best, i - start + 1)
    return best


def facts(run):
    """Counts over a run that the classes' descriptions speak of."""
    requests = [m for m in run.requests if not m.status]
    work = [m for m in requests if m.method not in ("ACK", "CANCEL")]
    final = {m.key: m.status for m in run.replies if m.status >= 200}
    challenges = sum(m.status in (401, 407) for m in run.replies)
    acked = {(m.call_id, m.cseq.split(" ")[0]) for m in requests if m.method == "ACK"}
    done = [
        m
        for m in work
        if 200 <= final.get(m.key, 0) < 300
        and (m.method != "INVITE" or (m.call_id, m.cseq.split(" ")[0]) in acked)
    ]
    went_on = {m.call_id for m in done}  # a challenge that was answered rightly is no failure
    complete = len(done) + sum(
        final.get(m.key) in (401, 407) and not m.authorized and m.call_id in went_on for m in work
    )
    outside = [m for m in work if not re.search(r";\s*tag=", m.to)]
    tried = collections.defaultdict(set)  # user parts that each client tried
    for m in outside:
        tried[m.source[0]].add(m.to_user if m.method == "REGISTER" else m.uri_user or m.to_user)
    users = set().union(*tried.values()) - {""}
    ok_users = {
        m.to_user if m.method == "REGISTER" else m.uri_user or m.to_user
        for m in outside
        if 200 <= final.get(m.key, 0) < 300
    }
    times = sorted(m.time for m in work)
    span = max(times[-1] - times[0], 1e-3) if len(times) > 1 else 1.0
    failed = sum(m.authorized and final.get(m.key, 0) in (401, 403, 407) for m in work)
    accounts = {m.account for m in work if m.authorized and final.get(m.key, 0) in (401, 403, 407)}
    probes = {(m.destination, m.method) for m in work}
    number = PREFIX_PROBE if run.cls == "toll_fraud" else INTERNATIONAL
    abroad = [m for m in work if m.method == "INVITE" and number.match(m.uri_user)]
    return dict(
        requests=requests,
        work=work,
        complete=complete,
        users=users,
        most_users=max((len(u - {""}) for u in tried.values()), default=0),
        ok_users=ok_users,
        times=times,
        span=span,
        failed=failed,
        accounts=accounts,
        challenges=challenges,
        probes=probes,
        hosts={d[0] for d, _ in probes},
        ports={d for d, _ in probes},
        methods={m for _, m in probes},
        abroad={m.uri_user for m in abroad},
        dialled=len(abroad),
        clients={m.source[0] for m in work},
        final=final,
    )


def reached(run, found_relays):
    """User parts of callees to whom the run's requests were really delivered, by text or caller."""
    out = collections.defaultdict(set)
    bodies = {key: m for m in run.requests if m.method in ("INVITE", "MESSAGE") for key in (m.tags[0], m.call_id)}
    for m in found_relays.get(run.id, ()):
        sent = bodies.get(m.cause or m.call_id) or bodies.get(m.tags[0] or None)
        if sent is not None and not m.status and m.method == sent.method:
            what = sent.payload.rpartition(b"\r\n\r\n")[2] if sent.method == "MESSAGE" else sent.from_user
            out[what].add(sent.to_user)
    return max((len(v) for v in out.values()), default=0)


def holds(cls, f, run, relays):
    """Whether the class's description (docs/labels.md) fits the run as a whole."""
    count = len(f["work"])
    mostly_open = f["complete"] < 0.5 * max(1, count)
    if cls == "flood":
        quick = count >= 20 and count / f["span"] >= 10 or busiest(f["times"], 60) >= 60
        return len(f["clients"]) == 1 and quick and mostly_open
    if cls == "distributed_flood":
        per_client = collections.Counter(m.source[0] for m in f["work"])
        quick = count / f["span"] >= 10 or busiest(f["times"], 60) >= 60
        return (
            len(per_client) >= 8
            and quick
            and mostly_open
            and max(per_client.values()) < 60
            and max(per_client.values()) / f["span"] < 10
        )
    if cls == "scan":
        outside = [m for m in f["work"] if not m.authorized and not re.search(r";\s*tag=", m.to)]
        few = count <= 5 * len(f["probes"])
        return (
            len(outside) == count
            and count >= 3
            and few
            and (len(f["hosts"]) >= 3 or len(f["ports"]) >= 3 or len(f["methods"]) >= 3)
        )
    if cls == "enumeration":
        return f["most_users"] >= 5 and len(f["ok_users"]) <= 0.3 * len(f["users"]) and not f["failed"]
    share = 0 if cls == run.cls else ALSO_SHARE * count  # of a run of another class a good part must do it
    if cls == "bruteforce":
        return f["failed"] >= max(5, share) and len(f["accounts"]) <= 3
    if cls == "toll_fraud":
        return len(f["abroad"]) >= 3 and f["dialled"] >= share
    if cls == "spit":
        return reached(run, relays) >= 10
    if cls == "hijack" and run.settings.get("kind") == "register":
        return (
            len(
                {
                    m.to_user
                    for m in f["work"]
                    if m.method == "REGISTER" and 200 <= f["final"].get(m.key, 0) < 300
                }
            )
            >= 3
        )
    return bool(run.requests) and cls == run.cls  # malformed, injection, teardown, hijack: what was built


def judge(run, relays):
    f = facts(run)
    run.valid = bool(f["requests"] or run.requests) and holds(run.cls, f, run, relays)
    others = ("flood", "distributed_flood", "scan", "enumeration", "bruteforce", "toll_fraud", "spit")
    run.also = [c for c in others if c != run.cls and f["work"] and holds(c, f, run, relays)]
    if run.cls == "toll_fraud" and "spit" in run.also:
        run.also.remove("spit")  # the gateway answers; no person is called


def onset(run):
    """Identities of the first requests of a run and of the replies to them. A request that is sent again and
    again, byte by byte, has one key: what comes after its first later copy answers that one."""
    asked = [m for m in run.requests if not m.status]
    count = ONSET.get(run.cls, ONSET_DEFAULT)
    keys, again = {m.key for m in asked[:count]}, {}
    for m in asked[count:]:
        again.setdefault(m.key, m.time)
    replies = {id(m) for m in run.replies if m.key in keys and m.time < again.get(m.key, m.time + 1)}
    return {id(m) for m in asked[:count]}, replies


def mark(found, runs, servers=()):
    relays, delivered = collections.defaultdict(list), collections.defaultdict(list)
    for m in found:
        if m.part == "relay":
            relays[m.run].append(m)
            if m.destination[0] not in servers:
                delivered[m.run].append(m)
    for run in runs:
        judge(run, delivered)
        if not run.valid:
            for m in run.requests + run.replies + relays[run.id]:
                m.primary, m.run = "ignore", 0
            continue
        early, replies = onset(run)
        for m in run.requests + run.replies:
            m.primary, m.also = run.cls, ",".join(run.also)
            if id(m) in early or id(m) in replies:
                m.part = "onset"
        own = {m.call_id for m in run.requests}
        for m in relays[run.id]:
            if m.of_server and m.call_id not in own:
                m.primary, m.run, m.part = "benign", 0, "reply" if m.status else "request"
    for m in found:
        if not m.primary:
            m.primary, m.part = "benign", "reply" if m.status else "request"


# -- output ----------------------------------------------------------------------------------------------


def write(name, found, runs):
    with open(name + ".labels.tsv", "w") as f:
        f.write("frame\tindex\tprimary\talso\trun\tpart\n")
        for m in found:
            f.write("%d\t%d\t%s\t%s\t%d\t%s\n" % (m.frame, m.index, m.primary, m.also, m.run, m.part))
    with open(name + ".runs.tsv", "w") as f:
        f.write("run\tclass\ttool\tsettings\tstart\tend\tclients\n")
        for run in runs:
            if run.valid:
                times = [m.time for m in run.requests]
                settings = json.dumps(
                    {
                        k: v
                        for k, v in run.settings.items()
                        if k not in ("passwords", "kinds") and not (k == "hosts" and len(v) > 4)
                    },
                    ensure_ascii=True,
                    sort_keys=True,
                )
                clients = sorted({m.source[0] for m in run.requests})
                f.write(
                    "%d\t%s\t%s\t%s\t%.6f\t%.6f\t%s\n"
                    % (
                        run.id,
                        run.cls,
                        run.tool,
                        settings.replace("\t", " "),
                        math.floor(min(times) * 1e6) / 1e6,  # rounded outwards: the first and the last
                        math.ceil(max(times) * 1e6) / 1e6,  # message are inside
                        ",".join(clients),
                    )
                )


def report(found, runs, copies):
    count = collections.Counter((m.primary, m.part) for m in found)
    print(
        "label: %d SIP messages, %d mirror copies left out; %s"
        % (len(found), copies, ", ".join("%s/%s %d" % (p, q, n) for (p, q), n in sorted(count.items())))
    )
    for run in runs:
        logged = "" if run.sent is None else " logged %d lost %d" % (run.logged, sum(run.sent.values()))
        print(
            "label: run %2d %-17s %-8s requests %4d replies %4d also [%s]%s%s"
            % (
                run.id,
                run.cls,
                run.tool,
                len(run.requests),
                len(run.replies),
                ",".join(run.also),
                logged,
                "" if run.valid else "  IGNORED: does not meet its class's description",
            )
        )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        epilog="example:\n  tools/lab/label.py a.pcap work/runlog.json a",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("capture", help="pcap file of a session")
    parser.add_argument("runlog", help="runlog.json of the session")
    parser.add_argument("name", help="output: NAME.labels.tsv and NAME.runs.tsv")
    args = parser.parse_args()
    csv.field_size_limit(1 << 20)
    try:
        found, copies = messages(args.capture)
        if not found:
            raise Error("%s: no SIP message" % args.capture)
        with open(args.runlog) as f:
            log = json.load(f)
        runs, servers = [Run(r) for r in log["runs"]], log.get("servers", [])
        assigner = Assigner(runs, servers, legs(log.get("legs", "")))
        for m in found:
            assigner.add(m)
        mark(found, runs, servers)
        write(args.name, found, runs)
        report(found, runs, copies)
    except (OSError, ValueError, Error) as error:
        print("label: %s" % error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
