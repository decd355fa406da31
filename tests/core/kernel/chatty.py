"""A failure detector that greets whom it can, and remembers what it was told."""

from collections.abc import Sequence
from random import Random
from typing import ClassVar

from msgspec import Struct

from partisan_core.detection import DetectorEffect, DetectorEvent, PeerUp, Started, Suspect
from partisan_core.effects import Send
from partisan_core.events import Received
from partisan_core.identity import NodeSpec
from partisan_core.kinds import FailureDetectorPlugin, NoOptions


class Hail(Struct, frozen=True, array_like=True, tag="g"):
    """Its tag is also that of an overlay's message."""

    text: str


class Chatty:
    messages: ClassVar[Sequence[type[Struct]]] = (Hail,)
    heard: ClassVar[list[DetectorEvent]] = []

    def __init__(self, options: NoOptions, rng: Random) -> None:
        """Nothing to configure."""

    def handle(self, event: DetectorEvent, now: float) -> list[DetectorEffect]:
        self.heard.append(event)
        match event:
            case PeerUp(peer):
                return [Send(peer, Hail("from here")), Send(NodeSpec("nobody", 1, 1), Hail("lost"))]
            case Received(peer, Hail("suspect yourself")):
                return [Suspect(peer)]
        return []


def told(kind: type[DetectorEvent]) -> list[DetectorEvent]:
    """What detectors were told of one kind."""
    return [event for event in Chatty.heard if isinstance(event, kind)]


def lives(name: str) -> list[int]:
    """The incarnations with which detectors of that node began."""
    return [event.me.incarnation for event in Chatty.heard if isinstance(event, Started) and event.me.name == name]


chatty = FailureDetectorPlugin(make=Chatty)
another = FailureDetectorPlugin(make=Chatty)
