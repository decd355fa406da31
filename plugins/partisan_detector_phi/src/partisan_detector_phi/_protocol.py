"""The phi accrual failure detector.

Source: N. Hayashibara, X. Défago, R. Yared, T. Katayama, "The phi accrual failure detector", SRDS 2004. A heartbeat
here is the answer to a ping of the connection, so that nobody has to agree on an interval.
"""

import math
from collections import deque
from random import Random

from partisan_core.detection import (
    DetectorEffect,
    DetectorEvent,
    PeerDown,
    PeerUp,
    Probe,
    Probed,
    Suspect,
    Trust,
)
from partisan_core.effects import StartTimer
from partisan_core.events import TimerFired
from partisan_core.identity import NodeSpec
from partisan_detector_phi.config import PhiConfig

CHECKS = 4
"""How often each interval the silence of a peer is looked at: it is suspected at most a quarter late (chosen)."""

_PAST = 1e-300
"""A probability that cannot be told from 0: phi stays finite."""


class Arrivals:
    """What is known of the heartbeats of one peer: the last of the intervals between their arrivals, in seconds."""

    def __init__(self, config: PhiConfig, now: float) -> None:
        self.last = now
        self._minimum, self._pause = config.minimum_deviation, config.pause
        # before anything is known: as if two had come, a quarter early and late (Akka's first estimate)
        self._intervals = deque((0.75 * config.interval, 1.25 * config.interval), config.window)
        self._sum = sum(self._intervals)
        self._squares = sum(interval**2 for interval in self._intervals)

    def add(self, now: float) -> None:
        """A heartbeat has arrived."""
        interval, self.last = now - self.last, now
        oldest = self._intervals[0] if len(self._intervals) == self._intervals.maxlen else 0.0
        self._intervals.append(interval)
        self._sum += interval - oldest
        self._squares += interval**2 - oldest**2

    def phi(self, now: float) -> float:
        """The level of suspicion: -log10 of the probability that the next one comes later than `now`."""
        mean = self._sum / len(self._intervals)
        variance = self._squares / len(self._intervals) - mean**2
        deviation = max(self._minimum, math.sqrt(max(0.0, variance)))
        later = 0.5 * math.erfc((now - self.last - self._pause - mean) / (deviation * math.sqrt(2)))
        return -math.log10(max(later, _PAST))


class _Watched:
    """One peer with a link."""

    def __init__(self, peer: NodeSpec, arrivals: Arrivals, token: str, due: float) -> None:
        self.peer, self.arrivals, self.token, self.due = peer, arrivals, token, due
        self.checks = 0
        self.is_suspected = False

    def excuse(self, now: float) -> None:
        """While this node itself did not run, nobody was silent: what is told or fires late has waited here."""
        if now > self.due:
            self.arrivals.last = min(now, self.arrivals.last + now - self.due)
            self.due = now


class PhiDetector:
    """Asks every peer for heartbeats, and suspects those whose silence is not usual for them."""

    def __init__(self, config: PhiConfig, rng: Random) -> None:
        self._config = config
        self._watched: dict[str, _Watched] = {}
        self._watches = 0

    def handle(self, event: DetectorEvent, now: float) -> list[DetectorEffect]:
        """See `FailureDetector`."""
        match event:
            case PeerUp(peer):
                return self._watch(peer, now)
            case Probed(peer):
                return self._on_heartbeat(peer, now)
            case TimerFired(token):
                return self._check(token, now)
            case PeerDown(peer):
                watched = self._watched.get(peer.name)
                if watched is not None and watched.peer.life <= peer.life:
                    del self._watched[peer.name]
        return []

    def phi(self, name: str, now: float) -> float:
        """The level of suspicion of the peer of that name; 0 of one to which there is no link."""
        watched = self._watched.get(name)
        return 0.0 if watched is None else watched.arrivals.phi(now)

    def _watch(self, peer: NodeSpec, now: float) -> list[DetectorEffect]:
        before = self._watched.get(peer.name)
        self._watches += 1
        step = self._config.interval / CHECKS
        watched = _Watched(peer, Arrivals(self._config, now), f"{self._watches} {peer.name}", now + step)
        self._watched[peer.name] = watched
        trusted: list[DetectorEffect] = [Trust(peer)] if before is not None and before.is_suspected else []
        return [*trusted, Probe(peer), StartTimer(step, watched.token)]

    def _on_heartbeat(self, peer: NodeSpec, now: float) -> list[DetectorEffect]:
        """What ended a suspicion was not usual, and is not to become so."""
        watched = self._watched.get(peer.name)
        if watched is None or watched.peer.life != peer.life:
            return []
        watched.excuse(now)
        if watched.is_suspected:
            watched.is_suspected, watched.arrivals.last = False, now
            return [Trust(watched.peer)]
        watched.arrivals.add(now)
        return []

    def _check(self, token: str, now: float) -> list[DetectorEffect]:
        watched = self._watched.get(token.partition(" ")[2])
        if watched is None or watched.token != token:
            return []
        watched.excuse(now)
        step = self._config.interval / CHECKS
        watched.due, watched.checks = now + step, (watched.checks + 1) % CHECKS
        effects: list[DetectorEffect] = [StartTimer(step, token)]
        if watched.checks == 0:
            effects.append(Probe(watched.peer))
        if not watched.is_suspected and watched.arrivals.phi(now) >= self._config.threshold:
            watched.is_suspected = True
            effects.append(Suspect(watched.peer))
        return effects
