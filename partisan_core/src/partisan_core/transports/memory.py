"""Memory: the same connections inside one process, for applications' own tests. Works under a virtual clock."""

import contextlib
from dataclasses import dataclass

import trio

from partisan_core.errors import AddressInUse
from partisan_core.identity import Address
from partisan_core.kinds import Listener, TransportPlugin, Wire
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.0"

_CAPACITY = 256 * 1024
"""Bytes on the way in one direction before the sender would block, as a socket buffer (chosen)."""

_FIRST_PORT = 49152


class _Pipe:
    """Bytes on the way in one direction."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.closed = False
        self.readers = trio.lowlevel.ParkingLot()
        self.writers = trio.lowlevel.ParkingLot()

    def close(self) -> None:
        self.closed = True
        self.readers.unpark_all()
        self.writers.unpark_all()


class MemoryWire:
    """One end of a connection in memory."""

    def __init__(self, incoming: _Pipe, outgoing: _Pipe, remote: str) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        self._closed = False
        self.remote = remote

    def try_send(self, data: bytes | bytearray | memoryview) -> int:
        """Take as many bytes as there is room for."""
        if self._outgoing.closed:
            raise BrokenPipeError("the other end is closed")
        room = _CAPACITY - len(self._outgoing.data)
        if room <= 0:
            raise BlockingIOError
        self._outgoing.data += data[:room]
        self._outgoing.readers.unpark_all()
        return min(room, len(data))

    def try_recv_into(self, buffer: bytearray | memoryview) -> int:
        """Give what has arrived; 0 at the end of the stream."""
        if self._closed:
            raise OSError("closed")
        data = self._incoming.data
        if not data:
            if self._incoming.closed:
                return 0
            raise BlockingIOError
        count = min(len(data), len(buffer))
        buffer[:count] = data[:count]
        del data[:count]
        self._incoming.writers.unpark_all()
        return count

    async def wait_readable(self) -> None:
        """Wait until `try_recv_into` has something to say."""
        if self._incoming.data or self._incoming.closed:
            await trio.lowlevel.checkpoint()
        else:
            await self._incoming.readers.park()  # at once: an `interrupt` before it parks would wake nobody
        self._check_open()

    async def wait_writable(self) -> None:
        """Wait until `try_send` can take bytes."""
        if len(self._outgoing.data) < _CAPACITY or self._outgoing.closed:
            await trio.lowlevel.checkpoint()
        else:
            await self._outgoing.writers.park()
        self._check_open()

    def interrupt(self) -> None:
        """Let those who wait go on."""
        self._incoming.readers.unpark_all()
        self._outgoing.writers.unpark_all()

    def close(self) -> None:
        """Close both directions: the other end reads what is on the way, then the end. Idempotent."""
        self._closed = True
        self._incoming.close()
        self._outgoing.close()

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError


class MemoryListener:
    """Where others dial to."""

    def __init__(self, network: "MemoryNetwork", address: Address) -> None:
        self._network, self.address = network, address
        self._arrived, self._waiting = trio.open_memory_channel[Wire](_CAPACITY)

    async def accept(self) -> Wire:
        """Wait for the next connection."""
        return await self._waiting.receive()

    def arrive(self, wire: Wire) -> None:
        """The dialler's side hands over its far end."""
        self._arrived.send_nowait(wire)

    def close(self) -> None:
        """Stop listening. Idempotent."""
        if self._network.listeners.get(self.address) is self:
            del self._network.listeners[self.address]
        with contextlib.suppress(trio.WouldBlock, trio.ClosedResourceError):
            while True:
                self._waiting.receive_nowait().close()
        self._waiting.close()


class MemoryNetwork:
    """The listeners that can reach each other."""

    def __init__(self) -> None:
        self.listeners: dict[Address, MemoryListener] = {}

    async def listen(self, address: Address) -> Listener:
        """Listen on `address`; port 0 takes any free one.

        Raises:
            AddressInUse: somebody listens there.
        """
        await trio.lowlevel.checkpoint()
        if address.port == 0:
            taken = {other.port for other in self.listeners}
            address = Address(address.host, next(p for p in range(_FIRST_PORT, 65536) if p not in taken))
        if address in self.listeners:
            raise AddressInUse(f"another node of this memory network listens on {address}; nothing was started")
        listener = self.listeners[address] = MemoryListener(self, address)
        return listener

    async def dial(self, address: Address) -> Wire:
        """Connect to `address`.

        Raises:
            ConnectionRefusedError: nobody listens there.
        """
        await trio.lowlevel.checkpoint()
        listener = self.listeners.get(address)
        if listener is None:
            raise ConnectionRefusedError(f"nobody listens on {address} in this memory network")
        there, back = _Pipe(), _Pipe()
        listener.arrive(MemoryWire(there, back, "memory"))
        return MemoryWire(back, there, str(address))


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryOptions:
    """`[transport]` with `use = "memory"`."""

    network: str = "default"
    """Nodes with the same network name can reach each other."""


_networks: dict[str, MemoryNetwork] = {}


@hookimpl
def partisan_transport() -> TransportPlugin:
    """Nodes of one process that name the same network share it."""
    return TransportPlugin(
        make=lambda options: _networks.setdefault(options.network, MemoryNetwork()),
        config=MemoryOptions,
        private=True,
    )
