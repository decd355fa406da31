"""The queues beside a lane's own, on the same connection and in the same session: nobody in the lane waits for them.

What is too large for a frame leaves as fragments, one message after the other, with frames of the lane between them.
"""

from collections import deque
from collections.abc import Callable, Hashable

from partisan_core.drops import DropReason
from partisan_core.kernel.queue import Limits, Queue, Waiting
from partisan_core.kinds import ChannelPolicy
from partisan_core.wire.frames import Kind

_FORGOTTEN_FROM = 1000
"""Slots that are remembered before those are looked for that no longer matter (chosen)."""


class SideQueue(Queue):
    """What goes to or comes from third nodes is one. A large message stays in it until its last fragment is written."""

    __slots__ = ("_begun_at", "_unfinished", "kind")

    def __init__(self, kind: Kind, name: str, policy: ChannelPolicy, limits: Limits) -> None:
        super().__init__(name, policy, limits)
        self.kind = kind
        """Of the frames that it makes."""
        self._unfinished: list[bytes] = []
        """The large message that is being written."""
        self._begun_at = 0
        """Which one that is."""

    @property
    def messages(self) -> int:
        """Messages queued, the one that is being written among them."""
        return len(self.pieces) + len(self._unfinished)

    @property
    def is_ready(self) -> bool:
        """Something can be written now."""
        return bool(self.pieces or self._unfinished)

    def take(self) -> list[bytes]:
        """See `Queue`; of a large message that broke off with its connection, that one again."""
        if self._unfinished:
            return self._unfinished
        pieces = super().take()
        if len(pieces[0]) >= self.large_from:
            self._unfinished, self._begun_at = pieces, self.taken
        return pieces

    @property
    def gone(self) -> int:
        """How many messages have been written whole, or dropped."""
        return self._begun_at - 1 if self._unfinished else self.taken

    def finish(self) -> None:
        """The last message taken was written whole. Idempotent."""
        self._unfinished = []

    def _put_back(self) -> None:
        """The large message that is being written will be written elsewhere, from its beginning."""
        self.pieces[:0] = self._unfinished
        self.bytes += sum(map(len, self._unfinished))
        self.taken -= len(self._unfinished)
        self._unfinished = []

    def _drop_queued(self, reason: DropReason) -> None:
        self.drop(reason, len(self._unfinished))
        self._unfinished = []
        super()._drop_queued(reason)


class LargeQueue(SideQueue):
    """The large messages of a lane, and whatever must not overtake them: messages for the same recipient and key.

    The other way round, no large message overtakes what was in the lane before it.
    """

    __slots__ = ("_behind", "_changed", "_last", "_main")

    def __init__(self, main: Queue, name: str, limits: Limits, changed: Callable[[], None]) -> None:
        super().__init__(Kind.DATA, name, main.policy, limits)
        self._main = main
        self._changed = changed
        """Told when it is empty, or no longer."""
        self._last: dict[Hashable, int] = {}
        """Which message is the last of each slot, by how many there were."""
        self._behind: deque[tuple[int, int]] = deque()
        """Messages that wait until the lane's own queue has written so many."""

    @property
    def is_ready(self) -> bool:
        """Something can be written now, without overtaking anything."""
        if self._main.is_held:
            return False
        if self._unfinished:
            return True
        while self._behind and self._behind[0][0] <= self.taken + 1:
            if not self._main.is_past(self._behind[0][1]):
                return False
            self._behind.popleft()
        return bool(self.pieces)

    def is_ahead(self, slot: Hashable) -> bool:
        """Whether a message of that slot is here, or waits for room here."""
        if self._last.get(slot, 0) > self.gone:
            return True
        return bool(self._waiting) and any(waiting.slot == slot for waiting in self._waiting)

    def put_nowait(self, piece: bytes, slot: Hashable = None) -> None:
        """See `Queue`."""
        before = self.taken + len(self.pieces)
        super().put_nowait(piece, slot)
        if self.taken + len(self.pieces) > before:
            self._note(slot)

    def take(self) -> list[bytes]:
        """See `SideQueue`."""
        pieces = super().take()
        self._clear_when_empty()
        return pieces

    def finish(self) -> None:
        """See `SideQueue`."""
        super().finish()
        self._clear_when_empty()

    def take_over(self, other: "LargeQueue", limit: int) -> None:
        """`absorb`, and keep the order: of whatever was in `other`, nothing is overtaken before all of it has gone."""
        other._put_back()
        slots = [slot for slot in other._last if other.is_ahead(slot)]
        first = self.taken + len(self.pieces) + 1
        self.absorb(other, limit)
        self._last.update(dict.fromkeys(slots, self.taken + len(self.pieces)))
        self._behind.append((first, self._main.end))
        self._changed()

    def too_slow(self, why: str) -> None:
        """See `Queue`."""
        self._main.too_slow(why)

    def _admit(self, waiting: Waiting) -> None:
        super()._admit(waiting)
        self._note(waiting.slot)

    def _drop_queued(self, reason: DropReason) -> None:
        super()._drop_queued(reason)
        self._clear_when_empty()

    def _note(self, slot: Hashable) -> None:
        """A message was queued."""
        position = self.taken + len(self.pieces)
        if not self.is_ahead(slot) and (self._main.pieces or self._main.senders):
            self._behind.append((position, self._main.end))
        self._last[slot] = position
        if len(self._last) > _FORGOTTEN_FROM + 2 * len(self.pieces):
            self._last = {slot: last for slot, last in self._last.items() if last > self.gone}
        self._changed()

    def _clear_when_empty(self) -> None:
        if not self.messages:
            self._last.clear()
            self._behind.clear()
            self._changed()
