"""The work that all subjects share: the record they carry, how long they go on, what they report."""

from collections.abc import Awaitable, Callable, Iterator
from math import ceil
from time import perf_counter
from typing import Final

Record = tuple[int, str, bool, bytes]
"""Number, mailbox to answer to (may be empty), whether it is the last one, payload: encoded and decoded by
every subject but the bare stream. A plain tuple, because it is the cheapest thing for msgspec on both sides: the
baselines get their best case."""

NUMBER: Final = 0
REPLY_TO: Final = 1
LAST: Final = 2

WARM_UP = 0.1
"""Seconds of the same work before the measurement. Chosen: connections, caches and the interpreter's
specialised bytecode have settled long before."""

Ready = Callable[[str], None]
"""Announces the address that a server listens on."""

Figures = dict[str, float]
"""What one run measured: metric -> figure."""

_STRIDE, _STRIDE_BYTES = 100, 1 << 20
"""Records, and bytes of payload, between two looks at the clock."""


class LostMessages(Exception):
    """The receiver did not count what the sender sent: the run is worth nothing."""


def warmed(measure: Callable[[float], Figures], seconds: float) -> Figures:
    """Do the work once to warm up, then measure it."""
    measure(WARM_UP)
    return measure(seconds)


async def warmed_async(measure: Callable[[float], Awaitable[Figures]], seconds: float) -> Figures:
    """Do the work once to warm up, then measure it."""
    await measure(WARM_UP)
    return await measure(seconds)


def records(payload: int, seconds: float) -> Iterator[Record]:
    """Yield records numbered from 1 until `seconds` have passed, then one that is marked as the last."""
    data, number, deadline = bytes(payload), 0, perf_counter() + seconds
    stride = min(_STRIDE, _STRIDE_BYTES // payload)
    while perf_counter() < deadline:
        for number in range(number + 1, number + stride + 1):  # noqa: B020 - goes on from where it stopped
            yield number, "", False, data
    yield number + 1, "", True, data


def throughput(sent: int, counted: int, payload: int, started: float) -> Figures:
    """Report messages, and MB of their payload, per second since `started`, now that the last one is acknowledged.

    Raises:
        LostMessages: when the receiver counted another number than was sent.
    """
    elapsed = perf_counter() - started
    if counted != sent:
        raise LostMessages(f"{sent} messages were sent, the receiver counted {counted}")
    return {"rate": sent / elapsed, "volume": sent * payload / elapsed / 1e6}


def latency(times: list[float], started: float) -> Figures:
    """Report median and 99th percentile of `times` (seconds each) in µs, and round trips per second."""
    elapsed, ordered = perf_counter() - started, sorted(times)
    return {
        "p50": percentile(ordered, 50) * 1e6,
        "p99": percentile(ordered, 99) * 1e6,
        "rate": len(ordered) / elapsed,
    }


def percentile(ordered: list[float], percent: float) -> float:
    """Return the nearest-rank percentile: the smallest value with `percent` of the values at or below it."""
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]
