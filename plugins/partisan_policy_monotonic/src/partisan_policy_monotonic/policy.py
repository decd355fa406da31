"""The channel policy `monotonic`: compares states as the receiver would see them."""

from collections.abc import Callable
from typing import Any

from partisan_core.kinds import LaneQueue, Serializer, Verdict
from partisan_policy_monotonic._queue import StateQueue

Supersedes = Callable[[Any, Any], bool]
"""`supersedes(new, old)`: whether who has `new` has no use for `old`."""
Merge = Callable[[Any, Any], Any]
"""`merge(old, new)`: one state that says what both say."""


class Latest:
    """Whatever was sent later counts."""

    def supersedes(self, new: bytes, old: bytes) -> bool:
        """See `Rule`."""
        return True

    def merge(self, old: bytes, new: bytes) -> bytes | None:
        """See `Rule`; never asked."""
        return None


class Compared:
    """An application's functions, which are shown what the receiver would see."""

    def __init__(self, codec: Serializer, supersedes: Supersedes | None, merge: Merge | None) -> None:
        self._codec, self._supersedes, self._merge = codec, supersedes, merge

    def supersedes(self, new: bytes, old: bytes) -> bool:
        """See `Rule`. Without a function nothing is superseded, and all is merged."""
        return self._supersedes is not None and bool(self._supersedes(self._read(new)[1], self._read(old)[1]))

    def merge(self, old: bytes, new: bytes) -> bytes | None:
        """See `Rule`."""
        if self._merge is None:
            return None
        mailbox, state = self._read(old)
        return self._codec.encode((mailbox, self._merge(state, self._read(new)[1])))

    def _read(self, piece: bytes) -> tuple[str, Any]:
        return self._codec.decode_batch(memoryview(self._codec.join([piece])))[0]


class Monotonic:
    """Keeps, of what waits for one recipient and key, only what is not superseded.

    Args:
        every: seconds, see `MonotonicConfig`.
        supersedes: says whether a state that was sent later counts instead of an earlier one; by default it does. A
            total order, or one of vector clocks: what it does not order is kept, or merged.
        merge: makes one of two states that are not ordered.
    """

    def __init__(self, every: float = 0.0, supersedes: Supersedes | None = None, merge: Merge | None = None) -> None:
        self._every, self._supersedes, self._merge = every, supersedes, merge

    def make_room(self, lane: LaneQueue, size: int) -> Verdict:
        """See `ChannelPolicy`: more states than the lane may hold have to wait for room."""
        return Verdict.WAIT

    def open_queue(self, codec: Serializer) -> StateQueue:
        """See `StatePolicy`."""
        is_plain = self._supersedes is None and self._merge is None
        return StateQueue(Latest() if is_plain else Compared(codec, self._supersedes, self._merge), self._every)
