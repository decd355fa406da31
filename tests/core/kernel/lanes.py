"""A memory network that knows for which channel each connection is, so that a test can shut one; and its nodes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import trio

from partisan_core import Mailbox, Node
from partisan_core.identity import Address
from partisan_core.kinds import Wire
from partisan_core.transports.memory import MemoryNetwork
from partisan_core.wire.frames import FrameReader
from partisan_core.wire.limits import PREAUTH_BODY
from partisan_core.wire.messages import Hello
from tests.core.kernel.frail import FrailNetwork, FrailWire
from tests.core.kernel.nodes import link, opened, until

A_WHILE = 5.0
"""Seconds of virtual time in which whatever can arrive has arrived."""

_hello = msgspec.msgpack.Decoder(Hello)


class LaneWire(FrailWire):
    """The dialler's end, whose first frame says for which channel it is."""

    channel = ""

    def __init__(self, wire: Wire, network: "LaneNetwork") -> None:
        super().__init__(wire)
        self._network = network

    def try_send(self, data: bytes | bytearray | memoryview) -> int:
        if not self.channel:
            (frame,) = FrameReader(PREAUTH_BODY).feed(bytes(data))
            self.channel = _hello.decode(frame.body).channel
            if self.channel in self._network.shut:
                raise OSError("this lane is shut")
        return super().try_send(data)


class LaneNetwork(FrailNetwork):
    """For `frail.frail`, as its parent."""

    def __init__(self) -> None:
        super().__init__()
        self.shut: set[str] = set()
        """The channels that get no new connection."""
        self._lanes: list[LaneWire] = []

    async def dial(self, address: Address) -> Wire:
        wire = LaneWire(await MemoryNetwork.dial(self, address), self)
        self._lanes.append(wire)
        return wire

    def lanes(self, channel: str) -> list[LaneWire]:
        """The connections of that channel that are not closed."""
        self._lanes = [wire for wire in self._lanes if not wire.closed]
        return [wire for wire in self._lanes if wire.channel == channel]

    def cut_lanes(self, channel: str) -> None:
        """Break the connections of that channel, at both ends."""
        for wire in self.lanes(channel):
            wire.silent = False
            wire.close()

    def calm(self) -> None:
        """From now on all goes well. What was silent for a while has lost bytes and would break at any time."""
        self.shut.clear()
        for channel in {wire.channel for wire in self._lanes}:
            self.cut_lanes(channel)


@asynccontextmanager
async def couple(
    fallback: str = "default", *, shut: bool = False, theirs: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[LaneNetwork, Node, Node]]:
    """Alpha and beta, with a channel `orders`, which beta, the dialler, cannot connect as long as it is shut."""
    network = LaneNetwork()
    transport = {"use": "tests.core.kernel.frail:frail", "network": network.name}
    ours = {"orders": {"fallback": fallback} | options}
    if shut:
        network.shut.add("orders")
    async with (
        opened("alpha", transport=transport, channels=ours if theirs is None else theirs) as alpha,
        opened("beta", transport=transport, channels=ours) as beta,
    ):
        await link(beta, alpha)
        await until(lambda: len(network.lanes("default")) == 1)
        if not shut:
            await until(lambda: beta.is_fully_connected("alpha"))
        yield network, alpha, beta


async def lose(network: LaneNetwork, *nodes: Node) -> None:
    """Cut the lanes of `orders`, and let nobody connect them again."""
    network.shut.add("orders")
    network.cut_lanes("orders")
    await until(lambda: not any(is_connected(node) for node in nodes))


async def mend(network: LaneNetwork, *nodes: Node) -> None:
    network.shut.clear()
    await until(lambda: all(is_connected(node) for node in nodes))


def is_connected(node: Node, channel: str = "orders") -> bool:
    return any(row.state == "connected" for row in node.connections() if row.channel == channel)


def sent_over(node: Node, channel: str) -> int:
    return next(row.messages_out for row in node.channels() if row.channel == channel)


async def received(box: Mailbox, count: int) -> list[Any]:
    messages: list[Any] = []
    with trio.fail_after(60):
        while len(messages) < count:
            messages += await box.receive_batch()
    return messages
