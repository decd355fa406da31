"""One authenticated connection: a reader and a writer over a wire, in the service of one lane."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import trio
from msgspec import Struct

from partisan_core.errors import FrameError, WireError
from partisan_core.events import Reason
from partisan_core.interposition import IncomingFilter, OutgoingFilter
from partisan_core.kernel.budget import Budget
from partisan_core.kernel.channels import DECODE_ERRORS, MEMBERSHIP, Channel
from partisan_core.kernel.incoming import CARRIES_MESSAGES, Incoming, Recipient
from partisan_core.kernel.lane import Lane, Room
from partisan_core.kernel.pings import Pings
from partisan_core.kernel.reader import BROKEN, Reader
from partisan_core.kernel.writer import Writer
from partisan_core.kinds import Wire
from partisan_core.wire.checksums import CRC32
from partisan_core.wire.control import (
    Goodbye,
    Interest,
    decode_channels,
    decode_control,
    encode_channels,
    encode_control,
)
from partisan_core.wire.frames import COMPRESSED, Frame, FrameReader, Kind, Trailers, encode_frame
from partisan_core.wire.messages import Hello
from partisan_core.wire.packing import Packing
from partisan_core.wire.session import Losses

_T = TypeVar("_T")

_CONTROL_LIMIT = 1000
"""Answers to pings that wait to be written (chosen: a node of ours asks once a second)."""


class Shaken(Struct):
    """A handshake that ended well: what a connection is made of."""

    wire: Wire
    hello: Hello
    """The peer's."""
    lane: Lane
    losses: Losses
    trailers: Trailers | None
    """What ends its frames; None: the CRC-32."""
    dialled: bool


class Owner(Recipient, Protocol):
    """Who is told what happens on a connection."""

    def on_interest(self, connection: "Connection", wanted: bool) -> None:
        """The peer says whether it wants the link."""

    def on_channels(self, connection: "Connection", channels: Mapping[str, int]) -> None:
        """The peer tells its channels anew."""

    def on_ended(self, connection: "Connection") -> None:
        """It is over; `farewell` or `error` says why."""


