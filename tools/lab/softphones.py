#!/usr/bin/python3
"""Softphones of other authors in a session: baresip, linphone, Twinkle on their consoles, SIP.js and JsSIP under Node.js.
Relies on: a plan that plan.py drew, network.py; Debian packages baresip-core, linphone-cli, twinkle-console;
           webphone/ (Node.js, npm).
Relied on by: run.py, which starts it once for all softphones of a session.

Each has a network namespace of its own, so that it finds one address and one way out, as on a desk. What they write
is theirs alone; when they call, whom, and how they answer follows the plan.
"""
import argparse
import asyncio
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
import wave

import network
import sip
import stacks
from styles import MESSAGE_TEXTS

HERE = os.path.dirname(os.path.abspath(__file__))
WEB = os.path.join(HERE, "webphone")
BARESIP_MODULES = "/usr/lib/baresip/modules"
PROGRAMS = {
    "baresip": "baresip",
    "linphone": "linphone-daemon",
    "twinkle": "twinkle-console",
    "sipjs": "node",
    "jssip": "node",
    "sofia": "gcc",
    "jain": "java",
}
PACKAGES = {"baresip": "baresip-core", "linphone": "linphone-cli", "twinkle": "twinkle-console"}
PACKAGES.update(sofia="gcc", jain="openjdk-17-jdk-headless")
MEDIA_PORTS = 20  # per softphone, from its `media` on; the capture leaves them out


# -- what is there ---------------------------------------------------------------------------------------


def modules_directory():
    """Where the Node.js packages are or will be: a cache outside the tree, one per pinned list."""
    with open(os.path.join(WEB, "package-lock.json"), "rb") as f:
        name = hashlib.sha256(f.read()).hexdigest()[:12]
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "sipcnn-lab", "webphone-" + name)


def install_modules():
    """Installs the pinned packages once. None, or why there are none."""
    directory = modules_directory()
    if os.path.exists(os.path.join(directory, "node_modules", "ws")):
        return None
    if not shutil.which("npm"):
        return "npm is missing: apt-get install nodejs npm"
    os.makedirs(directory, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(WEB, name), directory)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    result = subprocess.run(
        command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240
    )
    if result.returncode:
        shutil.rmtree(directory)
        return "npm could not install the packages: " + (result.stdout.strip().splitlines() or ["?"])[0]
    return None


def missing(kind):
    """Why a kind of softphone cannot run on this machine, or None."""
    if not shutil.which(PROGRAMS[kind]):
        package = PACKAGES.get(kind, "nodejs npm")
        return "%s is missing: apt-get install %s" % (PROGRAMS[kind], package)
    if kind in stacks.SOURCES:
        return stacks.missing(kind)
    if kind in ("sipjs", "jssip") and not network.inside():
        try:
            return install_modules()
        except (OSError, subprocess.TimeoutExpired) as error:
            return "npm could not install the packages: %s" % error
    if kind in ("sipjs", "jssip") and not os.path.exists(os.path.join(modules_directory(), "node_modules")):
        return "its Node.js packages are not installed"
    return None


def usable(entries, say=None):
    """The softphones of a plan that this machine can run; says once per kind which cannot and why."""
    why = {kind: missing(kind) for kind in sorted({e["kind"] for e in entries})}
    for kind, reason in why.items():
        if reason and say:
            say("no %s in this session: %s" % (kind, reason))
    return [e for e in entries if not why[e["kind"]]]


# -- one softphone ---------------------------------------------------------------------------------------


