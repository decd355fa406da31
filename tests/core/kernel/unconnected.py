"""Nodes that know each other from a common book, and are linked only to whom they are told to want."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from partisan_core import Node
from partisan_core.effects import Effect
from partisan_core.events import Event
from partisan_core.identity import NodeSpec
from partisan_core.kinds import OverlayPlugin
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.nodes import opened, until
from tests.core.kernel.parts import Acquaintances

HUB = "hub"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookOptions:
    """Which book, and to whom there shall be links."""

    book: str
    wanted: tuple[str, ...] = ()
    hop: str = ""
    """Through whom everybody without a link is reached."""


class Book(Acquaintances):
    """Members are those who stand in the book."""

    books: ClassVar[dict[str, dict[str, NodeSpec]]] = {}
    heard: ClassVar[list[Event]] = []

    def __init__(self, me: NodeSpec, config: BookOptions, rng: Random) -> None:
        self.me, self.config = me, config
        self.books[config.book] = self.books.get(config.book, {}) | {me.name: me}
        self.read: Mapping[str, NodeSpec] = {}
        self.wanted: Mapping[str, NodeSpec] = {}

    def handle(self, event: Event, now: float) -> list[Effect]:
        self.heard.append(event)
        return []

    def members(self) -> Mapping[str, NodeSpec]:
        return self.books[self.config.book]

    def links(self) -> Mapping[str, NodeSpec]:
        if self.read is not self.members():
            self.read = self.members()
            self.wanted = {name: spec for name, spec in self.read.items() if name in self.config.wanted}
        return self.wanted

    def next_hop(self, name: str) -> str | None:
        return self.config.hop or None


book = OverlayPlugin(make=Book, config=BookOptions)


def on(
    network: FrailNetwork, name: str, *, wanted: tuple[str, ...] = (), hop: str = "", **sections: Any
) -> AbstractAsyncContextManager[Node]:
    """A node of the network's book."""
    given: dict[str, object] = {
        "transport": {"use": "tests.core.kernel.frail:frail", "network": network.name},
        "overlay": {"use": f"{__name__}:book", "book": network.name, "wanted": list(wanted), "hop": hop},
    }
    return opened(name, **(given | sections))


@asynccontextmanager
async def strangers(*names: str, **sections: Any) -> AsyncIterator[tuple[Any, ...]]:
    """Nodes that know each other, and have no links."""
    network = FrailNetwork()
    async with AsyncExitStack() as stack:
        yield network, *[await stack.enter_async_context(on(network, name, **sections)) for name in names]


@asynccontextmanager
async def star(*names: str, **sections: Any) -> AsyncIterator[tuple[Any, ...]]:
    """A hub, which is told first, and nodes that are linked to it alone, and reach each other through it."""
    network = FrailNetwork()
    rule = {"routing": {"unconnected": "relay"}} | sections
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(on(network, HUB, **rule))
        rays = [await stack.enter_async_context(on(network, name, wanted=(HUB,), hop=HUB, **rule)) for name in names]
        await until(lambda: all(hub.is_fully_connected(ray.name) and ray.is_fully_connected(HUB) for ray in rays))
        yield network, hub, *rays
