"""The two views of a node, and whom it has lost. Pure: no message, no clock; randomness is handed in.

Invariants, whatever is called: nobody is in both views, this node in neither, a name at most once, and no view
larger than its bound. Every change makes a new mapping, so that who holds one can tell.
"""

from collections.abc import Collection, Iterable, Mapping
from random import Random

from partisan_core.identity import NodeSpec

View = Mapping[str, NodeSpec]


class Views:
    """The active view (neighbours) and the passive view (whom to make one when a neighbour fails)."""

    def __init__(self, me: str, active_max: int, passive_max: int, rng: Random) -> None:
        self._me, self._active_max, self._passive_max, self._rng = me, active_max, passive_max, rng
        self.active: View = {}
        self.passive: View = {}

    @property
    def free(self) -> int:
        """How many more neighbours there is room for."""
        return self._active_max - len(self.active)

    def knows_newer(self, peer: NodeSpec) -> bool:
        """Say whether `peer` is an earlier life than the one in a view."""
        held = self.active.get(peer.name) or self.passive.get(peer.name)
        return held is not None and held.life > peer.life

    def activate(self, peer: NodeSpec) -> NodeSpec | None:
        """Make `peer` a neighbour; return whom a full view evicted for it, who is in the passive view then."""
        if peer.name == self._me or peer.name in self.active:
            return None
        evicted = self._rng.choice(list(self.active.values())) if self.free <= 0 else None
        if evicted is not None:
            self.deactivate(evicted.name)
        self.forget(peer.name)
        self.active = {**self.active, peer.name: peer}
        if evicted is not None:
            self.hear([evicted])
        return evicted

    def deactivate(self, name: str) -> None:
        """A neighbour is one no more."""
        self.active = _without(self.active, name)

    def forget(self, name: str) -> None:
        """Drop a name from the passive view."""
        if name in self.passive:
            self.passive = _without(self.passive, name)

    def hear(self, peers: Iterable[NodeSpec], sent: Collection[str] = ()) -> None:
        """Take nodes into the passive view. When it is full, those that were `sent` away make room first."""
        passive = dict(self.passive)
        fresh: set[str] = set()
        for peer in peers:
            held = passive.get(peer.name)
            if peer.name == self._me or peer.name in self.active or (held is not None and held.life >= peer.life):
                continue
            if held is None and len(passive) >= self._passive_max:
                del passive[self._dispensable(passive, fresh, sent)]
            passive[peer.name] = peer
            fresh.add(peer.name)
        if fresh:
            self.passive = passive

    def _dispensable(self, passive: View, fresh: Collection[str], sent: Collection[str]) -> str:
        old = [name for name in passive if name not in fresh]
        return self._rng.choice([name for name in old if name in sent] or old or list(passive))

    def neighbour(self, but: Collection[str] = ()) -> NodeSpec | None:
        """Draw a neighbour whose name is none of `but`."""
        return draw(self._rng, [peer for name, peer in self.active.items() if name not in but])

    def sample(self, from_active: int, from_passive: int, but: str = "") -> tuple[NodeSpec, ...]:
        """Draw nodes of both views to tell others of."""
        active = [peer for name, peer in self.active.items() if name != but]
        passive = [peer for name, peer in self.passive.items() if name != but]
        return (
            *self._rng.sample(active, min(from_active, len(active))),
            *self._rng.sample(passive, min(from_passive, len(passive))),
        )


class Backoff:
    """Whom not to ask again yet: pauses that double."""

    def __init__(self, first: float, longest: float, most: int) -> None:
        self._first, self._longest, self._most = first, longest, most
        self._pauses: dict[str, tuple[float, float]] = {}

    def pause(self, name: str, now: float) -> None:
        """Do not ask `name` for a while; at most `most` names are remembered, the latest."""
        _, length = self._pauses.pop(name, (0.0, self._first / 2))
        length = min(2 * length, self._longest)
        self._pauses[name] = (now + length, length)
        if len(self._pauses) > self._most:
            del self._pauses[next(iter(self._pauses))]

    def is_over(self, name: str, now: float) -> bool:
        """Say whether `name` may be asked."""
        return self._pauses.get(name, (now, 0.0))[0] <= now

    def clear(self, name: str) -> None:
        """Forget that `name` was ever asked."""
        self._pauses.pop(name, None)


def draw(rng: Random, peers: list[NodeSpec]) -> NodeSpec | None:
    """One of `peers`, when there are any."""
    return rng.choice(peers) if peers else None


def _without(view: View, name: str) -> View:
    return {key: peer for key, peer in view.items() if key != name}
