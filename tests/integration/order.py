"""FIFO per (sender, recipient, channel, key) over four lanes whose connections break again and again.

    python -m tests.integration.order [--messages 1000000] [--breaks 40] [--seed N] [--policy NAME ...] [--json]

Two nodes send to each other over real sockets, by way of proxies that reset connections, all of them or some, or flip
bits; or one node disconnects by itself. Of each stream the messages that arrive have to come in order and once; each
that does not arrive has to be counted by its sender and told to the other end. On a monotonic channel a state may come
twice, an older one never after a newer one, and the last one always. Exits with 1 when a limit is not met.
"""

import argparse
import sys
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from random import Random, SystemRandom

import trio

from partisan_core import Node
from partisan_core.drops import DropReason
from tests.integration.apart import Apart, apart
from tests.integration.numbered import Account
from tests.verdicts import Figures, Limit, at_least, at_most, conclude

MONOTONIC = "monotonic"
POLICIES = ("block", "drop_newest", "drop_oldest", "disconnect", MONOTONIC)
CHANNEL = "lanes"
LANES = 4
QUEUE = 200
"""Messages in the queue of a lane: few, so that policies have something to do."""
BURSTS = (1, 10, 100)
"""Messages that a sender sends before others run."""
FLOOD = 1_500
"""The same, now and then: more than the queues of its lanes hold."""
FLOODS = 0.05
"""How often."""
PACE = 50_000
"""Messages a second of all senders together, about what two nodes and the proxies between them carry in one process."""
DAMAGE = 0.005
"""Seconds in which bits are flipped on the way."""
MAILBOXES = ("one", "two")
KEYS = 12
"""Of each sender, who shares none with others: on a monotonic channel what one of them sends supersedes the others'."""
SENDERS = 3
"""Tasks at each node."""
LINKS = {"redial_first": "5ms", "redial_limit": "50ms", "reconnect_grace": "20s"}
BY_SENDERS = (DropReason.QUEUE_FULL, DropReason.SLOW_PEER, DropReason.LOST_WITH_CONNECTION)
"""Whatever else is counted, a receiver counts."""
SETTLING = 30.0
"""Seconds until all has arrived that is not lost."""


@dataclass
class Sender:
    """A task that sends to a peer: to each mailbox with each key a stream of its own."""

    node: Node
    peer: str
    number: int
    rng: Random
    sent: dict[int, int] = field(default_factory=dict)
    """The number of the last message, by stream."""

    async def send(self, messages: int) -> None:
        """Send at least so many."""
        keys: list[Hashable] = [(self.number, key) for key in range(KEYS)]
        if self.number % SENDERS == 0:
            keys.append(None)
        streams = list(enumerate(product(MAILBOXES, keys), self.number * 100))
        while messages > 0:
            burst = FLOOD if self.rng.random() < FLOODS else self.rng.choice(BURSTS)
            messages -= burst
            for stream, (mailbox, key) in self.rng.choices(streams, k=burst):
                number = self.sent.get(stream, 0) + 1
                self.sent[stream] = number
                await self.node.send(f"{self.peer}/{mailbox}", (stream, number), channel=CHANNEL, key=key)
            await trio.sleep(burst * 2 * SENDERS / PACE)


