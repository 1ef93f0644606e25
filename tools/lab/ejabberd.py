"""Configures ejabberd's SIP service as a session's server: a registrar and proxy that is not Kamailio.
Relies on: Debian packages ejabberd, erlang-p1-sip; sip.py (passwords).
Relied on by: servers.py.

It runs as one Erlang process without a node name, so that it needs no port mapper, and registers the accounts itself.
"""
import json
import os
import time

import sip
from plan import Error

MODULES = "/usr/lib/x86_64-linux-gnu"
REGISTER = (
    "{ok, Lines} = file:consult(%s), "
    "lists:foreach(fun({U, P}) -> ok = ejabberd_auth:try_register(U, %s, P) end, Lines), "
    'ok = file:write_file(%s, "").'
)


def _quoted(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def _binary(text):
    return "<<%s>>" % _quoted(text)


def config(server):
    """The text of ejabberd.yml, which is JSON too."""
    host, port = sip.bracket(server["ip"]), server["address"][1]
    kinds = ["udp"] + ["tcp"] * bool(server["tcp"])
    listen = [
        {"port": p, "ip": server["ip"], "transport": kind, "module": "ejabberd_sip"}
        for p in server["ports"]
        for kind in kinds
    ]
    sip_module = {
        "always_record_route": server["record_route"],
        "record_route": "sip:%s:%d;lr" % (host, port),
        "routes": ["sip:%s:%d;lr" % (host, port)],
        "via": [{"type": kind, "host": server["ip"], "port": port} for kind in kinds],
    }
    return json.dumps(
        {
            "hosts": [server["domain"]],
            "loglevel": "warning",
            "auth_method": ["internal"],
            "auth_password_format": "plain",
            "listen": listen,
            "modules": {"mod_sip": sip_module},
        },
        indent=1,
    )


def prepare(plan, work):
    """Writes the files; (command, environment) that starts the server."""
    server = plan["server"]
    paths = {name: os.path.join(work, name) for name in ("ejabberd.yml", "accounts", "spool", "ready")}
    with open(paths["ejabberd.yml"], "w") as f:
        f.write(config(server))
    with open(paths["accounts"], "w") as f:
        for user in plan["users"]:
            password = sip.password_of(user, plan["salt"], plan["weak"])
            f.write("{%s, %s}.\n" % (_binary(user), _binary(password)))
    os.makedirs(paths["spool"], exist_ok=True)
    register = REGISTER % (_quoted(paths["accounts"]), _binary(server["domain"]), _quoted(paths["ready"]))
    command = ["erl", "-noinput", "+S", "1", "+SDio", "1", "-mnesia", "dir", _quoted(paths["spool"])]
    environment = {
        "ERL_LIBS": MODULES,
        "EJABBERD_CONFIG_PATH": paths["ejabberd.yml"],
        "EJABBERD_LOG_PATH": os.path.join(work, "ejabberd-own.log"),
        "ERL_CRASH_DUMP_BYTES": "0",
        "HOME": work,
    }
    return command + ["-s", "ejabberd", "-eval", register], environment


def wait_ready(work, seconds):
    """Waits until every account exists."""
    deadline = time.time() + seconds
    while not os.path.exists(os.path.join(work, "ready")):
        if time.time() > deadline:
            raise Error("ejabberd did not take the accounts: see %s/ejabberd.log" % work)
        time.sleep(0.1)
