#!/usr/bin/python3
"""A B2BUA of another author as a session's server: the Sippy B2BUA's stack, with accounts, bindings and routes.
Relies on: the PyPI packages in PACKAGES, installed beside the tree; sip.py, pbx_calls.py (ABROAD), network.py.
Relied on by: servers.py.

Transactions, dialogs, headers, digests and what happens within a call are Sippy's own; this says who is who and where.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time

import network
import sip
from pbx_calls import ABROAD

PACKAGES = ("sippy==2.4.0", "ElPeriodic==1.5", "pycryptodome")


def directory():
    """Where the packages are or will be: a cache outside the tree."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "sipcnn-lab", PACKAGES[0].replace("==", "-"))


def missing():
    """Installs the packages once. None, or why there are none."""
    target = directory()
    if os.path.exists(os.path.join(target, "sippy", "UA.py")):
        return None
    if network.inside():
        return "its Python packages are not installed"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target]
    try:
        result = subprocess.run(
            command + list(PACKAGES), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return "pip could not install it: %s" % error
    if result.returncode:
        shutil.rmtree(target, ignore_errors=True)
        return "pip could not install it: " + (result.stdout.strip().splitlines() or ["?"])[-1]
    return None


class Silent:
    """In place of Sippy's log."""

    def write(self, *_args, **_options):
        pass


class Phones:
    """Accounts and where they are."""

    def __init__(self, spec):
        self.spec, self.bound = spec, {}  # user -> [(URI, address, until)]
        self.accounts = set(spec["users"])

    def password(self, user):
        return sip.password_of(user, self.spec["salt"], self.spec["weak"])

    def find(self, number):
        """(user part, address) of who is called; None for an account that is away; raises KeyError for nobody."""
        if ABROAD.match(number):
            return number, sip.host_port("sip:" + self.spec["gateway"])
        if number not in self.accounts:
            raise KeyError(number)
        bound = [b for b in self.bound.get(number, []) if b[2] > time.time()]
        return (sip.user_of(bound[-1][0]) or number, bound[-1][1]) if bound else None

    def bind(self, user, contacts, expires, address):
        """Takes a REGISTER's contacts; the Contact values of the answer, or None if the request asks too little."""
        bound = [b for b in self.bound.get(user, []) if b[2] > time.time()]
        for value in contacts:
            given = re.search(r"(?i);\s*expires=(\d+)", value)
            seconds = int(given.group(1)) if given else expires
            uri = sip.uri_of(value)
            bound = [b for b in bound if b[0] != uri and (value != "*" or seconds)]
            if 0 < seconds < self.spec["min_expires"]:
                return None
            if seconds and value != "*":
                bound.append((uri, address, time.time() + min(seconds, 3600)))
        self.bound[user] = bound[-self.spec["max_contacts"] :]
        return ["<%s>;expires=%d" % (uri, until - time.time()) for uri, _, until in self.bound[user]]


def serve(spec):
    """Runs until the session ends it. Sippy is imported here: only a session that has it needs it."""
    sys.path.insert(0, directory())
    from sippy.CCEvents import CCEventDisconnect, CCEventFail, CCEventTry
    from sippy.Core.EventDispatcher import ED2
    from sippy.SipCallId import SipCallId
    from sippy.SipConf import SipConf
    from sippy.SipHeader import SipHeader
    from sippy.SipProxyAuthenticate import SipProxyAuthenticate
    from sippy.SipTransactionManager import SipTransactionManager
    from sippy.SipWWWAuthenticate import SipWWWAuthenticate
    from sippy.StatefulProxy import StatefulProxy
    from sippy.UA import UA

    notes = open(spec["legs"], "a", buffering=1)
    phones = Phones(spec)

    class Transactions(SipTransactionManager):
        """Notes which request follows from which: Sippy does it while it has that in hand."""

        nat_traversal = True
        cause = None

        def incomingRequest(self, msg, checksum, tids, server):
            self.cause = str(msg.getHFBody("call-id")), msg.getHFBody("via").getBranch() or ""
            try:
                super().incomingRequest(msg, checksum, tids, server)
            finally:
                self.cause = None

        def newTransaction(self, msg, *args, **options):
            if self.cause:
                made = str(msg.getHFBody("call-id")), msg.getHFBody("via").getBranch()
                notes.write(json.dumps(self.cause + made) + "\n")
            return super().newTransaction(msg, *args, **options)

    class Call:
        """Two of Sippy's user agents, each of which hears what happens to the other."""

        def __init__(self):
            self.caller, self.callee = UA(config, event_cb=self.heard), None
            self.caller.kaInterval = spec["refresh"]

        def heard(self, event, agent):
            if agent is not self.caller:
                self.caller.recvEvent(event)
            elif self.callee is not None:
                self.callee.recvEvent(event)
            elif isinstance(event, CCEventTry):
                self.originate(event)
            else:
                self.caller.recvEvent(CCEventDisconnect())

        def originate(self, event):
            _, caller, number, body, auth, name = event.getData()
            try:
                found = phones.find(number or "")
            except KeyError:
                found = ()
            if not found:
                code = spec["offline"] if found is None else spec["unknown"]
                self.caller.recvEvent(CCEventFail((code, "Not Available" if found is None else "Not Found")))
                return
            user, address = found
            self.callee = UA(config, event_cb=self.heard, nh_address=address, expire_time=spec["ring"])
            self.callee.kaInterval = spec["refresh"]
            self.callee.recvEvent(CCEventTry((SipCallId(), caller, user, body, None, name)))

    def challenged(request, status):
        """The answer that asks for a password."""
        kind = SipWWWAuthenticate if status == 401 else SipProxyAuthenticate
        answer = request.genResponse(
            status, "Unauthorized" if status == 401 else "Proxy Authentication Required"
        )
        body = kind(realm=spec["realm"], algorithm="MD5" if spec["qop"] else None)
        answer.appendHeader(SipHeader(name=kind.hf_names[0], body=body))
        return answer

    def refused(request, user, status):
        """None if the request proves to be that account's, else the answer to it."""
        name = "authorization" if status == 401 else "proxy-authorization"
        if not request.countHFs(name):
            return challenged(request, status)
        try:
            auth = request.getHFBody(name)
            if auth.username == user and user in phones.accounts:
                if auth.verify(phones.password(user), request.getMethod()):
                    return None
        except (ValueError, AttributeError, IndexError):
            pass  # what nobody could have computed
        if spec["wrong_password"] == 401:
            return challenged(request, status)
        return request.genResponse(403, "Auth Failed")

    def register(request):
        user = request.getHFBody("to").getUrl().username or ""
        if user not in phones.accounts and spec["unknown_register"] != 401:
            return request.genResponse(spec["unknown_register"], "Unknown User")
        answer = refused(request, user, 401)
        if answer:
            return answer
        contacts = [str(value) for value in request.getHFBodys("contact")]
        expires = request.getHFBody("expires").getNum() if request.countHFs("expires") else 3600
        bound = phones.bind(user, contacts, expires, request.getSource())
        if bound is None:
            answer = request.genResponse(423, "Interval Too Brief")
            answer.appendHeader(SipHeader("Min-Expires: %d" % spec["min_expires"]))
            return answer
        answer = request.genResponse(200, "OK")
        for value in bound:
            answer.appendHeader(SipHeader("Contact: " + value))
        return answer

    def from_whom(request):
        """None if a call or a text may pass, else the answer."""
        if request.getSource()[0] in spec["trusted"] or not spec["challenge_invite"]:
            return None
        url = request.getHFBody("from").getUrl()
        if spec["open_inbound"] and str(url.host) not in (spec["domain"], spec["ip"]):
            return None
        return refused(request, url.username or "", spec["challenge_status"])

    def message(request):
        answer = from_whom(request)
        if answer:
            return answer, None, None
        try:
            found = phones.find(request.getRURI().username or "")
        except KeyError:
            return request.genResponse(spec["unknown"], "Not Found"), None, None
        if found is None:
            return request.genResponse(spec["offline"], "Not Available"), None, None
        return StatefulProxy(config, found[1]).recvRequest(request)

    def take(request, transaction):
        """Every request outside of the calls that live."""
        method = request.getMethod()
        if request.getHFBody("to").getTag() is not None:
            return request.genResponse(481, "Call Leg/Transaction Does Not Exist"), None, None
        if method == "INVITE":
            answer = from_whom(request)
            return (answer, None, None) if answer else Call().caller.recvRequest(request, transaction)
        if method == "MESSAGE":
            return message(request)
        if method == "REGISTER":
            return register(request), None, None
        if method in ("OPTIONS", "NOTIFY", "PING"):
            return request.genResponse(200, "OK"), None, None
        return request.genResponse(501, "Not Implemented"), None, None

    SipConf.my_uaname = spec["agent"] or "Sippy"
    config = {"_sip_address": spec["ip"], "_sip_port": spec["ports"][0], "_sip_logger": Silent()}
    config["_sip_tm"] = Transactions(config, take)
    ED2.loop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("spec", help="JSON file that servers.py wrote")
    args = parser.parse_args()
    with open(args.spec) as f:
        serve(json.load(f))
    return 0


if __name__ == "__main__":
    sys.exit(main())
