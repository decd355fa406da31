"""The two Partisan nodes of a run, with the defaults of the project: full mesh, msgpack, checksums on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from partisan_bench.work import Ready
from partisan_core import Node, open_node


@asynccontextmanager
async def open_server(ready: Ready) -> AsyncIterator[Node]:
    """Open the node `server` on any port of loopback and announce its address."""
    async with _open("server") as node:
        ready(str(node.addresses[0]))
        yield node


@asynccontextmanager
async def open_driver(address: str) -> AsyncIterator[Node]:
    """Open the node `driver`, joined to the server at `address`."""
    async with _open("driver") as node:
        await node.join(address)
        yield node


@asynccontextmanager
async def _open(name: str) -> AsyncIterator[Node]:
    async with open_node(
        node={"name": name, "cluster": "bench"}, overlay={"use": "fullmesh"}, serializer={"use": "msgpack"}
    ) as node:
        yield node
