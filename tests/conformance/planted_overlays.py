"""Overlays with one fault each: `BREAKS` says which rule has to find which."""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeVar

from msgspec import Meta, Struct
from msgspec.msgpack import decode

from partisan_core.effects import Effect, Note, Send, StartTimer
from partisan_core.events import (
    DialFailed,
    Event,
    Evict,
    Join,
    Leave,
    LinkDown,
    Reason,
    Received,
    Reconcile,
    Started,
    TimerFired,
)
from partisan_core.identity import NodeSpec
from partisan_core.membership import Entry
from partisan_fullmesh import FullMesh, FullMeshConfig
from partisan_fullmesh.messages import Digest, News, Summary, Update

MESSAGES = (Digest, Summary, Update, News)
BREAKS: dict[str, str] = {}
T = TypeVar("T")


def breaks(rule: str) -> Callable[[type[T]], type[T]]:
    """Write down which rule has to find the fault of a class."""

    def note(planted: type[T]) -> type[T]:
        BREAKS[planted.__name__] = rule
        return planted

    return note


class Mesh(FullMesh):
    """No fault: what the others are made of."""

    Config: type = FullMeshConfig
    messages: ClassVar[Sequence[type[Struct]]] = MESSAGES


@breaks("overlay.interface")
class WithoutAMethod(Mesh):
    next_hop = None  # type: ignore[assignment]


@dataclass
class LooseConfig:
    gossip_interval: float = 1.0
    fanout: int = 3
    tombstone_ttl: float = 3600.0


@breaks("overlay.config")
class WithAConfigThatChanges(Mesh):
    Config = LooseConfig


class Thawed(Struct, array_like=True, tag="t"):
    number: int


@breaks("overlay.messages")
class WithAMessageThatChanges(Mesh):
    messages = (*MESSAGES, Thawed)


class Again(Struct, frozen=True, array_like=True, tag="d"):
    number: int


@breaks("overlay.messages")
class WithOneTagForTwoMessages(Mesh):
    messages = (*MESSAGES, Again)


class Home:
    pass


class Foreign(Struct, frozen=True, array_like=True, tag="f"):
    home: Home


@breaks("overlay.round-trip")
class WithAForeignType(Mesh):
    messages = (*MESSAGES, Foreign)


class Endless(Struct, frozen=True, array_like=True, tag="e"):
    names: tuple[str, ...]


@breaks("overlay.bounded-messages")
class WithAnEndlessList(Mesh):
    messages = (*MESSAGES, Endless)


class Hint(Struct, frozen=True, array_like=True, tag="h"):
    peers: Annotated[tuple[NodeSpec, ...], Meta(max_length=64)]
    count: int = 0


class Hinting(Mesh):
    """No fault: has one more message, which it ignores."""

    messages = (*MESSAGES, Hint)


@breaks("overlay.never-raises")
class TrustingThatAListIsNotEmpty(Hinting):
    def handle(self, event: Event, now: float) -> list[Effect]:
        match event:
            case Received(_, Hint(peers)):
                return [Send(peers[0], Hint(()))] if peers[0].name != self._me.name else []
        return super().handle(event, now)


@breaks("overlay.never-raises")
class TrustingThatALinkWasUp(Mesh):
    def handle(self, event: Event, now: float) -> list[Effect]:
        if isinstance(event, LinkDown):
            del self._up[event.peer.name]
        return super().handle(event, now)


@breaks("overlay.stale-timers")
class TrustingThatATokenIsItsOwn(Mesh):
    def handle(self, event: Event, now: float) -> list[Effect]:
        if isinstance(event, TimerFired):
            {"round": None}[event.token]
        return super().handle(event, now)


@breaks("overlay.pure")
class WithRandomnessOfItsOwn(Mesh):
    def handle(self, event: Event, now: float) -> list[Effect]:
        effects = super().handle(event, now)
        random.SystemRandom().shuffle(effects)
        return effects


@breaks("overlay.same-object")
class ChangingItsMembersInPlace(Mesh):
    def handle(self, event: Event, now: float) -> list[Effect]:
        if isinstance(event, Join):
            members = self.members()
            assert isinstance(members, dict)
            members[event.contact.name] = event.contact
        return super().handle(event, now)


@breaks("overlay.same-object")
class CopyingItsMembersForEachQuestion(Mesh):
    def members(self) -> Mapping[str, NodeSpec]:
        return dict(super().members())


@breaks("overlay.same-object")
class CopyingItsLinksAfterEachEvent(Mesh):
    def handle(self, event: Event, now: float) -> list[Effect]:
        effects = super().handle(event, now)
        self._links = dict(self._links)
        return effects


@breaks("overlay.contains-itself")
class ForgettingItself(Mesh):
    def members(self) -> Mapping[str, NodeSpec]:
        return self._links


@breaks("overlay.never-itself")
class LinkedToItself(Mesh):
    def links(self) -> Mapping[str, NodeSpec]:
        return self._members


@breaks("overlay.never-itself")
class BelievingWhoeverNamesIt(Hinting):
    def handle(self, event: Event, now: float) -> list[Effect]:
        match event:
            case Received(_, Hint(peers)):
                return [Send(peer, Hint(())) for peer in peers]
        return super().handle(event, now)


@breaks("overlay.keyed-by-name")
class KeyedByAddress(Mesh):
    def handle(self, event: Event, now: float) -> list[Effect]:
        effects, before = super().handle(event, now), self._links
        if any(name in self._members for name in before):
            self._links = {str(peer.addresses[:1]): peer for peer in before.values()}
        return effects


