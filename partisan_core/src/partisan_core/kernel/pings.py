"""The pings of one connection that wait for their pongs."""

import math
from collections.abc import Callable

import trio

_REMEMBERED = 128
"""Pings that wait for their pongs; an older one is forgotten, and its answer ignored (chosen)."""


class Pings:
    """Numbers pings and measures their round trips."""

    def __init__(self) -> None:
        self.rtt = math.nan
        """Seconds that the last one took; not a number before the first."""
        self._sent: dict[int, tuple[float, Callable[[float], None]]] = {}
        self._number = 0

    def begin(self, answered: Callable[[float], None]) -> int:
        """The number of a new ping; `answered(rtt)` is called when its pong comes."""
        self._number += 1
        self._sent[self._number] = (trio.current_time(), answered)
        if len(self._sent) > _REMEMBERED:
            del self._sent[next(iter(self._sent))]
        return self._number

    def end(self, number: int) -> None:
        """A pong has come; one that nobody asked for is ignored."""
        sent = self._sent.pop(number, None)
        if sent is not None:
            self.rtt = trio.current_time() - sent[0]
            sent[1](self.rtt)
