"""What a sender learns of an acknowledged message. It costs nothing per message but a position in its queue."""

import heapq
from bisect import bisect_left
from collections.abc import Generator, Sequence
from itertools import count
from math import inf
from typing import NamedTuple

import trio
from msgspec import Struct

from partisan_core.errors import Undelivered

_order = count()
"""Of those who wait for the same position: trio's tasks cannot be compared."""


class Moved(NamedTuple):
    """Where the messages of a queue went whose lane was made anew."""

    to: "Progress"
    shift: int
    dropped: Sequence[int]
    """Positions of those that did not go with them, in order."""

    def find(self, position: int) -> int:
        """The position there."""
        return position + self.shift - bisect_left(self.dropped, position)


class Lost(NamedTuple):
    """What will not be acknowledged any more."""

    until: float
    """The last position of it."""
    taken: int
    """The last one that was written: nobody knows whether it has arrived."""
    why: str


class Progress:
    """How far the messages of one queue have come. Positions count what was put in, from 1."""

    __slots__ = ("_confirmed", "_lost", "_moved", "_waiting")

    def __init__(self) -> None:
        self._confirmed = 0
        self._lost = Lost(0, 0, "")
        self._moved: Moved | None = None
        self._waiting: list[tuple[int, int, trio.lowlevel.Task]] = []

    def confirm(self, position: int) -> None:
        """All up to there has arrived."""
        self._confirmed = max(self._confirmed, position)
        self._wake(position)

    def lose(self, why: str, taken: int, until: float = inf) -> None:
        """What is not confirmed up to `until` never will be; what was taken may have arrived all the same."""
        self._lost = Lost(until, taken, why)
        self._wake(until)

    def move(self, to: "Progress", shift: int, dropped: Sequence[int]) -> None:
        """What is neither confirmed nor lost goes its way in another queue."""
        self._moved = Moved(to, shift, dropped)
        self._wake(inf)

    def has_confirmed(self, position: int) -> bool:
        """Whether that message has arrived.

        Raises:
            Undelivered: it never will, or nobody will ever know.
        """
        if position <= self._confirmed:
            return True
        if position <= self._lost.until:
            raise _undelivered(self._lost, is_sent=position <= self._lost.taken)
        if self._moved is None:
            return False
        if position in self._moved.dropped:
            raise _undelivered(Lost(position, 0, "it is larger than what the peer takes"), is_sent=False)
        return self._moved.to.has_confirmed(self._moved.find(position))

    async def wait(self, position: int) -> None:
        """Wait until it has arrived; raises as `has_confirmed`."""
        await trio.lowlevel.checkpoint()
        while not self.has_confirmed(position):
            if self._moved is not None:
                await self._moved.to.wait(self._moved.find(position))
                return
            await self._park(position)

    async def _park(self, position: int) -> None:
        entry = (position, next(_order), trio.lowlevel.current_task())
        heapq.heappush(self._waiting, entry)

        def abort(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            self._waiting.remove(entry)
            heapq.heapify(self._waiting)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def _wake(self, until: float) -> None:
        while self._waiting and self._waiting[0][0] <= until:
            trio.lowlevel.reschedule(heapq.heappop(self._waiting)[2])


class Receipt(Struct, frozen=True, eq=False):
    """Of one acknowledged message. Awaiting it is possible at any time, more than once, or never. Since: 1.3."""

    _progress: Progress
    _position: int

    def __await__(self) -> Generator[object, object, None]:
        """Wait until the peer has taken the message in: it is in the mailbox, or there was none of that name.

        Raises:
            Undelivered: the peer died, left or began a new life before; `is_sent` says what is known.
        """
        return self._progress.wait(self._position).__await__()

    @property
    def is_delivered(self) -> bool:
        """Whether that is known by now; raises the same."""
        return self._progress.has_confirmed(self._position)


def _undelivered(lost: Lost, *, is_sent: bool) -> Undelivered:
    known = "it was sent, and nobody knows whether it arrived" if is_sent else "it was not sent"
    return Undelivered(f"an acknowledged message got no acknowledgement: {lost.why}; {known}", is_sent=is_sent)


def _delivered() -> Receipt:
    progress = Progress()
    progress.confirm(1)
    return Receipt(progress, 1)


DELIVERED = _delivered()
"""Of a message to oneself."""
