"""Two nodes in memory, of which one injects faults."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from partisan_core import Mailbox, Node
from partisan_core.views import FaultRow
from partisan_faults import Rule
from tests.core.kernel.nodes import Memory, link, until

SEED = 7


@asynccontextmanager
async def faulty_pair(
    faults: dict[str, Any] | None = None, **sections: object
) -> AsyncIterator[tuple[Node, Node, Mailbox]]:
    """Alpha, which injects faults, beta, which does not, and beta's mailbox `box`; all lanes are connected."""
    memory = Memory()
    table = {"enabled": True, "seed": SEED} | (faults or {})
    async with memory.opened("alpha", faults=table, **sections) as alpha, memory.opened("beta", **sections) as beta:
        await link(beta, alpha)
        await until(lambda: alpha.is_fully_connected("beta") and beta.is_fully_connected("alpha"))
        yield alpha, beta, beta.open_mailbox("box")


def add(node: Node, name: str, action: str, **keys: Any) -> None:
    """A rule about the data of the default channel, unless said otherwise."""
    about = {} if action in ("pause", "partition", "refuse") else {"channels": ("default",)}
    node.faults.add(name, Rule(action=action, **(about | keys)))


def firings(node: Node, name: str) -> int:
    row: FaultRow = next(row for row in node.faults.rows() if row.name == name)
    return row.firings


async def one_by_one(sender: Node, messages: range, to: str = "beta/box") -> None:
    """Each message in a frame of its own."""
    for message in messages:
        await sender.send(to, message)
        await trio.sleep(0.001)


async def received(box: Mailbox, seconds: float = 1.0) -> list[Any]:
    """All that arrives within so many (virtual) seconds."""
    messages: list[Any] = []
    with trio.move_on_after(seconds):
        while True:
            messages += await box.receive_batch()
    return messages