@dataclass
class Exchange:
    """Two nodes that send to each other, and what becomes of it."""

    scene: Apart
    rng: Random
    keeps_last: bool
    """The last message of each stream has to arrive, and others need not."""
    senders: list[Sender] = field(default_factory=list)
    account: Account = field(default_factory=Account)
    breaks: int = 0

    async def run(self, messages: int, breaks: int) -> None:
        """Send so many messages and break connections so often; then wait until all has arrived or is lost."""
        nodes = (self.scene.alpha, self.scene.beta)
        pairs = [pair for pair in (nodes, nodes[::-1]) for _ in range(SENDERS)]
        self.senders = [
            Sender(node, peer.name, number, Random(self.rng.random())) for number, (node, peer) in enumerate(pairs)
        ]
        async with trio.open_nursery() as nursery:
            for node in nodes:
                for name in MAILBOXES:
                    nursery.start_soon(self.account.keep, node.open_mailbox(name))
            async with trio.open_nursery() as working:
                working.start_soon(self._break, breaks, messages)
                for sender in self.senders:
                    working.start_soon(self._send, sender, messages // len(self.senders), breaks)
            with trio.move_on_after(SETTLING):
                while self.unfinished if self.keeps_last else self.unaccounted:
                    await trio.sleep(0.01)
            nursery.cancel_scope.cancel()

    async def _send(self, sender: Sender, messages: int, breaks: int) -> None:
        await sender.send(messages)
        while self.breaks < breaks:
            await sender.send(FLOOD)

    async def _break(self, breaks: int, messages: int) -> None:
        """Break something each time when so many messages were sent since the last time, and all was whole again."""
        while self.breaks < breaks:
            with trio.move_on_after(1):  # the policy `disconnect` breaks connections all the time
                while not self.scene.is_whole() or self.sent < messages * self.breaks / breaks:
                    await trio.sleep(0.002)
            self.breaks += 1
            match self.rng.randrange(5):
                case 0:
                    self.scene.reset()
                case 1:
                    self.scene.alpha.disconnect("beta")
                case 2:
                    self.scene.damage()
                    await trio.sleep(DAMAGE)
                    self.scene.damage(False)
                case _:
                    share = self.rng.random()
                    for proxy in self.scene.proxies:
                        proxy.reset_where(partial(self._is_chosen, share))

    def _is_chosen(self, share: float, _: object) -> bool:
        return self.rng.random() < share

    @property
    def sent(self) -> int:
        """Messages sent by now."""
        return sum(sum(sender.sent.values()) for sender in self.senders)

    def dropped(self, *reasons: DropReason) -> int:
        """Messages that are counted for these reasons."""
        rows = [row for node in (self.scene.alpha, self.scene.beta) for row in node.connections()]
        return sum(row.dropped.get(reason.value, 0) for row in rows if row.channel == CHANNEL for reason in reasons)

    @property
    def unaccounted(self) -> int:
        """Messages of which nobody knows what became of them."""
        return self.sent - self.account.count - self.dropped(*BY_SENDERS)

    @property
    def unfinished(self) -> int:
        """Streams whose last message has not arrived."""
        return sum(
            self.account.last.get(stream) != number for sender in self.senders for stream, number in sender.sent.items()
        )

    @property
    def untold(self) -> int:
        """Messages that were lost with a connection, and the end that misses them was not told."""
        return self.dropped(DropReason.LOST_WITH_CONNECTION) - self.dropped(DropReason.GAP)


async def measure(policy: str, messages: int, breaks: int, seed: int) -> Figures:
    """One exchange over a channel of that policy."""
    channel = {"parallelism": LANES, "policy": policy, "queue_messages": QUEUE}
    async with apart(channels={CHANNEL: channel}, links=LINKS) as scene:
        exchange = Exchange(scene, Random(seed), keeps_last=policy == MONOTONIC)
        begun = trio.current_time()
        await exchange.run(messages, breaks)
        return {
            "sent": float(exchange.sent),
            "arrived": float(exchange.account.count),
            "dropped by the policy": float(exchange.dropped(DropReason.QUEUE_FULL, DropReason.SLOW_PEER)),
            "lost with connections": float(exchange.dropped(DropReason.LOST_WITH_CONNECTION)),
            "lost and not told": float(exchange.untold),
            "unaccounted": float(exchange.unaccounted),
            "breaks": float(exchange.breaks),
            "connections lost": float(scene.lost_connections),
            "out of order": float(exchange.account.disordered),
            "twice": float(exchange.account.repeated),
            "streams without their last": float(exchange.unfinished),
            "peers down": float(scene.downs),
            "seconds": trio.current_time() - begun,
        }


def limits(policy: str, messages: int, breaks: int) -> list[Limit]:
    """What a policy promises."""
    always = [
        at_least("sent", messages),
        at_least("connections lost", breaks),
        at_most("out of order", 0),
        at_most("peers down", 0),
        at_most("lost and not told", 0),
    ]
    if policy == MONOTONIC:
        return [*always, at_most("streams without their last", 0)]
    drops = at_most("dropped by the policy", 0) if policy == "block" else at_least("dropped by the policy", 1)
    return [*always, at_most("twice", 0), at_most("unaccounted", 0), at_least("arrived", messages / 100), drops]


def main(words: Sequence[str] | None = None) -> int:
    """Measure what the command line `words` name; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.integration.order", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000, help="of each policy")
    parser.add_argument("--breaks", type=int, default=40)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(2**32))
    parser.add_argument("--policy", choices=POLICIES, action="append", help="all by default")
    parser.add_argument("--json", action="store_true", help="the figures of each policy in a line, and no words")
    options = parser.parse_args(words)
    met = True
    for policy in options.policy or POLICIES:
        figures = trio.run(measure, policy, options.messages, options.breaks, options.seed)
        title = f"{policy}, seed {options.seed}"
        met &= conclude(title, figures, limits(policy, options.messages, options.breaks), as_json=options.json)
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
