"""Two nodes with a channel for states, on a network that breaks at will."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from partisan_core import Node
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.nodes import link, opened, until


@asynccontextmanager
async def couple(policy: Any = "monotonic", **options: Any) -> AsyncIterator[tuple[FrailNetwork, Node, Node]]:
    """Alpha and beta, with a channel `states`."""
    network = FrailNetwork()
    sections: dict[str, Any] = {
        "transport": {"use": "tests.core.kernel.frail:frail", "network": network.name},
        "channels": {"states": {"policy": policy} | options},
    }
    async with opened("alpha", **sections) as alpha, opened("beta", **sections) as beta:
        await link(beta, alpha)
        await until(lambda: alpha.is_fully_connected("beta"))
        yield network, alpha, beta
