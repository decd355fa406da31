"""The reading half of a connection: waits for bytes, cuts them into frames, pauses while a mailbox is full.

Leader and follower: a receiver whose mailbox is empty may lead, that is wait for the bytes and take them in within its
own task. A lone message then costs one turn of trio's loop, as on a bare socket, and not two (decision 0003). The
reader's own task follows: it parks while somebody leads and goes on when nobody does.
"""

import contextlib
from collections.abc import Callable

import trio

from partisan_core.errors import WireError
from partisan_core.kernel.lane import Lane, Room
from partisan_core.kinds import Wire
from partisan_core.wire.frames import Frame, FrameReader

READ_BYTES = 256 * 1024
"""Bytes read at once: a few frames of small messages (chosen; others wait while thousands of them are decoded)."""

READ_BYTES_LARGE = 1024 * 1024
"""The same while large frames arrive. Measured: with 256 KiB most slices of large messages are split between two reads,
and copied once more; receiving messages of 512 KiB took about twice the processor time."""

_LARGE_FRAME = 64 * 1024
"""Bytes of a large frame, on the average of one read (chosen: the writer's batches of small messages end there)."""

_BUFFER: trio.lowlevel.RunVar[memoryview] = trio.lowlevel.RunVar("partisan_core.kernel.reader")

_LOOKS = 8
"""How often a receiver in conversation looks for the answer, a turn of the loop apart, before the process may sleep.
Measured: some 70 µs altogether, about what waking a sleeping process costs (decision 0035)."""

_LUCK = 16
"""Answers that must have come too late, more than came in time, until nobody looks any more (chosen)."""

_TRY_AGAIN = 64
"""Waits until one looks again whether answers come in time by now (chosen)."""

_LONE = 1024
"""Bytes of what may be the one small message of a conversation (chosen)."""

_DRAIN_READS = 32
"""Reads of a connection that is given up: 8 MiB, more than a socket holds; a peer may not write for ever (chosen)."""

BROKEN = (OSError, trio.ClosedResourceError, trio.BrokenResourceError)
"""What a wire raises when it is of no more use."""


def common_buffer() -> memoryview:
    """The read buffer of all nodes that run in this trio loop: nothing awaits between reading into it and parsing."""
    try:
        return _BUFFER.get()
    except LookupError:
        buffer = memoryview(bytearray(READ_BYTES_LARGE))
        _BUFFER.set(buffer)
        return buffer


class Reader:
    """Reads one connection for its lane, in its own task or in that of a receiver that leads."""

    def __init__(
        self,
        wire: Wire,
        lane: Lane,
        take_in: Callable[[list[Frame]], Room | None],
        *,
        buffer: memoryview,
        frames: FrameReader,
    ) -> None:
        self.bytes_in = 0
        self.heard = True
        """Something was read since this was last set to false."""
        self._wire, self._lane, self._take_in = wire, lane, take_in
        self._buffer = buffer
        self._small = buffer[:READ_BYTES]
        self._has_large_frames = False
        """By the last read."""
        self._frames = frames
        self._is_led = False
        self._leader_waits = self._reader_waits = self._is_interrupted = False
        self._is_conversation = False
        """The last read brought a single small frame."""
        self._luck, self._waits = _LUCK, 0
        self._follower: trio.lowlevel.Task | None = None
        self._error: Exception | None = None
        self._over = False

    async def run(self) -> None:
        """Read until the peer closes the connection.

        Raises:
            OSError, trio.ClosedResourceError: the wire broke.
            WireError: what arrived is not what a peer may send.
        """
        try:
            while not self._over:
                await self._turn()
        finally:
            self._over = True

    async def _turn(self) -> None:
        if self._is_led:
            await self._follow()
        elif self._error is not None:
            raise self._error
        elif self._lane.waits_for is not None:
            await self._pause(self._lane.waits_for)
        else:
            try:
                more = self._read()
            except BlockingIOError:
                more = False
            if self._over or self._lane.waits_for is not None:
                return
            if more:
                await trio.lowlevel.checkpoint()
            else:
                await self._wait()

    async def _wait(self) -> None:
        self._reader_waits = True
        try:
            await self._wire.wait_readable()
        finally:
            self._reader_waits = False

    @property
    def paused(self) -> bool:
        """True while a full mailbox keeps it from reading, from the moment when that filled up."""
        return self._lane.waits_for is not None

    # -- leading ------------------------------------------------------------------------------------------------

    @property
    def may_be_led(self) -> bool:
        """True when its bytes may be waited for by another task than its own."""
        return not (self._is_led or self._over or self.paused or self._error is not None)

    async def lead(self) -> None:
        """Wait for bytes instead of the reader's own task, and take them in; or return early, when interrupted.

        Never raises what is wrong with the connection or with us: that is for the reader's own task.
        """
        self._is_led, self._is_interrupted = True, False
        if self._reader_waits:
            self._wire.interrupt()
        try:
            if not (self._is_worth_looking() and await self._look()):
                self._leader_waits = True
                await self._wire.wait_readable()
                self._leader_waits = False
                self._read()
        except BlockingIOError:
            pass
        except Exception as error:  # noqa: BLE001 (the own task of the reader raises it)
            self._error = error
        finally:
            self._is_led = self._leader_waits = False
            if self._follower is not None:
                trio.lowlevel.reschedule(self._follower)
                self._follower = None

    def _is_worth_looking(self) -> bool:
        self._waits += 1
        return self._is_conversation and (self._luck > 0 or self._waits % _TRY_AGAIN == 0)

    async def _look(self) -> bool:
        """Read as soon as there is something, without waiting; False: nothing came in time."""
        for _ in range(_LOOKS):
            if self._is_interrupted:
                return True
            try:
                self._read()
            except BlockingIOError:
                await trio.lowlevel.checkpoint()
            else:
                self._luck = min(self._luck + 1, _LUCK)
                return True
        self._luck = max(self._luck - 1, 0)
        return self._is_interrupted

    def interrupt(self) -> None:
        """Let the leader, when it waits, go on without."""
        self._is_interrupted = True
        if self._leader_waits:
            self._wire.interrupt()

    async def _follow(self) -> None:
        self._follower = trio.lowlevel.current_task()

        def abort(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            self._follower = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    # -- reading ------------------------------------------------------------------------------------------------

    def _read(self) -> bool:
        """Read once. True: there may be more."""
        buffer = self._buffer if self._has_large_frames else self._small
        count = self._wire.try_recv_into(buffer)
        if count == 0:
            self._over = True
            return False
        self._lane.waits_for = self._feed(buffer[:count])
        return count == len(buffer)

    def _feed(self, data: memoryview) -> Room | None:
        self.heard = True
        self.bytes_in += len(data)
        frames = self._frames.feed(data)
        self._has_large_frames = len(data) > _LARGE_FRAME * (len(frames) + 1)
        self._is_conversation = len(data) <= _LONE and len(frames) == 1
        full = self._take_in(frames)
        if self._frames.error is not None:
            raise self._frames.error
        return full

    def drain_nowait(self) -> None:
        """Take in what has already arrived, before the connection is given up.

        Into a buffer of its own: what is read in the common one may be the very reason for giving up.
        """
        buffer = memoryview(bytearray(READ_BYTES))
        with contextlib.suppress(OSError, trio.ClosedResourceError, WireError):
            for _ in range(_DRAIN_READS):
                count = self._wire.try_recv_into(buffer)
                if count == 0:
                    break
                self._lane.waits_for = self._feed(buffer[:count]) or self._lane.waits_for

    async def _pause(self, full: Room) -> None:
        await full.wait_room()
        self._lane.waits_for = None
