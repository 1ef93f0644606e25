"""Starts a session's server: Kamailio as registrar, edge or dispatcher, ejabberd, or a PBX.
Relies on: kamailio_config.py, kamailio_front.py, ejabberd.py, pbx.py, sippy_pbx.py, network.py.
Relied on by: run.py (a Session is a Servers), attackers.py.
"""
import glob
import json
import os
import subprocess
import time

import ejabberd
import kamailio_config
import kamailio_front
import network
import sip
import sippy_pbx
import stacks
from honest_plans import B2BUAS
from plan import Error

START_SECONDS = {"ejabberd": 40}  # Erlang takes its time where processors are shared
START_DEFAULT = 10
HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"

KAMAILIO = "/usr/lib/x86_64-linux-gnu/kamailio/modules/"


def missing(plan):
    """What this session's server lacks on this machine, with its package; or None."""
    server = plan["server"]
    wanted = []
    if server["kind"] == "ejabberd":
        wanted = [
            (ejabberd.MODULES + "/ejabberd-*/ebin/mod_sip.beam", "ejabberd"),
            ("/usr/lib/erlang/lib/p1_sip-*/ebin/esip.beam", "erlang-p1-sip"),
        ]
    else:
        if server["ws_port"]:
            wanted.append((KAMAILIO + "websocket.so", "kamailio-websocket-modules"))
        if server["presence"]:
            wanted.append((KAMAILIO + "presence_xml.so", "kamailio-presence-modules"))
    for path, package in wanted:
        if not glob.glob(path):
            return "%s is missing: apt-get install %s" % (path, package)
    return None


def challenge(server):
    """The status with which the server asks for a password before it lets a call pass, or 0."""
    return server["challenge_status"] if server["challenge_invite"] else 0


def second_best(plan):
    """What plays instead of this session's server, and why; or None."""
    kind = plan["server"]["kind"]
    reason = {"sippy": sippy_pbx.missing, "sofia": lambda: stacks.missing("sofia-pbx")}.get(kind, lambda: None)()
    return reason and "the lab's own PBX plays instead of %s: %s" % (kind.capitalize(), reason)


class Servers:
    """The server side of a session."""

    def start_server(self):
        server = self.plan["server"]
        if server["kind"] == "ejabberd":
            return self.start_ejabberd(server)
        if server["kind"] in B2BUAS:
            return self.start_pbx(server)
        if server["kind"] == "registrar":
            text = kamailio_config.write(server, self.plan["users"], self.plan["weak"], self.plan["salt"])
            return self.start_kamailio("kamailio", text, server["address"])
        for i, address in enumerate(server["cores"]):
            text = kamailio_config.write(
                server, self.plan["users"], self.plan["weak"], self.plan["salt"], behind=i
            )
            self.start_kamailio("registrar-%d" % i, text, address, network.CORE)
        if server["kind"] == "dispatcher":
            server["dispatcher_list"] = os.path.join(self.work, "dispatcher.list")
            with open(server["dispatcher_list"], "w") as f:
                f.write(kamailio_front.dispatcher_list(server))
        self.start_kamailio("front", kamailio_front.write(server, self.plan["salt"]), server["address"])

    def start_kamailio(self, name, text, address, site=None):
        """One Kamailio with this configuration, once it listens."""
        path = os.path.join(self.work, name + ".cfg")
        with open(path, "w") as f:
            f.write(text)
        check = subprocess.run(
            ["kamailio", "-c", "-f", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if check.returncode:
            wrong = [x for x in check.stdout.splitlines() if "ERROR" in x or "CRITICAL" in x]
            raise Error("kamailio refuses %s: %s" % (path, (wrong or [check.stdout[-300:]])[0]))
        runtime = "/run/kamailio-" + name
        os.makedirs(runtime, exist_ok=True)
        process = self.start(
            ["kamailio", "-DD", "-E", "-f", path, "-m", "64", "-M", "8"]
            + ["-P", runtime + "/pid", "-Y", runtime],
            name + ".log",
            site,
        )
        self.wait_listening(process, name, address, START_DEFAULT, site)

    def start_ejabberd(self, server):
        command, environment = ejabberd.prepare(self.plan, self.work)
        process = self.start(command, "ejabberd.log", env=dict(os.environ, **environment))
        self.wait_listening(process, "ejabberd", server["address"], START_SECONDS["ejabberd"])
        ejabberd.wait_ready(self.work, START_SECONDS["ejabberd"])

    def start_pbx(self, server):
        """A B2BUA as the plan drew it: the lab's own, or on Sippy's stack where that can be had."""
        plan, path = self.plan, os.path.join(self.work, "pbx.json")
        spec = dict(server, **server["pbx"], users=plan["users"], weak=plan["weak"], salt=plan["salt"])
        with open(path, "w") as f:
            json.dump(dict(spec, legs=self.legs, seed="%(name)s/%(seed)d/pbx" % plan), f, indent=1)
        own = server["kind"] == "pbx" or second_best(plan)
        if server["kind"] == "sofia" and not own:
            command = stacks.command("sofia-pbx") + [self.sofia_settings(spec)]
        else:
            command = [PYTHON, os.path.join(HERE, "pbx.py" if own else "sippy_pbx.py"), path]
        process = self.start(command, "pbx.log")
        self.wait_listening(process, "pbx", server["address"], START_DEFAULT)

    def sofia_settings(self, spec):
        """The file that sofia/pbx.c reads, with the accounts for Sofia's digest module beside it."""
        path, database = os.path.join(self.work, "sofia.settings"), os.path.join(self.work, "sofia.accounts")
        with open(database, "w") as f:
            for user in spec["users"]:
                password = sip.password_of(user, spec["salt"], spec["weak"])
                f.write("%s:%s:%s\n" % (user, password, spec["realm"]))
        only_udp = "" if spec["tcp"] else ";transport=udp"
        values = {
            "listen": "sip:%s:%d%s" % (sip.bracket(spec["ip"]), spec["ports"][0], only_udp),
            "database": database,
            "legs": self.legs,
            "challenge": challenge(spec),
            "longest": spec["max_expires"],
            "own_domain_only": int(not spec["open_inbound"]),
            "lamps": int(bool(spec["mailboxes"])),
            "reliable": int(spec["reliable"]),
            "qop": int(spec["qop"]),
            "domain": sip.bracket(spec["domain"]),
        }
        same = "realm gateway agent unknown offline qualify timer unknown_register wrong_password nonce_expire".split()
        values.update({name: spec[name] for name in same})
        lines = sorted(values.items()) + [("trusted", ip) for ip in spec["trusted"]]
        lines += [("user", "%s %d" % (user, spec["mailboxes"].get(user, -1))) for user in spec["users"]]
        with open(path, "w") as f:
            f.writelines("%s %s\n" % line for line in lines)
        return path

    def wait_listening(self, process, name, address, seconds, site=None):
        deadline = time.time() + seconds
        while not self.listening(address, site):
            if process.poll() is not None or time.time() > deadline:
                raise Error("%s did not start: see %s/%s.log" % (name, self.work, name))
            time.sleep(0.1)

    @staticmethod
    def listening(address, site=None):
        command = (network.at(site) if site else []) + ["ss", "-H", "-lun"]
        text = subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout
        host = "[%s]" % address[0] if ":" in address[0] else address[0]
        return "%s:%d " % (host, address[1]) in text
