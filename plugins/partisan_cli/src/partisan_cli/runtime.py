"""Where running nodes of this user are found: a directory with an entry for each.

An entry is the data_dir of a node that has none of its own, or a link to the data_dir of one that has.
"""

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from partisan_control.client import is_running
from partisan_control.place import SOCKET_NAME
from partisan_core.errors import DataDirLocked, StartError
from partisan_core.kernel.state import lock_directory

_PREFIX = "node-"
"""Of each entry, so that no name of a node (`..` is one) leads out of the directory."""


def runtime_directory() -> Path:
    """`$XDG_RUNTIME_DIR/partisan`, or a directory of this user's in the system's temporary one."""
    given = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if given.is_absolute() and given.is_dir():
        return given / "partisan"
    return Path(tempfile.gettempdir()) / f"partisan-{os.getuid()}"


def ephemeral_directory(name: str) -> Path:
    """The data_dir of a node that was given none."""
    return runtime_directory() / f"{_PREFIX}{name}"


def running() -> list[Path]:
    """The data_dirs of the nodes that run, each once."""
    return sorted({entry.resolve() for entry in _entries() if is_running(entry)})


class Residence:
    """The data_dir of the node that this process runs, and its entry."""

    def __init__(self, name: str, given: Path | None) -> None:
        self.data_dir = ephemeral_directory(name) if given is None else given
        self._is_ephemeral = given is None
        self._link = runtime_directory() / f"{_PREFIX}{name}.{os.getpid()}"

    def prepare(self) -> None:
        """Make the runtime directory, and clear it of what killed nodes left there.

        Raises:
            StartError: another user could reach into it.
        """
        directory = runtime_directory()
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
            raise StartError(
                f"{directory} is not a directory that only this user can write; nothing was started. Remove it, or "
                f"set XDG_RUNTIME_DIR"
            )
        for entry in _entries():
            _remove_if_dead(entry)

    def announce(self) -> None:
        """The node runs: let others find it."""
        if not self._is_ephemeral:
            self._link.parent.mkdir(mode=0o700, exist_ok=True)  # the last other node may have ended meanwhile
            self._link.symlink_to(self.data_dir.absolute(), target_is_directory=True)

    def remove(self) -> None:
        """The node has ended, or never began: leave nothing behind."""
        self._link.unlink(missing_ok=True)
        if self._is_ephemeral and self.data_dir.exists():
            _remove_unlocked(self.data_dir)
        self._remove_empty()

    def remove_now(self) -> None:
        """As `remove`, while the node still runs, just before the process is ended."""
        self._link.unlink(missing_ok=True)
        (self.data_dir / SOCKET_NAME).unlink(missing_ok=True)
        if self._is_ephemeral:
            going = self.data_dir.with_name(f"{self.data_dir.name}.going")
            with contextlib.suppress(OSError):
                self.data_dir.rename(going)  # the node that still runs may write into it, and finds it no more
            shutil.rmtree(going, ignore_errors=True)
        self._remove_empty()

    def _remove_empty(self) -> None:
        with contextlib.suppress(OSError):
            runtime_directory().rmdir()


def _entries() -> list[Path]:
    return sorted(runtime_directory().glob(f"{_PREFIX}*"))


def _remove_if_dead(entry: Path) -> None:
    """A node that was killed left its socket; one that is only starting has none yet."""
    if entry.is_symlink():
        if not is_running(entry):
            entry.unlink(missing_ok=True)
    elif (entry / SOCKET_NAME).exists() and not is_running(entry):
        _remove_unlocked(entry)


def _remove_unlocked(directory: Path) -> None:
    """Remove a data_dir that no process holds."""
    with contextlib.suppress(DataDirLocked), lock_directory(directory):
        shutil.rmtree(directory, ignore_errors=True)
