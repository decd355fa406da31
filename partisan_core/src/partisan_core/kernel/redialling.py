"""When data lanes are dialled: by one end, when the link is up, and again when they end."""

import math
import random
from collections.abc import Callable
from functools import partial

import trio
from msgspec import Struct

from partisan_core.config.model import LinkConfig
from partisan_core.kernel._links import Backoff
from partisan_core.kernel.connection import Connection
from partisan_core.kernel.peer import LaneKey, Peer
from partisan_core.kernel.timers import Timers

_STEADY = 1.0
"""Seconds that a connection has to live to be dialled again at once when it ends; also the longest pause after one that
did not, unless the peer was too slow for it (chosen)."""


class LaneDialling(Struct, eq=False):
    """Dials the data lanes of all peers."""

    _start_dial: Callable[[Peer, LaneKey], None]
    _settings: Callable[[], LinkConfig]
    _timers: Timers
    _rng: random.Random

    def dial_missing(self, peer: Peer) -> None:
        """The end that dialled the membership connection dials the other lanes."""
        if peer.connection is not None and peer.connection.dialled and not peer.ending:
            for key in peer.missing_lanes():
                self._start_dial(peer, key)

    def dialled(self, peer: Peer, key: LaneKey) -> None:
        """A dial is over: dial again after a pause, when the lane is still without a connection."""
        if key not in peer.connections:
            self._rest(peer, key, self._pause(peer, key))

    def ended(self, peer: Peer, key: LaneKey, connection: Connection) -> None:
        """A connection is over: dial again, at once when it was steady and its peer not too slow for it."""
        steady = trio.current_time() - connection.since >= _STEADY
        if steady:
            peer.redials.pop(key, None)
        if connection.gave_up:
            self._rest(peer, key, self._pause(peer, key))
        else:
            self._rest(peer, key, 0.0 if steady else min(_STEADY, self._pause(peer, key)))

    def make_backoff(self) -> Backoff:
        """The pauses between dials of one lane."""
        settings = self._settings()
        return Backoff(settings.redial_first, settings.redial_limit, self._rng)

    def _pause(self, peer: Peer, key: LaneKey) -> float:
        return peer.redials.setdefault(key, self.make_backoff()).next()

    def _rest(self, peer: Peer, key: LaneKey, pause: float) -> None:
        peer.resting[key] = trio.current_time() + pause
        self._timers.call_later(pause, partial(self._go_on, peer, key))

    def _go_on(self, peer: Peer, key: LaneKey) -> None:
        if peer.resting.get(key, math.inf) <= trio.current_time():
            del peer.resting[key]
            self.dial_missing(peer)
