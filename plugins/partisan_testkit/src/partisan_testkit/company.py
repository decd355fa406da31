"""Many failure detectors without a network: time is a heap of what is to come, and the connections are played."""

import heapq
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from random import Random
from typing import NamedTuple

from msgspec import Struct

from partisan_core.detection import (
    DetectorEvent,
    PeerDown,
    PeerLost,
    PeerResumed,
    PeerUp,
    Probe,
    Probed,
    Started,
    Suspect,
    Trust,
)
from partisan_core.effects import Send, StartTimer
from partisan_core.events import Received, TimerFired
from partisan_core.identity import NodeSpec
from partisan_core.kinds import FailureDetector

NOTICED = 5.0
"""Seconds after which the connection layer breaks a silent connection, by its defaults (decision 0010)."""


class Opinion(NamedTuple):
    """Who said what, and when."""

    at: float
    by: str
    effect: Suspect | Trust

    @property
    def about(self) -> str:
        """The name of the other."""
        return self.effect.peer.name


class Company:
    """Members that are all linked to each other. A message takes 1 to 5 ms; a share of them may get lost.

    Whom `wakes` says so of neither sends nor receives until then, while its timers run: what it would have sent and
    received meanwhile is sent and received at that time. So Lifeguard was measured by its authors.
    """

    def __init__(self, make: Callable[[Random], FailureDetector], size: int, seed: int, loss: float = 0.0) -> None:
        self.now, self.messages = 0.0, 0
        """Seconds; how many messages were sent."""
        self.rng = Random(f"{seed} company")
        self.wakes: Callable[[str, float], float] = lambda name, now: now
        self.opinions: list[Opinion] = []
        self.specs = {f"n{number}": NodeSpec(f"n{number}", 1, number) for number in range(size)}
        self.detectors = {name: make(Random(f"{seed} {name}")) for name in self.specs}
        self.cut: set[frozenset[str]] = set()
        """Pairs between which nothing passes."""
        self.gone: set[str] = set()
        """Who runs no longer."""
        self._make, self._seed, self._loss = make, seed, loss
        self._due: list[tuple[float, int, NodeSpec, DetectorEvent]] = []
        self._order = count()
        for name in self.specs:
            self._start(name)
        for name in self.specs:
            self._introduce(name, self.specs.keys() - {name})

    @property
    def timers(self) -> int:
        """How many timers of the living are running."""
        return sum(isinstance(event, TimerFired) and spec.name not in self.gone for _, _, spec, event in self._due)

    # -- what happens -------------------------------------------------------------------------------------------

    def tell(self, name: str, event: DetectorEvent) -> None:
        """Hand an event to one of them now, and do what it says."""
        for effect in self.detectors[name].handle(event, self.now):
            match effect:
                case Send(peer, message):
                    self._send(name, peer.name, message)
                case StartTimer(after, token):
                    self._later(self.now + after, name, TimerFired(token))
                case Probe(peer):
                    self._probe(name, peer)
                case Suspect() | Trust():
                    self.opinions.append(Opinion(self.now, name, effect))

    def crash(self, *names: str) -> None:
        """They run no longer, and nobody is told."""
        self.gone.update(names)

    def isolate(self, name: str) -> None:
        """Nothing passes between it and the others; after a while their connections break."""
        for other in self._others(name):
            self.cut.add(frozenset((name, other)))
            for one, peer in ((name, other), (other, name)):
                self._later(self.now + NOTICED, one, PeerLost(self.specs[peer]))

    def come_back(self, name: str) -> None:
        """It can be reached again, in the same life, after its connections broke."""
        for other in self._others(name):
            self.cut.discard(frozenset((name, other)))
            for one, peer in ((name, other), (other, name)):
                self.tell(one, PeerResumed(self.specs[peer]))

    def bury(self, name: str) -> None:
        """It runs no longer, and everybody's connection layer says that it is down."""
        self.gone.add(name)
        for other in self._others(name):
            self.cut.discard(frozenset((name, other)))
            self.tell(other, PeerDown(self.specs[name]))

    def restart(self, name: str) -> None:
        """One that was buried begins a newer life."""
        spec = self.specs[name]
        self.specs[name] = NodeSpec(name, spec.incarnation + 1, spec.instance)
        self.gone.discard(name)
        self.detectors[name] = self._make(Random(f"{self._seed} {name} {spec.incarnation}"))
        self._start(name)
        self._introduce(name, self._others(name))
        for other in self._others(name):
            self._introduce(other, [name])

    def run(self, seconds: float) -> Sequence[Opinion]:
        """Let time pass; what was said in it."""
        end, before = self.now + seconds, len(self.opinions)
        while self._due and self._due[0][0] <= end:
            at, _, spec, event = heapq.heappop(self._due)
            self.now = max(self.now, at)
            if spec.name in self.gone or self.specs[spec.name] is not spec or self._is_stale(spec, event):
                continue
            wakes = self.wakes(spec.name, self.now) if isinstance(event, Received) else self.now
            if wakes > self.now:
                self._later(wakes, spec.name, event)
            else:
                self.tell(spec.name, event)
        self.now = end
        return self.opinions[before:]

    def suspected_by(self, name: str) -> set[str]:
        """Whom one of them suspects now, by its own words."""
        suspected: set[str] = set()
        for opinion in self.opinions:
            if opinion.by == name:
                (suspected.add if isinstance(opinion.effect, Suspect) else suspected.discard)(opinion.about)
        return suspected

    # -- how ----------------------------------------------------------------------------------------------------

    def _others(self, name: str) -> list[str]:
        return [other for other in self.specs if other != name and other not in self.gone]

    def _start(self, name: str) -> None:
        if self._converses(name):
            self.tell(name, Started(self.specs[name]))

    def _is_stale(self, spec: NodeSpec, event: DetectorEvent) -> bool:
        """A connection that was to break has been made anew, or given up."""
        if not isinstance(event, PeerLost):
            return False
        name = event.peer.name
        return frozenset((spec.name, name)) not in self.cut or self.specs[name] is not event.peer

    def _converses(self, name: str) -> bool:
        return bool(getattr(self.detectors[name], "messages", ()))

    def _introduce(self, name: str, others: Iterable[str]) -> None:
        for other in sorted(others):
            self.tell(name, PeerUp(self.specs[other], self._converses(other)))

    def _send(self, sender: str, receiver: str, message: Struct) -> None:
        self.messages += 1
        if frozenset((sender, receiver)) not in self.cut and self.rng.random() >= self._loss:
            leaves = self.wakes(sender, self.now)
            self._later(leaves + self._latency(), receiver, Received(self.specs[sender], message))

    def _probe(self, name: str, peer: NodeSpec) -> None:
        """The connection layer of the other end answers."""
        if peer.name not in self.gone and frozenset((name, peer.name)) not in self.cut:
            rtt = self._latency() + self._latency()
            self._later(self.now + rtt, name, Probed(peer, rtt))

    def _latency(self) -> float:
        return self.rng.uniform(0.001, 0.005)

    def _later(self, at: float, name: str, event: DetectorEvent) -> None:
        heapq.heappush(self._due, (at, next(self._order), self.specs[name], event))
