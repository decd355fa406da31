"""The TCP connections of processes, as the system counts them."""

import contextlib
from pathlib import Path

_ESTABLISHED = "01"

Ends = tuple[str, str]
"""(the end of the process, the other end)."""


def connections_of(process: int) -> set[Ends]:
    """The established connections of a process."""
    inodes = set()
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            inodes.add(str(descriptor.readlink()))
    return {
        (row[1], row[2])
        for table in ("tcp", "tcp6")
        for row in map(str.split, Path(f"/proc/{process}/net/{table}").read_text("ascii").splitlines())
        if row[3] == _ESTABLISHED and f"socket:[{row[9]}]" in inodes
    }


def connections_between(one: set[Ends], other: set[Ends]) -> int:
    """How many connections of two processes are the two ends of one."""
    return len(one & {(here, there) for there, here in other})
