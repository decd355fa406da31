"""The sender's ends of sessions to nodes without a link: what is to be acknowledged goes in frames, frames in letters.

A lane to such a node is one as to any other: its queue, session and outbox are those of `Lane`. Only its carrier is no
connection, but whoever is the relay at the moment; should there be a link one day, the session goes on over that. So
it outlives links, and relays. What they lose, double or pass on late is the session's to mend, as on a connection.

The receiver's end is begun, and asked how it stands, by questions (see `wire.relaying`), with a number that nobody off
the way can guess. They take the place of a handshake, and of the pings of `resending`: what is not acknowledged when
the answer comes is lost.
"""

from collections.abc import Callable
from typing import Protocol

import trio

from partisan_core.errors import SendError
from partisan_core.kernel._links import Backoff
from partisan_core.kernel.channels import Channel
from partisan_core.kernel.lane import Lane
from partisan_core.kernel.resending import FIRST_LOOK, LAST_LOOK
from partisan_core.wire.batch import encode_data
from partisan_core.wire.frames import Frame, Kind
from partisan_core.wire.messages import Welcome
from partisan_core.wire.relaying import Standing, encode_question
from partisan_core.wire.session import Losses

_NEVER = 2**62
"""Bytes of a message that would be cut into slices: of a letter, the links on its way do that."""

_NOTHING_LOST = Losses(0, 0)


class Courier(Protocol):
    """Who takes frames to the other end."""

    async def post(self, outbound: "Outbound", frame: bytes) -> None:
        """Send a frame, waiting for room; raises `SendError` when there is no way."""

    def post_nowait(self, outbound: "Outbound", frame: bytes) -> None:
        """The same without waiting: what finds no way or no room is dropped."""


class Outbound:
    """One lane to one life of a node; in the eyes of the lane, its connection."""

    dialled = True

    def __init__(self, channel: Channel, index: int, courier: Courier, nursery: trio.Nursery) -> None:
        self.channel, self.index = channel, index
        self.question = 0
        """The number of the one that was asked last, and is not answered; 0: there is none."""
        self._courier, self._nursery = courier, nursery
        self._answered: Callable[[float], None] = lambda rtt: None
        self._is_writing = self._is_over = False
        self._backoff = Backoff(FIRST_LOOK, LAST_LOOK, channel.rng)
        self.lane = self._begin(0)
        self._knock()

    @property
    def is_settled(self) -> bool:
        """Nothing waits in it, nor to be acknowledged, nor for room."""
        return self.lane.is_settled and not self.lane.senders

    def end(self) -> None:
        """The other end is down, or of no more use."""
        self._is_over = True

    # -- what the other end says --------------------------------------------------------------------------------

    def on_standing(self, token: int, standing: Standing) -> Losses:
        """The answer to the question. Returns what was lost, if the other end knows of nothing, and begins anew.

        Raises:
            FrameError: it has what was never sent. Nothing has changed.
        """
        session, losses = self.lane.session, _NOTHING_LOST
        if token == session.token:
            self.lane.confirm(standing.received)
            self._answered(0.0)
        else:
            if not session.is_shared:
                self._narrow(standing.max_message)
            losses = self.lane.session.adopt(Welcome(token, 0, resumed=False))
        self.question = 0
        self.wake()
        return losses

    def on_receipt(self, token: int, frame: Frame) -> bool:
        """An acknowledgement; returns whether it is of this session.

        Raises:
            FrameError: of what was never sent. Nothing has changed.
        """
        if token != self.lane.session.token or not token:
            return False
        self.lane.confirm(frame.number)
        if frame.kind == Kind.AGAIN:
            self.lane.session.outbox.rewind()
        self.wake()
        return True

    # -- the carrier of its lane --------------------------------------------------------------------------------

    def ping(self, answered: Callable[[float], None]) -> None:
        """Ask how the other end stands; `answered` is called when it has read all that was sent before, or never."""
        if not self._is_over:
            self.question, self._answered = self.channel.rng.randrange(1, 2**63), answered
            self._courier.post_nowait(self, encode_question(self.question))

    def give_up(self, why: str) -> None:
        """No policy that goes with acknowledgements finds a peer too slow."""

    def replace(self) -> None:
        """Nothing takes over from it."""

    def wake(self) -> None:
        """There may be something to write."""
        if self._has_something and not (self._is_writing or self._is_over):
            self._is_writing = True
            self._nursery.start_soon(self._write)

    # -- inside -------------------------------------------------------------------------------------------------

    def _begin(self, max_message: int) -> Lane:
        lane = self.channel.open_lane(self.index, max_message)
        lane.carrier, lane.large_from = self, _NEVER
        lane.set_kick(self.wake)
        return lane

    def _narrow(self, max_message: int) -> None:
        """What waited for the first answer goes on in batches that the other end takes."""
        before, self.lane = self.lane, self._begin(max_message)
        self.lane.take_over(before, max_message)

    def _knock(self) -> None:
        """Ask until the session has begun."""
        if not (self._is_over or self.lane.session.is_shared):
            self.ping(lambda rtt: None)
            self.channel.call_later(self._backoff.next(), self._knock)

    @property
    def _has_something(self) -> bool:
        return self.lane.session.outbox.is_behind or (self.lane.is_ready and not self.lane.is_shut)

    async def _write(self) -> None:
        try:
            while self._has_something and not self._is_over:
                await self._courier.post(self, self._next_frame())
        except SendError:
            pass  # there is no way now: whatever was to go is behind a question, until one is answered
        finally:
            self._is_writing = False

    def _next_frame(self) -> bytes:
        lane, outbox = self.lane, self.lane.session.outbox
        if outbox.is_behind:
            kept, after = outbox.take_again()
            return encode_data(kept.first, kept.messages, kept.content, after=after)
        pieces = lane.take()
        content = self.channel.codec.join(pieces)
        first, previous = lane.number(lane, len(pieces), content)
        return encode_data(first, len(pieces), content, after=previous)
