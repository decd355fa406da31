"""A proxy in front of a node: cuts, silences and damages connections."""

import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

from partisan_core import Address


class Proxy:
    """Forwards to `target`, once it is known. Connections are in the order of their making."""

    def __init__(self, listener: trio.SocketListener) -> None:
        self.address = Address("127.0.0.1", listener.socket.getsockname()[1])
        self.target: Address | None = None
        self.silent = False
        self.connections: list[tuple[trio.SocketStream, trio.SocketStream]] = []
        self.damages = False
        """While set, a bit of what is forwarded is flipped in all that is forwarded."""
        self.make_editor: Callable[[], Callable[[bytes], bytes]] = lambda: bytes
        """Called for each direction of a connection; what it returns may change all that is forwarded there."""

    def reset(self, first: int = 0) -> None:
        """Reset every connection from the `first`th on, at both ends."""
        self._reset(self.connections[first:])

    def reset_where(self, wanted: Callable[[trio.SocketStream], bool]) -> None:
        """Reset the connections whose farther stream, to the target, is `wanted`."""
        self._reset([pair for pair in self.connections if pair[1].socket.fileno() >= 0 and wanted(pair[1])])

    def _reset(self, doomed: list[tuple[trio.SocketStream, trio.SocketStream]]) -> None:
        for pair in doomed:
            self.connections.remove(pair)
            for stream in (
                one for one in pair if one.socket.fileno() >= 0
            ):  # not those that end by themselves just now
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                stream.socket.close()

    async def serve(self, near: trio.SocketStream) -> None:
        """Forward one connection until it ends."""
        assert self.target is not None
        async with near:
            if self.silent:
                await trio.sleep_forever()
            try:
                far = await trio.open_tcp_stream(self.target.host, self.target.port)
            except OSError:
                return
            pair = (near, far)
            self.connections.append(pair)
            async with far, trio.open_nursery() as nursery:
                nursery.start_soon(self._forward, near, far, nursery.cancel_scope)
                nursery.start_soon(self._forward, far, near, nursery.cancel_scope)
            if pair in self.connections:
                self.connections.remove(pair)

    async def _forward(self, source: trio.SocketStream, sink: trio.SocketStream, scope: trio.CancelScope) -> None:
        edit = self.make_editor()
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            while data := bytearray(await source.receive_some(65536)):
                if self.silent:
                    await trio.sleep_forever()
                if self.damages:
                    data[len(data) // 2] ^= 0x10
                await sink.send_all(edit(bytes(data)))
        scope.cancel()


@asynccontextmanager
async def opened_proxy() -> AsyncIterator[Proxy]:
    """A proxy that listens on loopback; its connections do not outlive the block."""
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        proxy = Proxy(listener)
        nursery.start_soon(trio.serve_listeners, proxy.serve, [listener])
        yield proxy
        nursery.cancel_scope.cancel()
