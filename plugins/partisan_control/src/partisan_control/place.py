"""Where the control socket is, and how to name it to the system when its path is long."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOCKET_NAME = "control.sock"

_LONGEST = 100
"""Bytes of a path given as it is: the system takes 107 (unix(7)), other systems 103."""


@contextmanager
def socket_path(directory: Path) -> Iterator[str]:
    """The path of the control socket in `directory`, short enough for `bind` and `connect`.

    Raises:
        OSError: the path is long and the directory cannot be opened.
    """
    path = directory / SOCKET_NAME
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET_NAME}"
    finally:
        os.close(descriptor)
