"""One authenticated connection: a reader and a writer over a wire, in the service of one lane."""

import contextlib
from collections.abc import Callable
from typing import Protocol

import msgspec
import trio

from partisan_core.errors import FrameError, WireError
from partisan_core.events import Reason
from partisan_core.identity import NodeSpec
from partisan_core.kernel.channels import Channel
from partisan_core.kernel.lane import Lane
from partisan_core.kernel.pings import Pings
from partisan_core.kernel.writer import Writer
from partisan_core.kinds import Wire
from partisan_core.mailboxes import Mailbox
from partisan_core.wire.batch import split_data
from partisan_core.wire.control import Goodbye, Interest, decode_control, encode_control
from partisan_core.wire.frames import Frame, FrameReader, Kind, encode_frame

DECODE_ERRORS = (
    msgspec.DecodeError,
    UnicodeDecodeError,
    RecursionError,
    MemoryError,
    OverflowError,
    ValueError,
    TypeError,
)
"""What decoding a peer's bytes may raise (reliability reference 4.2); anything else is a bug of ours and loud."""

_DATA = int(Kind.DATA)

READ_BYTES = 256 * 1024
"""One read buffer per node, a few frames long (chosen)."""

_DRAIN_READS = 32
"""Reads of a connection that is given up: 8 MiB, more than a socket holds; a peer may not write for ever (chosen)."""

_CONTROL_LIMIT = 1000
"""Answers to pings that wait to be written (chosen: a node of ours asks once a second)."""


class Owner(Protocol):
    """Who is told what happens on a connection."""

    def on_interest(self, connection: "Connection", wanted: bool) -> None:
        """The peer says whether it wants the link."""

    def on_gap(self, peer: NodeSpec, lane: Lane, lost: int) -> None:
        """Messages of the peer were lost between two connections of a session."""

    def on_ended(self, connection: "Connection") -> None:
        """It is over; `farewell` or `error` says why."""


