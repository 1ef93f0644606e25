#!/usr/bin/python3
"""Honest traffic of one namespace: phones, gateways, monitors, diallers, trunks, storms, roaming users.
Relies on: useragent.py, messaging.py, mutations.odd, a plan that plan.py drew.
Relied on by: run.py, which starts one process per namespace.
"""
import argparse
import asyncio
import json
import random
import sys
import time

import mutations
import sip
from messaging import Messaging
from styles import MESSAGE_TEXTS, draw_number
from useragent import Agent, World

FEATURES = ["hold", "info", "options", "update", "message", "refer"]


class Farm(Messaging):
    """Runs the actors of a plan until its end."""

    def __init__(self, plan, namespace):
        self.plan = plan
        self.actors = [a for a in plan["actors"] if a["namespace"] == namespace]
        self.end = plan["start"] + plan["seconds"]
        self.world = World(
            tuple(plan["server"]["address"]),
            plan["server"]["domain"],
            plan["salt"],
            plan["weak"],
            plan["dialog_log"],
            plan["server"]["ws_port"],
            tuple(plan["users"]),
        )
        self.users = plan["users"]
        self.services = plan["server"]["pbx"].get("services", [])  # numbers where the server itself speaks

    def left(self):
        return self.end - time.time()

    async def sleep(self, seconds):
        """Sleeps, but never beyond the session's end; False if that is reached."""
        await asyncio.sleep(max(0.0, min(seconds, self.left())))
        return self.left() > 0.3

    def agent(self, actor, rng, **options):
        return Agent(
            self.world,
            rng,
            actor["ip"],
            actor["port"],
            actor.get("user", ""),
            profile=actor.get("profile"),
            loss=actor.get("loss", 0.0),
            wire=actor.get("wire", "udp"),
            **options
        )

    async def run(self):
        tasks = [asyncio.ensure_future(self.guard(a)) for a in self.actors]
        await asyncio.sleep(max(0.0, self.left()))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def guard(self, actor):
        try:
            await self.sleep(self.plan["start"] + actor.get("at", 0) - time.time())
            await getattr(self, actor["kind"])(actor, random.Random(actor["seed"]))
        except OSError as error:
            print("%s at %s:%s: %s" % (actor["kind"], actor["ip"], actor["port"], error), flush=True)

    # -- phones -----------------------------------------------------------------------------------------

    async def phone(self, actor, rng):
        """Registers, calls now and then, answers."""
        agent = await self.agent(actor, rng).open()
        for _ in range(actor.get("mistype", 0)):  # a person types the password wrong, then right
            await agent.register(actor["expires"], password="wrong" + str(rng.randrange(99)))
            await self.sleep(rng.uniform(0.5, 3))
        await agent.register(actor["expires"])
        if actor.get("rebind_at"):
            agent.spawn(self.rebind(agent, actor))
        if actor.get("gone_at"):
            agent.spawn(self.unplugged(agent, actor))
        await asyncio.gather(
            self.keep_registered(agent, actor, rng),
            self.converse(agent, actor, rng),
            self.keep_alive(agent, actor, rng),
        )

    async def keep_registered(self, agent, actor, rng):
        while await self.sleep(actor["expires"] * rng.uniform(0.5, 0.95)) and not agent.gone():
            if self.left() < 4 and rng.random() < 0.5:
                await agent.register(0)
                return
            if actor.get("restart") and rng.random() < 0.3:
                await agent.register(0)
                await self.sleep(rng.uniform(0.2, 2))
            await agent.register(actor["expires"])

    async def keep_alive(self, agent, actor, rng):
        while actor.get("keep_alive") and await self.sleep(actor["keep_alive"] * rng.uniform(0.8, 1.2)):
            if actor.get("crlf"):
                agent.send(b"\r\n\r\n")
            else:
                await agent.transact(agent.opening("OPTIONS", rng.choice(["", actor["user"]])), timeout=3)

    async def rebind(self, agent, actor):
        """A NAT forgets the binding: same phone, new port, registered again."""
        await self.sleep(actor["rebind_at"])
        agent.close()
        agent.port = 0
        try:
            await agent.open()
            await agent.register(actor["expires"])
        except OSError:
            pass

    async def unplugged(self, agent, actor):
        """A phone vanishes without a word: its binding lives on, calls to it fail until that has expired."""
        await self.sleep(actor["gone_at"])
        agent.dead = True
        agent.close()

    async def converse(self, agent, actor, rng):
        while await self.sleep(rng.expovariate(1 / actor["gap"])) and not agent.gone():
            await self.one_contact(agent, actor, rng)

    async def one_contact(self, agent, actor, rng):
        """One thing that a person does with a phone."""
        peer = rng.choice(self.users)
        what = rng.choices(
            ["call", "wrong", "abroad", "message", "subscribe", "publish", "options", "odd"],
            [
                actor.get("calls", 10),
                actor.get("wrong", 0.8),
                actor.get("abroad", 0),
                1.5,
                0.7,
                0.3,
                0.3,
                actor.get("odd", 0.3),
            ],
        )[0]
        if what == "call":
            if self.services and rng.random() < 0.08:
                peer = rng.choice(self.services)
            await agent.call(
                peer,
                talk=rng.uniform(1, 6),
                cancel_after=rng.uniform(0.2, 2) if rng.random() < 0.15 else None,
                features=rng.sample(FEATURES, rng.choice([0, 0, 0, 1, 1, 2])),
            )
        elif what == "wrong":  # a slip of the finger, once or a few times in a row
            for _ in range(rng.choice([1, 1, 2, 3])):
                await agent.call(
                    peer[:-1] + str(rng.randrange(10)) + rng.choice(["", "", str(rng.randrange(10))]),
                    talk=1.5,
                )
                await self.sleep(rng.uniform(0.5, 2))
        elif what == "abroad":
            await agent.call(rng.choice(actor["numbers"]), talk=rng.uniform(2, 7))
        elif what == "message":
            await agent.authorised(
                agent.opening(
                    "MESSAGE",
                    peer,
                    body=rng.choice(MESSAGE_TEXTS).encode(),
                    content_type="text/plain;charset=UTF-8",
                )
            )
        elif what == "subscribe":
            event = rng.choice(["presence", "presence", "message-summary", "dialog"])
            await agent.authorised(
                agent.opening(
                    "SUBSCRIBE",
                    peer if event == "presence" else actor["user"],
                    extra=[("Event", event), ("Expires", str(rng.choice([60, 300, 3600])))],
                )
            )
        elif what == "publish":
            await agent.authorised(
                agent.opening(
                    "PUBLISH",
                    actor["user"],
                    body=b"<presence/>",
                    content_type="application/pidf+xml",
                    extra=[("Event", "presence"), ("Expires", "60")],
                )
            )
        elif what == "options":
            await agent.authorised(agent.opening("OPTIONS", peer))
        else:
            method = rng.choice(["OPTIONS", "MESSAGE", "INFO", "NEWMETHOD"])
            await agent.authorised(
                mutations.odd(
                    rng,
                    agent.opening(
                        method, peer, body=b"hello" if method == "MESSAGE" else b"", content_type="text/plain"
                    ),
                )
            )

    async def roamer(self, actor, rng):
        """One user at two addresses, alternating."""
        style = None
        while True:
            for ip, port in actor["places"]:
                agent = self.agent(dict(actor, ip=ip, port=port), rng, style=style)
                style = agent.style
                await agent.open()
                await agent.register(actor["expires"])
                await self.one_contact(agent, actor, rng)
                if not await self.sleep(rng.uniform(4, 12)):
                    return
                if rng.random() < 0.5:
                    await agent.register(0)
                agent.close()

    async def gateway(self, actor, rng):
        """The way to the telephone network: answers any number."""
        await self.agent(actor, rng).open()
        await self.sleep(self.left())

    # -- machines ---------------------------------------------------------------------------------------

    async def monitor(self, actor, rng):
        """OPTIONS to the server and to every phone in its list, the dead ones too."""
        agent = await self.agent(actor, rng).open()
        while True:
            for ip, port in actor["targets"]:
                uri = "%s:%d" % (sip.bracket(ip), port)
                request = agent.opening("OPTIONS", rng.choice(["", "", "ping"]), host=uri)
                agent.spawn(agent.transact(request, (ip, port), timeout=actor.get("patience", 3)))
                if not await self.sleep(actor["spacing"] * rng.uniform(0.7, 1.3)):
                    return
            if not await self.sleep(actor["gap"]):
                return

    async def dialler(self, actor, rng):
        """A call centre: many numbers, most busy, wrong or not answered in time."""
        agent = await self.agent(actor, rng).open()
        if actor.get("register"):
            await agent.register(60)
        campaign = rng.sample(self.users, min(len(self.users), 60)) + [
            str(rng.randrange(10**3, 10**7)) for _ in range(actor.get("wrong_numbers", 15))
        ]
        while await self.sleep(rng.expovariate(actor["rate"])):
            agent.spawn(
                agent.call(
                    rng.choice(campaign),
                    talk=rng.uniform(0.5, 4),
                    cancel_after=rng.uniform(0.3, 3) if rng.random() < 0.4 else None,
                )
            )

    async def trunk(self, actor, rng):
        """A carrier's trunk: many calls from one address in bursts, both directions, numbers of all countries."""
        agent = await self.agent(actor, rng).open()
        callers = [draw_number(rng).lstrip("+") for _ in range(40)]
        while await self.sleep(rng.expovariate(actor["rate"])):
            for _ in range(rng.choice([1, 1, 1, 2, 5])):
                number = (
                    draw_number(rng)
                    if rng.random() < actor.get("abroad", 0.3)
                    else rng.choice(self.users)
                    if rng.random() < 0.85
                    else str(rng.randrange(10**6))
                )
                agent.spawn(
                    agent.call(
                        number,
                        talk=rng.uniform(0.5, 4),
                        from_user=rng.choice(callers),
                        cancel_after=rng.uniform(0.3, 3) if rng.random() < 0.15 else None,
                    )
                )

    async def storm(self, actor, rng):
        """After a power cut every phone registers at once, with the retransmissions that this brings."""
        agents = []
        for user, ip, port in actor["members"]:
            agents.append(await self.agent(dict(actor, user=user, ip=ip, port=port, loss=0.1), rng).open())

        async def one(agent):
            await self.sleep(rng.uniform(0, actor["within"]))
            if rng.random() < 0.15:
                agent.password, right = "old-password", agent.password
                await agent.register(actor["expires"])
                agent.password = right
            await agent.register(actor["expires"])

        for _ in range(actor.get("times", 1)):
            await asyncio.gather(*(one(a) for a in agents))
            if not await self.sleep(rng.uniform(8, 20)):
                return
        await self.sleep(self.left())

    async def burst(self, actor, rng):
        """A person who taps redial: the same busy or wrong number several times within seconds."""
        agent = await self.agent(actor, rng).open()
        await agent.register(actor["expires"])
        for _ in range(actor.get("times", 6)):
            await agent.call(actor["number"], talk=1, cancel_after=rng.uniform(0.2, 1.2))
            if not await self.sleep(rng.uniform(0.2, 1.5)):
                return
        await self.converse(agent, actor, rng)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("plan", help="plan.json of a session")
    parser.add_argument("namespace", help="the namespace whose actors run here")
    args = parser.parse_args()
    with open(args.plan) as f:
        plan = json.load(f)
    asyncio.run(Farm(plan, args.namespace).run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
