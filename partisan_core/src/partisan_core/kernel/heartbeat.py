"""The idle ping: a silent connection is asked, and broken when it does not answer.

A half-open connection (the other machine vanished, a cable was cut) says nothing; only asking finds it. But a full
mailbox keeps a data lane from being read, by design, and a node that does not read cannot answer. So who does not read
says unasked that it lives, and does not expect answers: they would lie behind what it has not read (decision 0010).
"""

from collections.abc import Callable, Iterable

import trio

from partisan_core.config.model import LinkConfig
from partisan_core.kernel.channels import MEMBERSHIP
from partisan_core.kernel.connection import Connection


class Heartbeat:
    """Watches the connections of one node."""

    def __init__(self, settings: Callable[[], LinkConfig]) -> None:
        self._settings = settings
        self._silent: dict[Connection, tuple[float, int]] = {}
        """Since when a connection is silent, and how often it was asked."""

    def beat(self, connections: Iterable[Connection], now: float) -> None:
        """Look at every connection once."""
        settings, silent = self._settings(), self._silent
        self._silent = {}
        for connection in connections:
            since, asked = silent.get(connection, (now, 0))
            if connection not in silent:
                _limit_silence(connection, settings)
                connection.ping(_ignore)  # so that its round trip is known, however busy it will be
            elif connection.paused:
                connection.say_alive()
                since, asked = now, 0
            elif connection.was_heard():
                since, asked = now, 0
            elif now - since >= settings.ping_interval + asked * settings.ping_timeout:
                if asked >= settings.ping_attempts:
                    connection.close(f"silent for {now - since:.1f} s, {asked} pings without an answer")
                    continue
                connection.ping(_ignore)
                asked += 1
            self._silent[connection] = (since, asked)

    async def run(self, connections: Callable[[], Iterable[Connection]]) -> None:
        """Beat for ever."""
        while True:
            settings = self._settings()
            await trio.sleep(min(settings.ping_interval, settings.ping_timeout) / 2)
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
