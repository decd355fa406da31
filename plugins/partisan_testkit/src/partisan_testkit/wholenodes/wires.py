"""One end of a connection of the virtual network: bytes in order, as TCP carries them.

What the network loses is sent again after a pause that doubles, and holds up all that is behind it. So a lost segment
is a stall, a partition a long one, and only a reset, a time-out or a flipped bit is seen by the node itself.
"""

import errno
import os
from collections import deque
from collections.abc import Callable
from typing import Protocol
from zlib import crc32

import trio

_CAPACITY = 256 * 1024
"""Bytes on the way, or arrived and not read, before the sender has to wait: the buffers of two sockets (chosen)."""

_SEGMENT = 16 * 1024
"""Bytes that travel as one. Chosen: a frame of a few messages arrives whole, a large one in pieces."""

_FIRST_RESEND = 0.2
"""Seconds until what was lost is sent again; doubles. Linux's least."""

_LAST_RESEND = 8.0
"""The longest of these pauses. Chosen: no connection is silent for so long without being pinged and given up."""

_GIVE_UP = 60.0
"""Seconds of sending again after which the connection breaks for the sender (chosen; Linux takes a quarter hour)."""

_END = b""


class Place(Protocol):
    """The process that has the end of a wire."""

    host: str
    name: str
    is_dark: bool
    wires: "dict[VirtualWire, None]"

    @property
    def network(self) -> "Weather":
        """Between it and the others."""


class Weather(Protocol):
    """What a wire asks the network."""

    def after(self, delay: float, action: Callable[[], None]) -> None:
        """Do something in `delay` seconds."""

    def record(self, *words: object) -> None:
        """Add a line to the log."""

    def latency(self, source: str, target: str) -> float:
        """Draw the seconds that something takes from one host to another."""

    def loses(self, source: Place, target: Place) -> bool:
        """Draw whether a segment is lost on its way."""

    def resets(self) -> bool:
        """Draw whether a connection breaks."""

    def flip(self, data: bytes) -> bytes:
        """Change a bit, perhaps."""


class VirtualWire:
    """One end of a connection."""

    def __init__(self, endpoint: Place, remote: str) -> None:
        self.endpoint, self.remote = endpoint, remote
        self.other: VirtualWire
        """The other end; set as soon as there is one."""
        self._network = endpoint.network
        self._arrived = bytearray()
        self._at_end = self._closed = False
        self._error: OSError | None = None
        self._segments: deque[tuple[float, bytes]] = deque()
        """What is on its way to the other end, and when it is due there."""
        self._under_way = 0
        self._resend = _FIRST_RESEND
        self._stalled = 0.0
        self._readers, self._writers = trio.lowlevel.ParkingLot(), trio.lowlevel.ParkingLot()

    # -- what a node does with it -------------------------------------------------------------------------------

    def try_send(self, data: bytes | bytearray | memoryview) -> int:
        """Take as many bytes as there is room for."""
        self._check_error()
        room = self._room
        if room <= 0:
            raise BlockingIOError
        taken = bytes(data[:room])
        for begin in range(0, len(taken), _SEGMENT):
            self._put(taken[begin : begin + _SEGMENT])
        return len(taken)

    def try_recv_into(self, buffer: bytearray | memoryview) -> int:
        """Give what has arrived; 0 at the end of the stream."""
        data = self._arrived
        if self._closed or not data:
            self._check_error()
            if self._at_end:
                return 0
            raise BlockingIOError
        count = min(len(data), len(buffer))
        buffer[:count] = data[:count]
        del data[:count]
        self.other._writers.unpark_all()
        return count

    async def wait_readable(self) -> None:
        """Wait until `try_recv_into` has something to say."""
        if self._arrived or self._at_end or self._error or self._closed:
            await trio.lowlevel.checkpoint()
        else:
            await self._readers.park()
        self._check_open()

    async def wait_writable(self) -> None:
        """Wait until `try_send` can take bytes."""
        if self._room > 0 or self._error or self._closed:
            await trio.lowlevel.checkpoint()
        else:
            await self._writers.park()
        self._check_open()

    def interrupt(self) -> None:
        """Let those who wait go on."""
        self._readers.unpark_all()
        self._writers.unpark_all()

    def close(self) -> None:
        """Close: what is on the way arrives, then the end; what comes from the other end is reset. Idempotent."""
        if not self._closed:
            self._closed = True
            self.endpoint.wires.pop(self, None)
            if self._error is None:
                self._put(_END)
            self.interrupt()

    # -- what the network does with it --------------------------------------------------------------------------

    def fail(self, code: int) -> None:
        """The connection breaks, for this end: what has arrived can still be read."""
        if self._error is None:
            self._error = OSError(code, os.strerror(code))  # of the class that belongs to the code
            self._segments.clear()
            self.interrupt()

    def vanish(self) -> None:
        """This end is gone without a word."""
        self.fail(errno.ENETDOWN)
        self.close()

    def _put(self, data: bytes) -> None:
        now = trio.current_time()
        due = now + self._network.latency(self.endpoint.host, self.other.endpoint.host)
        if self._segments:
            due = max(due, self._segments[-1][0])
        self._segments.append((due, data))
        self._under_way += len(data)
        if len(self._segments) == 1:
            self._network.after(due - now, self._arrive)

    def _arrive(self) -> None:
        """The first segment would be there now."""
        if not self._segments:
            return  # the connection broke
        network, here, there = self._network, self.endpoint, self.other.endpoint
        if network.loses(here, there):
            self._stall()
            return
        _, data = self._segments.popleft()
        self._under_way -= len(data)
        self._resend, self._stalled = _FIRST_RESEND, 0.0
        network.record("bytes" if data else "end", here.name, there.name, len(data), crc32(data))
        if data and network.resets():
            network.record("reset", here.name, there.name)
            self.fail(errno.ECONNRESET)
            self.other.fail(errno.ECONNRESET)
            return
        self.other._take_in(network.flip(data))
        if self._segments:
            network.after(max(0.0, self._segments[0][0] - trio.current_time()), self._arrive)
        self._writers.unpark_all()

    def _stall(self) -> None:
        self._stalled += self._resend
        if self._stalled > _GIVE_UP:
            self._network.record("time-out", self.endpoint.name, self.other.endpoint.name)
            self.fail(errno.ETIMEDOUT)
            return
        self._network.after(self._resend, self._arrive)
        self._resend = min(2 * self._resend, _LAST_RESEND)

    def _take_in(self, data: bytes) -> None:
        if self._error is not None:
            return
        if not data:
            self._at_end = True
        elif self._closed:
            delay = self._network.latency(self.endpoint.host, self.other.endpoint.host)
            self._network.after(delay, lambda: self.other.fail(errno.ECONNRESET))
        else:
            self._arrived += data
        self._readers.unpark_all()

    @property
    def _room(self) -> int:
        return _CAPACITY - self._under_way - len(self.other._arrived)

    def _check_error(self) -> None:
        if self._error is not None:
            raise self._error
        if self._closed:
            raise OSError(errno.EBADF, "this connection is closed")

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("this connection is closed")
