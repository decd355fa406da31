"""Real nodes in one process over the memory transport: for the tests of applications. No sockets, no ports."""

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from partisan_core import Node, load_config, open_node

_networks = itertools.count()


@asynccontextmanager
async def memory_cluster(
    count: int, *, neighbours: int | None = None, **sections: Mapping[str, object]
) -> AsyncIterator[Sequence[Node]]:
    """Open `count` nodes named `n0`, `n1`, … that have joined each other; works under a virtual clock.

    Args:
        count: how many nodes.
        neighbours: how many neighbours each has when the block begins; all others by default, as in a full mesh.
        **sections: of the configuration of every node, for example `overlay={"use": "fullmesh"}`.

    A part that raises is loud here (`node.strict`), and the environment is not read. The caller's cancel scope is the
    deadline.
    """
    network = f"memory-cluster-{next(_networks)}"
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(_open(f"n{index}", network, sections)) for index in range(count)]
        for node in nodes[1:]:
            await node.join(nodes[0].addresses[0])
        for node in nodes:
            await node.wait_neighbours(count - 1 if neighbours is None else neighbours)
        yield nodes


def _open(name: str, network: str, sections: Mapping[str, Mapping[str, object]]) -> AbstractAsyncContextManager[Node]:
    settings = {key: dict(table) for key, table in sections.items()}
    settings["node"] = {"listen": [f"{name}.memory:0"], "strict": True, **settings.get("node", {}), "name": name}
    settings["transport"] = {"use": "memory", "network": network}
    return open_node(load_config(environ={}, overrides=settings))