class Softphone:
    """A process with a console: what every kind has in common."""

    def __init__(self, plan, entry, work):
        self.plan, self.entry, self.rng = plan, entry, random.Random(entry["seed"])
        self.namespace = entry["namespace"]
        self.directory = os.path.join(work, "%s-%s" % (entry["kind"], entry["user"]))
        self.password = sip.password_of(entry["user"], plan["salt"], plan["weak"])
        self.domain = sip.bracket(plan["server"]["domain"])
        self.server = "%s:%d" % (sip.bracket(plan["server"]["address"][0]), plan["server"]["address"][1])
        self.end = plan["start"] + plan["seconds"]
        self.process = None
        self.busy = False  # in a call, its own or another's
        self.answering = set()

    def left(self):
        return self.end - time.time()

    async def sleep(self, seconds):
        await asyncio.sleep(max(0.0, min(seconds, self.left() - 1.5)))
        return self.left() > 3

    async def start(self, password):
        os.makedirs(self.directory, exist_ok=True)
        self.configure(password)
        log = open(os.path.join(self.directory, "log"), "ab")
        self.process = await asyncio.create_subprocess_exec(
            *network.at(self.namespace),
            *self.command(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self.directory,
            env=dict(os.environ, HOME=self.directory, TERM="dumb")
        )
        self.reading = asyncio.ensure_future(self.read(log))

    async def read(self, log):
        """Lines of the console, without colours and without what only repaints a status line."""
        rest = b""
        with log:
            while True:
                data = await self.process.stdout.read(4096)
                *lines, rest = re.split(rb"[\r\n]+", rest[-4096:] + data)
                for line in lines if data else [rest]:
                    line = re.sub(rb"\x1b\[[0-9;]*m", b"", line).strip()
                    if line and not re.match(rb"/|\[\d+:\d\d:\d\d\]", line):
                        log.write(b"%.1f " % (time.time() - self.plan["start"]) + line + b"\n")
                        self.on_line(line.decode("utf-8", "replace"))
                log.flush()
                if not data:
                    return

    def tell(self, *lines):
        """Types a line into the console."""
        if self.process.returncode is None and not self.process.stdin.is_closing():
            for line in lines:
                self.process.stdin.write(line.encode() + b"\n")

    async def stop(self):
        """Leaves in order, so that the binding is taken away; or else is killed."""
        self.tell(*self.QUIT)
        try:
            await asyncio.wait_for(self.process.wait(), 2.5)
        except asyncio.TimeoutError:
            self.process.kill()
            await self.process.wait()

    async def live(self):
        await asyncio.sleep(max(0.0, self.plan["start"] + self.entry["at"] - time.time()))
        for i in range(self.entry["mistype"]):
            await self.start("wrong%d" % i)
            await self.sleep(self.rng.uniform(1.5, 3))
            await self.stop()
        await self.start(self.password)
        while await self.sleep(self.rng.expovariate(1 / self.entry["gap"])):
            if not self.busy:
                await self.contact()
        await self.stop()

    async def contact(self):
        """A call, or what else this softphone can do."""
        peer = "sip:%s@%s" % (self.rng.choice(self.plan["users"]), self.domain)
        if self.rng.random() < 0.35:
            self.other(peer)
            return
        self.busy = True
        self.tell(self.DIAL % peer)
        kind = self.rng.choice(["talk", "talk", "talk", "hold", "hold", "cancel", "transfer"])
        if kind == "cancel":
            await self.sleep(self.rng.uniform(0.8, 2.5))
        else:
            await self.sleep(self.rng.uniform(3, 6))
            if kind == "hold":
                self.tell(self.HOLD)
                await self.sleep(self.rng.uniform(0.5, 2))
                self.tell(self.RESUME)
            elif kind == "transfer":
                to = "sip:%s@%s" % (self.rng.choice(self.plan["users"]), self.domain)
                self.tell(self.transfer(to))
            await self.sleep(self.rng.uniform(1, 4))
        self.tell(self.HANG_UP)
        self.busy = False

    def rings(self):
        """Somebody calls: it rings, then the call is taken or refused."""

        async def decide():
            await self.sleep(self.rng.uniform(0.4, 3))
            if self.busy or self.rng.random() > self.entry["answer"]:
                self.tell(self.HANG_UP)
                return
            self.tell(self.ANSWER)
            await self.sleep(self.rng.uniform(4, 12))
            self.tell(self.HANG_UP)

        task = asyncio.ensure_future(decide())
        self.answering.add(task)
        task.add_done_callback(self.answering.discard)


class Baresip(Softphone):
    DIAL, HANG_UP, ANSWER, HOLD, RESUME = "/dial %s", "/hangup", "/accept", "/hold", "/resume"
    QUIT = ("/quit",)

    def transfer(self, to):
        return "/transfer " + to

    def configure(self, password):
        entry, sound = self.entry, os.path.join(self.directory, "sound.wav")
        with wave.open(sound, "wb") as f:
            f.setnchannels(1)
            f.setsampwidth(2)
            f.setframerate(8000)
            f.writeframes(bytes(16000 * 30))
        lines = [
            "poll_method epoll",
            "sip_listen %s:%d" % (sip.bracket(entry["ip"]), entry["port"]),
            "audio_source aufile," + sound,
            "audio_player aufile,/dev/null",
            "audio_alert aufile,/dev/null",
            "ausrc_srate 8000",
            "auplay_srate 8000",
            "rtp_ports %d-%d" % (entry["media"], entry["media"] + MEDIA_PORTS - 2),
            "module_path " + BARESIP_MODULES,
            "module stdio.so",
            "module g711.so",
            "module aufile.so",
            "module_tmp account.so",
            "module_app menu.so",
        ]  # not mwi.so: refused with 489, that of 1.0.0 asks again without end
        account = '%s<sip:%s@%s>;auth_user=%s;auth_pass=%s;regint=%d;answermode=manual' % (
            '"%s" ' % entry["display"].replace('"', "") if entry["display"] else "",
            entry["user"],
            self.domain,
            entry["user"],
            password,
            entry["expires"],
        )
        account += ';outbound="sip:%s;transport=%s"' % (self.server, entry["wire"])
        for name, text in (("config", lines), ("accounts", [account]), ("contacts", [])):
            with open(os.path.join(self.directory, name), "w") as f:
                f.write("\n".join(text) + "\n")

    def command(self):
        return ["baresip", "-f", self.directory]

    def on_line(self, line):
        if "ncoming call from" in line:
            self.rings()

    def other(self, peer):
        self.tell("/options " + peer)


class Linphone(Softphone):
    DIAL, HANG_UP, ANSWER, HOLD, RESUME = "call %s", "terminate", "answer", "call-pause", "call-resume"
    QUIT = ("unregister ALL", "quit")
    number = "1"  # of the last call

    def transfer(self, to):
        return "call-transfer %s %s" % (self.number, to)

    def configure(self, password):
        entry = self.entry
        for name in (".local/share/linphone", ".config/linphone"):
            os.makedirs(os.path.join(self.directory, name), exist_ok=True)
        ports = {"udp": (entry["port"], -1), "tcp": (-1, entry["port"])}[entry["wire"]]
        identity = "<sip:%s@%s>" % (entry["user"], self.domain)
        if entry["display"]:
            identity = '"%s" %s' % (entry["display"].replace('"', ""), identity)
        sections = {
            "sip": {
                "sip_port": ports[0],
                "sip_tcp_port": ports[1],
                "sip_tls_port": 0,
                "use_ipv6": int(self.plan["ip_version"] == 6),
                "default_proxy": 0,
                "publish_presence": int(self.rng.random() < 0.5),
            },
            "rtp": {
                "audio_rtp_port": "%d-%d" % (entry["media"], entry["media"] + MEDIA_PORTS - 2),
                "video_rtp_port": 0,
            },
            "net": {"mtu": 0, "firewall_policy": 0},
            "sound": {"echocancellation": 0},
            "misc": {"chat_rooms_enabled": 0},
            "proxy_0": {
                "reg_proxy": "<sip:%s;transport=%s>" % (self.server, entry["wire"]),
                "reg_route": "<sip:%s;transport=%s;lr>" % (self.server, entry["wire"]),
                "reg_identity": identity,
                "reg_expires": entry["expires"],
                "reg_sendregister": 1,
                "publish": int(self.rng.random() < 0.5),
            },
            "auth_info_0": {
                "username": entry["user"],
                "passwd": password,
                "domain": self.plan["server"]["domain"],
            },
        }
        with open(os.path.join(self.directory, "rc"), "w") as f:
            for name, values in sections.items():
                f.write("[%s]\n%s\n" % (name, "".join("%s=%s\n" % item for item in values.items())))

    def command(self):
        return ["linphone-daemon", "--config", os.path.join(self.directory, "rc"), "--disable-stats-events"]

    def on_line(self, line):
        call = re.match(r"Id: (\d+)$", line)
        if call:
            self.number = call.group(1)
        if "LinphoneCallIncomingReceived" in line:
            self.rings()

    def other(self, peer):
        self.tell("message %s %s" % (peer, self.rng.choice(MESSAGE_TEXTS)))


class Twinkle(Softphone):
    DIAL, HANG_UP, ANSWER, HOLD, RESUME = "call %s", "reject\nbye", "answer", "hold", "retrieve"
    QUIT = ("quit",)

    def transfer(self, to):
        return "transfer " + to

    def configure(self, password):
        entry, home = self.entry, os.path.join(self.directory, ".twinkle")
        os.makedirs(home, exist_ok=True)
        account = {
            "user_name": entry["user"],
            "user_domain": self.domain,
            "user_display": entry["display"].replace('"', ""),
            "auth_name": entry["user"],
            "auth_pass": password,
            "registrar": self.server,
            "outbound_proxy": self.server,
            "register_at_startup": "yes",
            "registration_time": entry["expires"],
        }
        machine = {
            "dev_ringtone": "alsa:null",
            "dev_speaker": "alsa:null",
            "dev_mic": "alsa:null",
            "validate_audio_dev": "no",
            "sip_port": entry["port"],
            "rtp_port": entry["media"],
        }
        for name, values in (("phone.cfg", account), ("twinkle.sys", machine)):
            with open(os.path.join(home, name), "w") as f:
                f.writelines("%s=%s\n" % item for item in values.items())

    def command(self):
        return ["twinkle-console", "phone.cfg"]

    def on_line(self, line):
        if "ncoming call" in line:
            self.rings()

    def other(self, peer):
        self.tell("options " + peer)


class Webphone(Softphone):
    QUIT = ()

    def configure(self, password):
        server = self.plan["server"]
        self.spec = {
            "kind": self.entry["kind"],
            "modules": modules_directory(),
            "ip": self.entry["ip"],
            "media": self.entry["media"],
            "server": "ws://%s:%d" % (sip.bracket(server["ip"]), server["ws_port"]),
            "domain": self.domain,
            "user": self.entry["user"],
            "display": self.entry["display"],
            "password": password,
            "mistype": self.entry["mistype"],
            "users": self.plan["users"],
            "texts": MESSAGE_TEXTS,
            "seed": self.entry["seed"],
            "gap": self.entry["gap"],
            "expires": self.entry["expires"],
            "answer": self.entry["answer"],
            "seconds": self.plan["seconds"],
            "end": self.end,
        }

    def command(self):
        script = os.path.join(WEB, "webphone.mjs")
        return ["node", "--max-old-space-size=128", script, json.dumps(self.spec)]

    def on_line(self, line):
        pass

    async def live(self):
        """It has its own habits; here it is only started."""
        await asyncio.sleep(max(0.0, self.plan["start"] + self.entry["at"] - time.time()))
        await self.start(self.password)
        await self.process.wait()


class Console(Softphone):
    """A phone on Sofia-SIP or JAIN-SIP (stacks.py)."""

    DIAL, HANG_UP, ANSWER, HOLD, RESUME = "call\t%s", "hangup", "answer", "hold", "resume"
    QUIT = ("quit",)
    STATE = '<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:%s@%s"/>'

    def transfer(self, to):
        return "transfer\t" + to

    def configure(self, password):
        pass  # it is told

    def command(self):
        entry = self.entry
        place = (entry["kind"], entry["ip"], entry["port"], self.plan["server"]["address"], self.domain)
        return stacks.phone(*place, entry["media"], entry["habits"], entry["wire"])

    async def start(self, password):
        await super().start(password)
        self.tell("as\t%s\t%s\t%s" % (self.entry["user"], password, self.entry["display"].replace('"', "")))
        self.tell("register\t%d" % self.entry["expires"])

    def on_line(self, line):
        if line == "incoming":
            self.rings()

    def other(self, peer):
        text = self.rng.choice(MESSAGE_TEXTS).replace("\t", " ")
        own = "sip:%s@%s" % (self.entry["user"], self.domain)
        habits = ["message\t%s\t%s" % (peer, text), "options\t" + peer, "subscribe\t%s\tmessage-summary" % own]
        if self.plan["server"]["presence"]:
            habits += ["subscribe\t%s\tpresence" % peer]
            habits += ["publish\t" + self.STATE % (self.entry["user"], self.domain)]
        self.tell(self.rng.choice(habits))


KINDS = {"baresip": Baresip, "linphone": Linphone, "twinkle": Twinkle, "sipjs": Webphone, "jssip": Webphone}
KINDS.update(sofia=Console, jain=Console)


async def run(plan, work):
    phones = [KINDS[entry["kind"]](plan, entry, work) for entry in plan["softphones"]]
    end = plan["start"] + plan["seconds"] - time.time()
    tasks = [asyncio.ensure_future(phone.live()) for phone in phones]
    await asyncio.wait(tasks, timeout=max(0.0, end))
    for task, phone in zip(tasks, phones):
        if task.done() and not task.cancelled() and task.exception():
            print("%s %s: %r" % (phone.entry["kind"], phone.entry["user"], task.exception()), flush=True)
        task.cancel()
        if phone.process and phone.process.returncode is None:
            phone.process.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("plan", help="plan.json of a session")
    args = parser.parse_args()
    with open(args.plan) as f:
        plan = json.load(f)
    asyncio.run(run(plan, os.path.dirname(os.path.abspath(args.plan))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
