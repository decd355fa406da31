"""A static ring: every node links to the next and the previous one of a configured list. A whole overlay."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from msgspec import Struct

from partisan_core.effects import Effect
from partisan_core.events import Event
from partisan_core.identity import Address, NodeSpec
from partisan_core.kinds import OverlayPlugin
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class RingConfig:
    peers: tuple[str, ...]
    """`name=address` of every node, in the order of the ring."""


class Ring:
    Config = RingConfig
    messages: ClassVar[Sequence[type[Struct]]] = ()
    capabilities: ClassVar[Collection[str]] = {"full_view"}

    def __init__(self, me: NodeSpec, config: RingConfig, rng: Random) -> None:
        pairs = [peer.split("=") for peer in config.peers]
        # Incarnation 0: any life of that name will do.
        listed = {name: NodeSpec(name, 0, 0, (Address.parse(address),)) for name, address in pairs}
        self._members = {**listed, me.name: me}
        names, here = list(self._members), list(self._members).index(me.name)
        beside = {names[here - 1], names[(here + 1) % len(names)]} - {me.name}
        self._links = {name: self._members[name] for name in sorted(beside)}

    def handle(self, event: Event, now: float) -> list[Effect]:
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


@hookimpl
def partisan_overlay() -> OverlayPlugin:
    return OverlayPlugin(make=Ring, config=RingConfig, capabilities=Ring.capabilities)
