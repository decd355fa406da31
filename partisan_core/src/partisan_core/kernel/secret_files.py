"""The secret of a cluster on disk: a file that the operator made, or one that the nodes of a user share."""

import contextlib
import os
import secrets
from pathlib import Path
from shlex import quote
from stat import S_IMODE, S_ISREG

from partisan_core.errors import SecretError

_LEAST, _MOST = 32, 4096
"""Bytes of a secret: a file that holds more is something else (chosen)."""


def read_secret(path: Path) -> bytes:
    """Read a secret: the bytes of the file as they are, hexadecimal digits or raw, without one newline at their end.

    Raises:
        SecretError: it cannot be read, others could have read or written it, or it is too weak to be one.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            _check_file(path, os.fstat(file.fileno()))
            content = file.read(_MOST + 2).removesuffix(b"\n")
    except OSError as error:
        raise _faulty(path, f"cannot be read: {error.strerror}", "See security.secret_files") from error
    if not _LEAST <= len(content) <= _MOST:
        raise _faulty(path, f"does not hold {_LEAST} to {_MOST} bytes", how_to_make(path))
    if len(set(content)) == 1:
        raise _faulty(path, "repeats one byte", how_to_make(path))
    return content


def automatic_secret(cluster: str) -> bytes:
    """The secret that all nodes of this user in `cluster` share, made by the first of them: 256 random bits.

    Raises:
        SecretError: the user's state directory cannot be used, or what it holds is no secret.
    """
    path = _state_home() / "partisan" / f"{cluster}.secret"
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make_once(path)
    except OSError as error:
        mend = "Make it writable, set XDG_STATE_HOME to a directory that is, or set security.secret_files"
        raise _faulty(path, f"cannot be made: {error.strerror}", mend) from error
    return read_secret(path)


def how_to_make(path: Path | str) -> str:
    """What to do for a good secret."""
    return f"Make one: (umask 077 && head -c 32 /dev/urandom > {quote(str(path))}), and copy it to every node"


def _check_file(path: Path, status: os.stat_result) -> None:
    name, mode = quote(str(path)), S_IMODE(status.st_mode)
    if not S_ISREG(status.st_mode):
        raise _faulty(path, "is no regular file", "Let security.secret_files name one")
    if status.st_uid != os.geteuid():
        raise _faulty(path, f"belongs to another user ({status.st_uid})", f"Run: chown {os.geteuid()} {name}")
    if mode & 0o077:
        raise _faulty(path, f"is open to others (mode {mode:04o})", f"Run: chmod 600 {name}")


def _state_home() -> Path:
    stated = Path(os.environ.get("XDG_STATE_HOME", ""))
    if stated.is_absolute():  # anything else is to be ignored: XDG base directory specification
        return stated
    try:
        return Path.home() / ".local" / "state"
    except RuntimeError as error:
        raise SecretError(
            "this user has no home directory for the secret of the cluster; nothing was started. "
            "Set XDG_STATE_HOME or security.secret_files"
        ) from error


def _make_once(path: Path) -> None:
    """Make the file whole or not at all; of several who try at once, one succeeds and the others read its file."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(draft, "x", opener=_open_for_us) as file:
            file.write(f"{secrets.token_hex(32)}\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)


def _open_at_once(path: str, flags: int) -> int:
    """A pipe in the place of the file would keep us waiting."""
    return os.open(path, flags | os.O_NONBLOCK)


def _open_for_us(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _faulty(path: Path, fault: str, mend: str) -> SecretError:
    return SecretError(f"the secret file {path} {fault}; nothing was started. {mend}")
