#!/usr/bin/python3
"""Runs svmap, svwar or svcrack with another coat: user agent, header order, branch and Call-ID form.
Relies on: the Debian package sipvicious, styles.py.
Relied on by: run.py.

usage: sipvicious_disguise.py SEED ADDRESS svmap|svwar|svcrack [the tool's own options]
SEED 0 leaves the tool as it is; ADDRESS is the one that its socket is bound to (svwar and svcrack ignore -b).
"""
import importlib
import random
import re
import socket
import sys

sys.path.insert(0, "/usr/share/sipvicious")
import styles  # noqa: E402


def coat(make_request, rng):
    """Wraps SIPVicious' builder: what the tool does stays, how its messages look changes."""
    style = styles.draw_style(rng)
    host = rng.choice(["", "", "@" + styles.alnum(rng, 6).lower() + ".local"])
    order = {name: i for i, name in enumerate(style.order)}
    calls = {}
    first_cseq = rng.choice([0, 0, 1, 19, 100, rng.randrange(1, 60000)])
    own_contact = rng.random() < 0.8  # else the tool's, which may be anybody's

    def disguised(*args, **kwargs):
        text = make_request(*args, **kwargs)
        head, _, body = text.partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        here = re.search(r"(?m)^(?:Via|v): SIP/2\.0/UDP ([^;\r]+)", head)
        user = re.search(r"(?m)^(?:From|f):[^\r]*?sip:([^@>\r]*)@", head)
        out = []
        for line in lines:
            name, _, value = line.partition(": ")
            if name == "User-Agent":
                if not style.user_agent:
                    continue
                value = style.user_agent
            elif name == "Via":
                value = re.sub(
                    r"branch=[^;]+", lambda m: "branch=" + styles.make_branch(rng, style.branch_form), value
                )
            elif name == "CSeq":
                number, method = value.split(" ", 1)
                value = "%d %s" % (int(number) + first_cseq, method)
            elif name == "Contact" and own_contact and here and user:
                value = "<sip:%s@%s%s>" % (user.group(1), here.group(1), style.contact_params)
            elif name == "Max-Forwards":
                value = str(style.max_forwards)
            elif name == "Call-ID" and host:
                value = calls.setdefault(value, value + host)
            elif name == "Accept" and not style.accept:
                continue
            out.append((name, value))
        for name, value in (("Allow", style.allow), ("Supported", style.supported)) + tuple(style.extra):
            if value and not kwargs.get("compact"):
                out.append((name, value))
        out.sort(
            key=lambda nv: order.get({"v": "Via"}.get(nv[0], nv[0]), 80) if nv[0] != "Content-Length" else 99
        )
        return (
            "\r\n".join(
                [start]
                + [
                    "%s%s%s" % (n, style.colon if n not in ("From", "To", "Call-ID", "CSeq") else ": ", v)
                    for n, v in out
                ]
            )
            + "\r\n\r\n"
            + body
        )

    return disguised


def bind_to(address):
    """Makes every socket of this process bind to one address, whatever the tool asks for."""

    class Bound(socket.socket):
        def bind(self, where):
            super().bind((address,) + tuple(where[1:]))

    socket.socket = Bound


def main():
    if len(sys.argv) < 4 or sys.argv[3] not in ("svmap", "svwar", "svcrack") or not sys.argv[1].isdigit():
        print(__doc__, file=sys.stderr)
        return 2
    seed, address, tool = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    bind_to(address)
    module = importlib.import_module("sipvicious." + tool)
    if seed:
        module.makeRequest = coat(module.makeRequest, random.Random(seed))
    sys.argv = [tool] + sys.argv[4:]
    return module.main()


if __name__ == "__main__":
    sys.exit(main())