class Unlisted(Struct, frozen=True, array_like=True, tag="u2"):
    pass


@breaks("overlay.effects")
class SendingWhatItDoesNotList(Mesh):
    def handle(self, event: Event, now: float) -> list[Effect]:
        if isinstance(event, Join):
            return [Send(event.contact, Unlisted())]
        return super().handle(event, now)


@breaks("overlay.bounded-effects")
class CountingAsItIsTold(Hinting):
    def handle(self, event: Event, now: float) -> list[Effect]:
        match event:
            case Received(peer, Hint(_, count)):
                return [Note(peer, Reason.LEFT)] * min(count, 10_000)
        return super().handle(event, now)


@breaks("overlay.bounded-timers")
class StartingARoundForEachContact(Mesh):
    def handle(self, event: Event, now: float) -> list[Effect]:
        effects = super().handle(event, now)
        return [*effects, StartTimer(1.0, "round")] if isinstance(event, Received | Join) else effects


@breaks("overlay.bounded-timers")
class WithoutRest(Mesh):
    def handle(self, event: Event, now: float) -> list[Effect]:
        effects = super().handle(event, now)
        return [*effects, StartTimer(0.0, "again")] if event in (Started(), TimerFired("again")) else effects


@breaks("overlay.next-hop")
class RoutingThroughAnybody(Mesh):
    def next_hop(self, name: str) -> str | None:
        return name


@breaks("overlay.strangers-fail")
class KnowingWhomItFailedToReach(Mesh):
    def handle(self, event: Event, now: float) -> list[Effect]:
        return super().handle(Join(event.peer) if isinstance(event, DialFailed) else event, now)


@breaks("overlay.snapshot")
class TrustingItsSnapshot(Mesh):
    def restore(self, data: bytes) -> None:
        decode(data, type=tuple[Entry, ...])


@breaks("overlay.joins")
class JoiningNobody(Mesh):
    def handle(self, event: Event, now: float) -> list[Effect]:
        return [] if isinstance(event, Join | Received) else super().handle(event, now)


class Ask(Struct, frozen=True, array_like=True, tag="ask"):
    pass


class Agree(Struct, frozen=True, array_like=True, tag="agree"):
    pass


@breaks("overlay.rough-network")
class AskingOnce:
    """Links are made by a question and an answer, and nobody asks twice."""

    messages: ClassVar[Sequence[type[Struct]]] = (Ask, Agree)
    capabilities: ClassVar[Collection[str]] = ()

    def __init__(self, me: NodeSpec, config: object, rng: random.Random) -> None:
        self._me = me
        self._links: Mapping[str, NodeSpec] = {}
        self._members: Mapping[str, NodeSpec] = {me.name: me}

    def handle(self, event: Event, now: float) -> list[Effect]:
        match event:
            case Join(contact):
                return [Send(contact, Ask())]
            case Received(peer, message):
                self._links = {**self._links, peer.name: peer}
                self._members = {self._me.name: self._me, **self._links}
                return [Send(peer, Agree())] if isinstance(message, Ask) else []
        return []

    def members(self) -> Mapping[str, NodeSpec]:
        return self._members

    def links(self) -> Mapping[str, NodeSpec]:
        return self._links

    def next_hop(self, name: str) -> str | None:
        return None

    def snapshot(self) -> bytes:
        return b""

    def restore(self, data: bytes) -> None:
        pass


@breaks("overlay.crash")
class GivingUpWithItsFirstLink(Mesh):
    def handle(self, event: Event, now: float) -> list[Effect]:
        return super().handle(Leave() if isinstance(event, LinkDown) else event, now)


@breaks("overlay.restart")
class ClingingToTheFirstLife(Mesh):
    """Wants the life of each name that it saw first."""

    _first: dict[str, NodeSpec] | None = None
    _shown: Mapping[str, NodeSpec] = {}

    def handle(self, event: Event, now: float) -> list[Effect]:
        effects = super().handle(event, now)
        self._first = {**self._links, **(self._first or {})}
        shown = {name: self._first[name] for name in self._links}
        self._shown = self._shown if self._shown == shown else shown
        return effects

    def links(self) -> Mapping[str, NodeSpec]:
        return self._shown


@breaks("overlay.leave")
class LeavingWithoutAWord(Mesh):
    def handle(self, event: Event, now: float) -> list[Effect]:
        return [] if isinstance(event, Leave) else super().handle(event, now)


@breaks("overlay.full-view")
class KeepingNewsToItself(Mesh):
    """Knows whom it speaks with, and tells nobody of others."""

    def handle(self, event: Event, now: float) -> list[Effect]:
        if isinstance(event, Received):
            event = Received(event.peer, Digest(self._known.digest))
        return super().handle(event, now)


@breaks("overlay.evict")
class EvictingNobody(Mesh):
    def handle(self, event: Event, now: float) -> list[Effect]:
        return [] if isinstance(event, Evict) else super().handle(event, now)


@breaks("overlay.reconcile")
class ReconcilingNobody(Mesh):
    def handle(self, event: Event, now: float) -> list[Effect]:
        return [] if isinstance(event, Reconcile) else super().handle(event, now)


@breaks("overlay.reserved-slots")
class KeepingNoPlace(AskingOnce):
    """Has three places, and gives them to who came last."""

    capabilities = frozenset({"reserved_slots"})

    def links(self) -> Mapping[str, NodeSpec]:
        if len(self._links) > 3:
            self._links = dict(list(self._links.items())[-3:])
        return self._links
