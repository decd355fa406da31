"""The smallest parts that make a node: the kernel's tests need no plugin distribution."""

from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from partisan_core.detection import DetectorEffect, DetectorEvent
from partisan_core.effects import Effect, Note, Retire, Send, StartTimer
from partisan_core.events import Event, Evict, Join, Leave, Reason, Received, Started, TimerFired
from partisan_core.identity import NodeSpec
from partisan_core.kinds import FailureDetectorPlugin, NoOptions, OverlayPlugin, SerializerPlugin


class Greeting(Struct, frozen=True, array_like=True, tag="g"):
    """I know you now."""


class Farewell(Struct, frozen=True, array_like=True, tag="f"):
    """Forget me."""


class Acquaintances:
    """Wants a link to whomever it joined or heard from, until they leave."""

    messages: ClassVar[Sequence[type[Struct]]] = (Greeting, Farewell)
    capabilities: ClassVar[Collection[str]] = frozenset({"evict"})

    def __init__(self, me: NodeSpec, config: NoOptions, rng: Random) -> None:
        self.me = me
        self.known: dict[str, NodeSpec] = {}

    def handle(self, event: Event, now: float) -> list[Effect]:
        match event:
            case Join(peer):
                self.known = self.known | {peer.name: peer}
                return [Send(peer, Greeting())]
            case Received(peer, Greeting()) if self.known.get(peer.name, peer).life <= peer.life:
                self.known = self.known | {peer.name: peer}
            case Received(peer, Farewell()):
                return self._forget(peer, Reason.LEFT)
            case Evict(peer):
                return self._forget(peer, Reason.EVICTED)
            case Leave():
                return [Send(peer, Farewell()) for peer in self.known.values()]
        return []

    def _forget(self, peer: NodeSpec, reason: Reason) -> list[Effect]:
        self.known = {name: known for name, known in self.known.items() if name != peer.name}
        return [Note(peer, reason)]

    def members(self) -> Mapping[str, NodeSpec]:
        return self.known

    def links(self) -> Mapping[str, NodeSpec]:
        return self.known

    def next_hop(self, name: str) -> str | None:
        return None

    def snapshot(self) -> bytes:
        return b""

    def restore(self, data: bytes) -> None:
        """Nothing is remembered."""


newer = OverlayPlugin(make=Acquaintances, version=2)


class Stumbling(Acquaintances):
    """Raises, once, when it is told to join."""

    stumbled = False

    def handle(self, event: Event, now: float) -> list[Effect]:
        if isinstance(event, Join) and not self.stumbled:
            self.stumbled = True
            raise ZeroDivisionError("a bug in the overlay")
        return super().handle(event, now)


class Forgetful(Acquaintances):
    """Raises when it shall remember."""

    def snapshot(self) -> bytes:
        raise ZeroDivisionError("a bug in the overlay")


class Reminded(Acquaintances):
    """Says what it was reminded of; a snapshot is the number of its life."""

    reminders: ClassVar[list[bytes]] = []

    def snapshot(self) -> bytes:
        return b"%d" % self.me.incarnation

    def restore(self, data: bytes) -> None:
        self.reminders.append(data)


class Choosy(Acquaintances):
    """Will have nothing to do with alpha, who lets everybody in."""

    def handle(self, event: Event, now: float) -> list[Effect]:
        return [] if isinstance(event, Join) and event.contact.name == "alpha" else super().handle(event, now)


class Ticking(Acquaintances):
    """Counts its timer in `ticks`, by incarnation: who lives twice must not tick twice."""

    ticks: ClassVar[list[int]] = []

    def handle(self, event: Event, now: float) -> list[Effect]:
        if isinstance(event, Started | TimerFired):
            self.ticks.append(self.me.incarnation)
            return [StartTimer(1.0, "tick")]
        return super().handle(event, now)


class Usurped(Acquaintances):
    """Learns at once that somebody else has its name."""

    def handle(self, event: Event, now: float) -> list[Effect]:
        return [StartTimer(0, "now")] if isinstance(event, Started) else [Retire(Reason.NAME_IN_USE)]


class _Panicking:
    """A failure detector that raises at whatever it hears."""

    def __init__(self, options: NoOptions, rng: Random) -> None:
        pass

    def handle(self, event: DetectorEvent, now: float) -> list[DetectorEffect]:
        raise ZeroDivisionError("a bug in the detector")


panicking = FailureDetectorPlugin(make=_Panicking)


class _Plain:
    """MessagePack, for plain data."""

    def __init__(self) -> None:
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(list[tuple[str, Any]])

    def encode(self, envelope: tuple[str, object]) -> bytes:
        return self._encoder.encode(envelope)

    def join(self, pieces: Sequence[bytes]) -> bytes:
        return b"".join((b"\xdd", len(pieces).to_bytes(4, "big"), *pieces))

    def decode_batch(self, data: memoryview) -> list[tuple[str, Any]]:
        return self._decoder.decode(data)


plain = SerializerPlugin(make=lambda options: _Plain())
other = SerializerPlugin(make=lambda options: _Plain())


class _Hexadecimal(_Plain):
    """Another notation of the same."""

    def encode(self, envelope: tuple[str, object]) -> bytes:
        return super().encode(envelope).hex().encode()

    def join(self, pieces: Sequence[bytes]) -> bytes:
        return super().join([bytes.fromhex(piece.decode()) for piece in pieces]).hex().encode()

    def decode_batch(self, data: memoryview) -> list[tuple[str, Any]]:
        return super().decode_batch(memoryview(bytes.fromhex(bytes(data).decode())))


hexadecimal = SerializerPlugin(make=lambda options: _Hexadecimal())
