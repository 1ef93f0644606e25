"""Network namespaces of a session: a bridge with the server, two sites of clients, one of registrars, no way out.
Relies on: iproute2, util-linux (unshare), nftables (loss), root.
Relied on by: run.py, servers.py, live.py.

`enter` puts the calling program into its own network, mount and process namespaces. When that first process
ends, however it ends, the kernel kills all others and the networks vanish: nothing is left to clean up.
"""
import ctypes
import os
import signal
import subprocess
import sys
import time

SITES = ("east", "west")
CORE = "core"  # where the registrars behind an edge or a dispatcher are
MARK = "SIPCNN_LAB_INSIDE"
PR_SET_PDEATHSIG = 1  # prctl(2)
BRIDGE = "02:00:00:00:01:00"
MTU = 65535  # every message travels in one frame


def inside():
    return os.environ.get(MARK) == "1"


def _die_with_parent():
    """The kernel ends this process when its parent ends, however that happens."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # unshare ignores SIGTERM


def enter(argv):
    """Runs `argv` again inside fresh namespaces and returns its exit status."""
    command = [
        "unshare",
        "--net",
        "--mount",
        "--pid",
        "--uts",
        "--fork",
        "--kill-child=KILL",
        "--mount-proc",
        "--",
    ] + argv
    process = subprocess.Popen(command, env=dict(os.environ, **{MARK: "1"}), preexec_fn=_die_with_parent)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the child has the same signal and ends by itself


def _run(*command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        sys.exit("lab: '%s' failed: %s" % (" ".join(command), result.stdout.strip()))


def _settings(prefix=()):
    """An IP ID on every packet (else equal retransmissions look like a mirror port's copies), quick errors."""
    for name, value in (
        ("ipv4/ip_no_pmtu_disc", "1"),
        ("ipv6/conf/all/accept_dad", "0"),
        ("ipv6/conf/default/accept_dad", "0"),
        ("ipv6/conf/all/disable_ipv6", "0"),
    ):
        subprocess.run(
            list(prefix) + ["sh", "-c", "echo %s > /proc/sys/net/%s 2>/dev/null || true" % (value, name)],
            check=False,
        )


def build(server_ips, clients, dead, v6=False):
    """Makes bridge and sites. `clients`: {site: [addresses]}; `dead`: addresses that swallow what is sent there."""
    sites = tuple(clients)
    _run("mount", "-t", "tmpfs", "tmpfs", "/run")
    os.makedirs("/run/netns")
    resolver = "/run/resolv.conf"
    with open(resolver, "w") as f:
        f.write("nameserver 127.0.0.1\n")
    if os.path.exists("/etc/resolv.conf"):
        _run("mount", "--bind", resolver, os.path.realpath("/etc/resolv.conf"))
    _run("ip", "link", "set", "lo", "up")
    # An address of its own: one taken from a port changes when softphones join, and that forgets all neighbours.
    _run("ip", "link", "add", "br0", "address", BRIDGE, "type", "bridge")
    _run("ip", "link", "set", "br0", "mtu", str(MTU), "up")
    _settings()
    for site in sites:
        _run("ip", "netns", "add", site)
        _run(
            "ip",
            "link",
            "add",
            "to-" + site,
            "mtu",
            str(MTU),
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "mtu",
            str(MTU),
            "netns",
            site,
        )
        _run("ip", "link", "set", "to-" + site, "master", "br0", "up")
        _settings(("ip", "netns", "exec", site))
        _run("ip", "-n", site, "link", "set", "lo", "up")
        _run("ip", "-n", site, "link", "set", "eth0", "up")
    _run("ip", "link", "set", "br0", "mtu", str(MTU))
    bits = "128" if v6 else "32"
    family = "-6" if v6 else "-4"
    net = "default"
    for ip in server_ips:
        _run("ip", "address", "add", ip + "/" + bits, "dev", "br0", *(["nodad"] if v6 else []))
    _run("ip", family, "route", "add", net, "dev", "br0")
    for site in sites:
        batch = "".join(
            "address add %s/%s dev eth0%s\n" % (ip, bits, " nodad" if v6 else "") for ip in clients[site]
        )
        subprocess.run(["ip", "-n", site, "-batch", "-"], input=batch, text=True, check=True)
        _run("ip", "-n", site, family, "route", "add", net, "dev", "eth0")
    quiet = "".join(
        "neigh replace %s lladdr 02:00:00:00:00:%02x nud permanent dev %%s\n" % (ip, i % 250 + 1)
        for i, ip in enumerate(dead)
    )
    for site in (None,) + sites:
        command = ["ip"] + (["-n", site] if site else []) + ["-batch", "-"]
        subprocess.run(
            command, input=quiet % ((("eth0" if site else "br0"),) * len(dead)), text=True, check=True
        )
    _settle(sites)


def _settle(sites):
    """Waits until no IPv6 address is tentative any more (a bridge needs a moment for its carrier)."""
    for _ in range(50):
        if not any(
            subprocess.run(
                ["ip"] + (["-n", site] if site else []) + ["-6", "address", "show", "tentative"],
                stdout=subprocess.PIPE,
            ).stdout
            for site in (None,) + sites
        ):
            return
        time.sleep(0.1)
    sys.exit("lab: addresses stay tentative")


def roads(networks, dead, v6=False):
    """Routes networks that nobody has to a dead address: what the server replies to made-up sources crosses the bridge."""
    for net in networks:
        _run("ip", "-6" if v6 else "-4", "route", "add", net, "via", dead, "dev", "br0", "onlink")


def join(name, ip, v6=False):
    """One more namespace on the bridge, with one address: for a program that has to find its own address."""
    bits, family = ("128", "-6") if v6 else ("32", "-4")
    _run("ip", "netns", "add", name)
    peer = ["type", "veth", "peer", "name", "eth0", "mtu", str(MTU), "netns", name]
    _run("ip", "link", "add", "to-" + name, "mtu", str(MTU), *peer)
    _run("ip", "link", "set", "to-" + name, "master", "br0", "up")
    _settings(("ip", "netns", "exec", name))
    for device in ("lo", "eth0"):
        _run("ip", "-n", name, "link", "set", device, "up")
    _run("ip", "-n", name, "address", "add", ip + "/" + bits, "dev", "eth0", *(["nodad"] if v6 else []))
    _run("ip", "-n", name, family, "route", "add", "default", "dev", "eth0", "src", ip)


def lose(site, percent):
    """Loses so many of a hundred SIP packets that a site receives, behind the capture: both sides send again."""
    rules = """table inet lab {
 chain loss {
  type filter hook input priority 0;
  meta l4proto { udp, tcp } numgen random mod 100 < %d drop
 }
}
"""
    subprocess.run(at(site) + ["nft", "-f", "-"], input=rules % percent, text=True, check=True)


def at(site):
    """The command prefix that runs something at a site."""
    return ["ip", "netns", "exec", site]
