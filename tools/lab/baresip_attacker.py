#!/usr/bin/python3
"""One launch of an attacker who uses a soft phone: baresip with stolen accounts, driven by its console.
Relies on: launch.py, styles.py; the Debian package baresip-core.
Relied on by: attackers.py.

Every message is baresip's own; this only types commands: `/uanew` binds an account, `/dial` and `/hangup` call.
"""
import os
import socket
import subprocess
import sys
import time

import launch
import sip
import styles

CONFIG = """sip_listen {host}:{port}
module_path {modules}
module g711.so
module_app account.so
module_app menu.so
module cons.so
cons_listen 127.0.0.1:{console}
call_max_calls 30
rtp_ports 65402-65534
"""
MODULES = "/usr/lib/baresip/modules"
READY_SECONDS = 6


class Phone(launch.Launch):
    """baresip as a child process, with its console on the loopback of the site."""

    def __init__(self, spec):
        super().__init__(spec)
        self.directory = spec["directory"]
        os.makedirs(self.directory, exist_ok=True)
        console = 20000 + spec["run"]
        host, port = sip.bracket(spec["ip"]), spec["port"]
        self.file("config", CONFIG.format(host=host, port=port, modules=MODULES, console=console))
        self.file("accounts", self.account(spec["user"]) + "\n" if spec["class"] != "hijack" else "")
        self.file("contacts", "")
        self.console = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.console.connect(("127.0.0.1", console))
        self.output = open(os.path.join(self.directory, "output"), "wb")
        self.child = subprocess.Popen(
            ["baresip", "-f", self.directory],
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.output,
        )

    def file(self, name, text):
        with open(os.path.join(self.directory, name), "w") as f:
            f.write(text)

    def account(self, user):
        proxy = ""
        if self.domain != self.host or self.server[1] != 5060:
            proxy = ';outbound="sip:%s:%d"' % (self.host, self.server[1])
        register = 60 if self.settings.get("register", True) else 0
        return "<sip:%s@%s>;auth_pass=%s;regint=%d%s" % (
            user,
            self.domain,
            self.password(user),
            register,
            proxy,
        )

    def type(self, command):
        try:
            self.console.send(command.encode() + b"\n")
        except OSError:
            pass  # it is not up yet, or has ended

    def ready(self):
        deadline = time.time() + READY_SECONDS
        while time.time() < deadline and self.child.poll() is None:
            with open(self.output.name, "rb") as f:
                if b"baresip is ready" in f.read():
                    return True
            time.sleep(0.1)
        print(
            "baresip_attacker: run %d: baresip did not start, see %s" % (self.spec["run"], self.output.name),
            file=sys.stderr,
        )
        return False

    def run(self):
        try:
            if self.ready():
                time.sleep(0.6)
                self.next, self.end = time.time(), time.time() + self.spec["seconds"]
                getattr(self, self.spec["class"])()
            self.type("/quit")
            self.child.wait(4)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self.child.kill()
            self.child.wait()

    def call(self, number):
        """Dials, lets it ring and talks for a while, hangs up."""
        self.type("/dial sip:%s@%s" % (number, self.domain))
        time.sleep(self.rng.uniform(*self.settings.get("talk", (1.0, 2.5))))
        self.type("/hangup")

    def toll_fraud(self):
        number = styles.draw_number(self.rng).lstrip("+0")
        while self.wait():
            prefixes = ["", "0", "9", "00", "900", "9011", "011", "+", "000"]
            dialled = (
                self.rng.choice(prefixes) + number
                if self.settings.get("kind") == "prefixes"
                else styles.draw_number(self.rng)
            )
            self.call(dialled)

    def spit(self):
        for callee in self.spec["callees"]:
            if not self.wait():
                break
            self.call(callee)

    def hijack(self):
        for user in self.spec["accounts"]:
            if not self.wait():
                break
            self.type("/uanew " + self.account(user))
        time.sleep(1.5)

    def honest(self):
        """A soft phone in honest hands, for a session that uses it as such."""
        while self.wait():
            self.call(self.rng.choice(self.users))


if __name__ == "__main__":
    sys.exit(launch.main("baresip_attacker", __doc__, lambda spec: Phone(spec).run()))
