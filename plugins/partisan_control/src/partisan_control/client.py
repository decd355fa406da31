"""The operator's end of the control socket: one request, one answer. Blocking: for commands and scripts."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from partisan_control.place import socket_path
from partisan_control.protocol import Nothing, read_answer, write_request
from partisan_core.errors import ControlError

_T = TypeVar("_T")

_NOTHING = Nothing()

_PROBE = 0.5
"""Seconds for a living node's socket to take a connection; the system does that even while the node is busy."""


def ask(data_dir: Path, command: str, result: type[_T], arguments: Struct = _NOTHING, *, timeout: float = 10.0) -> _T:
    """Ask the node in `data_dir`.

    Args:
        data_dir: of the running node.
        command: see `partisan_control.commands`.
        result: what the answer is read as.
        arguments: see `partisan_control.protocol`.
        timeout: seconds to wait for the answer.

    Raises:
        ControlError: no node runs there, it does not answer, or it did not understand.
        PartisanError: whatever the node answered with.
    """
    with _connected(data_dir, timeout) as client:
        try:
            client.sendall(write_request(command, arguments))
            line = _read_line(client)
        except TimeoutError:
            raise ControlError(
                f"the node in {data_dir} did not answer within {timeout:g} s: it is stopped or very busy"
            ) from None
        except OSError as error:
            raise ControlError(f"the node in {data_dir} ended before it answered: {error.strerror}") from error
    if not line.endswith(b"\n"):
        raise ControlError(f"the node in {data_dir} ended before it answered")
    return msgspec.json.decode(read_answer(line), type=result)


def is_running(data_dir: Path) -> bool:
    """Say whether a node runs in `data_dir` that this user may control."""
    try:
        with _connected(data_dir, _PROBE):
            return True
    except ControlError:
        return False


@contextmanager
def _connected(data_dir: Path, timeout: float) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(timeout)
        try:
            with socket_path(data_dir) as path:
                client.connect(path)
        except PermissionError:
            raise ControlError(f"the node in {data_dir} belongs to another user") from None
        except OSError as error:
            raise ControlError(
                f"no running node can be reached in {data_dir}: {error.strerror or error}; start one there, or name "
                f"the data_dir of one that runs"
            ) from error
        yield client


def _read_line(client: socket.socket) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n") and (data := client.recv(64 * 1024)):
        received += data
    return bytes(received)
