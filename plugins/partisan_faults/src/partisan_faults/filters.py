"""The filters of one connection: they ask the rules about each frame, and hold back what is to come later."""

import math
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import trio

from partisan_core.interposition import Seal, Stage, Stretch
from partisan_core.wire.frames import Frame
from partisan_faults.fates import Damage, Fate, cut, decide, kind_name
from partisan_faults.line import Line
from partisan_faults.rules import IN, OUT, Armed, Event, RuleBook

T = TypeVar("T")

HELD_BYTES = 8 * 1024 * 1024
"""What is held back of one direction of one connection until its writer, or its peer, has to wait (chosen: as much as
waits in the queue of one lane by default)."""

_Told = Callable[[Armed, Event], None]
_Done = Callable[[Stretch], None]


class _Filter(Generic[T]):
    """What both directions have in common."""

    direction: str

    def __init__(self, book: RuleBook, stretch: Stretch, stage: Stage, told: _Told, done: _Done) -> None:
        self._book, self._stretch, self._stage = book, stretch, stage
        self._told, self._done = told, done
        self._whole = Event(self.direction, stretch.peer.name, stretch.channel)
        self._line: Line[T] = Line()
        self._moved = trio.lowlevel.ParkingLot()
        self._alarm = math.inf
        self._stalled_by: Armed | None = None

    @property
    def is_idle(self) -> bool:
        """It holds nothing back."""
        return not self._line

    @property
    def is_due(self) -> bool:
        """Something that was held back can go now."""
        return self._line.due <= trio.current_time() and not self._is_stalled()

    def changed(self) -> None:
        """The rules are others now: where none is left, everything goes on."""
        if not self._book:
            self._line.release()
        self._go_on()

    def _go_on(self) -> None:
        """Time has passed, or the rules have changed."""
        self._moved.unpark_all()

    def _is_stalled(self) -> bool:
        armed = self._book.stalling(self._whole)
        if armed is not None and armed is not self._stalled_by:
            armed.firings += 1
            self._told(armed, self._whole)
        self._stalled_by = armed
        return armed is not None

    def _decide(self, kind: str) -> Fate:
        fate = decide(self._book, self._whole._replace(kind=kind), self._told)
        if fate.closes:
            self._stretch.close(f"by the fault {fate.closes!r}")
        return fate

    def _hold(self, item: T, size: int, fate: Fate) -> None:
        now = trio.current_time()
        for _ in range(fate.copies):
            if fate.aside is None:
                self._line.put(item, size, now + fate.delay)
            else:
                self._line.put_aside(item, size, now + fate.delay + fate.aside)

    def _wake_at(self, due: float) -> None:
        now = trio.current_time()
        if now < due < math.inf and not now < self._alarm <= due:  # what is due already is stalled, or goes now
            self._alarm = due
            self._stage.call_later(due - now, self._ring)

    def _ring(self) -> None:
        if trio.current_time() >= self._alarm:
            self._alarm = math.inf
        self._go_on()


class Outgoing(_Filter[tuple[bytes, tuple[Damage, ...]]]):
    """Before the wire."""

    direction = OUT

    async def pass_on(self, frames: memoryview, seal: Seal, *, is_last: bool) -> memoryview:
        """See `OutgoingFilter`. Damage comes behind the trailer, so that the other end has something to find."""
        for kind, frame in cut(frames):
            fate = self._decide(kind)
            if fate.closes:
                return memoryview(b"")
            self._hold((frame, fate.damage), len(frame), fate)
        while self._has_to_wait(is_last=is_last):
            self._wake_at(self._line.all_due if is_last else self._line.due)
            await self._moved.park()
        written = []
        for frame, damages in self._line.take(trio.current_time()):
            sealed = seal(frame)
            for damage in damages:
                sealed = damage(sealed)
            written.append(sealed)
        self._wake_at(self._line.due)
        self._done(self._stretch)
        return memoryview(b"".join(written))

    def _has_to_wait(self, *, is_last: bool) -> bool:
        if is_last and self._line.all_due > trio.current_time():
            return True
        is_full = self._line.size > HELD_BYTES and self._line.due > trio.current_time()
        return is_full or self._is_stalled()

    def _go_on(self) -> None:
        super()._go_on()
        self._stretch.wake()


class Incoming(_Filter[Frame]):
    """Behind the check of the frames."""

    direction = IN

    @property
    def is_full(self) -> bool:
        """It holds back as much as it may."""
        return self._line.size > HELD_BYTES

    @property
    def obstacle(self) -> str:
        """For people."""
        return "a fault holds back what has arrived"

    def pass_on(self, frames: Sequence[Frame]) -> list[Frame]:
        """See `IncomingFilter`."""
        for frame in frames:
            fate = self._decide(kind_name(frame.kind))
            if fate.closes:
                return []
            kept = frame._replace(body=memoryview(bytes(frame.body)))
            self._hold(kept, len(frame.body), fate)
        return self._take()

    async def wait_room(self) -> None:
        """Wait until it holds less."""
        while self.is_full:
            await self._moved.park()

    def _take(self) -> list[Frame]:
        taken = [] if self._is_stalled() else self._line.take(trio.current_time())
        self._wake_at(self._line.due)
        return taken

    def _go_on(self) -> None:
        if late := self._take():
            self._stretch.take_late(late)
        super()._go_on()
