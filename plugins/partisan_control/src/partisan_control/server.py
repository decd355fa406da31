"""The node's end of the control socket. Whatever a client does, the node is not held up by it."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import trio

from partisan_control.commands import perform
from partisan_control.place import SOCKET_NAME, socket_path
from partisan_control.protocol import REQUEST_LIMIT, failure
from partisan_core.errors import ControlError, DataDirUnusable
from partisan_core.kinds import NoOptions
from partisan_core.node import Node

CLIENT_LIMIT = 16
"""Clients at a time: an operator's commands come one by one (chosen)."""

REQUEST_PATIENCE = 10.0
"""Seconds a client may be silent between two requests (chosen)."""

ANSWER_PATIENCE = 2.0
"""Seconds a client may take to read an answer; a closing node waits for it, so it is short (chosen)."""

_BACKLOG = 16

_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)
"""The client has closed: nobody is there to be told."""


@contextmanager
def open_control_socket(directory: Path) -> Iterator[socket.socket]:
    """Listen in `directory`, which this process has locked: a socket that is there is a dead process's.

    Raises:
        DataDirUnusable: something that is no socket is in the way, or the directory cannot be written.
    """
    try:
        listening = _listen(directory)
    except OSError as error:
        raise DataDirUnusable(
            f"the control socket {directory / SOCKET_NAME} cannot be made: {error.strerror}; nothing was started. "
            f"Make the directory writable for this user, or set node.data_dir to one that is"
        ) from error
    try:
        yield listening
    finally:
        listening.close()
        (directory / SOCKET_NAME).unlink(missing_ok=True)


def _listen(directory: Path) -> socket.socket:
    _remove_stale(directory / SOCKET_NAME)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # the mode of the socket becomes that of the file, from its first moment on (Linux, unix_bind)
        os.fchmod(listening.fileno(), 0o600)
        with socket_path(directory) as path:
            listening.bind(path)
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def _remove_stale(path: Path) -> None:
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise DataDirUnusable(f"{path} is in the way of the control socket; nothing was started. Move it away")
        path.unlink()


async def serve(options: NoOptions, node: Node, *, task_status: trio.TaskStatus[None]) -> None:
    """Answer clients for the life of a node; one without a data_dir has no place for the socket.

    Raises:
        DataDirUnusable: as `open_control_socket`, before it has started.
    """
    data_dir = node.status().data_dir
    if data_dir is not None:
        with open_control_socket(Path(data_dir)) as listening:
            task_status.started()
            await ControlServer(node).serve(listening)


class ControlServer:
    """Answers the clients of one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._clients = 0

    async def serve(self, listening: socket.socket) -> None:
        """Serve until cancelled."""
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(listening))
        await trio.serve_listeners(self._receive, [listener])

    async def _receive(self, stream: trio.SocketStream) -> None:
        self._clients += 1
        try:
            if self._clients > CLIENT_LIMIT:
                await _write(stream, failure(ControlError(f"{CLIENT_LIMIT} clients are connected; try again later")))
            else:
                await self._converse(stream)
        finally:
            self._clients -= 1

    async def _converse(self, stream: trio.SocketStream) -> None:
        lines = _Lines(stream)
        answered = True
        while answered:
            try:
                line = await lines.read()
            except ControlError as error:
                await _write(stream, failure(error))
                return
            if line is None:
                return
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_cancel_when_gone, stream, nursery.cancel_scope)
                answer = await perform(self._node, line)
                nursery.cancel_scope.cancel()
                answered = await _write(stream, answer)


class _Lines:
    """The requests of one client, bounded in size and time."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._buffer = bytearray()

    async def read(self) -> bytes | None:
        """The next line; None at the end.

        Raises:
            ControlError: the line is too long.
        """
        with trio.move_on_after(REQUEST_PATIENCE):
            searched = 0
            while (end := self._buffer.find(b"\n", searched)) < 0:
                if len(self._buffer) > REQUEST_LIMIT:
                    raise ControlError(f"a request has at most {REQUEST_LIMIT} bytes; nothing was done")
                searched = len(self._buffer)
                if not (received := await self._receive()):
                    return None
                self._buffer += received
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            return line
        return None

    async def _receive(self) -> bytes | bytearray:
        try:
            return await self._stream.receive_some(REQUEST_LIMIT)
        except _GONE:
            return b""


async def _cancel_when_gone(stream: trio.SocketStream, scope: trio.CancelScope) -> None:
    """Cancel what a client waits for when it has closed; a next request that it has sent already stays unread."""
    with suppress(OSError):
        if await stream.socket.recv(1, socket.MSG_PEEK):
            return
    scope.cancel()


async def _write(stream: trio.SocketStream, answer: bytes) -> bool:
    """Write an answer, also while the node closes: who asked for its end hears that it comes. False: not all of it."""
    with trio.move_on_after(ANSWER_PATIENCE, shield=True), suppress(*_GONE):
        await stream.send_all(answer)
        return True
    return False
