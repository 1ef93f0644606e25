"""One SIP user agent: a socket, a style, an account, transactions and dialogs, on asyncio.
Relies on: connections.py, sip.py, styles.py.
Relied on by: phones.py (honest traffic) and raw_attacker.py (attacks and honest traffic by the same builder).
"""
import asyncio
import dataclasses
import hashlib
import json
import re

import connections
import sip
from sip import Message
from styles import alnum, draw_display, draw_style, make_branch, make_call_id, make_tag

T1 = 0.5  # RFC 3261: first retransmission after T1, then doubled up to 4 s


@dataclasses.dataclass
class World:
    """What every agent of a session knows: the server, its domain, and where live dialogs are noted."""

    server: tuple
    domain: str
    salt: str
    weak: list
    dialog_log: str = ""
    ws_port: int = 0
    users: tuple = ()  # whom an honest agent may transfer a call to

    def note_dialog(self, **record):
        """Publishes a dialog for whoever listens on the wire (attackers that forge a BYE have to know it)."""
        if self.dialog_log:
            with open(self.dialog_log, "a") as f:
                f.write(json.dumps(record) + "\n")

    def password(self, user):
        return sip.password_of(user, self.salt, self.weak)


@dataclasses.dataclass
class Dialog:
    call_id: str
    local: str
    remote: str
    target: str
    routes: list
    cseq: int
    ended: bool = False


class SentLog:
    """One line per datagram of an attacker: run, address, port, SHA-1. label.py matches the capture with it."""

    def __init__(self, path, run):
        self.file, self.run = open(path, "a", buffering=1), run

    def note(self, ip, port, data):
        self.file.write("%d\t%s\t%d\t%s\n" % (self.run, ip, port, hashlib.sha1(data).hexdigest()))


