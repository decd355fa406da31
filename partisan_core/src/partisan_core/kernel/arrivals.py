"""Whether what a lane has sent has arrived.

Pings and messages of one connection are read in one order: with a pong, all that was written before its ping was read.
"""

from collections.abc import Callable
from functools import partial

from partisan_core.kernel.lane import Carrier


class Arrivals:
    """Asks one question at a time; what was asked over an earlier connection is not answered any more."""

    __slots__ = ("_asked_over", "_on_arrival")

    def __init__(self, on_arrival: Callable[[int], None]) -> None:
        self._on_arrival = on_arrival
        """Told the number of a message up to which all have arrived; it may ask on."""
        self._asked_over: Carrier | None = None

    def begin(self) -> None:
        """The lane has a new connection."""
        self._asked_over = None

    def ask(self, carrier: Carrier | None, number: int) -> None:
        """Ask whether message `number`, the last one written, has arrived; nothing without a connection."""
        if self._asked_over is None and carrier is not None:
            self._asked_over = carrier
            carrier.ping(partial(self._on_pong, carrier, number))

    def _on_pong(self, carrier: Carrier, number: int, rtt: float) -> None:
        if carrier is self._asked_over:
            self._asked_over = None
            self._on_arrival(number)
