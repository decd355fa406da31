"""The most memory that a process has while large messages pass through it. Linux, proc(5)."""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from partisan_bench.work import NUMBER, Figures, Record

_RESIDENT, _MOST = "VmRSS", "VmHWM"
_FORGET_THE_MOST = "5"
"""What to write into /proc/self/clear_refs."""


class Meter:
    """Weighs this process; what it had before the first message is not counted, all that it has later is."""

    def __init__(self) -> None:
        self._idle = 0

    def taken(self, record: Record) -> int:
        """Return the most since the last empty record, in bytes over the idle level."""
        if not record[NUMBER]:
            self._idle = self._idle or _size(_RESIDENT)
            Path("/proc/self/clear_refs").write_text(_FORGET_THE_MOST)
        return _size(_MOST) - self._idle


def large(size: int, seconds: float) -> Iterator[Record]:
    """Yield an empty record; then the same large one until `seconds` have passed, but twice at least."""
    yield 0, "", False, b""
    record = 1, "", False, b"\xff" * size  # zeros would be pages that nobody has to hold
    deadline = perf_counter() + seconds
    yield record
    while perf_counter() < deadline:
        yield record
    yield record


def shares(sender: int, receiver: int, size: int) -> Figures:
    """Report the most at either end, by the size of a message."""
    return {"sender": sender / size, "receiver": receiver / size}


def _size(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))
