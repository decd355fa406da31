"""What a node keeps on disk: the lock of its data_dir, and the state file with what survives a restart."""

import contextlib
import fcntl
import itertools
import logging
import os
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Annotated

import msgspec
import trio
from msgspec import Meta, Struct
from msgspec.structs import replace

from partisan_core.errors import DataDirLocked, DataDirUnusable
from partisan_core.identity import Address
from partisan_core.surroundings import OF_THE_SYSTEM, Surroundings

log = logging.getLogger("partisan.state")

STATE_FILE = "state.msgpack"
LOCK_FILE = "lock"
FORMAT = 2
"""1 had neither seal, cluster nor peers. A field that may be missing needs no new number."""

SNAPSHOT_LIFE = 3600.0
"""Seconds by the wall clock after which the overlay's snapshot is too old to be believed (decision 0011)."""

SNAPSHOT_BYTES = 4 * 1024 * 1024
"""A larger snapshot is not kept: the peers then have to do (chosen; some 30,000 members of a full mesh)."""

_SEAL_BYTES = 16
_OR_DELETE = "Without it the incarnation comes from the wall clock, and no peers are remembered"
_UNBELIEVABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Head(Struct, frozen=True):
    """What every format has."""

    format: int


class State(Struct, frozen=True):
    """The content of the state file. Format 1 has the first three fields."""

    format: int
    name: str
    incarnation: Annotated[int, Meta(ge=0, lt=2**63 - 1)]
    cluster: str | None = None
    overlay: str = ""
    peers: dict[str, tuple[Address, ...]] = {}
    """Addresses of members, the one seen last at the end."""
    snapshot: bytes = b""
    """What the overlay wants back."""
    saved: int = 0
    """Wall-clock milliseconds."""


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


class StateFile:
    """The state of one node: on disk, or without a data_dir in memory alone.

    Every write replaces the whole file and is on the disk when it returns. It waits for the disk in a thread of trio's,
    so that the loop goes on, and one write follows the other.
    """

    def __init__(
        self, directory: Path | None, name: str, cluster: str, overlay: str, surroundings: Surroundings = OF_THE_SYSTEM
    ) -> None:
        """Read the file.

        Raises:
            DataDirUnusable: it cannot be read, is of a later format, or belongs to another node or cluster.
        """
        self.damaged: Path | None = None
        """Where a file that cannot be believed was put; the node then starts as if there had been none."""
        self._path = None if directory is None else directory / STATE_FILE
        self._surroundings = surroundings
        self._turn, self._threads = trio.Lock(), trio.CapacityLimiter(1)
        found = (self._path and self._read(self._path)) or State(FORMAT, name, 0)
        if found.name != name:
            raise self._foreign("node", found.name, name, "node.name")
        if found.cluster not in (None, cluster):
            raise self._foreign("a node of cluster", found.cluster, cluster, "node.cluster")
        age = self._wall_clock() - found.saved
        usable = found.overlay == overlay and 0 <= age < SNAPSHOT_LIFE * 1000
        self.content = replace(
            found, format=FORMAT, cluster=cluster, overlay=overlay, snapshot=found.snapshot if usable else b""
        )

    def _wall_clock(self) -> int:
        return int(self._surroundings.wall_clock() * 1000)

    async def begin_life(self) -> int:
        """The next incarnation, max(persisted + 1, wall-clock milliseconds), persisted before it is used.

        Raises:
            DataDirUnusable: the file cannot be written.
        """
        async with self._turn:
            incarnation = max(self._wall_clock(), self.content.incarnation + 1)
            await self._replace(replace(self.content, incarnation=incarnation))
            return incarnation

    async def save(self, peers: Mapping[str, tuple[Address, ...]], snapshot: bytes) -> None:
        """Keep whom this node knows.

        Raises:
            DataDirUnusable: the file cannot be written; the one before is still there.
        """
        kept = snapshot if len(snapshot) <= SNAPSHOT_BYTES else b""
        async with self._turn:
            await self._replace(replace(self.content, peers=dict(peers), snapshot=kept, saved=self._wall_clock()))

    async def _replace(self, content: State) -> None:
        if self._path is not None:
            await self._surroundings.run_blocking(_write, self._path, content, limiter=self._threads)
        self.content = content

    def _read(self, path: Path) -> State | None:
        try:
            with _explained(path, "read", f"nothing was started. {_OR_DELETE}"), contextlib.suppress(FileNotFoundError):
                return _decode(path.read_bytes(), path)
        except _UNBELIEVABLE as error:
            self.damaged = _put_aside(path)
            text = "the state file %s cannot be believed (%s); it is now %s, and the node starts without it. %s"
            log.warning(text, path, error, self.damaged.name, _OR_DELETE)
        return None

    def _foreign(self, what: str, found: str | None, wanted: str, key: str) -> DataDirUnusable:
        return DataDirUnusable(
            f"the state file {self._path} belongs to {what} {found!r}, not {wanted!r}; nothing was started. Set {key} "
            f"to {found!r}, or give this node a data_dir of its own"
        )


def _decode(data: bytes, path: Path) -> State:
    body, seal = data[:-_SEAL_BYTES], data[-_SEAL_BYTES:]
    if seal != _seal(body):
        old = msgspec.msgpack.decode(data, type=State)
        if old.format != 1:
            raise msgspec.DecodeError("its checksum does not match")
        return old
    version = msgspec.msgpack.decode(body, type=_Head).format
    if version > FORMAT:
        raise DataDirUnusable(
            f"the state file {path} has format {version}, of a later partisan-core; this one reads up to {FORMAT}; "
            f"nothing was started. Upgrade partisan-core, or delete the file"
        )
    return msgspec.msgpack.decode(body, type=State)


def _write(path: Path, state: State) -> None:
    """Replace the file so that, whenever the machine stops, the old one or the new one is there."""
    body = msgspec.msgpack.encode(state)
    fresh = path.with_suffix(".new")
    with _explained(path, "written", f"it is as it was. Make room, or make {path.parent} writable for this user"):
        try:
            with fresh.open("wb") as file:
                file.write(body + _seal(body))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    """The rename is on the disk, too; some network file systems cannot say so, and are taken as they are."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    with contextlib.suppress(OSError):
        os.fsync(descriptor)
    os.close(descriptor)


def _put_aside(path: Path) -> Path:
    names = (path.with_name(f"state.corrupt-{number}") for number in itertools.count(1))
    with _explained(path, "believed, and cannot be put aside", f"nothing was started. {_OR_DELETE}"):
        return path.rename(next(name for name in names if not name.exists()))


@contextlib.contextmanager
def _explained(path: Path, trouble: str, advice: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataDirUnusable(f"the state file {path} cannot be {trouble}: {error.strerror}; {advice}") from error


def _seal(body: bytes) -> bytes:
    return blake2b(body, digest_size=_SEAL_BYTES).digest()
