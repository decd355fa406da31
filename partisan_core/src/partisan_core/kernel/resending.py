"""When acknowledgements fail to come on a connection that lives: what was lost on it is sent again.

TCP loses nothing, so this is for what is lost above it. A peer that is slow to read must not be sent the same again and
again; but it answers pings in the order of what it reads. So when nothing has been acknowledged for a while it is sent
a ping, and only what is not acknowledged when the pong comes is lost, or its acknowledgement is.
"""

from collections.abc import Callable
from functools import partial

from partisan_core.kernel._links import Backoff
from partisan_core.wire.outbox import Outbox

FIRST_LOOK, LAST_LOOK = 0.05, 2.0
"""Seconds without an acknowledgement after which the peer is asked, and the most that this becomes while none comes
(chosen: a ping costs less than a wait; it is rare that one is needed)."""


class Resending:
    """Watches the outbox of one lane while there is something in it."""

    def __init__(
        self,
        outbox: Outbox,
        ask: Callable[[Callable[[float], None]], None],
        wake: Callable[[], None],
        call_later: Callable[[float, Callable[[], None]], None],
        backoff: Backoff,
    ) -> None:
        self._outbox, self._ask, self._wake = outbox, ask, wake
        self._call_later, self._backoff = call_later, backoff
        self._is_watching = False
        self._oldest: int | None = 0

    def watch(self) -> None:
        """Something was put into the outbox."""
        if not self._is_watching:
            self._is_watching, self._oldest = True, self._outbox.first_beyond(0)
            self._backoff.reset()
            self._call_later(self._backoff.next(), self._look)

    def _look(self) -> None:
        before, self._oldest = self._oldest, self._outbox.first_beyond(0)
        self._is_watching = self._oldest is not None
        if self._oldest is None:
            return
        if self._oldest == before:
            self._ask(partial(self._on_answer, self._oldest))
        else:
            self._backoff.reset()
        self._call_later(self._backoff.next(), self._look)

    def _on_answer(self, oldest: int, rtt: float) -> None:
        if self._outbox.first_beyond(0) == oldest:
            self._outbox.rewind()
            self._wake()
