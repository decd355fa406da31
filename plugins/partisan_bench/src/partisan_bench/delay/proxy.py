"""The proxy: accepts, connects to its target, and lets the bytes of both directions out at their time.

No trio here, and no waiting in epoll: both keep time in whole milliseconds, and half a millisecond is one way of the
shorter round trip. select(2) takes microseconds.
"""

import socket
import struct
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from select import select
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from time import monotonic

from partisan_bench.delay.line import DelayLine

BUFFER = 256 * 1024
"""Bytes asked for each buffer of the system, and read at once. Chosen: small beside the window, which is to be what
bounds a connection."""

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that makes a close a reset."""


class Proxy:
    """Forwards each connection to `target`, both ways, with a line each."""

    def __init__(self, delay: float, window: int) -> None:
        self.selector = DefaultSelector()
        self.target = ("127.0.0.1", 0)
        self._delay, self._window = delay, window
        self._agenda: deque[tuple[float, Direction]] = deque()
        self._listener = socket.socket()
        _prepare(self._listener)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(128)
        self.address: tuple[str, int] = self._listener.getsockname()

    def run(self) -> None:
        """Forward for ever, or until a callback of the selector raises."""
        self.selector.register(self._listener, EVENT_READ, self._accept)
        while True:
            pause = max(0.0, self._agenda[0][0] - monotonic()) if self._agenda else None
            select([self.selector], [], [], pause)
            for key, events in self.selector.select(0):
                key.data(events)
            now = monotonic()
            while self._agenda and self._agenda[0][0] <= now:
                self._agenda.popleft()[1].move()

    def wake(self, direction: "Direction", moment: float) -> None:
        """Let it move then. All lines have the same delay, so moments come in order and need no heap."""
        self._agenda.append((moment, direction))

    def _accept(self, events: int) -> None:
        near, _ = self._listener.accept()
        far = socket.socket()
        _prepare(far)
        try:
            far.connect(self.target)
        except OSError:
            near.close()
            far.close()
            return
        _prepare(near)
        Connection(self, near, far, lambda: DelayLine(self._delay, self._window))


class Connection:
    """Two sockets and the two directions between them."""

    def __init__(
        self, proxy: Proxy, near: socket.socket, far: socket.socket, make_line: Callable[[], DelayLine]
    ) -> None:
        self._selector = proxy.selector
        self._sockets = (near, far)
        self._interest = dict.fromkeys(self._sockets, 0)
        self.is_open = True
        there, back = Direction(self, proxy, near, far, make_line()), Direction(self, proxy, far, near, make_line())
        self._directions = {near: (there, back), far: (back, there)}
        for direction in (there, back):
            direction.source.setblocking(False)
            direction.move()

    def watch(self) -> None:
        """Ask the selector for what the directions wait for now."""
        for one, (out_of, into) in self._directions.items():
            wanted = EVENT_READ * out_of.wants_to_read | EVENT_WRITE * into.wants_to_write
            before, self._interest[one] = self._interest[one], wanted
            if before and not wanted:
                self._selector.unregister(one)
            elif wanted and not before:
                self._selector.register(one, wanted, self._act(out_of, into))
            elif wanted != before:
                self._selector.modify(one, wanted, self._act(out_of, into))

    def _act(self, out_of: "Direction", into: "Direction") -> Callable[[int], None]:
        def act(events: int) -> None:
            if events & EVENT_READ:
                out_of.read()
            if events & EVENT_WRITE:
                into.move()

        return act

    def close_when_ended(self) -> None:
        """Close both sockets once both senders have ended and everything has come out."""
        there, back = self._directions[self._sockets[0]]
        if there.has_ended and back.has_ended:
            self._close()

    def reset(self) -> None:
        """One end is gone: so is the other one, at once, and with it what is under way."""
        if self.is_open:
            for one in self._sockets:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._close()

    def _close(self) -> None:
        self.is_open = False
        for one in self._sockets:
            if self._interest[one]:
                self._selector.unregister(one)
            one.close()


class Direction:
    """From one socket to the other one."""

    def __init__(
        self, connection: Connection, proxy: Proxy, source: socket.socket, sink: socket.socket, line: DelayLine
    ) -> None:
        self.source, self.sink = source, sink
        self._connection, self._proxy, self._line = connection, proxy, line
        self._hears = True
        self.wants_to_read = self.wants_to_write = self.has_ended = False

    def read(self) -> None:
        """Take what has come, as far as the window has room."""
        if not self._connection.is_open:
            return
        now = monotonic()
        try:
            data = self.source.recv(min(BUFFER, self._line.room(now)))
        except BlockingIOError:
            return
        except OSError:
            self._connection.reset()
            return
        self._hears = bool(data)
        self._line.put(data, now)
        self._proxy.wake(self, now + self._line.delay)
        self._settle(now)

    def move(self) -> None:
        """Write what is due, then see whether there is room again."""
        if not self._connection.is_open:
            return
        now = monotonic()
        self.wants_to_write = False
        try:
            while not self.wants_to_write and (data := self._line.due(now)) is not None:
                self._write(data, now)
        except BlockingIOError:
            self.wants_to_write = True
        except OSError:
            self._connection.reset()
            return
        self._settle(now)

    def _write(self, data: memoryview, now: float) -> None:
        if data:
            count = self.sink.send(data)
            self._proxy.wake(self, now + self._line.delay)
            self.wants_to_write = count < len(data)
        else:
            with suppress(OSError):  # the other end has closed altogether
                self.sink.shutdown(socket.SHUT_WR)
            count, self.has_ended = 0, True
        self._line.take(count, now)

    def _settle(self, now: float) -> None:
        self.wants_to_read = self._hears and self._line.room(now) > 0
        self._connection.watch()
        self._connection.close_when_ended()


def _prepare(one: socket.socket) -> None:
    """Make its buffers small, and let it send at once."""
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