class Agent(asyncio.DatagramProtocol):
    def __init__(
        self,
        world,
        rng,
        ip,
        port,
        user,
        style=None,
        display=None,
        password=None,
        profile=None,
        loss=0.0,
        wire="udp",
    ):
        self.world, self.rng, self.ip, self.port, self.user = world, rng, ip, port, user
        self.style = style or draw_style(rng)
        self.display = draw_display(rng) if display is None else display
        self.password = world.password(user) if password is None else password
        self.profile = profile or {"answer": 1}
        self.loss = loss if wire == "udp" else 0.0
        self.wire = wire  # udp, or tcp or ws: then everything goes through one connection to the server
        self.domain = sip.bracket(world.domain) + (":%d" % world.server[1] if self.style.domain_port else "")
        self.told_ip = (
            self.style.private_ip or ip
        )  # what this agent believes its address to be (behind a NAT)
        if wire == "ws":  # a browser does not know its address
            self.told_ip = alnum(rng, 12).lower() + ".invalid"
        self.transport = self.link = None
        self.dead = False  # unplugged for good
        self.sent_log = None  # set while attacking
        self.waiting = {}  # (branch, method) -> queue of replies
        self.last_ack = {}  # Call-ID -> ACK of a 2xx, for its retransmissions
        self.answered = {}  # (branch, method, Call-ID) -> last reply, for retransmitted requests
        self.ringing = {}  # Call-ID -> event set by CANCEL
        self.acked = {}  # Call-ID -> event set by ACK
        self.dialogs = {}  # Call-ID -> Dialog
        self.nonce = None  # (answer header, challenge) of the last success
        self.nonce_count = 0
        self.reader = None  # called with every MESSAGE that comes in
        self.tasks = set()
        self.register_call_id = make_call_id(rng, self.style.call_id_form, ip)
        self.register_cseq = self.style.first_cseq
        self.least_expires = 0  # what a 423 asked for

    # -- socket -----------------------------------------------------------------------------------------

    async def open(self):
        loop, here = asyncio.get_running_loop(), (self.ip, self.port)
        if self.wire != "udp":
            kind = connections.WebSocket if self.wire == "ws" else connections.Connection
            server = (self.world.server[0], self.world.ws_port if self.wire == "ws" else self.world.server[1])
            self.transport, self.link = await loop.create_connection(
                lambda: kind(self), *server, local_addr=here
            )
            await asyncio.wait_for(self.link.ready, 5)
        else:
            self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=here)
        self.port = self.transport.get_extra_info("sockname")[1]
        return self

    async def reopen(self):
        """A new connection, from another port, in place of one that the server has closed."""
        lost = self.transport is not None and self.transport.is_closing()
        if lost and self.wire != "udp" and not self.dead:
            self.port = self.port if self.sent_log else 0  # a run's socket stays the run's
            try:
                await self.open()
            except (OSError, asyncio.TimeoutError):
                pass

    def close(self):
        if self.transport:
            self.transport.close()

    def gone(self):
        """Whether nothing will be sent any more (a lost connection comes back by itself)."""
        closed = self.transport is None or self.transport.is_closing()
        return self.dead or self.wire == "udp" and closed

    def send(self, data, dest=None):
        if isinstance(data, Message):
            data = sip.render(data, self.style, self.rng)
        if self.transport is None or self.transport.is_closing():
            return
        if self.sent_log:
            self.sent_log.note(self.ip, self.port, data)
        if self.link:
            self.link.send(data)
        else:
            self.transport.sendto(data, dest or self.world.server)

    def error_received(self, exc):
        pass  # an ICMP error of a dead phone

    def datagram_received(self, data, address):
        if self.loss and self.rng.random() < self.loss:
            return
        message = sip.parse(data)
        if message is None:
            return
        if message.status:
            queue = self.waiting.get((message.branch, message.method))
            if queue:
                queue.put_nowait(message)
        else:
            self.on_request(message, address)

    def spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task):
        self.tasks.discard(task)
        if not task.cancelled() and task.exception():
            print("agent %s:%d: %r" % (self.ip, self.port, task.exception()), flush=True)

    # -- building ---------------------------------------------------------------------------------------

    def aor(self, user=None):
        return "sip:%s@%s" % (self.user if user is None else user, self.domain)

    def contact(self, expires=None, user=None):
        params = self.style.contact_params
        if self.wire != "udp":
            params = re.sub(r"(?i);transport=udp", "", params) + ";transport=" + self.wire
        value = "<sip:%s@%s:%d%s>" % (
            user or self.user,
            sip.bracket(self.told_ip),
            self.port,
            params,
        )
        return value + (";expires=%d" % expires if expires is not None else "")

    def new_call_id(self):
        return make_call_id(self.rng, self.style.call_id_form, self.told_ip)

    def new_tag(self):
        return make_tag(self.rng, self.style.tag_form)

    def message(
        self, method, uri, local, remote, call_id, cseq, body=b"", content_type="", routes=(), extra=()
    ):
        """A request with everything that the style always writes. The branch is drawn here."""
        via, _ = sip.via(self.style, self.rng, self.told_ip, self.port, transport=self.wire)
        headers = [
            ("Via", via),
            ("From", local),
            ("To", remote),
            ("Call-ID", call_id),
            ("CSeq", "%d %s" % (cseq, method)),
            ("Max-Forwards", str(self.style.max_forwards)),
        ]
        headers += [("Route", r) for r in routes]
        if method not in ("BYE", "CANCEL", "ACK") or self.rng.random() < 0.2:
            headers.append(("Contact", self.contact()))
        if self.style.user_agent:
            headers.append(("User-Agent", self.style.user_agent))
        if method in ("INVITE", "REGISTER", "OPTIONS", "SUBSCRIBE"):
            headers += [
                (n, v)
                for n, v in (
                    ("Allow", self.style.allow),
                    ("Supported", self.style.supported),
                    ("Accept", self.style.accept),
                )
                if v
            ]
        if method not in ("ACK", "CANCEL"):
            headers += list(self.style.extra)
        if body:
            headers.append(("Content-Type", content_type or "application/sdp"))
        return Message("%s %s SIP/2.0" % (method, uri), headers + list(extra), body)

    def opening(
        self,
        method,
        user,
        host=None,
        body=b"",
        content_type="",
        extra=(),
        from_user=None,
        call_id=None,
        cseq=None,
    ):
        """A request outside of dialogs from this account to a user part ('' for the server itself)."""
        host = host or self.domain
        uri = "sip:%s%s" % (user + "@" if user else "", host)
        local = sip.name_addr(self.style, self.display, self.aor(from_user), self.new_tag())
        remote = sip.name_addr(self.style, "", uri)
        message = self.message(
            method,
            uri,
            local,
            remote,
            call_id or self.new_call_id(),
            self.style.first_cseq if cseq is None else cseq,
            body,
            content_type,
            extra=extra,
        )
        if from_user and message.get("Contact") and self.rng.random() < 0.7:
            message.set("Contact", self.contact(user=from_user))
        return message

    def offer(self, hold=False, version=1):
        where = self.ip if self.wire == "ws" else self.told_ip
        return sip.sdp(self.style, self.rng, where, self.user, hold, version)

    # -- client side ------------------------------------------------------------------------------------

    async def transact(self, message, dest=None, timeout=8.0, on_provisional=None, retransmit=True):
        """Sends a request, retransmits it, acknowledges a failed INVITE; the final reply, or None."""
        await self.reopen()
        retransmit = retransmit and self.wire == "udp"
        invite = message.method == "INVITE"
        queue = self.waiting[message.branch, message.method] = asyncio.Queue()
        data = sip.render(message, self.style, self.rng)
        self.send(data, dest)
        loop = asyncio.get_running_loop()
        end, interval = loop.time() + timeout, T1
        provisional = False
        try:
            while loop.time() < end:
                wait = min(interval, end - loop.time()) if not (provisional and invite) else end - loop.time()
                try:
                    reply = await asyncio.wait_for(queue.get(), max(wait, 0.01))
                except asyncio.TimeoutError:
                    if retransmit and not (provisional and invite) and loop.time() < end:
                        self.send(data, dest)
                    interval = min(2 * interval, 4)
                    continue
                if reply.status < 200:
                    provisional = True
                    if on_provisional:
                        on_provisional(reply)
                    continue
                if invite and reply.status >= 300 and self.style.acks:
                    self.send(self.hop_ack(message, reply), dest)
                return reply
            return None
        finally:
            if not asyncio.current_task().cancelling():  # at the session's end nobody waits for late replies
                self.spawn(self._linger(message, queue, dest))

    async def _linger(self, message, queue, dest):
        """Late final replies of an INVITE are acknowledged again for a while."""
        try:
            for _ in range(3):
                reply = await asyncio.wait_for(queue.get(), 3)
                if message.method == "INVITE" and reply.status >= 300 and self.style.acks:
                    self.send(self.hop_ack(message, reply), dest)
                elif (
                    message.method == "INVITE"
                    and reply.status >= 200
                    and message.get("Call-ID") in self.last_ack
                ):
                    self.send(self.last_ack[message.get("Call-ID")], dest)
        except asyncio.TimeoutError:
            pass
        self.waiting.pop((message.branch, message.method), None)

    def hop_ack(self, invite, reply):
        """The ACK of a failed INVITE: same branch, the reply's To."""
        number = invite.get("CSeq").split()[0]
        ack = self.message(
            "ACK",
            invite.start.split(" ")[1],
            invite.get("From"),
            reply.get("To"),
            invite.get("Call-ID"),
            int(number),
        )
        ack.set("Via", invite.get("Via"))
        return ack

    async def authorised(self, message, user=None, password=None, **options):
        """transact, and once more with credentials if the server asks. Returns (last request, reply)."""
        user, password = user or self.user, self.password if password is None else password
        if self.nonce and self.style.preauthorise:
            self.authorise(message, self.nonce, user, password)
        reply = await self.transact(message, **options)
        for _ in range(2):
            challenge = sip.challenge_of(reply) if reply and reply.status in (401, 407) else None
            if not challenge or (
                message.get(challenge[0])
                and "stale" not in challenge[1]
                and challenge[1].get("nonce") in message.get(challenge[0])
            ):
                break
            message = self.again(message)
            self.nonce_count = 0
            self.authorise(message, challenge, user, password)
            reply = await self.transact(message, **options)
            if reply and reply.status in (401, 407) and not sip.challenge_of(reply)[1].get("stale"):
                break
            self.nonce = challenge
        if reply and reply.status in (401, 407):
            self.nonce = None
        return message, reply

    def authorise(self, message, challenge, user, password):
        self.nonce_count += 1
        header, fields = challenge
        value = sip.credentials(
            fields, user, password, message.method, message.start.split(" ")[1], self.rng, self.nonce_count
        )
        message.set(header, value)

    def again(self, message):
        """The same request as a new transaction: CSeq + 1, new branch, no credentials."""
        number, method = message.get("CSeq").split()
        headers = [(n, v) for n, v in message.headers if n not in ("Authorization", "Proxy-Authorization")]
        new = Message(message.start, headers, message.body)
        new.set("CSeq", "%d %s" % (int(number) + 1, method))
        new.set("Via", sip.via(self.style, self.rng, self.told_ip, self.port, transport=self.wire)[0])
        return new

    async def register(self, expires=60, password=None, user=None, contact=None, timeout=6.0):
        """REGISTER with digest; the final reply or None. A registrar that wants longer bindings gets them."""
        user = user or self.user
        expires = max(expires, self.least_expires) if expires else 0
        self.register_cseq += 1
        me = sip.name_addr(self.style, self.display, self.aor(user))
        in_contact = self.style.expires_in_contact
        message = self.message(
            "REGISTER",
            "sip:" + self.domain,
            me + ";tag=" + self.new_tag(),
            me,
            self.register_call_id,
            self.register_cseq,
            extra=[] if in_contact else [("Expires", str(expires))],
        )
        message.set(
            "Contact",
            contact
            or (
                "*"
                if expires == 0 and not in_contact and self.rng.random() < 0.3
                else self.contact(expires if in_contact else None)
            ),
        )
        message, reply = await self.authorised(message, user=user, password=password, timeout=timeout)
        self.register_cseq = int(message.get("CSeq").split()[0])
        if reply and reply.status == 423 and reply.get("Min-Expires").isdigit() and not self.least_expires:
            self.least_expires = int(reply.get("Min-Expires"))
            return await self.register(expires, password, user, contact, timeout)
        return reply

    async def call(
        self,
        number,
        talk=3.0,
        cancel_after=None,
        features=(),
        host=None,
        from_user=None,
        timeout=14.0,
        extra=(),
        answered=None,
    ):
        """A whole call as caller. Returns the status of the INVITE (487 for a cancelled one, 0 for none);
        `answered` hears of it before the talk."""
        invite = self.opening("INVITE", number, host, self.offer(), from_user=from_user, extra=extra)
        state = {"invite": invite}
        canceller = None

        def progress(reply):
            nonlocal canceller
            self.note(state["invite"], reply, "early")
            if cancel_after is not None and canceller is None:
                canceller = True
                self.spawn(self.cancel(state, cancel_after))

        if self.nonce and self.style.preauthorise:
            self.authorise(invite, self.nonce, self.user, self.password)
        reply = await self.transact(invite, timeout=timeout, on_provisional=progress)
        challenge = sip.challenge_of(reply) if reply and reply.status in (401, 407) else None
        if challenge:
            invite = state["invite"] = self.again(invite)
            self.nonce_count = 0
            self.authorise(invite, challenge, self.user, self.password)
            reply = await self.transact(invite, timeout=timeout, on_provisional=progress)
            self.nonce = challenge
        if answered:
            answered(reply.status if reply else 0)
        if reply is None or reply.status >= 300:
            return reply.status if reply else 0
        await self.talk(invite, reply, talk, features)
        return reply.status

    def cancel_of(self, invite):
        """The CANCEL of an INVITE: its branch and its CSeq (RFC 3261 section 9.1)."""
        message = self.message(
            "CANCEL",
            invite.start.split(" ")[1],
            invite.get("From"),
            invite.get("To"),
            invite.get("Call-ID"),
            int(invite.get("CSeq").split()[0]),
        )
        message.set("Via", invite.get("Via"))
        return message

    async def cancel(self, state, delay):
        await asyncio.sleep(delay)
        self.spawn(self.transact(self.cancel_of(state["invite"]), timeout=3))

    def note(self, invite, reply, state):
        self.world.note_dialog(
            state=state,
            call_id=invite.get("Call-ID"),
            local=invite.get("From"),
            remote=reply.get("To"),
            uri=invite.start.split(" ")[1],
            cseq=int(invite.get("CSeq").split()[0]),
            via=invite.get("Via"),
            routes=reply.all("Record-Route"),
            target=sip.uri_of(reply.get("Contact")),
            caller_contact=sip.uri_of(invite.get("Contact")),
            caller=[self.ip, self.port],
            user=self.user,
        )

    async def talk(self, invite, reply, seconds, features):
        """From the 2xx to the BYE."""
        target = sip.uri_of(reply.get("Contact")) or invite.start.split(" ")[1]
        dialog = Dialog(
            invite.get("Call-ID"),
            invite.get("From"),
            reply.get("To"),
            target,
            list(reversed(split(reply.all("Record-Route")))),
            int(invite.get("CSeq").split()[0]),
        )
        self.dialogs[dialog.call_id] = dialog
        self.acknowledge(dialog, dialog.cseq)
        self.note(invite, reply, "confirmed")
        steps = list(features)
        for feature in steps:
            await asyncio.sleep(seconds / (len(steps) + 1))
            if dialog.ended:
                return
            await self.feature(dialog, feature)
        await asyncio.sleep(seconds / (len(steps) + 1))
        await self.hang_up(dialog)

    async def hang_up(self, dialog):
        if not dialog.ended:
            dialog.ended = True
            bye = self.in_dialog(dialog, "BYE")
            reply = await self.transact(bye, timeout=4)
            if reply and reply.status == 407:
                bye = self.in_dialog(dialog, "BYE")
                self.authorise(bye, sip.challenge_of(reply), self.user, self.password)
                await self.transact(bye, timeout=4)
        self.dialogs.pop(dialog.call_id, None)

    async def feature(self, dialog, feature):
        """Something that phones do during a call."""
        if feature == "hold":
            for hold in (True, False):
                dialog_reply = await self.reinvite(dialog, hold)
                if not dialog_reply or dialog.ended:
                    return
                await asyncio.sleep(self.rng.uniform(0.3, 1.0))
        elif feature == "info":
            await self.transact(
                self.in_dialog(
                    dialog,
                    "INFO",
                    b"Signal=%d\r\nDuration=160\r\n" % self.rng.randrange(10),
                    "application/dtmf-relay",
                ),
                timeout=4,
            )
        elif feature == "update":
            await self.transact(self.in_dialog(dialog, "UPDATE", self.offer()), timeout=4)
        elif feature == "options":
            await self.transact(self.in_dialog(dialog, "OPTIONS"), timeout=4)
        elif feature == "message":
            await self.transact(self.in_dialog(dialog, "MESSAGE", b"brb", "text/plain"), timeout=4)
        elif feature == "refer":
            to = self.aor(self.rng.choice(self.world.users) if self.world.users else None)
            refer = self.in_dialog(
                dialog, "REFER", extra=[("Refer-To", "<%s>" % to), ("Referred-By", "<%s>" % self.aor())]
            )
            reply = await self.transact(refer, timeout=4)
            if reply and reply.status == 202 and self.world.users:
                await asyncio.sleep(self.rng.uniform(0.5, 2))  # stays until the other two talk

    async def reinvite(self, dialog, hold):
        message = self.in_dialog(dialog, "INVITE", self.offer(hold, 2))
        reply = await self.transact(message, timeout=5)
        if reply and reply.status < 300:
            self.acknowledge(dialog, int(message.get("CSeq").split()[0]))
        return reply

    def acknowledge(self, dialog, cseq):
        """The ACK of a 2xx, kept for its retransmissions."""
        ack = self.last_ack[dialog.call_id] = self.in_dialog(dialog, "ACK", cseq=cseq)
        self.send(ack)

    def in_dialog(self, dialog, method, body=b"", content_type="", cseq=None, extra=()):
        if cseq is None:
            dialog.cseq += 1
            cseq = dialog.cseq
        return self.message(
            method,
            dialog.target,
            dialog.local,
            dialog.remote,
            dialog.call_id,
            cseq,
            body,
            content_type,
            dialog.routes,
            extra,
        )

    # -- server side ------------------------------------------------------------------------------------

    def reply(self, request, status, reason, to_tag="", body=b"", content_type="application/sdp", extra=()):
        headers = [("Via", v) for v in request.all("Via")] + [
            ("Record-Route", v) for v in request.all("Record-Route")
        ]
        to = request.get("To")
        if to_tag and not sip.tag_of(to):
            to += ";tag=" + to_tag
        headers += [
            ("From", request.get("From")),
            ("To", to),
            ("Call-ID", request.get("Call-ID")),
            ("CSeq", request.get("CSeq")),
        ]
        if status < 300 and request.method in ("INVITE", "OPTIONS", "SUBSCRIBE", "UPDATE") or status == 302:
            headers.append(("Contact", self.contact()))
        if self.style.user_agent:
            headers.append((("User-Agent", "Server")[len(self.style.family) % 2], self.style.user_agent))
        if status == 200 and request.method in ("INVITE", "OPTIONS"):
            headers += [
                (n, v) for n, v in (("Allow", self.style.allow), ("Supported", self.style.supported)) if v
            ]
        if body:
            headers.append(("Content-Type", content_type))
        return Message("SIP/2.0 %d %s" % (status, reason), headers + list(extra), body)

    def respond(self, request, address, status, reason, **options):
        data = sip.render(self.reply(request, status, reason, **options), self.style, self.rng)
        self.answered[request.branch, request.method, request.get("Call-ID")] = data
        self.send(data, address)

    def on_request(self, request, address):
        key = request.branch, request.method, request.get("Call-ID")
        if key in self.answered and request.method != "ACK":
            self.send(self.answered[key], address)
            return
        handler = {
            "INVITE": self.on_invite,
            "ACK": self.on_ack,
            "BYE": self.on_bye,
            "CANCEL": self.on_cancel,
        }.get(request.method, self.on_other)
        handler(request, address)

    def on_invite(self, request, address):
        if sip.tag_of(request.get("To")):
            dialog = self.dialogs.get(request.get("Call-ID"))
            if dialog and not dialog.ended:
                self.respond(request, address, 200, "OK", body=self.offer(b"sendonly" in request.body, 2))
            else:
                self.respond(request, address, 481, "Call/Transaction Does Not Exist")
            return
        self.spawn(self.answer(request, address))

    async def answer(self, request, address):
        """A phone that rings and is answered, refused or ignored, as its profile draws it."""
        rng, tag, call_id = self.rng, self.new_tag(), request.get("Call-ID")
        kind = rng.choices(list(self.profile), list(self.profile.values()))[0]
        if kind == "busy":
            self.respond(request, address, 486, "Busy Here", to_tag=tag)
            return
        if kind == "silent":
            return
        cancelled = self.ringing[call_id] = asyncio.Event()
        if rng.random() < 0.3:
            self.send(self.reply(request, 100, "Trying"), address)
        self.respond(
            request, address, *rng.choice([(180, "Ringing")] * 4 + [(183, "Session Progress")]), to_tag=tag
        )
        try:
            await asyncio.wait_for(
                cancelled.wait(),
                {"ignore": 9.0, "decline": rng.uniform(0.3, 2)}.get(kind, rng.uniform(0.2, 2.5)),
            )
            self.respond(request, address, 487, "Request Terminated", to_tag=tag)
            return
        except asyncio.TimeoutError:
            pass
        finally:
            self.ringing.pop(call_id, None)
        if kind == "decline":
            self.respond(
                request,
                address,
                *rng.choice([(603, "Decline"), (480, "Temporarily Unavailable"), (486, "Busy Here")]),
                to_tag=tag
            )
        elif kind == "ignore":
            self.respond(request, address, 480, "Temporarily Unavailable", to_tag=tag)
        elif kind == "answer":
            await self.accept(request, address, tag)

    async def accept(self, request, address, tag):
        """200, retransmitted until the ACK; sometimes it is the callee who hangs up."""
        call_id, acked = request.get("Call-ID"), asyncio.Event()
        self.acked[call_id] = acked
        self.respond(request, address, 200, "OK", to_tag=tag, body=self.offer())
        remote = request.get("From")
        dialog = Dialog(
            call_id,
            request.get("To") + ("" if sip.tag_of(request.get("To")) else ";tag=" + tag),
            remote,
            sip.uri_of(request.get("Contact")),
            split(request.all("Record-Route")),
            self.rng.randrange(1, 500),
        )
        self.dialogs[call_id] = dialog
        key = request.branch, request.method, call_id
        for wait in (T1, 1.0, 2.0, 4.0):
            try:
                await asyncio.wait_for(acked.wait(), wait)
                break
            except asyncio.TimeoutError:
                self.send(self.answered[key], address)
        self.acked.pop(call_id, None)
        await asyncio.sleep(self.rng.uniform(2, 12))
        await self.hang_up(dialog)

    def on_ack(self, request, _address):
        event = self.acked.get(request.get("Call-ID"))
        if event:
            event.set()

    def on_bye(self, request, address):
        dialog = self.dialogs.pop(request.get("Call-ID"), None)
        if dialog:
            dialog.ended = True
            self.respond(request, address, 200, "OK")
        else:
            self.respond(request, address, 481, "Call/Transaction Does Not Exist")

    def on_cancel(self, request, address):
        event = self.ringing.get(request.get("Call-ID"))
        self.respond(request, address, *((200, "OK") if event else (481, "Call/Transaction Does Not Exist")))
        if event:
            event.set()

    def on_other(self, request, address):
        method = request.method
        if method == "SUBSCRIBE":
            self.respond(request, address, 200, "OK", to_tag=self.new_tag(), extra=[("Expires", "60")])
            self.spawn(self.notify(request))
        elif method == "REFER":
            self.respond(request, address, 202, "Accepted", to_tag=self.new_tag())
            self.spawn(self.transferred(request))
        elif method in ("OPTIONS", "MESSAGE", "INFO", "UPDATE", "NOTIFY"):
            if method == "MESSAGE" and self.reader and request.get("Content-Type").startswith("text/plain"):
                self.reader(request)
            body = self.offer() if method == "UPDATE" and request.body else b""
            self.respond(request, address, 200, "OK", to_tag=self.new_tag(), body=body)
        else:
            self.respond(
                request,
                address,
                *self.rng.choice([(405, "Method Not Allowed"), (501, "Not Implemented")]),
                to_tag=self.new_tag()
            )

    async def transferred(self, refer):
        """Calls whom the REFER names and tells the referrer how that goes (RFC 3515)."""
        dialog = self.dialogs.get(refer.get("Call-ID"))
        to = sip.user_of(sip.uri_of(refer.get("Refer-To")))
        if dialog is None or not self.world.users or to == self.user:
            return
        await self.report(dialog, "100 Trying")

        def tell(status):
            line = {200: "200 OK", 486: "486 Busy Here"}.get(status, "480 Temporarily Unavailable")
            self.spawn(self.report(dialog, line, last=True))

        await self.call(to, talk=self.rng.uniform(1, 4), timeout=8, answered=tell)

    async def report(self, dialog, line, last=False):
        if not dialog.ended:
            state = "terminated;reason=noresource" if last else "active;expires=60"
            notify = self.in_dialog(
                dialog,
                "NOTIFY",
                b"SIP/2.0 %s\r\n" % line.encode(),
                "message/sipfrag;version=2.0",
                extra=[("Event", "refer"), ("Subscription-State", state)],
            )
            await self.transact(notify, timeout=4)

    async def notify(self, subscribe):
        """The first NOTIFY of a subscription."""
        await asyncio.sleep(0.05)
        dialog = Dialog(
            subscribe.get("Call-ID"),
            subscribe.get("To") + ";tag=" + self.new_tag(),
            subscribe.get("From"),
            sip.uri_of(subscribe.get("Contact")),
            split(subscribe.all("Record-Route")),
            1,
        )
        body = (
            b'<?xml version="1.0"?>\n<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:%s"/>'
            % self.user.encode()
        )
        await self.transact(
            self.in_dialog(
                dialog,
                "NOTIFY",
                body,
                "application/pidf+xml",
                extra=[("Event", "presence"), ("Subscription-State", "active;expires=60")],
            ),
            timeout=4,
        )


def split(values):
    """Record-Route values, one per entry."""
    return [v.strip() for value in values for v in re.split(r",(?=\s*<)", value)]


__all__ = ["Agent", "Dialog", "SentLog", "World", "make_branch", "split"]
