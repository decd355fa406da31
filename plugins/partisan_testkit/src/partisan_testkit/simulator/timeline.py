"""Virtual time: a calendar of what is still to happen, and a log of what did.

Time comes in whole milliseconds. That is deliberate: with continuous delays no two events ever coincide, and
neither interleavings nor determinism are tested. It also makes the calendar cheap: one queue per moment.
"""

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush

from partisan_testkit.simulator.log import Log

Action = Callable[[], object]
Record = Callable[..., None]


class Timeline:
    """Runs actions in the order of their time; those of one moment in the order of their planning.

    Args:
        quantum: milliseconds between two moments at which anything happens: what is due between them waits for
            the later one. More than 1 makes more events coincide.
        recording: without it nothing is logged, and there is no `log_hash`.
    """

    def __init__(self, *, quantum: int = 1, recording: bool = True) -> None:
        self.now = 0
        """Milliseconds since the start."""
        self.events = 0
        """How many actions have run."""
        self.recording = recording
        self.record: Record = self._record if recording else _forget
        """Add a line to the log: texts, bytes, or what msgspec can encode."""
        self._quantum = quantum
        self._moments: list[int] = []
        self._due: dict[int, deque[Action]] = {}
        self._log = Log()

    @property
    def seconds(self) -> float:
        """The monotonic clock that machines are shown."""
        return self.now / 1000

    def after(self, delay: int, action: Action) -> None:
        """Run `action` in `delay` milliseconds, or at the first moment of the quantum after them."""
        moment = self.now + delay
        moment += -moment % self._quantum
        actions = self._due.get(moment)
        if actions is None:
            self._due[moment] = deque((action,))
            heappush(self._moments, moment)
        else:
            actions.append(action)

    def run(self, seconds: float) -> None:
        """Let `seconds` pass. An action that raises is gone; the next call goes on with those behind it."""
        end = self.now + round(seconds * 1000)
        moments, due = self._moments, self._due
        while moments and moments[0] <= end:
            self.now = moments[0]
            actions = due[self.now]
            while actions:
                self.events += 1
                actions.popleft()()
            del due[heappop(moments)]
        self.now = end

    @property
    def log_hash(self) -> str:
        """A fingerprint of the whole log: equal for equal seeds, in every process.

        Raises:
            RuntimeError: when nothing was recorded, so that two such runs are never taken for equal.
        """
        if not self.recording:
            raise RuntimeError("this simulation keeps no log: it was made with recording=False")
        return self._log.hash

    def last_lines(self) -> list[str]:
        """Return the end of the log, for people."""
        return self._log.last_lines()

    def _record(self, *words: object) -> None:
        self._log.add((self.now, *words))


def _forget(*words: object) -> None:
    """Nothing is recorded."""
