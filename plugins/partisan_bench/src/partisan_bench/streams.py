"""asyncio streams on loopback, for the baselines that are made of them."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from partisan_bench.work import Ready

READ: Final = 1 << 20
"""Bytes read at once, and the limit of a stream: it stops reading at twice that."""


async def serve_streams(ready: Ready, talk: Callable[[StreamReader, StreamWriter], Awaitable[None]]) -> None:
    """Announce a port of loopback; talk with everybody who connects."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=READ)
    async with server:
        ready(str(server.sockets[0].getsockname()[1]))
        await server.serve_forever()


@asynccontextmanager
async def opened_streams(port: str) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    """Connect to that port."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port), limit=READ)
    try:
        yield reader, writer
    finally:
        writer.close()
