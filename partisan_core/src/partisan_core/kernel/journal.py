"""Notices to applications and to the log, and the counters."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Self, TypeVar

import trio

from partisan_core import notices
from partisan_core.drops import DropReason
from partisan_core.notices import Notice, Snapshot

T = TypeVar("T")

log = logging.getLogger("partisan.link")

STREAM_LIMIT = 1000
"""Notices kept for a slow reader; beyond, they are replaced by a new snapshot (chosen)."""

_LINES_PER_SECOND = 5
"""Log lines per kind of notice and second; the rest is counted and told with the next line (chosen)."""

_DEBUG = (
    *(notices.ChannelUp, notices.ChannelDown, notices.DialRefused, notices.DeadLetter),
    *(notices.MemberJoined, notices.MemberLeft),
)


class Stream(Generic[T]):
    """A snapshot, then differences, bounded: `async for one in stream`."""

    def __init__(self, snapshot: Callable[[], T]) -> None:
        self._snapshot = snapshot
        self._queue: deque[T] = deque([snapshot()])
        self._arrived = trio.lowlevel.ParkingLot()
        self.missed = 0
        """How many were replaced by a snapshot because nobody read them in time."""

    def put(self, one: T) -> None:
        """Append; the kernel's side."""
        if len(self._queue) >= STREAM_LIMIT:
            self.missed += len(self._queue)
            self._queue.clear()
            one = self._snapshot()
        self._queue.append(one)
        self._arrived.unpark()

    async def receive(self) -> T:
        """Wait for the next one; a checkpoint."""
        await trio.lowlevel.checkpoint()
        while not self._queue:
            await self._arrived.park()
        return self._queue.popleft()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        return await self.receive()


class NoticeStream(Stream[Notice]):
    """See `Node.open_events`."""


class LogLimit:
    """At most so many log lines per kind and second; who is admitted again tells how many were not."""

    def __init__(self) -> None:
        self._lines: dict[object, tuple[float, int]] = {}

    def admit(self, kind: object) -> str | None:
        """What to add to a line of that kind; None: do not write it."""
        now, (since, lines) = trio.current_time(), self._lines.get(kind, (0.0, 0))
        suppressed = 0
        if now - since >= 1:
            since, suppressed, lines = now, max(0, lines - _LINES_PER_SECOND), 0
        self._lines[kind] = (since, lines + 1)
        if lines >= _LINES_PER_SECOND:
            return None
        return f" (and {suppressed} more of its kind)" if suppressed else ""


class Journal:
    """Where everything rare is reported once: streams, log and counters are fed from here."""

    def __init__(self, node: str, snapshot: Callable[[], Snapshot]) -> None:
        self.counters: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        """Messages that were not delivered, by reason."""
        self._node = node
        self._snapshot = snapshot
        self._streams: list[NoticeStream] = []
        self._observers: list[Callable[[Notice], None]] = []
        self._limit = LogLimit()

    def report(self, notice: Notice) -> None:
        """Tell everybody."""
        self.counters[type(notice).__name__] += 1
        for stream in self._streams:
            stream.put(notice)
        for observer in self._observers:
            observer(notice)
        self._log(notice)

    def drop(self, reason: DropReason, count: int = 1) -> None:
        """Count messages that are not delivered."""
        if count:
            self.dropped[reason.value] += count

    def observe(self, observer: Callable[[Notice], None]) -> None:
        """Call `observer` with each notice, at once; a part of the kernel, which neither raises nor misses one."""
        self._observers.append(observer)

    @contextmanager
    def open_stream(self) -> Iterator[NoticeStream]:
        """A stream that begins with a snapshot of now."""
        stream = NoticeStream(self._snapshot)
        self._streams.append(stream)
        try:
            yield stream
        finally:
            self._streams.remove(stream)

    def _log(self, notice: Notice) -> None:
        level = logging.DEBUG if isinstance(notice, _DEBUG) else logging.INFO
        level = logging.WARNING if isinstance(notice, notices.PeerRefused | notices.FaultInjected) else level
        if not log.isEnabledFor(level):
            return
        more = self._limit.admit(type(notice))
        if more is not None:
            log.log(level, "%s: %s%s", self._node, describe(notice), more)


def describe(notice: Notice) -> str:
    """One line: kind, peer, and the rest; what a peer said is escaped and cut."""
    parts = [type(notice).__name__]
    for field in notice.__struct_fields__:
        value = getattr(notice, field)
        parts.append(f"{field}={str(value)[:256]!a}" if isinstance(value, str) else f"{field}={value}")
    return " ".join(parts)
