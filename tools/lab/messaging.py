"""Honest senders of many MESSAGEs: services that people asked for, groups that talk, one person with many friends.
Relies on: useragent.py through phones.py's Farm.
Relied on by: phones.py (a Farm is a Messaging).

What sets them apart from spit is behaviour: the callees subscribed, wrote or called first, or write back; most texts
say something different to everyone, though a newsletter's do not.
"""
import asyncio

import sip

HOSTS = "db1 web2 mail fw-east backup nas3 k8s-node7 printer-2 pbx ups".split()
FAULTS = [
    "disk %d%% full",
    "load average %d",
    "no answer for %d s",
    "certificate expires in %d days",
    "temperature %d C",
    "%d failed logins for root",
    "backup took %d min",
]
CHAT = [
    "anyone here?",
    "lunch at %d:30?",
    "the train is %d min late again",
    "I'll bring %d copies",
    "+1",
    "ok",
    "who has the key to room %d",
    "on my way",
    "see the ticket #%d",
    "thanks everybody",
    "can we move the call to %d:15",
    ":-)",
]
NEWS = [
    "Canteen today: soup, pasta, salad. Open until 14:00",
    "Maintenance tonight 22:00-23:00: phones may register again",
    "Fire drill on Thursday at 10, please use the stairs",
    "New colleague in room 214, come and say hello",
    "Car park closed on Friday, use gate B",
]
ANSWERS = "ok|thanks|on it|Thank you!|yes|1|will do|no, sorry|call me|who is this?".split("|")


