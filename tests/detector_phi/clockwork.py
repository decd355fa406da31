"""Runs one detector without a network: time passes by steps, and who answers does so at once, or late."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from partisan_core.detection import DetectorEffect, DetectorEvent, Probe, Probed, Suspect, Trust
from partisan_core.effects import StartTimer
from partisan_core.events import TimerFired
from partisan_core.kinds import FailureDetector


class Opinion(NamedTuple):
    """What the detector said, and when."""

    at: float
    effect: Suspect | Trust


class Clockwork:
    """The time, the timers and the peers of one detector."""

    def __init__(self, detector: FailureDetector, delay: Callable[[], float] = lambda: 0.001) -> None:
        self.now = 0.0
        self.answering: set[str] = set()
        self._detector, self._delay = detector, delay
        self._due: list[tuple[float, int, DetectorEvent]] = []
        self._order = count()

    @property
    def timers(self) -> int:
        """How many things are still to come."""
        return len(self._due)

    def tell(self, event: DetectorEvent) -> list[Suspect | Trust]:
        """Hand over an event now; the opinions that follow."""
        effects: list[DetectorEffect] = self._detector.handle(event, self.now)
        opinions: list[Suspect | Trust] = []
        for effect in effects:
            match effect:
                case StartTimer(after, token):
                    self._later(after, TimerFired(token))
                case Probe(peer) if peer.name in self.answering:
                    self._later(self._delay(), Probed(peer, 0.0))
                case Suspect() | Trust():
                    opinions.append(effect)
        return opinions

    def run(self, seconds: float) -> list[Opinion]:
        """Let time pass."""
        end, opinions = self.now + seconds, list[Opinion]()
        while self._due and self._due[0][0] <= end:
            at, _, event = heapq.heappop(self._due)
            self.now = max(self.now, at)
            opinions += [Opinion(self.now, effect) for effect in self.tell(event)]
        self.now = end
        return opinions

    def stall(self, seconds: float) -> None:
        """Time passes, and the node does not run; what was due comes late."""
        self.now += seconds

    def _later(self, after: float, event: DetectorEvent) -> None:
        heapq.heappush(self._due, (self.now + after, next(self._order), event))
