"""Nodes that are handed another configuration while they run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from partisan_core import Config, Node, load_config, open_node
from partisan_core.views import Change
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.nodes import PARTS, link, until


def config(name: str, network: FrailNetwork, **sections: Any) -> Config:
    """The configuration of a node of this module's parts; sections override."""
    given: dict[str, Any] = {
        "node": {"name": name, "strict": True},
        "overlay": {"use": f"{PARTS}:Acquaintances"},
        "serializer": {"use": f"{PARTS}:plain"},
        "transport": {"use": "tests.core.kernel.frail:frail", "network": network.name},
    }
    return load_config(environ={}, overrides=given | sections)


class Pair:
    """Alpha, and beta joined to it, over a network that can be cut."""

    def __init__(self, network: FrailNetwork, alpha: Node, beta: Node) -> None:
        self.network, self.alpha, self.beta = network, alpha, beta

    async def reload(self, node: Node, **sections: Any) -> tuple[Change, ...]:
        return await node.reload(config(node.name, self.network, **sections))

    async def reload_both(self, **sections: Any) -> None:
        for node in (self.alpha, self.beta):
            await self.reload(node, **sections)


@asynccontextmanager
async def pair(**sections: Any) -> AsyncIterator[Pair]:
    network = FrailNetwork()
    alpha, beta = (open_node(config(name, network, **sections)) for name in ("alpha", "beta"))
    async with alpha as one, beta as other:
        await link(other, one)
        await until(lambda: one.is_fully_connected("beta") and other.is_fully_connected("alpha"))
        yield Pair(network, one, other)
        network.silent = False


@asynccontextmanager
async def lone(**sections: Any) -> AsyncIterator[tuple[Node, FrailNetwork]]:
    network = FrailNetwork()
    async with open_node(config("alpha", network, **sections)) as node:
        yield node, network
