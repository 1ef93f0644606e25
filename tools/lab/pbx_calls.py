"""Calls through the PBX: a leg with the caller, legs of its own to phones, mailbox, announcement, queue, transfer.
Relies on: useragent.py (Dialog), sip.py; pbx.py, whose transactions it uses.
Relied on by: pbx.py.
"""
import asyncio
import dataclasses
import re

import sip
from useragent import T1, Dialog, split

ABROAD = re.compile(r"(?:\+|00|011|900|0011)\d{8,}$")
LONGEST = 120.0  # seconds that a call may last


@dataclasses.dataclass
class Binding:
    """Where a phone is."""

    uri: str
    address: tuple
    until: float = 0.0
    cause: tuple = ()  # key of the REGISTER that told
    answers: bool = True
    due: float = 0.0  # when it is asked again whether it lives


@dataclasses.dataclass
class Leg(Dialog):
    """A dialog of the PBX with one party of a call."""

    pbx: object = None
    address: tuple = ()
    call: object = None
    other: object = None  # the leg that it is connected to
    confirmed: bool = False
    sdp: bytes = b""  # what the party offered or answered last
    gone: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    @classmethod
    def answering(cls, pbx, request, address, tag):
        """The leg with whom sent a request."""
        return cls(
            request.get("Call-ID"),
            request.get("To") + ";tag=" + tag,
            request.get("From"),
            sip.uri_of(request.get("Contact")) or sip.uri_of(request.get("From")),
            split(request.all("Record-Route")),
            pbx.rng.randrange(1, 900),
            pbx=pbx,
            address=address,
            sdp=request.body,
        )

    @classmethod
    def calling(cls, pbx, invite, reply, address):
        """The leg with whom answered a call of the PBX's own."""
        return cls(
            invite.get("Call-ID"),
            invite.get("From"),
            reply.get("To"),
            sip.uri_of(reply.get("Contact")) or invite.start.split(" ")[1],
            list(reversed(split(reply.all("Record-Route")))),
            int(invite.get("CSeq").split()[0]),
            pbx=pbx,
            address=address,
            confirmed=True,
            sdp=reply.body,
        )

    def fits(self, request):
        """Whether a request within a dialog is of this one."""
        tags = sip.tag_of(request.get("From")), sip.tag_of(request.get("To"))
        return tags == (sip.tag_of(self.remote), sip.tag_of(self.local))

    def request(self, method, body=b"", content_type="", extra=(), cseq=None):
        message = self.pbx.in_dialog(self, method, body, content_type, cseq, extra)
        if message.get("Contact"):
            message.set("Contact", self.pbx.here(sip.user_of(sip.uri_of(self.local))))
        return message

    def acknowledge(self, cseq, cause):
        ack = self.pbx.last_ack[self.call_id] = self.request("ACK", cseq=cseq)
        if self.address in self.pbx.streams:
            ack.set("Via", ack.get("Via").replace("/UDP", "/TCP"))
        self.pbx.note_leg(cause, ack)
        self.pbx.send(ack, self.address)

    async def renegotiate(self, sdp, cause):
        """A re-INVITE: other media, music on hold, another party."""
        invite = self.request("INVITE", sdp)
        reply = await self.pbx.ask(invite, self.address, cause, timeout=5)
        if reply and reply.status < 300:
            self.sdp = reply.body or self.sdp
            self.acknowledge(int(invite.get("CSeq").split()[0]), cause)
        return reply

    async def hang_up(self, cause):
        if not self.ended:
            self.ended = True
            self.gone.set()
            await self.pbx.ask(self.request("BYE"), self.address, cause, timeout=4)
        self.pbx.legs.pop(self.call_id, None)


