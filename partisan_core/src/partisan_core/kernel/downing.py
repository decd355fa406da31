"""The downing policy: a member that was suspected or down for so long is evicted (decision 0038).

A node that cannot reach half of the members may be the one that is cut off: it evicts nobody.
"""

import itertools
import logging
import math
from collections.abc import Callable, Mapping
from functools import partial

from partisan_core.events import Evict, Reason, Suspected, Trusted
from partisan_core.identity import NodeSpec
from partisan_core.kernel._links import Change, Down, Failed, Up
from partisan_core.kernel.journal import Journal
from partisan_core.kernel.timers import Timers

log = logging.getLogger("partisan.membership")

_NO_ANSWER = frozenset({Reason.GONE, Reason.UNREACHABLE})


class Downing:
    """Keeps who is doubted. `after` is in seconds; with infinity it does nothing."""

    def __init__(
        self,
        after: float,
        members: Callable[[], Mapping[str, NodeSpec]],
        timers: Timers,
        journal: Journal,
        evict: Callable[[Evict], None],
    ) -> None:
        self._after, self._members, self._timers, self._journal, self._evict = after, members, timers, journal, evict
        self._doubted: dict[str, tuple[NodeSpec, int]] = {}
        """Whom, and a number that is that doubt's own."""
        self._numbers = itertools.count()

    def on_opinion(self, opinion: Suspected | Trusted) -> None:
        """Of the failure detector."""
        if isinstance(opinion, Suspected):
            self._doubt(opinion.peer)
        else:
            self._doubted.pop(opinion.peer.name, None)

    def on_link(self, peer: NodeSpec, change: Change) -> None:
        """The connection layer: a peer that does not answer is doubted, one that was let go of is not."""
        match change:
            case Down(reason) | Failed(reason) if reason in _NO_ANSWER:
                self._doubt(peer)
            case Up() | Down():
                self._doubted.pop(peer.name, None)

    def _doubt(self, peer: NodeSpec) -> None:
        held = self._doubted.get(peer.name)
        if math.isinf(self._after) or (held is not None and held[0].life >= peer.life):
            return
        self._doubted[peer.name] = peer, next(self._numbers)
        self._wait(*self._doubted[peer.name])

    def _wait(self, peer: NodeSpec, number: int) -> None:
        self._timers.call_later(self._after, partial(self._decide, peer, number))

    def _decide(self, peer: NodeSpec, number: int) -> None:
        if self._doubted.get(peer.name) != (peer, number):
            return
        members = self._members()
        doubted = [name for name in self._doubted if name in members]
        member = members.get(peer.name)
        if member is None or member.life != peer.life:
            del self._doubted[peer.name]
        elif 2 * len(doubted) >= len(members):
            log.warning("%d of %d members do not answer; %s is not evicted", len(doubted), len(members), peer)
            self._wait(peer, number)
        else:
            del self._doubted[peer.name]
            log.warning("%s has not answered for %.3g s and is evicted (downing.after)", peer, self._after)
            self._journal.counters["downed"] += 1
            self._evict(Evict(member))
