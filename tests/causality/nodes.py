"""Nodes with the extension `causal`, over a network that may lose frames, in virtual time."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import combinations
from typing import cast

import trio

from partisan_causal.orderer import Orderer
from partisan_core import Node
from partisan_core.mailboxes import Mailbox
from partisan_core.transports.memory import MemoryNetwork
from partisan_core.wire.frames import Kind
from tests.acked.lossy import CRC32_ONLY, LossyNetwork
from tests.core.kernel.nodes import link, opened, until

A_WHILE = 600.0
"""Virtual seconds in which all must have arrived."""


@asynccontextmanager
async def cluster(*names: str, seed: int = 1, **causal: object) -> AsyncIterator[tuple[list[Node], LossyNetwork]]:
    """Nodes that are all linked."""
    network = LossyNetwork(MemoryNetwork(), seed)
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(opened(name, **sections(network, **causal))) for name in names]
        for one, other in combinations(nodes, 2):
            await link(other, one)
        yield nodes, network


def sections(network: LossyNetwork, **causal: object) -> dict[str, object]:
    """Of the configuration."""
    extensions = {"enable": ["causal"], "causal": causal}
    return {"transport": network.section, "links": CRC32_ONLY, "extensions": extensions}


async def receive(box: Mailbox, messages: int) -> list[object]:
    """The next messages."""
    with trio.fail_after(A_WHILE):
        return [await box.receive() for _ in range(messages)]


async def talk_in_a_triangle(
    alpha: Node, beta: Node, gamma: Node, network: LossyNetwork, **how: object
) -> list[object]:
    """Alpha writes to gamma, which is lost at first, then to beta, which writes to gamma; returns what gamma gets."""
    options: dict[str, object] = {"ack": True} | how
    async with gamma.open_mailbox("box") as at_gamma, beta.open_mailbox("box") as at_beta:
        network.kinds, network.drop = frozenset({int(Kind.DATA)}), 1.0
        await alpha.send("gamma/box", "m1", **options)  # type: ignore[call-overload]
        await until(lambda: network.dropped)
        network.drop = 0.0
        await alpha.send("beta/box", "m2", **options)  # type: ignore[call-overload]
        assert await receive(at_beta, 1) == ["m2"]
        await beta.send("gamma/box", "m3", **options)  # type: ignore[call-overload]
        return await receive(at_gamma, 2)


def left_over(node: Node) -> list[tuple[int, int, int]]:
    """What a node keeps: messages that wait, triples, messages unconfirmed, by label."""
    orderer = cast("Orderer", node._kernel.ordering._orderer)
    labels = orderer._labels.values()
    return [(label.order.held, label.order.unsettled, len(label.unconfirmed)) for label in labels]


NOTHING = [(0, 0, 0)]
