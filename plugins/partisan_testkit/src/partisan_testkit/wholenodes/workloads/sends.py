"""Plain sends: at most once, in order, from one life after the other, and what arrives is what was sent."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import blake2b
from random import Random
from typing import Any

import trio

from partisan_core.errors import NodeClosed, SendError
from partisan_core.notices import Notice
from partisan_testkit.schedules.violation import Violation
from partisan_testkit.simulator import seeded
from partisan_testkit.wholenodes.process import Process

_KEYS = (None, "a", "b")

Message = dict[str, Any]
"""`stream`, `to`, `number` and `content`."""

Stream = tuple[str, int, str, str | None]
"""The sender, its incarnation, channel and key: what has an order."""


class Sends:
    """I2 (order), I7 (lives), I10 (content), and at most once; every message carries what is needed to tell."""

    sections: Mapping[str, Mapping[str, object]] = {"channels": {"wide": {"parallelism": 2}}}
    mailbox = "inbox"
    channels: tuple[str, ...] = ("default", "wide")
    sizes: tuple[int, ...] = (0, 100, 100, 100, 5_000, 200_000)
    """Bytes of a message: most are small, some take several segments, some several frames."""
    pause = (0.05, 1.0)
    """Seconds between two sends of a node. Chosen: several messages are on the way whenever a connection breaks."""
    burst = 1
    """Messages that are sent to one target at once."""
    favourites: int | None = None
    """To how many of the others is sent; to all, when nothing is said."""
    limit: int | None = None
    """Of the mailbox."""
    reading = 0.0
    """Seconds that the receiver takes for a message."""
    arrives = 5.0
    """Seconds in which a message arrives once all is well. Chosen: many round trips."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._sent: dict[tuple[Stream, str], int] = defaultdict(int)
        self._received: dict[Process, dict[Stream, int]] = defaultdict(dict)
        self._newest: dict[tuple[Process, str], int] = defaultdict(int)
        self._probes: set[tuple[str, str]] = set()
        """Who has not heard of whom since all is well."""
        self.is_calm = False
        """Nothing is sent but those."""

    async def live(self, process: Process) -> None:
        """Send to others, and receive."""
        async with process.node.open_mailbox(self.mailbox, limit=self.limit) as inbox, trio.open_nursery() as nursery:
            nursery.start_soon(
                self._send_for_ever, process, seeded(self._seed, f"{self.mailbox} {process.endpoint.name}")
            )
            async for message in inbox:
                self._check(process, message)
                if self.reading:
                    await trio.sleep(self.reading)

    def on_notice(self, process: Process, notice: Notice) -> None:
        """Messages tell by themselves."""

    async def conclude(self, living: list[Process]) -> Iterator[str]:
        """What is sent to a neighbour now arrives."""
        self.is_calm = True
        for process in living:
            for name in process.node.neighbours():
                self._probes.add((process.name, name))
                self._send(process, name, self.channels[0], None, 0)
        await trio.sleep(self.arrives)
        return (f"a message of {one} to {other} did not arrive, with all well" for one, other in sorted(self._probes))

    async def _send_for_ever(self, process: Process, rng: Random) -> None:
        while not self.is_calm:
            await trio.sleep(rng.uniform(*self.pause))
            if others := process.others[: self.favourites]:
                target, channel = rng.choice(others), rng.choice(self.channels)
                with suppress(SendError, NodeClosed):
                    for _ in range(self.burst):
                        self._send(process, target, channel, rng.choice(_KEYS), rng.choice(self.sizes))

    def _send(self, process: Process, target: str, channel: str, key: str | None, size: int) -> None:
        stream = (process.name, process.spec.incarnation, channel, key)
        number = self._sent[stream, target] + 1
        message = {"stream": stream, "to": target, "number": number, "content": _content(stream, number, size)}
        self._sent[stream, target] = number
        self._post(process, target, message, channel, key)

    def _post(self, process: Process, target: str, message: Message, channel: str, key: str | None) -> None:
        process.node.send_nowait(f"{target}/{self.mailbox}", message, channel=channel, key=key)

    def _check(self, process: Process, message: Any) -> None:  # noqa: ANN401 - what arrived, whatever it is
        name, incarnation, channel, key = stream = tuple(message["stream"])
        number, content, received = message["number"], message["content"], self._received[process]
        process.endpoint.network.record("message", process.endpoint.name, stream, number)
        what = f"message {number} of {name}@{incarnation} over {channel}, key {key}"
        if incarnation < self._newest[process, name]:
            raise Violation(f"{process} received {what} after one of the newer life {self._newest[process, name]}")
        if message["to"] != process.name or not 0 < number <= self._sent[stream, process.name]:
            raise Violation(f"{process} received {what}, which was never sent to it")
        if content != _content(stream, number, len(content)):
            raise Violation(f"{process} received {what}, and its content has changed")
        if number <= received.get(stream, 0):
            raise Violation(f"{process} received {what} after {received[stream]}")
        received[stream], self._newest[process, name] = number, incarnation
        self._probes.discard((name, process.name))


def _content(stream: Stream, number: int, size: int) -> bytes:
    """So many bytes that no other message has."""
    pattern = blake2b(f"{stream} {number}".encode()).digest()
    return (pattern * (size // len(pattern) + 1))[:size]
