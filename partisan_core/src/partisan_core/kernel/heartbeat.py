"""The idle ping: a silent membership connection is asked, and broken when it does not answer.

A half-open connection (the other machine vanished, a cable was cut) says nothing; only asking finds it.
Data lanes are not pinged: a peer whose mailbox is full does not read them, and that is no fault of the link.
"""

from collections.abc import Callable, Iterable

import trio

from partisan_core.config.model import LinkConfig
from partisan_core.kernel.connection import Connection


class Heartbeat:
    """Watches the membership connections of one node."""

    def __init__(self, settings: LinkConfig) -> None:
        self._settings = settings
        self._silent: dict[Connection, tuple[float, int]] = {}
        """Since when a connection is silent, and how often it was asked."""

    def beat(self, connections: Iterable[Connection], now: float) -> None:
        """Look at every connection once."""
        silent, self._silent = self._silent, {}
        for connection in connections:
            since, asked = silent.get(connection, (now, 0))
            if connection.was_heard():
                since, asked = now, 0
            elif now - since >= self._settings.ping_interval + asked * self._settings.ping_timeout:
                if asked >= self._settings.ping_attempts:
                    connection.close(f"silent for {now - since:.1f} s, {asked} pings without an answer")
                    continue
                connection.ping(lambda rtt: None)
                asked += 1
            self._silent[connection] = (since, asked)

    async def run(self, connections: Callable[[], Iterable[Connection]]) -> None:
        """Beat for ever."""
        pause = min(self._settings.ping_interval, self._settings.ping_timeout) / 2
        while True:
            await trio.sleep(pause)
            self.beat(connections(), trio.current_time())
