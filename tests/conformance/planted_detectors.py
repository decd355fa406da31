"""Failure detectors with a planted fault each."""

import itertools
from collections.abc import Sequence
from random import Random
from typing import ClassVar

from msgspec import Struct

from partisan_core.detection import DetectorEffect, DetectorEvent, PeerDown, PeerLost, PeerResumed, PeerUp, Suspect
from partisan_core.detectors.tcp import TcpDetector
from partisan_core.effects import StartTimer
from partisan_core.events import Received, TimerFired
from partisan_core.identity import NodeSpec
from partisan_core.kinds import FailureDetectorPlugin, NoOptions

_runs = itertools.count()


class Jumpy(TcpDetector):
    """Suspects whom it has just met."""

    def handle(self, event: DetectorEvent, now: float) -> list[DetectorEffect]:
        return [Suspect(event.peer)] if isinstance(event, PeerUp) else super().handle(event, now)


class Trustful(TcpDetector):
    """Suspects nobody."""

    def handle(self, event: DetectorEvent, now: float) -> list[DetectorEffect]:
        return []


class Resentful(TcpDetector):
    """Takes nothing back."""

    def handle(self, event: DetectorEvent, now: float) -> list[DetectorEffect]:
        return [] if isinstance(event, PeerResumed) else super().handle(event, now)


class Haunted(TcpDetector):
    """Suspects the dead."""

    def handle(self, event: DetectorEvent, now: float) -> list[DetectorEffect]:
        match event:
            case PeerDown(peer):
                self.dead = peer
                return [StartTimer(5.0, "dead")]
            case TimerFired("dead"):
                return [Suspect(self.dead)]
        return super().handle(event, now)


class Grudging(TcpDetector):
    """Suspects a newer life for what the older one did."""

    lost: frozenset[str] = frozenset()

    def handle(self, event: DetectorEvent, now: float) -> list[DetectorEffect]:
        match event:
            case PeerLost(peer):
                self.lost |= {peer.name}
            case PeerUp(peer) if peer.name in self.lost:
                return [*super().handle(event, now), Suspect(peer)]
        return super().handle(event, now)


class Repetitive(TcpDetector):
    """Says everything again."""

    def handle(self, event: DetectorEvent, now: float) -> list[DetectorEffect]:
        return 2 * super().handle(event, now)


class Moody(TcpDetector):
    """Depends on something that nobody handed in."""

    def __init__(self, config: NoOptions, rng: Random) -> None:
        super().__init__(config, rng)
        self._is_moody = next(_runs) // 5 % 2 == 1

    def handle(self, event: DetectorEvent, now: float) -> list[DetectorEffect]:
        return [] if self._is_moody else super().handle(event, now)


class Hail(Struct, frozen=True, array_like=True, tag="h"):
    """For whom it is."""

    to: str


class Credulous(TcpDetector):
    """Looks up whomever a message names."""

    messages: ClassVar[Sequence[type[Struct]]] = (Hail,)

    def handle(self, event: DetectorEvent, now: float) -> list[DetectorEffect]:
        if isinstance(event, Received) and isinstance(event.message, Hail):
            known: dict[str, NodeSpec] = {"n1": event.peer}
            return [Suspect(known[event.message.to])]
        return super().handle(event, now)


BREAKS = {
    "jumpy": "detector.quiet",
    "trustful": "detector.silence",
    "resentful": "detector.trust",
    "haunted": "detector.down",
    "grudging": "detector.new-life",
    "repetitive": "detector.consistency",
    "moody": "detector.determinism",
    "credulous": "detector.garbage",
}
"""planted -> the rule that finds it."""

jumpy, trustful, resentful, haunted, grudging, repetitive, moody, credulous = (
    FailureDetectorPlugin(make=make)
    for make in (Jumpy, Trustful, Resentful, Haunted, Grudging, Repetitive, Moody, Credulous)
)
