"""An agent that also lets messages flow, checks their content, and tells when it saw what.

`python -m tests.lab.inhabitant SECTIONS`, as `tests.integration.agent`.
"""

import sys
import time
from hashlib import shake_128
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import trio
from msgspec import Struct

from partisan_core import Node
from partisan_core.errors import SendError, WouldBlock
from partisan_core.notices import (
    ChannelDown,
    DialRefused,
    NeighbourDown,
    NeighbourUp,
    PeerRefused,
    PeerSuspected,
    PeerTrusted,
)
from tests.integration.agent import Agent, main
from tests.memory import resident

MAILBOX = "flow"
_TRY_AGAIN = 0.01
"""Seconds until what could not be sent is tried again."""
_BETWEEN_YIELDS = 64
"""Messages until other tasks run (chosen)."""


class Sight(Struct):
    """One notice."""

    at: float
    """By the system's monotonic clock, which all processes share."""
    kind: str
    peer: str
    why: str


class Account(Struct):
    """What flowed to one node."""

    received: dict[str, int] = {}
    """Messages whose content is what it was, by sender."""
    last: dict[str, int] = {}
    """The greatest number, by sender."""
    damaged: int = 0
    """Messages with any other content: none may ever be seen."""
    disordered: int = 0
    """Messages whose number was not greater than the one before."""
    longest: float = 0.0
    """Seconds between sending and receiving, at most."""

    def take(self, message: Any) -> None:
        """A message has arrived: its sender, its number, when it was sent, its content."""
        match message:
            case [str(sender), int(number), float(at), bytes(body)] if body == content(sender, number, len(body)):
                self.received[sender] = self.received.get(sender, 0) + 1
                self.disordered += number <= self.last.get(sender, 0)
                self.last[sender] = number
                self.longest = max(self.longest, time.monotonic() - at)
            case _:
                self.damaged += 1


class Size(Struct):
    """What a process holds."""

    resident: float
    """MiB."""
    descriptors: int
    tasks: int


class Flow(Struct):
    """What one node lets flow to another."""

    sent: int = 0
    refused: int = 0
    """Messages for which there was no room, or no link."""
    scope: trio.CancelScope = msgspec.field(default_factory=trio.CancelScope)


def content(sender: str, number: int, size: int) -> bytes:
    """What a message must hold: nothing that compresses, and nothing that another message holds."""
    return shake_128(f"{sender} {number}".encode()).digest(size)


def _work(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        """The processor is busy."""


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


class Inhabitant(Agent):
    """The verbs are its public methods, and those of the agent."""

    def __init__(self, node: Node, nursery: trio.Nursery) -> None:
        super().__init__(node, nursery)
        self._nursery = nursery
        self._account = Account()
        self._burden = 0.0
        self._flows: dict[str, Flow] = {}
        self._sights: list[Sight] = []
        nursery.start_soon(self._check)
        nursery.start_soon(self._look_around)

    async def flow(self, to: str, size: int, rate: float | None = None) -> None:
        """Let messages of that size flow to a node: as many as go, or so many in each second, come what may."""
        await self.stem(to)
        flow = self._flows[to] = Flow(self._flows[to].sent if to in self._flows else 0)
        if rate is None:
            self._nursery.start_soon(self._pour, flow, to, size)
        else:
            self._nursery.start_soon(self._drip, flow, to, size, rate)

    async def burden(self, seconds: float) -> None:
        """Let each message that flows to here cost so much processor time."""
        self._burden = seconds

    async def stem(self, to: str) -> tuple[int, int]:
        """End what flows to a node; how many messages were sent, and how many could not be."""
        flow = self._flows.get(to, Flow())
        flow.scope.cancel()
        return flow.sent, flow.refused

    async def break_off(self, peer: str) -> None:
        """Break all connections to a node."""
        self._node.disconnect(peer)

    async def firings(self) -> int:
        """How often the rules for faults have struck."""
        return sum(row.firings for row in self._node.faults.rows())

    async def account(self) -> Account:
        """What flowed to here so far."""
        return self._account

    async def sights(self) -> list[Sight]:
        """What was noticed since this was last asked."""
        sights, self._sights = self._sights, []
        return sights

    async def neighbours(self) -> tuple[str, ...]:
        """To whom a wanted link works."""
        return self._node.neighbours()

    async def wall_clock(self) -> float:
        """What this process believes to be the time: seconds since 1970."""
        return time.time()

    async def size(self) -> Size:
        """What this process holds."""
        tasks = trio.lowlevel.current_statistics().tasks_living
        return Size(resident(), _descriptors(), tasks)

    async def _pour(self, flow: Flow, to: str, size: int) -> None:
        with flow.scope:
            while True:
                try:
                    await self._node.send(f"{to}/{MAILBOX}", self._message(flow, size))
                    flow.sent += 1
                except SendError:
                    flow.refused += 1
                    await trio.sleep(_TRY_AGAIN)

    async def _drip(self, flow: Flow, to: str, size: int, rate: float) -> None:
        """What is refused is lost: the load does not wait."""
        begun, offered = trio.current_time(), 0
        with flow.scope:
            while True:
                while offered < (trio.current_time() - begun) * rate:
                    offered += 1
                    try:
                        self._node.send_nowait(f"{to}/{MAILBOX}", self._message(flow, size))
                        flow.sent += 1
                    except (SendError, WouldBlock):
                        flow.refused += 1
                    if offered % _BETWEEN_YIELDS == 0:
                        await trio.lowlevel.checkpoint()
                await trio.sleep(_TRY_AGAIN)

    def _message(self, flow: Flow, size: int) -> list[Any]:
        me, number = self._node.name, flow.sent + 1
        return [me, number, time.monotonic(), content(me, number, size)]

    async def _check(self) -> NoReturn:
        account = self._account
        async with self._node.open_mailbox(MAILBOX) as box:
            while True:
                for number, message in enumerate(await box.receive_batch(), 1):
                    account.take(message)
                    if self._burden:
                        _work(self._burden)
                    if number % _BETWEEN_YIELDS == 0:
                        await trio.lowlevel.checkpoint()

    async def _look_around(self) -> None:
        async with self._node.open_events() as events:
            async for notice in events:
                if isinstance(notice, PeerRefused):
                    self._see(notice, notice.remote, f"{notice.code}: {notice.error}")
                elif isinstance(notice, ChannelDown | DialRefused):
                    self._see(notice, notice.peer.name, notice.error)
                elif isinstance(notice, NeighbourDown):
                    self._see(notice, notice.peer.name, notice.reason)
                elif isinstance(notice, NeighbourUp | PeerSuspected | PeerTrusted):
                    self._see(notice, notice.peer.name, "")

    def _see(self, notice: object, peer: str, why: str) -> None:
        self._sights.append(Sight(time.monotonic(), type(notice).__name__, peer, why))


if __name__ == "__main__":
    trio.run(main, msgspec.json.decode(sys.argv[1]), Inhabitant)
