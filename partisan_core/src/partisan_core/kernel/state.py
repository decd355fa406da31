"""What a node keeps on disk: the lock of its data_dir and its incarnation."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from partisan_core.errors import DataDirLocked, DataDirUnusable

STATE_FILE = "state.msgpack"
LOCK_FILE = "lock"


class Remembered(Struct, frozen=True):
    """The content of the state file; fields may be added."""

    format: int
    name: str
    incarnation: int


@contextlib.contextmanager
def lock_directory(directory: Path) -> Iterator[None]:
    """Make the directory and hold it for this process.

    Raises:
        DataDirLocked: another process holds it.
        DataDirUnusable: it cannot be made or written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DataDirUnusable(
            f"data_dir {directory} cannot be used: {error.strerror}; nothing was started. "
            f"Make it writable for this user, or set node.data_dir to a directory that is"
        ) from error
    try:
        _lock(descriptor, directory)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, directory: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise DataDirLocked(
            f"data_dir {directory} is in use by another node (process {holder}); nothing was started. "
            f"Stop that node, or give this one a data_dir of its own"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)


def next_incarnation(directory: Path | None, name: str) -> int:
    """max(persisted + 1, wall-clock milliseconds), persisted before it is used.

    Raises:
        DataDirUnusable: the state file cannot be read, believed or written.
    """
    now = time.time_ns() // 1_000_000
    if directory is None:
        return now
    path = directory / STATE_FILE
    remembered = _read(path)
    incarnation = max(now, remembered.incarnation + 1 if remembered is not None else 0)
    _write(path, Remembered(1, name, incarnation))
    return incarnation


def _read(path: Path) -> Remembered | None:
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=Remembered)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataDirUnusable(
            f"the state file {path} cannot be read ({error}); nothing was started. Restore it, or delete it: "
            f"the node then takes its incarnation from the wall clock"
        ) from error


def _write(path: Path, remembered: Remembered) -> None:
    fresh = path.with_suffix(".new")
    try:
        with fresh.open("wb") as file:
            file.write(msgspec.msgpack.encode(remembered))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise DataDirUnusable(
            f"the state file {path} cannot be written: {error.strerror}; nothing was started"
        ) from error