def party(request):
    """(display name, URI) of whom a request is from."""
    value = request.get("From")
    display = re.match(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^<"]*?))\s*<', value)
    name = (display.group(1) or display.group(2) or "") if display else ""
    return re.sub(r"\\(.)", r"\1", name), sip.uri_of(value)


class Call:
    """One call that came in, with all that follows from it."""

    def __init__(self, pbx, request, address, user):
        self.pbx, self.request, self.address, self.user = pbx, request, address, user
        self.spec, self.rng = pbx.spec, pbx.rng
        self.cause = request.get("Call-ID"), request.branch
        self.tag = pbx.new_tag()
        self.caller = Leg.answering(pbx, request, address, self.tag)
        self.caller.call = self
        self.cancelled = asyncio.Event()
        self.ended = asyncio.Event()
        self.acked = asyncio.Event()
        self.rung = False

    # -- the caller's side ------------------------------------------------------------------------------

    def say(self, status, reason="", **options):
        self.pbx.respond(self.request, self.address, status, reason, to_tag=self.tag, **options)

    async def run(self):
        self.pbx.calls[self.cause] = self
        try:
            await self.route(sip.user_of(self.request.start.split(" ")[1]))
        finally:
            self.pbx.calls.pop(self.cause, None)

    async def route(self, number):
        pbx, spec = self.pbx, self.spec
        pbx.respond(self.request, self.address, 100, "Trying")
        if ABROAD.match(number):
            way = sip.host_port("sip:" + spec["gateway"])
            await self.connect([Binding("sip:%s@%s" % (number, spec["gateway"]), way)], number)
        elif number in spec["queues"]:
            await self.queue(spec["queues"][number])
        elif number in pbx.accounts:
            await self.connect(pbx.reachable(number), number)
        elif number == spec["voicemail"] or number in spec["services"]:
            await self.announce(self.rng.uniform(2, 6))
        else:
            if spec["tells_unknown"] and not await self.early(self.rng.uniform(0.8, 2)):
                return
            self.say(spec["unknown"])

    async def early(self, seconds):
        """Words before the call is refused; False if the caller gives up meanwhile."""
        self.say(183, "Session Progress", body=self.pbx.offer())
        try:
            await asyncio.wait_for(self.cancelled.wait(), seconds)
        except asyncio.TimeoutError:
            return True
        return False

    def cancel(self, cause):
        self.cancelled.set()
        self.ended.set()
        self.say(487, "Request Terminated")

    async def answer(self, sdp):
        """200 to the caller, sent again until it is acknowledged; whether it was."""
        self.pbx.legs[self.caller.call_id] = self.caller
        self.caller.confirmed = True
        self.say(200, "OK", body=sdp)
        again = self.request.branch, self.request.method, self.request.get("Call-ID")
        for wait in (T1, 1.0, 2.0, 4.0):
            try:
                await asyncio.wait_for(self.acked.wait(), wait)
                return True
            except asyncio.TimeoutError:
                self.pbx.send(self.pbx.answered[again], self.pbx.back(self.request, self.address))
        return False

    # -- the other side ---------------------------------------------------------------------------------

    async def attempt(self, binding, number, seconds):
        """One phone is called: (its leg or None, status)."""
        pbx, (display, uri) = self.pbx, party(self.request)
        caller = sip.user_of(uri) or "anonymous"
        local = display, "sip:%s@%s" % (caller, self.pbx.domain)
        extra = [("P-Asserted-Identity", "<%s>" % local[1])] if self.spec["asserts"] else []
        sdp = self.caller.sdp if self.spec["media"] == "direct" and self.caller.sdp else pbx.offer()
        invite = pbx.outside("INVITE", binding, local, body=sdp, extra=extra)
        state = {"rings": False, "over": False}

        def progress(reply):
            state["rings"] = True
            if reply.status > 100 and not self.rung and not self.caller.confirmed:
                self.rung = True
                self.say(reply.status, {180: "Ringing"}.get(reply.status, "Session Progress"))
            if state["over"]:
                self.withdraw(invite, binding.address)

        async def ask():
            options = {"timeout": seconds + 5, "on_provisional": progress}
            return await pbx.ask(invite, binding.address, self.cause, **options)

        asking = asyncio.ensure_future(ask())
        try:
            reply = await asyncio.wait_for(asyncio.shield(asking), seconds)
        except (asyncio.TimeoutError, asyncio.CancelledError) as error:
            state["over"] = True
            if state["rings"]:
                self.withdraw(invite, binding.address)
            pbx.spawn(self.too_late(asking, invite, binding))
            if isinstance(error, asyncio.CancelledError):
                raise
            return None, 408
        if reply and reply.status < 300:
            return self.joined(invite, reply, binding), 200
        return None, reply.status if reply else 408

    def joined(self, invite, reply, binding):
        leg = Leg.calling(self.pbx, invite, reply, binding.address)
        leg.call = self
        self.pbx.legs[leg.call_id] = leg
        leg.acknowledge(leg.cseq, self.cause)
        return leg

    async def too_late(self, asking, invite, binding):
        """A phone that answered all the same is told that nobody is there."""
        reply = await asking
        if reply and reply.status < 300:
            await self.joined(invite, reply, binding).hang_up(self.cause)

    def withdraw(self, invite, address):
        pbx = self.pbx
        cancel = pbx.cancel_of(invite)
        cancel.headers = [(n, v) for n, v in cancel.headers if n != "Contact"]
        pbx.spawn(pbx.ask(cancel, address, self.cause, timeout=3))

    async def ring(self, bindings, number, seconds, until):
        """All at once; the first that answers has the call, unless `until` comes before. (Its leg or None, status)."""
        tasks = {asyncio.ensure_future(self.attempt(b, number, seconds)) for b in bindings}
        gone = asyncio.ensure_future(until.wait())
        status, leg = self.spec["offline"], None
        while tasks and leg is None and not gone.done():
            done, _ = await asyncio.wait(tasks | {gone}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {gone}:
                tasks.discard(task)
                found, last = task.result()
                if found and (leg or gone.done()):
                    self.pbx.spawn(found.hang_up(self.cause))
                leg, status = leg or (found if not gone.done() else None), last
        for task in tasks | {gone}:
            task.cancel()
        return leg, status

    async def connect(self, bindings, number):
        leg, status = await self.ring(bindings, number, self.spec["ring"], self.ended)
        if self.cancelled.is_set():
            return
        if leg is None:
            missed = not bindings or status in (408, 480)
            if missed and number in self.pbx.mailboxes and self.spec["answers_for"]:
                await self.announce(self.rng.uniform(2, 7), number)
            else:
                self.say(self.spec["offline"] if status == 408 else status)
            return
        self.pair(self.caller, leg)
        direct = self.spec["media"] == "direct" and leg.sdp
        if await self.answer(leg.sdp if direct else self.pbx.offer()):
            await self.talk(leg)
        else:
            await self.hang_up_all(self.cause)

    @staticmethod
    def pair(one, two):
        one.other, two.other = two, one

    async def talk(self, leg):
        if self.spec["media"] == "late" and not self.ended.is_set():  # the PBX steps out of the way
            await asyncio.sleep(self.rng.uniform(0.02, 0.4))
            if not self.ended.is_set() and leg.sdp and self.caller.sdp:
                await asyncio.gather(
                    leg.renegotiate(self.caller.sdp, self.cause), self.caller.renegotiate(leg.sdp, self.cause)
                )
        try:
            await asyncio.wait_for(self.ended.wait(), LONGEST)
        except asyncio.TimeoutError:
            await self.hang_up_all(self.cause)

    async def announce(self, seconds, mailbox=None):
        """The PBX itself answers and speaks; what is said after the tone lies in the mailbox."""
        if await self.answer(self.pbx.offer()):
            try:
                await asyncio.wait_for(self.ended.wait(), seconds)
            except asyncio.TimeoutError:
                pass
            if mailbox:
                self.pbx.left_message(mailbox, self.cause)
        await self.caller.hang_up(self.cause)

    async def queue(self, members):
        """Music until an agent is free: all phones of the queue ring, in rounds."""
        if not await self.answer(self.pbx.offer()):
            await self.caller.hang_up(self.cause)
            return
        for _ in range(self.spec["rounds"]):
            await asyncio.sleep(self.rng.uniform(0.3, 1.5))
            bindings = [b for user in members if user != self.user for b in self.pbx.reachable(user)]
            leg, _ = await self.ring(bindings, "", self.spec["ring"], self.ended)
            if self.ended.is_set():
                if leg:
                    await leg.hang_up(self.cause)
                return
            if leg:
                self.pair(self.caller, leg)
                await self.caller.renegotiate(self.pbx.offer(), self.cause)
                await self.talk(leg)
                return
        await self.caller.hang_up(self.cause)

    async def hang_up_all(self, cause):
        self.ended.set()
        for leg in filter(None, (self.caller, self.caller.other)):
            await leg.hang_up(cause)

    # -- within the call --------------------------------------------------------------------------------

    def inside(self, leg, request, address):
        handler = getattr(self, "inside_" + request.method.lower(), None)
        if handler and request.method in INSIDE:
            handler(leg, request, address)
        elif request.method != "ACK":
            self.pbx.respond(request, address, *self.spec["no_method"])

    def inside_ack(self, leg, request, _address):
        if leg is self.caller:
            self.caller.sdp = request.body or self.caller.sdp
            self.acked.set()

    def inside_bye(self, leg, request, address):
        leg.ended = True
        leg.gone.set()
        self.pbx.respond(request, address, 200, "OK")
        self.pbx.legs.pop(leg.call_id, None)
        self.ended.set()
        if leg.other:
            cause = request.get("Call-ID"), request.branch
            self.pbx.spawn(leg.other.hang_up(cause))

    def inside_invite(self, leg, request, address):
        cause = request.get("Call-ID"), request.branch
        leg.sdp = request.body or leg.sdp
        leg.target = sip.uri_of(request.get("Contact")) or leg.target
        self.pbx.spawn(self.renegotiated(leg, request, address, cause))

    async def renegotiated(self, leg, request, address, cause):
        """Hold, resume, new media: the PBX plays the music itself, or hands the offer to the other party."""
        if leg.other and self.spec["hands_on"]:
            reply = await leg.other.renegotiate(request.body, cause)
            if reply and reply.status >= 300:
                self.pbx.respond(request, address, reply.status)
                return
        self.pbx.respond(request, address, 200, "OK", body=self.pbx.offer(version=2))

    inside_update = inside_invite

    def inside_info(self, leg, request, address):
        if leg.other and self.spec["hands_on"]:
            cause = request.get("Call-ID"), request.branch
            info = leg.other.request(request.method, request.body, request.get("Content-Type"))
            self.pbx.spawn(self.pbx.ask(info, leg.other.address, cause, timeout=4))
        self.pbx.respond(request, address, 200, "OK")

    inside_message = inside_info

    def inside_options(self, leg, request, address):
        self.pbx.respond(request, address, 200, "OK")

    inside_notify = inside_options

    def inside_refer(self, leg, request, address):
        to = sip.user_of(sip.uri_of(request.get("Refer-To")))
        if leg.other is None or to not in self.pbx.accounts:
            self.pbx.respond(request, address, self.spec["unknown"])
            return
        self.pbx.respond(request, address, 202, "Accepted")
        stays = leg.other
        leg.other = stays.other = None
        self.pbx.spawn(self.transfer(leg, stays, to, (request.get("Call-ID"), request.branch)))

    async def transfer(self, leg, stays, to, cause):
        """The other party is connected to whom the REFER names; the one who asked is told and let go."""
        await self.report(leg, "100 Trying", cause)
        if self.spec["moh"]:
            await stays.renegotiate(self.pbx.offer(hold=True), cause)
        new, status = await self.ring(self.pbx.reachable(to), to, self.spec["ring"], stays.gone)
        await self.report(leg, "200 OK" if new else "%d Unavailable" % status, cause, last=True)
        if new is None:
            await stays.hang_up(cause)
            return
        self.pair(stays, new)
        await stays.renegotiate(new.sdp or self.pbx.offer(), cause)
        await asyncio.sleep(0.3)
        await leg.hang_up(cause)

    async def report(self, leg, line, cause, last=False):
        if not leg.ended:
            state = "terminated;reason=noresource" if last else "active;expires=60"
            notify = leg.request(
                "NOTIFY",
                b"SIP/2.0 %s\r\n" % line.encode(),
                "message/sipfrag;version=2.0",
                extra=[("Event", "refer"), ("Subscription-State", state)],
            )
            await self.pbx.ask(notify, leg.address, cause, timeout=4)


INSIDE = ("ACK", "BYE", "INVITE", "UPDATE", "INFO", "MESSAGE", "OPTIONS", "NOTIFY", "REFER")
