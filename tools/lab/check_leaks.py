#!/usr/bin/python3
"""Shows how well single fields alone tell attack from benign in labelled lab sessions. They should not.
Relies on: label.py (its reader of captures).
Relied on by: people who change the lab.
"""
import argparse
import collections
import csv
import ipaddress
import lzma
import os
import re
import sys
import tempfile

import label

FORMS = [
    ("z9hG4bK then dash", r"z9hG4bK-"),
    ("Pj", r"z9hG4bKPj"),
    ("dot", r"z9hG4bK\."),
    ("digits", r"z9hG4bK\d+$"),
    ("hex", r"z9hG4bK[0-9a-f]+$"),
]


def form(text):
    """The shape of a token: kinds of characters and a coarse length."""
    kinds = "".join(
        k
        for k, p in (("@", "@"), ("-", "-"), (".", r"\."), ("x", "[g-zG-Z]"), ("a", "[a-fA-F]"), ("0", r"\d"))
        if re.search(p, text)
    )
    return "%s/%d" % (kinds, min(len(text) // 8, 6) * 8)


def field(text, name, short=""):
    m = re.search(r"(?im)^(?:%s)[ \t]*:[ \t]*([^\r\n]*)" % (name + ("|" + short if short else "")), text)
    return m.group(1).strip() if m else None


def headers(text):
    return [
        line.split(":")[0].strip().lower()
        for line in text.split("\r\n\r\n")[0].split("\r\n")[1:]
        if ":" in line and line[:1] not in " \t"
    ]


def traits(m, ackers):
    """The single-field facts of a request. Values are compared as they are."""
    text = m.payload.decode("utf-8", "replace")
    agent = field(text, "user-agent")
    via = field(text, "via", "v") or ""
    names = headers(text)
    tag = re.search(r";\s*tag=([^;>\s]+)", field(text, "from", "f") or "")
    address = ipaddress.ip_address(m.source[0])
    return {
        "Call-ID has @": "@" in m.call_id,
        "Call-ID form": form(m.call_id),
        "branch form": next((n for n, p in FORMS if re.match(p, (m.branches or [""])[0])), "other"),
        "From tag form": form(tag.group(1)) if tag else "none",
        "User-Agent": agent or "none",
        "User-Agent present": agent is not None,
        "Via rport": "rport" in via,
        "Via sent-by = source": m.source[0] in via.split(";")[0],
        "source port 5060": m.source[1] == 5060,
        "length / 100": len(m.payload) // 100,
        "address, last octet / 32": address.packed[-1] // 32,
        "address, prefix": str(address)[:6],
        "client ever ACKs": m.source in ackers,
        "first four headers": " ".join(names[:4]),
        "header count": len(names),
        "compact": any(len(n) == 1 for n in names),
        "Max-Forwards": field(text, "max-forwards"),
        "From user length": len(m.from_user),
        "To = From user": m.from_user == m.to_user,
        "Contact = From user": label.user(field(text, "contact", "m") or "") == m.from_user,
        **{name + " present": name.lower() in names for name in ("Allow", "Supported", "Accept", "Expires")},
        "body present": "\r\n\r\n" in text and bool(text.split("\r\n\r\n", 1)[1]),
        "method": m.method if m.method in label.METHODS else "other",
        "host is a name": not re.search(r"@(?:\[|\d+\.\d+)", field(text, "from", "f") or "@1.1"),
        "Contact present": "contact" in names or "m" in names,
    }


def read(name):
    """(records, labels by frame) of NAME.pcap[.xz] and NAME.labels.tsv[.xz]."""
    pcap = name + ".pcap"
    if not os.path.exists(pcap):
        with lzma.open(pcap + ".xz") as f, tempfile.NamedTemporaryFile(suffix=".pcap") as g:
            g.write(f.read())
            g.flush()
            found, _ = label.messages(g.name)
    else:
        found, _ = label.messages(pcap)
    path = name + ".labels.tsv"
    with open(path) if os.path.exists(path) else lzma.open(path + ".xz", "rt") as f:
        rows = {int(r["frame"]): r for r in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE)}
    if len(rows) != len(found):
        raise label.Error("%s: %d labels for %d SIP messages" % (name, len(rows), len(found)))
    return found, rows


def judge(values):
    """(balanced accuracy of the best value -> side rule, attack share that pure-attack values catch)."""
    attacks, benign = sum(a for a, _ in values.values()), sum(b for _, b in values.values())
    hit = sum(a / attacks for a, b in values.values() if a / attacks > b / benign)
    right = sum(b / benign for a, b in values.values() if a / attacks <= b / benign)
    pure = sum(a for a, b in values.values() if b / benign < 0.0005) / attacks
    return (hit + right) / 2, pure


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        epilog="example:\n  tools/lab/check_leaks.py data/samples/office data/samples/carrier",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="+", help="session: NAME.pcap[.xz] with NAME.labels.tsv[.xz]")
    parser.add_argument("--class", dest="cls", help="this class only, against benign")
    parser.add_argument("--values", help="show the values of this field")
    args = parser.parse_args()
    table = collections.defaultdict(lambda: collections.defaultdict(lambda: [0, 0]))
    seen = collections.Counter()
    try:
        for name in args.name:
            found, rows = read(name)
            ackers = {m.source for m in found if m.method == "ACK" and not m.status}
            weight = collections.Counter(rows[m.frame]["run"] for m in found)
            for m in found:
                row = rows[m.frame]
                if (
                    row["primary"] == "ignore"
                    or m.status
                    or (args.cls and row["primary"] not in ("benign", args.cls))
                ):
                    continue
                if row["primary"] == "benign" and len(m.branches) > 1:
                    continue  # the proxy's leg of an honest call; attacks' such legs are not scored at all
                attack = row["primary"] != "benign"
                seen[attack] += 1
                share = (
                    1.0 if not attack else min(1.0, 60 / weight[row["run"]])
                )  # long runs do not drown the others
                for trait, value in traits(m, ackers).items():
                    table[trait][value][0 if attack else 1] += share
    except (OSError, label.Error) as error:
        print("check_leaks: %s" % error, file=sys.stderr)
        return 1
    if not seen[True] or not seen[False]:
        print("check_leaks: attacks and benign messages are both needed", file=sys.stderr)
        return 1
    print(
        "%d attack and %d benign requests; 0.50 is chance; 'pure': share of attacks with a value that no benign message has"
        % (seen[True], seen[False])
    )
    print("%-26s %8s %6s  %s" % ("single field", "balanced", "pure", "values"))
    for trait, values in sorted(table.items(), key=lambda t: -judge(t[1])[0]):
        accuracy, pure = judge(values)
        print("%-26s %8.3f %5.1f%%  %d" % (trait, accuracy, 100 * pure, len(values)))
        if trait == args.values:
            for value, (a, b) in sorted(values.items(), key=lambda v: -v[1][0])[:30]:
                print("    %-60s attack %7.1f benign %6d" % (value, a, b))
    return 0


if __name__ == "__main__":
    sys.exit(main())