class Connection:
    """Owns a wire from the end of the handshake to its close."""

    def __init__(
        self,
        wire: Wire,
        peer: NodeSpec,
        lane: Lane,
        channel: Channel,
        owner: Owner,
        *,
        dialled: bool,
        buffer: memoryview,
        max_body: int,
    ) -> None:
        self.wire, self.peer, self.lane = wire, peer, lane
        self.dialled = dialled
        self.since = trio.current_time()
        self.farewell: Reason | None = None
        """Why the peer ended it, by its own word."""
        self.error: str | None = None
        """Why it broke."""
        self.heard = True
        self.paused = False
        self.frames_in = self.bytes_in = 0
        self._channel, self._owner = channel, owner
        self._buffer = buffer
        self._reader = FrameReader(max_body)
        self._writer = Writer(wire, lane, channel, self)
        self._said_goodbye = False
        self.ended = trio.Event()
        self._pings = Pings()
        self._closed = False
        self._scope = trio.CancelScope()
        lane.carrier = self
        lane.set_kick(None)

    # -- what others ask for ------------------------------------------------------------------------------------

    def control(self, message: Interest | Goodbye) -> None:
        """Queue a control message; it goes before the lane's messages."""
        self._writer.put_control(encode_frame(Kind.CONTROL, encode_control(message)))

    def ping(self, answered: Callable[[float], None]) -> None:
        """Send a ping; `answered(rtt)` is called with the seconds until its pong, or never."""
        self._writer.put_control(encode_frame(Kind.PING, b"", self._pings.begin(answered)))

    def finish(self, reason: Reason) -> None:
        """Write what is queued, say goodbye, and end when the peer has read it all."""
        if not self._writer.is_ending:
            self._writer.end(encode_frame(Kind.CONTROL, encode_control(Goodbye(reason))), self._after_goodbye)

    def close(self, why: str) -> None:
        """Break it now. Idempotent."""
        if not self._closed:
            self._closed = True
            self.error = self.error or why
            self.wire.close()
            self._scope.cancel()

    def replace(self) -> None:
        """A newer connection of this lane takes over: take in what has arrived, then break.

        But not into a full mailbox: a peer that connects again and again would fill it without bound.
        """
        if not self.paused:
            self.drain_nowait()
        self.close("replaced by a newer connection of the same lane")

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
            self.ended.set()
            self._owner.on_ended(self)

    @property
    def rtt(self) -> float:
        """Seconds that the last ping took; not a number before the first."""
        return self._pings.rtt

    @property
    def is_finishing(self) -> bool:
        """True when this end has let it go on purpose."""
        return self._writer.is_ending

    @property
    def frames_out(self) -> int:
        """Data frames written."""
        return self._writer.frames_out

    @property
    def bytes_out(self) -> int:
        """Bytes written."""
        return self._writer.bytes_out

    async def _read_until_over(self) -> None:
        try:
            await self._read()
        except (OSError, trio.ClosedResourceError, trio.BrokenResourceError) as error:
            self.close(f"broken: {error or type(error).__name__}")
        except WireError as error:
            self.close(f"{type(error).__name__}: {error}")

    async def _write_until_over(self) -> None:
        try:
            await self._writer.run()
        except (OSError, trio.ClosedResourceError, trio.BrokenResourceError) as error:
            self.error = self.error or f"broken: {error or type(error).__name__}"
            # what the peer sent before it went is still to be read: the reader finds the end by itself
            await trio.sleep(1)
            self._scope.cancel()

    # -- reading ------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        wire, buffer = self.wire, self._buffer
        if self.lane.waits_for is not None:
            await self._pause(self.lane.waits_for)
        while True:
            try:
                count = wire.try_recv_into(buffer)
            except BlockingIOError:
                await wire.wait_readable()
                continue
            if count == 0:
                self.close("the peer closed it")
                return
            full = self._take_in(buffer[:count])
            if full is not None:
                await self._pause(full)
            elif count < len(buffer):
                await wire.wait_readable()
            else:
                await trio.lowlevel.checkpoint()

    def drain_nowait(self) -> None:
        """Take in what has already arrived, before the connection is given up.

        Into a buffer of its own: what is read in the common one may be the very reason for giving up.
        """
        buffer = memoryview(bytearray(READ_BYTES))
        with contextlib.suppress(OSError, trio.ClosedResourceError, WireError):
            for _ in range(_DRAIN_READS):
                count = self.wire.try_recv_into(buffer)
                if count == 0:
                    break
                self.lane.waits_for = self._take_in(buffer[:count]) or self.lane.waits_for

    async def _pause(self, full: Mailbox) -> None:
        self.paused, self.lane.waits_for = True, full
        await full.wait_room()
        self.paused, self.lane.waits_for = False, None

    def _take_in(self, data: memoryview) -> Mailbox | None:
        self.heard = True
        self.bytes_in += len(data)
        full = None
        for frame in self._reader.feed(data):
            self.frames_in += 1
            if frame.kind == _DATA:
                full = self._on_data(frame) or full
            else:
                self._on_other(frame)
        if self._reader.error is not None:
            raise self._reader.error
        return full

    def _on_data(self, frame: Frame) -> Mailbox | None:
        count, payload = split_data(frame.body)
        admission = self.lane.session.admit(frame.number, count)
        if admission.gap:
            self._owner.on_gap(self.peer, self.lane, admission.gap)
        if admission.skip == count:
            return None
        try:
            batch = self._channel.codec.decode_batch(payload)
        except DECODE_ERRORS as error:
            raise FrameError(f"a batch of {count} messages cannot be decoded: {type(error).__name__}") from error
        if len(batch) != count:
            raise FrameError(f"a batch said to hold {count} messages holds {len(batch)}")
        return self._channel.deliver(self.peer, batch[admission.skip :] if admission.skip else batch)

    def _on_other(self, frame: Frame) -> None:
        match frame.kind:
            case Kind.PING:
                if self._writer.control_waiting >= _CONTROL_LIMIT:
                    raise FrameError("the peer pings faster than it reads the answers")
                self._writer.put_control(encode_frame(Kind.PONG, b"", frame.number))
            case Kind.PONG:
                self._pings.end(frame.number)
            case Kind.CONTROL:
                self._on_control(frame)
            case _:
                raise FrameError(f"a frame of kind {frame.kind} is not expected after the handshake")

    def _on_control(self, frame: Frame) -> None:
        try:
            message = decode_control(frame.body)
        except DECODE_ERRORS as error:
            raise FrameError("a control frame cannot be decoded") from error
        match message:
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
            self._writer.end(b"", lambda: self.close(f"ended by the peer: {reason}"))

    def _after_goodbye(self) -> None:
        """Ours is written. The peer closes when it has read all: closing first could destroy what is on the way."""
        self._said_goodbye = True
        if self.farewell is not None:
            self.close("ended by both ends")
