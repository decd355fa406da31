"""What the system says about a process: memory, sockets, processor time. Linux, proc(5)."""

import os
from contextlib import suppress
from pathlib import Path

_ESTABLISHED = "01"
_STATE, _INODE = 3, 9
"""Columns of /proc/net/tcp."""

_USER, _SYSTEM = 11, 12
"""Columns of /proc/PID/stat behind the name of the program."""


def memory(process: int) -> dict[str, float]:
    """Return the memory in MiB: `rss` counts shared pages in full, `pss` by share, `uss` not at all."""
    lines = (line.split() for line in _read(process, "smaps_rollup").splitlines()[1:])
    sizes = {field.rstrip(":"): int(size) / 1024 for field, size, _ in lines}
    return {
        "rss": sizes["Rss"],
        "pss": sizes["Pss"],
        "uss": sizes["Private_Clean"] + sizes["Private_Dirty"],
    }


def sockets(process: int) -> int:
    """Return the number of established TCP connections that the process holds."""
    held = set()
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            held.add(str(descriptor.readlink()))
    lines = (_read(process, "net/tcp") + _read(process, "net/tcp6")).splitlines()
    rows = [line.split() for line in lines]
    return sum(row[_STATE] == _ESTABLISHED and f"socket:[{row[_INODE]}]" in held for row in rows)


def processor_time(process: int) -> float:
    """Return the seconds of processor time that the process has used."""
    columns = _read(process, "stat").rpartition(")")[2].split()
    return (int(columns[_USER]) + int(columns[_SYSTEM])) / os.sysconf("SC_CLK_TCK")


def _read(process: int, name: str) -> str:
    return Path(f"/proc/{process}/{name}").read_text()
