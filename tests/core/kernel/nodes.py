"""How the kernel's tests open nodes and wait."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from typing import TypeVar

import trio

from partisan_core import Node, open_node
from partisan_core.kernel.journal import NoticeStream
from partisan_core.notices import Notice

PARTS = "tests.core.kernel.parts"
PATIENCE = 20.0
"""Seconds until a wait is a failure: far more than needed, for busy machines."""

_networks = count()

N = TypeVar("N")


async def until(condition: Callable[[], object]) -> None:
    """Wait for what cannot be waited for otherwise."""
    with trio.fail_after(PATIENCE):
        while not condition():
            await trio.sleep(0.005)


def opened(name: str, **sections: object) -> AbstractAsyncContextManager[Node]:
    """A node made of this folder's parts over TCP; sections override."""
    node: object = sections.pop("node", {})
    assert isinstance(node, dict)
    defaults: dict[str, object] = {
        "overlay": {"use": f"{PARTS}:Acquaintances"},
        "serializer": {"use": f"{PARTS}:plain"},
    }
    return open_node(None, node={"name": name, "strict": True} | node, **(defaults | sections))


class Memory:
    """A memory network of its own, and nodes on it."""

    def __init__(self) -> None:
        self.name = f"test-{next(_networks)}"

    def opened(self, name: str, **sections: object) -> AbstractAsyncContextManager[Node]:
        return opened(name, **({"transport": {"use": "memory", "network": self.name}} | sections))


@asynccontextmanager
async def pair(**sections: object) -> AsyncIterator[tuple[Node, Node]]:
    """Alpha and beta in memory, beta joined to alpha, linked both ways."""
    memory = Memory()
    async with memory.opened("alpha", **sections) as alpha, memory.opened("beta", **sections) as beta:
        await link(beta, alpha)
        yield alpha, beta


async def link(node: Node, contact: Node) -> None:
    """Join, and wait until each is a neighbour of the other and every lane is connected."""
    with trio.fail_after(PATIENCE):
        await node.join(*contact.addresses)
    await until(lambda: contact.name in node.neighbours() and node.name in contact.neighbours())


async def notice_of(kind: type[N], events: NoticeStream) -> N:
    """The next notice of that kind."""
    with trio.fail_after(PATIENCE):
        while True:
            notice: Notice = await events.receive()
            if isinstance(notice, kind):
                return notice
