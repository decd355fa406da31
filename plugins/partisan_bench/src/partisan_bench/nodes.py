"""The two Partisan nodes of a run, with the defaults of the project: full mesh, msgpack, checksums on."""

import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from partisan_bench.work import Ready
from partisan_core import Node, open_node

Channels = Mapping[str, Mapping[str, object]]
"""The tables `[channels.NAME]` of a benchmark."""


@asynccontextmanager
async def open_server(ready: Ready, channels: Channels | None = None, types: Sequence[str] = ()) -> AsyncIterator[Node]:
    """Open the node `server` on a free port of loopback and announce its address.

    The port is chosen before: a node that others reach through a proxy knows the proxy's address as its own.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = "{}:{}".format(*probe.getsockname())
    async with _open({"name": "server", "listen": (address,)}, channels, types) as node:
        ready(address)
        yield node


@asynccontextmanager
async def open_driver(address: str, channels: Channels | None = None, types: Sequence[str] = ()) -> AsyncIterator[Node]:
    """Open the node `driver`, joined to the server at `address`. As it listens nowhere, it makes all connections."""
    async with _open({"name": "driver", "listen": ()}, channels, types) as node:
        await node.join(address)
        yield node


@asynccontextmanager
async def _open(identity: dict[str, object], channels: Channels | None, types: Sequence[str]) -> AsyncIterator[Node]:
    async with open_node(
        node={"cluster": "bench"} | identity,
        overlay={"use": "fullmesh"},
        serializer={"use": "msgpack", "types": types},
        channels=channels or {},
    ) as node:
        yield node
