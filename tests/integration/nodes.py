"""Full-mesh nodes over TCP in the process of the test, and how to wait for them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

import trio

from partisan_core import Node, open_node
from partisan_core.kernel.journal import NoticeStream
from partisan_core.notices import NeighbourDown, NeighbourUp, Notice

PATIENCE = 20.0
"""Seconds until a wait is a failure: far more than needed, for busy machines."""

N = TypeVar("N")


def opened(name: str, **sections: object) -> AbstractAsyncContextManager[Node]:
    node: object = sections.pop("node", {})
    assert isinstance(node, dict)
    return open_node(None, node={"name": name, "strict": True} | node, **sections)


async def until(condition: Callable[[], object]) -> None:
    """Wait for what cannot be waited for otherwise."""
    with trio.fail_after(PATIENCE):
        while not condition():
            await trio.sleep(0.005)


async def notice_of(kind: type[N], events: NoticeStream) -> N:
    """The next notice of that kind."""
    with trio.fail_after(PATIENCE):
        while True:
            notice: Notice = await events.receive()
            if isinstance(notice, kind):
                return notice


@asynccontextmanager
async def trio_of_nodes() -> AsyncIterator[tuple[Node, Node]]:
    """Alpha and beta, linked: two witnesses of what happens to a third."""
    async with opened("alpha") as alpha, opened("beta") as beta:
        await beta.join(*alpha.addresses)
        await until(lambda: alpha.neighbours() and beta.neighbours())
        yield alpha, beta


class Witness:
    """The ups and downs of one peer as one node sees them."""

    def __init__(self, events: NoticeStream, peer: str) -> None:
        self._events, self._peer = events, peer
        self.seen: list[NeighbourUp | NeighbourDown] = []

    async def run(self) -> None:
        """Watch for ever."""
        async for notice in self._events:
            if isinstance(notice, NeighbourUp | NeighbourDown) and notice.peer.name == self._peer:
                self.seen.append(notice)

    @property
    def kinds(self) -> list[str]:
        """What was seen, in order."""
        return [type(notice).__name__ for notice in self.seen]

    @property
    def downs(self) -> list[NeighbourDown]:
        """The downs alone."""
        return [notice for notice in self.seen if isinstance(notice, NeighbourDown)]


@asynccontextmanager
async def witnesses(*nodes: Node, of: str) -> AsyncIterator[list[Witness]]:
    """Watch the peer `of` from each node."""
    async with trio.open_nursery() as nursery:
        found = []
        for node in nodes:
            events = await nursery.start(_watch, node)
            found.append(Witness(events, of))
        for witness in found:
            nursery.start_soon(witness.run)
        yield found
        nursery.cancel_scope.cancel()


async def _watch(node: Node, task_status: trio.TaskStatus[NoticeStream] = trio.TASK_STATUS_IGNORED) -> None:
    async with node.open_events() as events:
        task_status.started(events)
        await trio.sleep_forever()
