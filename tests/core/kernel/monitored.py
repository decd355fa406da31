"""How the tests of monitors open nodes, and what nodes remember."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import trio

from partisan_core import Node
from partisan_core.monitors import Monitor
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.nodes import PATIENCE, link, opened, until


def opened_on(network: FrailNetwork, name: str, **sections: Any) -> AbstractAsyncContextManager[Node]:
    return opened(name, transport={"use": "tests.core.kernel.frail:frail", "network": network.name}, **sections)


@asynccontextmanager
async def pair(**sections: Any) -> AsyncIterator[tuple[FrailNetwork, Node, Node]]:
    network = FrailNetwork()
    async with opened_on(network, "alpha", **sections) as alpha, opened_on(network, "beta", **sections) as beta:
        await link(beta, alpha)
        await until(lambda: alpha.is_fully_connected("beta") and beta.is_fully_connected("alpha"))
        yield network, alpha, beta
        network.silent = False


async def told(monitor: Monitor) -> tuple[str, str]:
    with trio.fail_after(PATIENCE):
        down = await monitor.wait()
    return down.reason, down.detail


def held(node: Node) -> dict[str, int]:
    """What a node remembers of monitors."""
    monitoring = node._kernel.monitoring
    return {
        "set": len(monitoring.monitors),
        "watched": len(monitoring.watchers),
        "unanswered": len(monitoring.requests),
        "links": len(node._kernel.peers.pins._held),
    }


NOTHING = {"set": 0, "watched": 0, "unanswered": 0, "links": 0}


async def leaks_nothing(*nodes: Node) -> None:
    await until(lambda: all(held(node) == NOTHING for node in nodes))