class Messaging:
    """The actor `service` and its forms."""

    async def service(self, actor, rng):
        """One service with its members, each an agent with an account of its own."""
        host = await self.agent(actor, rng).open()
        members = []
        for user, ip, port in actor["members"]:
            member = dict(actor, user=user, ip=ip, port=port, gap=actor["gap"], odd=0)
            members.append((await self.agent(member, rng).open(), member))
        await host.register(actor["expires"])
        joined = []
        tasks = [self.keep_registered(host, actor, rng)]
        for agent, member in members:
            tasks.append(self.member(agent, member, rng))
        serve = getattr(self, "serve_" + actor["form"])
        tasks.append(serve(host, [agent for agent, _ in members], joined, rng, actor))
        await asyncio.gather(*tasks)

    async def member(self, agent, member, rng):
        """A phone like any other, besides."""
        await self.sleep(rng.uniform(0, 2))
        await agent.register(member["expires"])
        await asyncio.gather(
            self.keep_registered(agent, member, rng),
            self.converse(agent, member, rng),
        )

    @staticmethod
    async def write(agent, user, text, kind="text/plain"):
        await agent.authorised(agent.opening("MESSAGE", user, body=text.encode(), content_type=kind))

    def replies(self, agent, to, rng, share, later=(0.8, 6)):
        """Makes an agent write back to a share of what it gets."""

        def read(request):
            sender = sip.user_of(sip.uri_of(request.get("From")))
            if sender == to and rng.random() < share:
                agent.spawn(self.after(rng.uniform(*later), self.write(agent, to, rng.choice(ANSWERS))))

        agent.reader = read

    async def after(self, seconds, coroutine):
        if await self.sleep(seconds):
            await coroutine
        else:
            coroutine.close()

    async def join(self, members, service, rng, joined, how):
        """Members ask for what will come, in the first seconds, each in its own way."""

        async def one(member):
            if not await self.sleep(rng.uniform(3, 12)):
                return
            if how == "subscribe":
                extra = [("Event", "presence"), ("Expires", "600")]
                await member.authorised(member.opening("SUBSCRIBE", service, extra=extra))
            elif how == "write":
                await self.write(member, service, rng.choice(["/join", "start", "subscribe please", "hello"]))
            else:
                await member.call(service, talk=rng.uniform(1, 3))
            joined.append(member)

        await asyncio.gather(*(one(m) for m in members))

    async def serve_alerts(self, agent, members, joined, rng, actor):
        """A monitoring system tells the people on call; some acknowledge."""
        await self.join(members, agent.user, rng, joined, rng.choice(["subscribe", "call"]))
        for member in joined:
            self.replies(member, agent.user, rng, 0.35)
        while joined and await self.sleep(rng.expovariate(actor["rate"] / 4)):
            fault = rng.choice(FAULTS) % rng.randrange(2, 99)
            text = "%s %s: %s" % (rng.choice(["CRITICAL", "WARNING", "RECOVERY"]), rng.choice(HOSTS), fault)
            for member in rng.sample(joined, min(len(joined), rng.choice([2, 3, 6, len(joined)]))):
                agent.spawn(self.write(agent, member.user, text))
                await self.sleep(rng.uniform(0.02, 0.2))

    async def serve_chat(self, agent, members, joined, rng, actor):
        """A room hands what one member writes to all others."""
        await self.join(members, agent.user, rng, joined, "write")
        room = {member.user: member for member in joined}

        def hand_on(request):
            sender = sip.user_of(sip.uri_of(request.get("From")))
            text = "<%s> %s" % (sender, request.body.decode("utf-8", "replace"))
            for user in room:
                if sender in room and user != sender:
                    agent.spawn(self.write(agent, user, text))

        agent.reader = hand_on
        while joined and await self.sleep(rng.expovariate(actor["rate"] / 3)):
            text = rng.choice(CHAT)
            text = text % rng.randrange(9, 59) if "%d" in text else text
            member = rng.choice(joined)
            member.spawn(self.write(member, agent.user, text))

    async def serve_codes(self, agent, members, joined, rng, actor):
        """One-time passwords: a person asks, a code comes."""

        def send_code(request):
            user = sip.user_of(sip.uri_of(request.get("From")))
            text = rng.choice(["Your code is %06d", "%06d is your login code", "Code: %06d (valid 5 min)"])
            agent.spawn(self.after(rng.uniform(0.1, 1), self.write(agent, user, text % rng.randrange(10**6))))

        agent.reader = send_code
        while await self.sleep(rng.expovariate(actor["rate"])):
            member = rng.choice(members)
            member.spawn(self.write(member, agent.user, rng.choice(["code", "login", "OTP please"])))

    async def serve_news(self, agent, members, joined, rng, actor):
        """A newsletter: the same words to everyone who subscribed."""
        await self.join(members, agent.user, rng, joined, rng.choice(["subscribe", "write"]))
        while joined and await self.sleep(rng.uniform(10, 25)):
            text = rng.choice(NEWS)
            for member in joined:
                agent.spawn(self.write(agent, member.user, text))
                if not await self.sleep(rng.uniform(0.05, 1 / actor["rate"])):
                    return

    async def serve_person(self, agent, members, joined, rng, actor):
        """Somebody writes to many friends, to each in other words, and they answer."""
        for member in members:
            self.replies(member, agent.user, rng, 0.75)
        while await self.sleep(rng.expovariate(actor["rate"])):
            text = "%s, %s" % (rng.choice(["Hi", "Hello", "Hey", "Dear all", "Hallo"]), rng.choice(CHAT))
            text = text % rng.randrange(9, 59) if "%d" in text else text
            agent.spawn(self.write(agent, rng.choice(members).user, text))

    async def serve_reminders(self, agent, members, joined, rng, actor):
        """A practice that patients have called reminds each of an appointment; most confirm."""
        await self.join(members, agent.user, rng, joined, "call")
        for member in joined:
            self.replies(member, agent.user, rng, 0.6)
        for member in list(joined) * 3:
            day = rng.choice(["Mon", "Tue", "Wed", "Thu", "Fri"])
            text = "%s: appointment %s %d:%02d, reply 1 to confirm" % (
                member.display or member.user,
                day,
                rng.randrange(8, 18),
                rng.choice([0, 15, 30, 45]),
            )
            agent.spawn(self.write(agent, member.user, text))
            if not await self.sleep(rng.expovariate(actor["rate"])):
                return
