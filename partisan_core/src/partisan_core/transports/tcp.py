"""TCP: non-blocking sockets of the standard library, waited for through trio.

`try_send` and `try_recv_into` are the socket's own bound methods: nothing stands before the system call.
"""

import errno
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

import trio

from partisan_core.errors import AddressInUse, StartError
from partisan_core.identity import Address
from partisan_core.kinds import Listener, TransportPlugin, Wire
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.0"

_BACKLOG = 512
"""Handshakes that may wait in the kernel: a burst of joiners must not see refusals (chosen)."""

_NOT_AT_ALL = struct.pack("ii", 1, 0)
"""For SO_LINGER: on, for 0 s (socket(7))."""


class TcpWire:
    """One TCP connection."""

    __slots__ = ("_socket", "remote", "try_recv_into", "try_send")

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected
        self.try_send = connected.send
        self.try_recv_into = connected.recv_into
        self.remote = _name_of(connected)

    async def wait_readable(self) -> None:
        """Wait until `try_recv_into` has something to say."""
        self._check_open()
        try:
            await trio.lowlevel.wait_readable(self._socket)
        except trio.ClosedResourceError:
            self._check_open()  # else it was interrupted

    async def wait_writable(self) -> None:
        """Wait until `try_send` can take bytes."""
        self._check_open()
        try:
            await trio.lowlevel.wait_writable(self._socket)
        except trio.ClosedResourceError:
            self._check_open()  # else it was interrupted

    def interrupt(self) -> None:
        """Let those who wait go on: trio's way to wake them from outside, with nothing closed after it."""
        trio.lowlevel.notify_closing(self._socket)

    def limit_silence(self, seconds: float) -> None:
        """Let the system break the connection when what was sent is not acknowledged: RFC 5482, where there is it."""
        if hasattr(socket, "TCP_USER_TIMEOUT") and self._socket.fileno() >= 0:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))

    def abort(self) -> None:
        """Close the socket with a reset: the end of the stream would wait behind what was not acknowledged."""
        if self._socket.fileno() >= 0:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOT_AT_ALL)
            self.close()

    def close(self) -> None:
        """Close the socket; tasks that wait for it get `trio.ClosedResourceError`. Idempotent."""
        if self._socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()

    def _check_open(self) -> None:
        """What was just read may have ended this very connection, and trio takes no closed socket."""
        if self._socket.fileno() < 0:
            raise trio.ClosedResourceError("this connection is closed")


class TcpListener:
    """A listening socket."""

    def __init__(self, listening: socket.socket, host: str) -> None:
        self._socket = listening
        bound_host, port, *_ = listening.getsockname()
        self.address = Address(host, port)
        self.is_loopback = Address(bound_host, port).is_loopback

    async def accept(self) -> Wire:
        """Wait for the next connection.

        Raises:
            OSError: a passing fault of the system (no descriptors left, say); accept again.
            trio.ClosedResourceError: it is closed, perhaps before this task ran for the first time.
        """
        while True:
            await trio.lowlevel.checkpoint()  # those who knock without end do not keep this node from its work
            if self._socket.fileno() < 0:
                raise trio.ClosedResourceError("this listener is closed")
            try:
                connected, _ = self._socket.accept()
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._socket)
            else:
                return TcpWire(connected)

    def close(self) -> None:
        """Stop listening. Idempotent."""
        if self._socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()


class TcpTransport:
    """Dials and listens."""

    async def listen(self, address: Address) -> Listener:
        """Listen on `address`; port 0 takes any free one.

        Raises:
            AddressInUse: somebody listens there.
            StartError: the host cannot be resolved or is not of this machine.
        """
        try:
            found = await _resolve(address, passive=True)
            family, kind, protocol, _, where = found[0]
            listening = socket.socket(family, kind, protocol)
        except OSError as error:
            raise StartError(f"cannot listen on {address}: {error}; nothing was started") from error
        try:
            listening.setblocking(False)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(where)
            listening.listen(_BACKLOG)
        except OSError as error:
            listening.close()
            raise _cannot_listen(address, error) from error
        return TcpListener(listening, address.host)

    async def dial(self, address: Address) -> Wire:
        """Connect to `address`, resolving its host anew, trying each result in turn.

        Raises:
            ConnectionRefusedError: refused at every resolved address: nobody listens there.
            OSError: it cannot be resolved or reached.
        """
        errors: list[OSError] = []
        for family, kind, protocol, _, where in await _resolve(address):
            dialled = trio.socket.socket(family, kind, protocol)
            try:
                await dialled.connect(where)
                return TcpWire(socket.socket(family, kind, protocol, fileno=dialled.detach()))
            except OSError as error:
                errors.append(error)
            finally:
                dialled.close()
        raise next((error for error in errors if not isinstance(error, ConnectionRefusedError)), errors[0])


_Resolved = Sequence[tuple[Any, Any, int, str, Any]]


async def _resolve(address: Address, *, passive: bool = False) -> _Resolved:
    flags = socket.AI_PASSIVE if passive else 0
    try:
        return await trio.socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=flags)
    except UnicodeError as error:  # of the codec that Python takes host names through; a peer may advertise anything
        raise OSError(f"{address.host[:64]!a} is no host name: {error}") from error


def _cannot_listen(address: Address, error: OSError) -> StartError:
    if error.errno == errno.EADDRINUSE:
        return AddressInUse(
            f"cannot listen on {address}: another process does; nothing was started. "
            f"Stop it, choose another port, or use port 0 for any free one"
        )
    return StartError(f"cannot listen on {address}: {os.strerror(error.errno or 0)}; nothing was started")


def _name_of(connected: socket.socket) -> str:
    try:
        host, port, *_ = connected.getpeername()
    except OSError:
        return "somebody who has gone"
    return str(Address(host, port))


@hookimpl
def partisan_transport() -> TransportPlugin:
    """TCP needs no options."""
    return TransportPlugin(make=lambda options: TcpTransport())
