"""What has been sent in one session and not been acknowledged: kept, and sent again until it is.

Kept are frames, not messages: a batch with at least one message to be acknowledged stays as it was written, its
neighbours with it, until the peer has acknowledged its last number. The bookkeeping is then one step per frame, and
nothing per message. This is go-back-N (e.g. Tanenbaum, Computer Networks, 3.4): acknowledgements are cumulative, and
a receiver refuses whatever comes behind something that it misses.

Not all that is missing comes again, for frames without such a message are not kept. So while something is kept each
frame of messages says after which kept message it comes (`AFTER`): a receiver that has had that one goes on, and
counts what else is missing as lost; one that has not refuses the frame, and asks for all that it missed.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

_COST = 256
"""Bytes that a kept frame takes beside its content, about (chosen: the size of the objects it is made of)."""


class Kept(NamedTuple):
    """A frame of messages that is kept."""

    first: int
    """The number of its first message."""
    messages: int
    """How many there are."""
    content: bytes
    """Its payload; of a large message, which leaves in slices, the message itself."""
    is_large: bool
    confirm: Callable[[int], None]
    """Whom to tell that it has arrived, and what."""
    position: int

    @property
    def last(self) -> int:
        """The number of its last message."""
        return self.first + self.messages - 1


class Outbox:
    """The kept frames of one lane, in the order of their numbers."""

    __slots__ = ("_again", "_frames", "_must_rewind", "_previous", "bytes", "written_again")

    def __init__(self) -> None:
        self.bytes = 0
        """What it holds, about."""
        self.written_again = 0
        """How often a frame was."""
        self._frames: deque[Kept] = deque()
        self._again: deque[Kept] = deque()
        """Those that are to be written again before anything new."""
        self._must_rewind = False
        """All of it is to be."""
        self._previous = 0
        """The last message of the one that was last taken to be written again."""

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def last(self) -> int:
        """The number of the last message in it, 0 for none: what a new frame comes after."""
        return self._frames[-1].last if self._frames else 0

    @property
    def is_behind(self) -> bool:
        """Something is to be written again."""
        return self._must_rewind or bool(self._again)

    def count_beyond(self, number: int) -> int:
        """How many of its messages come after that one."""
        return sum(kept.last - max(number, kept.first - 1) for kept in self._frames if kept.last > number)

    def first_beyond(self, number: int) -> int | None:
        """The first of its messages in a frame that goes beyond that one."""
        return next((kept.first for kept in self._frames if kept.last > number), None)

    def keep(self, kept: Kept) -> None:
        """Keep a frame that is being written."""
        self._frames.append(kept)
        self.bytes += len(kept.content) + _COST
        if self._again and not self._must_rewind:  # the peer will refuse it, with all that comes before those
            self._again.append(kept)

    def confirm(self, number: int) -> list[Kept]:
        """All up to that message has arrived: forget and return it."""
        arrived = []
        while self._frames and self._frames[0].last <= number:
            kept = self._frames.popleft()
            self.bytes -= len(kept.content) + _COST
            arrived.append(kept)
        while self._again and self._again[0].last <= number:
            self._again.popleft()
        self._must_rewind = self._must_rewind and bool(self._frames)
        return arrived

    def rewind(self) -> None:
        """Write all of it again. Costs nothing before that is done: a peer may ask for it as often as it likes."""
        self._must_rewind = bool(self._frames)

    def take_again(self) -> tuple[Kept, int]:
        """The next frame that is written again, and which message it comes after; only while it `is_behind`."""
        if self._must_rewind:
            self._again, self._previous, self._must_rewind = self._frames.copy(), 0, False
        kept, after = self._again.popleft(), self._previous
        self._previous = kept.last
        self.written_again += 1
        return kept, after

    def clear(self) -> None:
        """Give up on all of it."""
        self._frames.clear()
        self._again.clear()
        self._must_rewind = False
        self.bytes = 0
