"""Virtual time: a heap of what is still to happen, and a log of what did.

Time comes in whole milliseconds. That is deliberate: with continuous delays no two events ever coincide, and
neither interleavings nor determinism are tested.
"""

from collections import deque
from collections.abc import Callable
from hashlib import blake2b
from heapq import heappop, heappush

from msgspec.msgpack import Encoder

Action = Callable[[], object]

KEPT_LINES = 50
"""How much of the log is kept to be shown with a failure. Chosen: about one screen."""

_encode = Encoder().encode


class Timeline:
    """Runs actions in the order of their time; those of one millisecond in the order of their planning."""

    def __init__(self) -> None:
        self.now = 0
        """Milliseconds since the start."""
        self.events = 0
        """How many actions have run."""
        self._heap: list[tuple[int, int, Action]] = []
        self._planned = 0
        self._hash = blake2b(digest_size=16)
        self._lines: deque[tuple[int | str | bytes, ...]] = deque(maxlen=KEPT_LINES)

    @property
    def seconds(self) -> float:
        """The monotonic clock that machines are shown."""
        return self.now / 1000

    def after(self, delay: int, action: Action) -> None:
        """Run `action` in `delay` milliseconds."""
        self._planned += 1
        heappush(self._heap, (self.now + delay, self._planned, action))

    def run(self, seconds: float) -> None:
        """Let `seconds` pass."""
        end = self.now + round(seconds * 1000)
        heap = self._heap
        while heap and heap[0][0] <= end:
            self.now, _, action = heappop(heap)
            self.events += 1
            action()
        self.now = end

    def record(self, *words: str | bytes) -> None:
        """Add a line to the log."""
        line = (self.now, *words)
        self._lines.append(line)
        self._hash.update(_encode(line))

    @property
    def log_hash(self) -> str:
        """A fingerprint of the whole log: equal for equal seeds, in every process."""
        return self._hash.hexdigest()

    def last_lines(self) -> list[str]:
        """Return the end of the log, for people."""
        return [" ".join(map(str, line)) for line in self._lines]
