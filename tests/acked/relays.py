"""The two ends of a session with a relay between them that does what it likes: drops, doubles, delays, mixes up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import Any, cast

import trio

from partisan_core.config.model import ChannelConfig
from partisan_core.drops import DropReason
from partisan_core.identity import NodeSpec
from partisan_core.kernel.channels import Channel
from partisan_core.kernel.inbound import Inbounds
from partisan_core.kernel.lane import Lane, Room
from partisan_core.kernel.outbound import Outbound
from partisan_core.kernel.timers import Timers
from partisan_core.mailboxes import Feeder
from partisan_core.policies.block import Block
from partisan_core.wire.frames import Frame, FrameReader, Kind
from partisan_core.wire.relaying import Letter, decode_standing, encode_standing
from tests.core.kernel.parts import plain

ALPHA = NodeSpec("alpha", 7, 70)
LIMIT = 2**20
_NOBODY = cast("Feeder", None)
"""Nobody receives from a mailbox here."""


class Two:
    """Alpha sends through the relay, and beta keeps what it got. The parts of a letter are its token and its frame."""

    def __init__(self, seed: int, nursery: trio.Nursery, *, bad: float) -> None:
        self.rng, self.nursery = Random(seed), nursery
        self.drop, self.double, self.late = bad, bad, bad
        self.timers = Timers()
        self.got: list[Any] = []
        self.lost: list[int] = []
        """Sizes of what the sender was told to be unknown."""
        self.refused = 0
        self.channel = Channel(
            "default",
            ChannelConfig(),
            Block(),
            "plain",
            plain.make(None),
            self._deliver,
            2**16,
            self._drop,
            self.timers.call_later,
            self.rng,
        )
        self._on_its_way = trio.lowlevel.ParkingLot()
        self.forget()
        self.there: list[tuple[int, bytes]] = []
        self.back: list[tuple[int, bytes]] = []
        self.outbound = Outbound(self.channel, 0, self, nursery)

    def begin_anew(self) -> None:
        """Alpha gives up what it had, and begins a new lane; letters of the old one are still on their way."""
        self.outbound.end()
        self.outbound = Outbound(self.channel, 0, self, self.nursery)

    def forget(self) -> None:
        """Beta forgets whom it heard."""
        self.inbounds = Inbounds(self, LIMIT, LIMIT, self.rng)

    async def post(self, outbound: Outbound, frame: bytes) -> None:
        await trio.lowlevel.checkpoint()
        self.post_nowait(outbound, frame)

    def post_nowait(self, outbound: Outbound, frame: bytes) -> None:
        self._pass(self.there, outbound.lane.session.token, frame)

    def on_gap(self, peer: NodeSpec, lane: Lane, lost: int | None) -> None:
        assert lost is not None

    def on_letters(self, channel: Channel, peer: NodeSpec, letters: list[Letter], feeder: Feeder) -> Room | None:
        raise AssertionError("letters do not go in letters")

    async def run(self) -> None:
        """Deliver letters, any of those under way, one after the other."""
        while True:
            if not (self.there or self.back):
                await self._on_its_way.park()
            await trio.sleep(0.001)
            for line, take in ((self.there, self._take), (self.back, self._take_answer)):
                if line:
                    token, data = line.pop(self.rng.randrange(min(4, len(line))))
                    (frame,) = FrameReader(LIMIT).feed(data)
                    take(token, frame)

    def _pass(self, line: list[tuple[int, bytes]], token: int, frame: bytes) -> None:
        if self.rng.random() >= self.drop:
            letters, is_late = [(token, frame)] * (1 + (self.rng.random() < self.double)), self.rng.random() < self.late
            if self.rng.random() < self.late:
                self.timers.call_later(self.rng.uniform(0.1, 5), lambda: self._put(line, letters[:1]))
            if not is_late:
                self._put(line, letters)

    def _put(self, line: list[tuple[int, bytes]], letters: list[tuple[int, bytes]]) -> None:
        line += letters
        self._on_its_way.unpark_all()

    def _take(self, token: int, frame: Frame) -> None:
        if frame.kind == Kind.PROOF:
            token, standing = self.inbounds.stand(ALPHA, self.channel, 0, token)
            self._pass(self.back, token, encode_standing(frame.number, standing))
        else:
            answer = partial(self._pass, self.back, token)
            self.refused += not self.inbounds.take(ALPHA, self.channel, 0, token, frame, _NOBODY, answer)[0]
            self.inbounds.acknowledge()

    def _take_answer(self, token: int, frame: Frame) -> None:
        outbound = self.outbound
        if frame.kind != Kind.WELCOME:
            outbound.on_receipt(token, frame)
        elif frame.number == outbound.question:
            losses = outbound.on_standing(token, decode_standing(frame.body))
            if losses.unknown:
                self.lost.append(losses.unknown)
                outbound.lane.lose_sent("the other end has forgotten it")

    def _deliver(self, peer: NodeSpec, batch: list[tuple[str, Any]], feeder: Feeder | None) -> None:
        self.got += [message for _, message in batch]

    def _drop(self, reason: DropReason, count: int) -> None:
        pass


@asynccontextmanager
async def two(seed: int, *, bad: float = 0.2) -> AsyncIterator[Two]:
    """Both ends, at work."""
    async with trio.open_nursery() as nursery:
        ends = Two(seed, nursery, bad=bad)
        nursery.start_soon(ends.timers.run)
        nursery.start_soon(ends.run)
        yield ends
        nursery.cancel_scope.cancel()
