"""The lab's phones and server on libraries of other authors: builds them once, and says how they are started.
Relies on: sofia/*.c with gcc and libsofia-sip-ua-dev, jain/Phone.java with a JDK and libnist-sip-aosp-java; network.py.
Relied on by: softphones.py, servers.py, attackers.py, console_attacker.py.

Both phones take the same arguments and the same commands (sofia/phone.c says which), so that who tells an honest
phone what to do and who abuses it need not know the library.
"""
import hashlib
import os
import shutil
import subprocess
import tempfile

import network
import sip

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = {"sofia": "sofia/phone.c", "sofia-pbx": "sofia/pbx.c", "jain": "jain/Phone.java"}
JAIN_CLASSES = "/usr/share/java/nist-sip-aosp.jar:/usr/share/java/sip-api-1.2.jar"
JAVA = "-Xmx48m -Xss256k -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto".split()
BUILD_SECONDS = 120


def directory(name):
    """Where a program is or will be: a cache outside the tree, one per state of its source."""
    with open(os.path.join(HERE, SOURCES[name]), "rb") as f:
        state = hashlib.sha256(f.read()).hexdigest()[:12]
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "sipcnn-lab", "%s-%s" % (name, state))


def compiler(name, out):
    """The command that builds a program into a directory."""
    source = os.path.join(HERE, SOURCES[name])
    if name == "jain":
        return ["javac", "-cp", JAIN_CLASSES, "-d", out, source]
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "sofia-sip-ua"], stdout=subprocess.PIPE, text=True, check=True
    )
    return ["gcc", "-std=gnu17", "-O2", "-o", os.path.join(out, "program"), source] + flags.stdout.split()


def missing(name):
    """Builds a program once. None, or why it cannot be had."""
    out = directory(name)
    if os.path.isdir(out):
        return None
    if network.inside():
        return "it is not built"
    made = None
    try:
        os.makedirs(os.path.dirname(out), exist_ok=True)
        made = tempfile.mkdtemp(prefix=name, dir=os.path.dirname(out))  # others may build it at this moment
        result = subprocess.run(
            compiler(name, made),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_SECONDS,
        )
        if result.returncode:
            return "it cannot be built: " + (result.stdout.strip().splitlines() or ["?"])[0]
        os.rename(made, out)
    except (OSError, subprocess.SubprocessError) as error:
        if not os.path.isdir(out):
            return "it cannot be built (tools/packages.sh lab installs what that takes): %s" % error
    finally:
        if made:
            shutil.rmtree(made, ignore_errors=True)
    return None


def command(name):
    """What starts a program; its arguments follow."""
    if name == "jain":
        return ["java"] + JAVA + ["-cp", "%s:%s" % (directory(name), JAIN_CLASSES), "Phone"]
    return [os.path.join(directory(name), "program")]


def phone(name, ip, port, proxy, domain, media, habits, wire="udp"):
    """The command of a phone. `habits` were drawn by draw_habits; `proxy` is (host, port), or None to go straight."""
    bind = "sip:%s:%d;transport=%s" % (sip.bracket(ip), port, wire)
    route = "sip:%s:%d;transport=%s;lr" % (sip.bracket(proxy[0]), proxy[1], wire) if proxy else ""
    more = [habits["agent"], str(habits["timer"]), str(int(habits["reliable"]))]
    return command(name) + [bind, route, domain, str(media)] + more


def draw_habits(rng, agents):
    """How a phone on such a library is set up, honest or not."""
    return {
        "agent": rng.choice([""] * 3 + [rng.choice(agents)] * 2),
        "timer": rng.choice([0, 0, 120, 600, 1800]),
        "reliable": rng.random() < 0.4,
    }
