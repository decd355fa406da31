"""A transport that drops and doubles whole frames as they are written, by a seed, and cuts connections at will."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import ClassVar

import msgspec
import trio

from partisan_core import Node
from partisan_core.errors import Undelivered as UndeliveredError
from partisan_core.identity import Address
from partisan_core.kernel.receipts import Receipt
from partisan_core.kinds import Listener, Transport, TransportPlugin, Wire
from partisan_core.transports.memory import MemoryNetwork
from partisan_core.wire.checksums import CRC32
from partisan_core.wire.frames import FRAME_OVERHEAD, HEADER, HEADER_SIZE, Kind
from partisan_core.wire.messages import Hello
from tests.core.kernel.nodes import link, opened

_PATIENCE = 600.0
"""Virtual seconds that a receipt may take."""

MEDDLED = frozenset(map(int, (Kind.DATA, Kind.RELAY, Kind.ACK, Kind.AGAIN, Kind.PING, Kind.PONG)))
"""Kinds of frame that are dropped and doubled: what a connection outlives."""

_hello = msgspec.msgpack.Decoder(Hello)

CRC32_ONLY = {"checksum": CRC32}
"""For `[links]`: the length of a frame is then known here."""


class LossyNetwork:
    """Wraps a transport. Its knobs may be turned at any time."""

    _names = count()
    known: ClassVar["dict[str, LossyNetwork]"] = {}

    def __init__(self, inner: Transport, seed: int) -> None:
        self.name = f"lossy-{next(self._names)}"
        self.known[self.name] = self
        self.inner, self.rng = inner, random.Random(seed)
        self.drop = self.double = 0.0
        """The part of the frames that are."""
        self.kinds = MEDDLED
        self.dropped = self.doubled = 0
        self.meddled = 0
        """Frames of the kinds that are."""
        self.lose_only: int | None = None
        """Drop no frame but the one of that number, from when this was set."""
        self.written: Counter[int] = Counter()
        """Frames by kind, before any is dropped or doubled."""
        self.mute_welcomes = 0
        """So many of the next welcomes of the channel `default` are lost, with all that follows on their wires."""
        self.wires: set[LossyWire] = set()

    @property
    def section(self) -> dict[str, str]:
        """`[transport]` of the nodes on it."""
        return {"use": "tests.acked.lossy:lossy", "network": self.name}

    async def listen(self, address: Address) -> Listener:
        return LossyListener(await self.inner.listen(address), self)

    async def dial(self, address: Address) -> Wire:
        return LossyWire(await self.inner.dial(address), self)

    def cut(self) -> None:
        """Break every connection, at both ends."""
        for wire in list(self.wires):
            wire.close()

    def loses_welcome(self, channel: str) -> bool:
        """Whether the wire on which one is written goes silent."""
        is_lost = channel == "default" and self.mute_welcomes > 0
        self.mute_welcomes -= is_lost
        return is_lost

    def copies(self, kind: int) -> int:
        """How often a frame of that kind is written."""
        self.written[kind] += 1
        if kind not in self.kinds:
            return 1
        if self.lose_only is not None:
            self.meddled += 1
            return int(self.meddled - 1 != self.lose_only)
        if self.rng.random() < self.drop:
            self.dropped += 1
            return 0
        is_doubled = self.rng.random() < self.double
        self.doubled += is_doubled
        return 1 + is_doubled


class LossyListener:
    """Accepts wires that lose frames."""

    def __init__(self, inner: Listener, network: LossyNetwork) -> None:
        self._inner, self._network = inner, network
        self.address = inner.address

    async def accept(self) -> Wire:
        return LossyWire(await self._inner.accept(), self._network)

    def close(self) -> None:
        self._inner.close()


class LossyWire:
    """Cuts what is written into frames, and passes on whole ones."""

    def __init__(self, inner: Wire, network: LossyNetwork) -> None:
        self._inner, self._network = inner, network
        self._begun, self._due = bytearray(), bytearray()
        self._channel, self._is_mute = "", False
        self.remote = inner.remote
        self.try_recv_into = inner.try_recv_into
        self.wait_readable, self.wait_writable = inner.wait_readable, inner.wait_writable
        self.interrupt = inner.interrupt
        network.wires.add(self)

    def try_send(self, data: bytes | bytearray | memoryview) -> int:
        """Take it; but while the inner wire takes no more, all but the last byte: so that the writer comes back."""
        self._flush()
        if self._due and len(data) == 1:
            raise BlockingIOError
        taken = len(data) - bool(self._due)
        self._begun += data[:taken]
        self._cut()
        self._flush()
        return taken

    def close(self) -> None:
        self._network.wires.discard(self)
        self._inner.close()

    def _cut(self) -> None:
        while len(self._begun) >= HEADER_SIZE:
            length, kind, *_ = HEADER.unpack_from(self._begun)
            if len(self._begun) < length + FRAME_OVERHEAD:
                return
            if kind == Kind.HELLO:
                self._channel = _hello.decode(self._begun[HEADER_SIZE : HEADER_SIZE + length]).channel
            if kind == Kind.WELCOME:
                self._is_mute = self._network.loses_welcome(self._channel)
            if not self._is_mute:
                self._due += self._begun[: length + FRAME_OVERHEAD] * self._network.copies(kind)
            del self._begun[: length + FRAME_OVERHEAD]

    def _flush(self) -> None:
        while self._due:
            try:
                del self._due[: self._inner.try_send(self._due)]
            except BlockingIOError:
                return


@dataclass(frozen=True, slots=True, kw_only=True)
class LossyOptions:
    """Which network."""

    network: str


lossy = TransportPlugin(make=lambda options: LossyNetwork.known[options.network], config=LossyOptions, private=True)


async def cut_every(network: LossyNetwork, seconds: float) -> None:
    """Break all connections, again and again."""
    while True:
        await trio.sleep(seconds)
        network.cut()


@asynccontextmanager
async def lossy_pair(
    seed: int, *, lost_welcomes: int = 0, always_lost: frozenset[int] | None = None, **sections: object
) -> AsyncIterator[tuple[Node, Node, LossyNetwork]]:
    """Alpha and beta in memory, beta joined to alpha, linked both ways."""
    network = LossyNetwork(MemoryNetwork(), seed)
    network.mute_welcomes = lost_welcomes
    if always_lost is not None:
        network.kinds, network.drop = always_lost, 1.0
    common = {"transport": network.section, "links": CRC32_ONLY} | sections
    async with opened("alpha", **common) as alpha, opened("beta", **common) as beta:
        await link(beta, alpha)
        yield alpha, beta, network


async def outcome(receipt: Receipt) -> bool | None:
    """None: delivered. Otherwise whether it was sent."""
    try:
        with trio.fail_after(_PATIENCE):
            await receipt
    except UndeliveredError as error:
        return error.is_sent
    return None
