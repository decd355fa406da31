"""The idle ping: a silent connection is asked, and broken when it does not answer.

A half-open connection (the other machine vanished, a cable was cut) says nothing; only asking finds it. But a full
mailbox keeps a data lane from being read, by design, and a node that does not read cannot answer. So who does not read
says unasked that it lives, and does not expect answers: they would lie behind what it has not read (decision 0010).

By default a silent connection is broken after four seconds and a quarter: its peer is known to be away within five
(decision 0042).
"""

from collections.abc import Callable, Iterable

import trio

from partisan_core.config.model import LinkConfig
from partisan_core.kernel.channels import MEMBERSHIP
from partisan_core.kernel.connection import Connection

_BEATS = 4
"""Looks in the shorter of the two times: silence is found at most a quarter of it late. Chosen: a look costs less than
a microsecond for each connection."""


class Heartbeat:
    """Watches the connections of one node."""

    def __init__(self, settings: Callable[[], LinkConfig]) -> None:
        self._settings = settings
        self._silent: dict[Connection, tuple[float, int, float]] = {}
        """Since when a connection is silent, how often it was asked, and when last: each ping has its time, also while
        this node itself hardly runs."""

    def beat(self, connections: Iterable[Connection], now: float) -> None:
        """Look at every connection once."""
        settings, silent = self._settings(), self._silent
        self._silent = {}
        for connection in connections:
            since, asked, last = silent.get(connection, (now, 0, now))
            if connection not in silent:
                _limit_silence(connection, settings)
                connection.ping(_ignore)  # so that its round trip is known, however busy it will be
            elif connection.paused:
                connection.say_alive()
                since, asked, last = now, 0, now
            elif connection.was_heard():
                since, asked, last = now, 0, now
            elif now - last >= (settings.ping_timeout if asked else settings.ping_interval):
                if asked >= settings.ping_attempts:
                    connection.abort(f"silent for {now - since:.1f} s, {asked} pings without an answer")
                    continue
                connection.ping(_ignore)
                asked, last = asked + 1, now
            self._silent[connection] = (since, asked, last)

    async def run(self, connections: Callable[[], Iterable[Connection]]) -> None:
        """Beat for ever."""
        while True:
            settings = self._settings()
            await trio.sleep(min(settings.ping_interval, settings.ping_timeout) / _BEATS)
            self.beat(connections(), trio.current_time())


def _limit_silence(connection: Connection, settings: LinkConfig) -> None:
    """Let the system, too, break a membership connection that is silent for as long as the pings take to find it.

    Not a data lane: to the system, a peer that does not read because a mailbox is full is as good as gone.
    """
    limit = getattr(connection.wire, "limit_silence", None)
    if limit is not None and connection.lane.channel == MEMBERSHIP:
        limit(settings.ping_interval + settings.ping_attempts * settings.ping_timeout)


def _ignore(rtt: float) -> None:
    """The connection remembers it."""
