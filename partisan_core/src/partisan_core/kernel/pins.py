"""How long a link is kept that the overlay does not want: as long as a monitor holds it, or as messages use it."""

from collections.abc import Callable
from functools import partial

import trio
from msgspec import Struct, field

from partisan_core.kernel.peer import Peer
from partisan_core.kernel.timers import Timers

_LOOKS = 4
"""How often within `routing.idle_timeout` a link is asked whether it was used, so that it is closed after at most a
quarter more. Chosen: sends need not note the time."""


class Pins(Struct, eq=False):
    """Wants links for a while, and on while messages use them."""

    _timers: Timers
    _idle_timeout: float
    _want: Callable[[Peer], None]
    _let_go: Callable[[Peer], None]
    may_dial: Callable[[str], bool] = lambda name: False
    """Whether a link to the node of that name may be there for messages alone."""

    _held: set[str] = field(default_factory=set)

    def hold(self, peer: Peer) -> None:
        """Want the link to the node of that name until it is let go of."""
        self._held.add(peer.spec.name)
        if peer.pinned_until <= trio.current_time():  # otherwise it stays so, without a word to the peer
            self.pin(peer)

    def free(self, name: str) -> None:
        """The link ends when it is idle, as others do; nothing, if it was not held."""
        self._held.discard(name)

    def keeps(self, peer: Peer) -> bool:
        """Whether the link is wanted by others than the overlay."""
        if peer.spec.name in self._held:
            self.pin(peer)
        return peer.pinned_until > trio.current_time()

    def pin(self, peer: Peer, seconds: float | None = None) -> None:
        """Want the link for so long, or as long as it may be idle."""
        now = trio.current_time()
        if peer.pinned_until <= now:
            self._timers.call_later(0, partial(self._look, peer))
        peer.pinned_until = max(peer.pinned_until, now + (self._idle_timeout if seconds is None else seconds))
        self._want(peer)

    def _look(self, peer: Peer) -> None:
        now = trio.current_time()
        if peer.spec.name in self._held or (peer.was_used() and self.may_dial(peer.spec.name)):
            peer.pinned_until = now + self._idle_timeout
        if peer.pinned_until > now:
            left = min(peer.pinned_until - now, self._idle_timeout / _LOOKS)
            self._timers.call_later(left, partial(self._look, peer))
        elif not peer.wanted_by_overlay:
            self._let_go(peer)
