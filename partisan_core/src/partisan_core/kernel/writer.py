"""The writing half of a connection: takes messages from the lane in batches, control frames first."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import trio

from partisan_core.interposition import OutgoingFilter
from partisan_core.kernel.channels import Channel
from partisan_core.kernel.lane import Carrier, Lane
from partisan_core.kernel.queue import Queue
from partisan_core.kernel.sides import SideQueue
from partisan_core.kinds import Wire
from partisan_core.wire.batch import ENCLOSING, encode_data, encode_relayed, join_array
from partisan_core.wire.control import encode_receipt
from partisan_core.wire.fragments import Place, encode_fragment
from partisan_core.wire.frames import Kind, Trailer, change_trailer
from partisan_core.wire.packing import Packing

_BURST = 50e-6
"""Seconds between two messages of one burst at most: a few sends take less, a turn of trio's loop more (measured)."""

_NumberIt = Callable[[], tuple[int, int | None]]

_FRAMES_A_ROUND = 2
"""Slices of a large message that are written in one turn of trio's loop, which costs as much as a slice (measured)."""


class Writer:
    """Writes the frames of one connection, in one task; an idle lane's next message is written by its sender."""

    def __init__(
        self,
        wire: Wire,
        lane: Lane,
        channel: Channel,
        connection: Carrier,
        trailer: Trailer | None,
        packing: Packing,
    ) -> None:
        self.frames_out = self.messages_out = self.bytes_out = 0
        self._wire, self._lane, self._channel = wire, lane, channel
        self._connection = connection
        self._trailer = self._agreed = trailer
        """Ends every frame, in the order of writing; None: the CRC-32."""
        self._filter: OutgoingFilter | None = None
        """Stands between the lane and the wire, and puts the trailer agreed on to what goes on."""
        self._packing = packing
        self._control: list[bytes] = []
        self._unsent: memoryview | None = None
        self._owed: Kind | None = None
        """The acknowledgement that is due: `ACK` or `AGAIN`."""
        self._again: Iterator[bytes] | None = None
        """The rest of the frames of a large message that is written again."""
        self._has_ended = False
        """The last frame but for acknowledgements was written."""
        self._resting: trio.lowlevel.Task | None = None
        self._ending: tuple[bytes, Callable[[], None]] | None = None
        self._wrote_first = -math.inf
        self._sliced: SideQueue | None = None
        """Whose large message is being written: one at a time, see `wire.fragments`."""
        self._slices: Iterator[bytes] = iter(())
        self._begun = 0
        """The number of the large message whose first slice was written last."""
        self.is_blocked = False
        """The system takes no more: the peer does not read, or the network is slow."""
        self.drained = False
        """The peer's system took bytes that had to wait; true since this was last set to false."""

    @property
    def control_waiting(self) -> int:
        """Control frames that wait to be written."""
        return len(self._control)

    @property
    def is_ending(self) -> bool:
        """True once `end` was called."""
        return self._ending is not None

    def interpose(self, between: OutgoingFilter | None) -> None:
        """From the next frame on, let another decide what goes; None: nobody does."""
        self._filter, self._trailer = between, self._agreed if between is None else None
        self.wake()

    def put_control(self, frame: bytes) -> None:
        """Write a frame before the lane's messages: at once when the writer rests, as `_write_first` does."""
        if self._resting is None or self._is_in_burst():
            self._control.append(frame)
            self.wake()
        else:
            self._write_now(change_trailer(frame, self._trailer))

    def acknowledge(self, *, again: bool) -> None:
        """Tell the peer what has arrived, with what is written next; `again`: and that something is missing."""
        if again or self._owed is None:
            self._owed = Kind.AGAIN if again else Kind.ACK
        self.wake()

    def end(self, last: bytes, then: Callable[[], None]) -> None:
        """When everything is written and acknowledged, write `last`, call `then`, and write no more messages."""
        self._ending = (last, then)
        self._lane.finish()
        self.wake()

    async def run(self) -> None:
        """Write until it is ended.

        Raises:
            OSError, trio.ClosedResourceError: the wire broke.
        """
        while True:
            if self._unsent is not None:
                await self._write_rest(self._unsent)
                self._unsent = None
            elif self._control or self._owed is not None or (self._filter is not None and self._filter.is_due):
                await self._write_all(memoryview(self._control_frames()))
            elif self._may_write() and await self._write_a_round():
                await trio.lowlevel.checkpoint()
            elif self._ending is not None and self._lane.is_settled and not self._has_ended:  # or held until it may go
                last, then = self._ending
                await self._write_all(memoryview(last and change_trailer(last, self._trailer)), is_last=True)
                self._has_ended = True  # the peer may wait for acknowledgements before it closes
                then()
            else:
                await self._rest()

    def _is_current(self) -> bool:
        """False once a newer connection has taken the lane over."""
        return self._lane.carrier is self._connection

    def _may_write(self) -> bool:
        """Messages may be written."""
        return self._is_current() and not self._has_ended

    def _control_frames(self) -> bytes:
        """All of them; an acknowledgement first, as a pong says that it is under way."""
        control, self._control = self._control, []
        if self._owed is not None:
            received = self._lane.session.received
            control.insert(0, encode_receipt(received, again=self._owed is Kind.AGAIN))
            self._owed = None
        return b"".join(change_trailer(one, self._trailer) for one in control)

    async def _write_a_round(self) -> bool:
        """A frame of each queue that has something to write: none starves another. False: none has."""
        wrote = False
        if self._again is not None or self._lane.session.outbox.is_behind:
            await self._write_all(memoryview(self._frame_again()))
            return True
        if self._lane.is_shut:
            return False
        if self._lane.is_ready:
            await self._write_all(memoryview(self._data_frame()))
            wrote = True
        for side in self._lane.sides * _FRAMES_A_ROUND:
            if side is self._sliced or side.is_ready:
                await self._write_all(memoryview(self._side_frame(side)))
                wrote = True
        return wrote

    def _side_frame(self, side: SideQueue) -> bytes:
        """The next frame of a queue beside the lane's own; a large message's next slice, unless another's are due."""
        if side is not self._sliced:
            pieces = side.take()
            if self._sliced is not None or len(pieces) > 1 or len(pieces[0]) < side.large_from:
                frame = self._whole_frame(side, side.kind, pieces)
                side.finish()
                return frame
            self._sliced, self._slices = side, self._slice(side.kind, pieces, partial(self._number_large, side, pieces))
        return next(self._slices)

    def _number_large(self, side: SideQueue, pieces: list[bytes]) -> tuple[int, int | None]:
        """Its last slice is due: only now it gets its number, behind all that overtook it."""
        self._sliced, self._slices = None, iter(())  # or it would keep the message
        numbers = self._number(side, 1, pieces[0], is_large=True)
        side.finish()
        return numbers

    def _frame_again(self) -> bytes:
        """The next frame of what is written again, in the order of the numbers; what is half written ends first."""
        if self._again is None and self._sliced is not None:
            return next(self._slices)
        if self._again is None:
            kept, after = self._lane.session.outbox.take_again()
            if not kept.is_large:
                self.frames_out += 1
                flags, payload = self._packing.pack(kept.content)
                return encode_data(kept.first, kept.messages, payload, flags, self._trailer, after)
            self._again = self._slice(Kind.DATA, [kept.content], partial(self._number_again, kept.first, after))
        return next(self._again)

    def _number_again(self, first: int, after: int) -> tuple[int, int]:
        self._again = None
        return first, after

    def _slice(
        self, kind: Kind, pieces: list[bytes], number_it: Callable[[], tuple[int, int | None]]
    ) -> Iterator[bytes]:
        """The frames of one large message; `number_it` is called for the last."""
        parts = self._parts(kind, pieces)
        total, offset = sum(map(len, parts)), 0
        self._begun = (self._begun + 1) & 0xFFFF
        for view in (memoryview(one) for one in parts):
            size = math.ceil(len(view) / max(1, round(len(view) / self._lane.large_from)))  # equal parts, no small rest
            for start in range(0, len(view), size or 1):
                part, number, after = view[start : start + size], 0, None
                place = Place(kind, self._begun, total, offset)
                offset += len(part)
                if offset == total:
                    number, after = number_it()
                self.frames_out += 1
                flags, packed = self._packing.pack(part)
                yield encode_fragment(place, packed, number, flags, self._trailer, after)

    def _parts(self, kind: Kind, pieces: list[bytes]) -> Sequence[bytes | memoryview]:
        """The payload of one large message, without a copy of it where the serializer says how."""
        enclosing: tuple[bytes, bytes] | None = ENCLOSING
        if kind is Kind.DATA:
            enclosing = getattr(self._channel.codec, "enclosing", None)
        if enclosing is None:
            return (self._payload(kind, pieces),)
        (before, behind), (piece,) = enclosing, pieces
        first = self._lane.large_from - len(before)
        return before + piece[:first], memoryview(piece)[first:], behind

    def _whole_frame(self, queue: Queue, kind: Kind, pieces: list[bytes]) -> bytes:
        count, flags = len(pieces), 0
        content = self._payload(kind, pieces)
        first, after = self._number(queue, count, content)
        payload: bytes | memoryview = content
        if self._packing.packs:
            flags, payload = self._packing.pack(payload)
        encode = encode_data if kind is Kind.DATA else encode_relayed
        self.frames_out += 1
        return encode(first, count, payload, flags, self._trailer, after)

    def _payload(self, kind: Kind, pieces: list[bytes]) -> bytes:
        return self._channel.codec.join(pieces) if kind is Kind.DATA else join_array(pieces)

    def _data_frame(self) -> bytes:
        return self._whole_frame(self._lane, Kind.DATA, self._lane.take())

    def _number(self, queue: Queue, count: int, content: bytes, *, is_large: bool = False) -> tuple[int, int | None]:
        self.messages_out += count
        return self._lane.number(queue, count, content, is_large=is_large)

    async def _write_all(self, frames: memoryview, *, is_last: bool = False) -> None:
        if self._filter is not None:
            frames = await self._filter.pass_on(frames, self._seal, is_last=is_last)
        await self._write_rest(frames)

    def _seal(self, frame: bytes) -> bytes:
        return change_trailer(frame, self._agreed)

    async def _write_rest(self, data: memoryview) -> None:
        self.bytes_out += len(data)
        while data:
            try:
                sent = self._wire.try_send(data)
            except BlockingIOError:
                self.is_blocked = True
                await self._wire.wait_writable()  # or until interrupted: nobody took anything then
            else:
                self.is_blocked, self.drained = False, self.drained or self.is_blocked
                data = data[sent:]

    async def _rest(self) -> None:
        """Nothing to write."""
        self._resting = trio.lowlevel.current_task()
        if self._may_write() and not self._lane.is_shut:
            self._lane.set_kick(self._write_first)

        def abort(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            self._stop_resting()
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def _write_first(self) -> None:
        """The lane has a message and the writer rests: write at once, so that a lone message costs no task switch.

        One that follows shortly is the second of a burst: the writer is woken for it and takes all that comes until it
        runs, so that a burst becomes few frames (decision 0003).
        """
        if self._lane.is_shut or self._is_in_burst():
            self.wake()
        else:
            self._write_now(self._data_frame())

    def _is_in_burst(self) -> bool:
        now = trio.current_time()
        if now - self._wrote_first < _BURST or self._filter is not None:
            return True
        self._wrote_first = now
        return False

    def _write_now(self, frame: bytes) -> None:
        """Write without waiting. What does not go is the task's, which also finds out when the wire broke."""
        try:
            sent = self._wire.try_send(frame)
        except OSError:
            sent = 0
        self.bytes_out += sent
        if sent < len(frame):
            self._unsent = memoryview(frame)[sent:]
            self.wake()

    def wake(self) -> None:
        """Go on, if it rests."""
        task = self._stop_resting()
        if task is not None:
            trio.lowlevel.reschedule(task)

    def _stop_resting(self) -> trio.lowlevel.Task | None:
        task, self._resting = self._resting, None
        if self._is_current():
            self._lane.set_kick(None)
        return task
