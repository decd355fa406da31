"""A receiver whose process stops, while it and another one are sent to as fast as they take it.

    python -m tests.integration.stopped [--messages 20000] [--json]

Tasks of this process send to two others over two channels: first both read, then one of them is stopped (SIGSTOP), then
it goes on. The memory of this process has to stay within the bounds of its queues, the other receiver has to get its
messages at the former pace, a third channel to the stopped one has to take messages as long as its own queue has room,
and who waits for room has to get it in turn. Exits with 1 when a limit is not met.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import trio

from partisan_core import Node
from partisan_core.errors import WouldBlock
from tests.integration.nodes import opened, until
from tests.integration.numbered import MAILBOX, Counting, counting
from tests.memory import resident
from tests.verdicts import Figures, Limit, at_least, at_most, conclude

MIB = 2**20
QUEUE_BYTES = MIB
PADDING = bytes(4096)
BUSY = ("default", "bulk")
QUIET = "quiet"
CHANNELS = {name: {"queue_bytes": f"{QUEUE_BYTES}B"} for name in (*BUSY, QUIET)}
PATIENT = {"ping_interval": "60s"}
"""The node that stops is not to be taken for dead."""
TASKS = 4
"""That send to one peer over one channel."""
BETWEEN_YIELDS = 16
"""Messages that a task sends before others run."""
QUIET_STREAM, QUIET_MESSAGES = 0, 100
STOPPED, OTHER = "stopped", "other"
SETTLING = 60.0
"""Seconds until all has arrived."""


@dataclass
class Traffic:
    """What several tasks send to one peer over one channel: one stream, numbered in the order of their calls.

    Who waits for room waits in that order. So the numbers come in order if, and only if, nobody gets room before one
    that has waited longer.
    """

    node: Node
    peer: str
    channel: str
    stream: int
    called: int = 0
    last: int = 0
    """The greatest number that was queued."""
    waiting: int = 0
    """How many tasks wait for room."""

    async def send(self) -> None:
        """Send for ever, in one of the tasks."""
        destination = f"{self.peer}/{MAILBOX}"
        while True:
            self.called += 1
            number = self.called
            message = (self.stream, number, PADDING)
            try:
                self.node.send_nowait(destination, message, channel=self.channel)
            except WouldBlock:
                self.waiting += 1
                await self.node.send(destination, message, channel=self.channel)
                self.waiting -= 1
            self.last = max(self.last, number)
            if number % BETWEEN_YIELDS == 0:
                await trio.lowlevel.checkpoint()

    @property
    def is_stuck(self) -> bool:
        """All tasks wait."""
        return self.waiting == TASKS


@dataclass
class Watch:
    """The most that was seen of what has to be bounded."""

    node: Node
    grown: float = 0.0
    """MiB of this process."""
    queued: int = 0
    """Bytes in a queue."""

    async def run(self) -> None:
        """Look, for ever."""
        before = resident()
        while True:
            await trio.sleep(0.02)
            self.grown = max(self.grown, resident() - before)
            self.queued = max(self.queued, *(row.queue_bytes for row in self.node.connections()))


@dataclass
class Stop:
    """One node that sends, one that is stopped, one that is not."""

    node: Node
    stopped: Counting
    other: Counting

    async def run(self, messages: int) -> Figures:
        """All of it."""
        traffic = [Traffic(self.node, *to, stream) for stream, to in enumerate(product((STOPPED, OTHER), BUSY), 1)]
        to_stopped, to_other = traffic[: len(BUSY)], traffic[len(BUSY) :]
        watch = Watch(self.node)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch.run)
            for one in traffic:
                for _ in range(TASKS):
                    nursery.start_soon(one.send)
            before = await paces(self.other, to_other, messages)
            self.stopped.process.pause()
            await until(lambda: all(one.is_stuck for one in to_stopped))
            queued = sum(one.last for one in to_stopped)
            refused = self._send_quietly()
            during = await paces(self.other, to_other, messages)
            queued_meanwhile = sum(one.last for one in to_stopped) - queued
            self.stopped.process.resume()
            await paces(self.stopped, to_stopped, messages)
            nursery.cancel_scope.cancel()
        quiet = {QUIET_STREAM: QUIET_MESSAGES - refused}
        sent = [quiet | {one.stream: one.last for one in to_stopped}, {one.stream: one.last for one in to_other}]
        receivers = (self.stopped, self.other)
        accounts = [
            await receiver.until_arrived(last, SETTLING) for receiver, last in zip(receivers, sent, strict=True)
        ]
        return {
            **{f"{name}: other peer, meanwhile/before": during[name] / before[name] for name in BUSY},
            "largest queue/its bound": watch.queued / QUEUE_BYTES,
            "MiB of all queues": len(traffic) * QUEUE_BYTES / MIB,
            "MiB the sender grew": watch.grown,
            "MiB that went to the other": messages * len(BUSY) * len(PADDING) / MIB,
            "MiB that the system took for the stopped": queued_meanwhile * len(PADDING) / MIB,
            "refused on the quiet channel": float(refused),
            "out of turn": float(sum(account.disordered + account.repeated for account in accounts)),
            "streams without their last": float(sum(a.last != last for a, last in zip(accounts, sent, strict=True))),
            "peers down": float(self.node.counters["NeighbourDown"]),
        }

    def _send_quietly(self) -> int:
        """Send to the stopped one over a channel that is not full; how many it did not take."""
        for number in range(1, QUIET_MESSAGES + 1):
            try:
                self.node.send_nowait(f"{STOPPED}/{MAILBOX}", (QUIET_STREAM, number), channel=QUIET)
            except WouldBlock:
                return QUIET_MESSAGES - number + 1
        return 0


async def paces(receiver: Counting, traffic: Sequence[Traffic], messages: int) -> dict[str, float]:
    """Messages per second by channel, while so many arrive over each."""
    first, begun = (await receiver.account()).last, trio.current_time()
    pace: dict[str, float] = {}
    while len(pace) < len(traffic):
        last = (await receiver.account()).last
        for one in traffic:
            arrived = last.get(one.stream, 0) - first.get(one.stream, 0)
            if arrived >= messages and one.channel not in pace:
                pace[one.channel] = arrived / (trio.current_time() - begun)
        await trio.sleep(0.01)
    return pace


async def measure(messages: int) -> Figures:
    """Start the processes and do it all, with so many messages of each busy channel in each part."""
    async with (
        counting(name=STOPPED, channels=CHANNELS, links=PATIENT) as stopped,
        counting(name=OTHER, channels=CHANNELS, links=PATIENT) as other,
        opened("sender", channels=CHANNELS, links=PATIENT) as node,
    ):
        for receiver in (stopped, other):
            await node.join(receiver.address, fully=True)
            await receiver.read()
        return await Stop(node, stopped, other).run(messages)


BOUNDS = (
    at_most("largest queue/its bound", 1),
    at_most("refused on the quiet channel", 0),
    at_most("out of turn", 0),
    at_most("streams without their last", 0),
    at_most("peers down", 0),
)
"""What holds on any machine."""
LIMITS: tuple[Limit, ...] = (
    *BOUNDS,
    at_most("MiB the sender grew", 2 * len(BUSY) * 2 * QUEUE_BYTES / MIB),
    *(at_least(f"{name}: other peer, meanwhile/before", 0.8) for name in BUSY),
)
"""The memory of the process may be twice that of the queues: an encoded message is an object, too."""


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.integration.stopped", description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000, help="in each part over each channel")
    parser.add_argument("--json", action="store_true", help="the figures in a line, and no words")
    options = parser.parse_args(words)
    figures = trio.run(measure, options.messages)
    return int(not conclude("a stopped receiver", figures, LIMITS, as_json=options.json))


if __name__ == "__main__":
    sys.exit(main())