class Connection:
    """Owns a wire from the end of the handshake to its close."""

    def __init__(
        self,
        shaken: Shaken,
        channel: Channel,
        packing: Packing,
        owner: Owner,
        buffer: memoryview,
        max_body: int,
        budget: Budget,
    ) -> None:
        wire, lane, trailers = shaken.wire, shaken.lane, shaken.trailers
        self.wire, self.peer, self.lane = wire, shaken.hello.node, lane
        self.dialled = shaken.dialled
        self.checksum = trailers.outgoing.name if trailers else CRC32
        self.since = trio.current_time()
        self.farewell: Reason | None = None
        """Why the peer ended it, by its own word."""
        self.error: str | None = None
        """Why it broke."""
        self.gave_up = False
        self.frames_in = 0
        self.packing = packing
        self._owner = owner
        self.incoming = Incoming(self.peer, lane, channel, packing, owner, max_body, budget)
        frames = FrameReader(max_body, trailers and trailers.incoming)
        self.reader = Reader(wire, lane, self._take_in, buffer=buffer, frames=frames)
        self.writer = Writer(wire, lane, channel, self, trailers and trailers.outgoing, packing)
        self._filter: IncomingFilter | None = None
        self._said_goodbye = False
        self.ended = trio.Event()
        self.pings = Pings()
        self._closed = False
        self._scope = trio.CancelScope()
        lane.begin(self)
        if channel.name == MEMBERSHIP or not shaken.hello.acknowledges:
            lane.session.is_shared = True
        elif self.dialled:  # the accepter waits for it
            self.writer.acknowledge(again=False)

    # -- what others ask for ------------------------------------------------------------------------------------

    def control(self, message: Interest | Goodbye) -> None:
        """Queue a control message; it goes before the lane's messages."""
        self.writer.put_control(encode_frame(Kind.CONTROL, encode_control(message)))

    def tell_channels(self, channels: Mapping[str, int]) -> None:
        """Tell the peer this node's channels anew."""
        self.writer.put_control(encode_channels(channels))

    def wake(self) -> None:
        """There is something to write in transit."""
        self.writer.wake()

    def interpose(self, outgoing: OutgoingFilter | None, incoming: IncomingFilter | None) -> None:
        """Let others decide which frames go and come, from the next one on; see `interposition`."""
        self._filter = incoming
        self.writer.interpose(outgoing)

    def take_late(self, frames: Sequence[Frame]) -> None:
        """Take in what a filter had held back."""
        if not self._closed:
            self.reader.heard = True
            try:
                self.lane.waits_for = self._take_in_now(frames) or self.lane.waits_for
            except WireError as error:
                self.close(f"{type(error).__name__}: {error}")

    def was_heard(self) -> bool:
        """Has the peer, or its system, given a sign of life since this was last asked?"""
        heard = self.reader.heard or self.writer.drained
        self.reader.heard = self.writer.drained = False
        return heard

    def say_alive(self) -> None:
        """Give a sign of life without being asked: a pong of number 0, which is nobody's ping."""
        if not self.writer.control_waiting:
            self.writer.put_control(encode_frame(Kind.PONG, b"", 0))

    def ping(self, answered: Callable[[float], None]) -> None:
        """Send a ping; `answered(rtt)` is called with the seconds until its pong, or never."""
        self.writer.put_control(encode_frame(Kind.PING, b"", self.pings.begin(answered)))

    def finish(self, reason: Reason) -> None:
        """Write what is queued, say goodbye, and end when the peer has read it all."""
        if not self.writer.is_ending:
            self.writer.end(encode_frame(Kind.CONTROL, encode_control(Goodbye(reason))), self._after_goodbye)

    def close(self, why: str) -> None:
        """Break it now. Idempotent."""
        if not self._closed:
            self._closed = True
            self.error = self.error or why
            self.wire.close()
            self._scope.cancel()

    def abort(self, why: str) -> None:
        """Break it so that the other end hears of it at once, where the wire can: it may hear us, as we do not it."""
        getattr(self.wire, "abort", self.wire.close)()
        self.close(why)

    def give_up(self, why: str) -> None:
        """Break it, because the peer is too slow for it."""
        self.gave_up = True
        self.close(why)

    def replace(self) -> None:
        """A newer connection of this lane takes over."""
        self.drain_and_close("replaced by a newer connection of the same lane")

    def drain_and_close(self, why: str) -> None:
        """Take in what has arrived, then break.

        But not into a full mailbox: a peer that connects again and again would fill it without bound.
        """
        if not self.reader.paused:
            self.reader.drain_nowait()
        self.close(why)

    # -- running ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Read and write until it is over; then tell the owner."""
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write_until_over)
                    await self._read_until_over()
                    self._scope.cancel()
        finally:
            if self.lane.carrier is self:
                self.lane.carrier = None
                self.lane.set_kick(None)
            self.close("the node is closing")
            self.incoming.end()
            self.ended.set()
            self._owner.on_ended(self)

    @property
    def channel(self) -> str:
        """Whose messages it carries."""
        return self.lane.channel

    @property
    def paused(self) -> bool:
        """True while a full mailbox keeps it from being read."""
        return self.reader.paused

    async def _read_until_over(self) -> None:
        try:
            await self.reader.run()
        except BROKEN as error:
            self.close(f"broken: {error or type(error).__name__}")
        except WireError as error:
            self.close(f"{type(error).__name__}: {error}")
        else:
            self.close("the peer closed it")

    async def _write_until_over(self) -> None:
        try:
            await self.writer.run()
        except BROKEN as error:
            self.error = self.error or f"broken: {error or type(error).__name__}"
            # what the peer sent before it went is still to be read: the reader finds the end by itself
            await trio.sleep(1)
            self._scope.cancel()

    # -- what arrives -------------------------------------------------------------------------------------------

    def _take_in(self, frames: list[Frame]) -> Room | None:
        if self._filter is None:
            return self._take_in_now(frames)
        passed = self._filter.pass_on(frames)
        self.reader.heard = bool(passed)
        return self._take_in_now(passed) or (self._filter if self._filter.is_full else None)

    def _take_in_now(self, frames: Sequence[Frame]) -> Room | None:
        full: Room | None = None
        self.frames_in += len(frames)
        if not self.lane.session.is_shared and frames:  # who writes has adopted it
            self.lane.session.is_shared = True
            self.writer.wake()
        for frame in frames:
            if frame.kind in CARRIES_MESSAGES:
                full = self.incoming.take(frame, self.reader) or full
            else:
                self._on_other(frame)
        if self.incoming.is_owing:
            self._acknowledge()
        return full

    def _acknowledge(self) -> None:
        self.writer.acknowledge(again=self.incoming.is_missing)
        self.incoming.is_owing = self.incoming.is_missing = False

    def _on_other(self, frame: Frame) -> None:
        if frame.flags & COMPRESSED:
            raise FrameError(f"a frame of kind {frame.kind} is said to be compressed, which only messages can be")
        match frame.kind:
            case Kind.PING:
                if self.writer.control_waiting >= _CONTROL_LIMIT:
                    raise FrameError("the peer pings faster than it reads the answers")
                if self.incoming.is_owing:  # the pong says that all before it has been read: not without the other word
                    self._acknowledge()
                self.writer.put_control(encode_frame(Kind.PONG, b"", frame.number))
            case Kind.PONG:
                self.pings.end(frame.number)
            case Kind.ACK | Kind.AGAIN:
                self._on_acknowledgement(frame)
            case Kind.CONTROL:
                self._on_control(frame)
            case Kind.CHANNELS:
                self._owner.on_channels(self, _read(decode_channels, frame))
            case _:
                raise FrameError(f"a frame of kind {frame.kind} is not expected after the handshake")

    def _on_acknowledgement(self, frame: Frame) -> None:
        lane, is_again = self.lane, frame.kind == Kind.AGAIN
        was_shut = lane.is_shut
        lane.confirm(frame.number)
        if is_again:
            lane.session.outbox.rewind()
        if was_shut or is_again or self.writer.is_ending:
            self.writer.wake()

    def _on_control(self, frame: Frame) -> None:
        match _read(decode_control, frame):
            case Interest(wanted=wanted):
                self._owner.on_interest(self, wanted)
            case Goodbye(reason=reason):
                self._on_goodbye(reason)

    def _on_goodbye(self, reason: Reason) -> None:
        """The peer wrote its last frame: write ours, then close, so that neither end destroys what is on the way."""
        self.farewell = reason
        if self._said_goodbye:
            self.close("ended by both ends")
        else:
            self.writer.end(b"", lambda: self.close(f"ended by the peer: {reason}"))

    def _after_goodbye(self) -> None:
        """Ours is written. The peer closes when it has read all: closing first could destroy what is on the way."""
        self._said_goodbye = True
        if self.farewell is not None:
            self.close("ended by both ends")


def _read(decode: Callable[[memoryview], _T], frame: Frame) -> _T:
    try:
        return decode(frame.body)
    except DECODE_ERRORS as error:
        raise FrameError(f"a {Kind(frame.kind).name.lower()} frame cannot be decoded") from error
