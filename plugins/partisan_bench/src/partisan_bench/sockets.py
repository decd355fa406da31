"""trio without its streams: one non-blocking socket, waited for only where it would block."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import trio

from partisan_bench.work import Ready

_READ = 1 << 20


class BareSocket:
    """One connection; what comes lies in one buffer until the next read."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket, self._buffer = connection, memoryview(bytearray(_READ))

    async def send(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it: at once what there is room for."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._socket)

    async def receive(self) -> memoryview:
        """Wait for bytes; none at the end of the connection."""
        await trio.lowlevel.wait_readable(self._socket)
        return self._buffer[: self._socket.recv_into(self._buffer)]


@contextmanager
def accepted(ready: Ready) -> Iterator[BareSocket]:
    """Announce a port of loopback; hand over the first connection to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ready(str(listener.getsockname()[1]))
        connection, _ = listener.accept()
    with connection:
        yield BareSocket(connection)


@contextmanager
def connected(port: str) -> Iterator[BareSocket]:
    """Connect to that port."""
    with socket.create_connection(("127.0.0.1", int(port))) as connection:
        yield BareSocket(connection)
