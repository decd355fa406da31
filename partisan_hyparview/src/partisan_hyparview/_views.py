"""The two views of a node. Pure: no message, no clock; randomness is handed in.

Invariants, whatever is called: nobody is in both views, this node in neither, a name at most once, no view larger
than its bound, and no reserved place taken by who may not have it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from random import Random

from partisan_core.identity import NodeSpec
from partisan_hyparview._draws import draw, in_random_order
from partisan_hyparview._hearsay import is_sane
from partisan_hyparview._reserved import Reserved

View = Mapping[str, NodeSpec]


class Views:
    """The active view (neighbours) and the passive view (whom to make one when a neighbour fails).

    `active` is another object after each change, `passive` the same one always.
    """

    __slots__ = (
        "_active_max",
        "_everybody",
        "_is_stale",
        "_me",
        "_passive_max",
        "_reserved",
        "_rng",
        "active",
        "passive",
    )

    def __init__(self, me: NodeSpec, active_max: int, passive_max: int, rng: Random, reserved: Reserved) -> None:
        self._me, self._active_max, self._passive_max, self._rng = me, active_max, passive_max, rng
        self._reserved = reserved
        self._everybody: View = {me.name: me}
        self._is_stale = False
        self.active: View = {}
        self.passive: dict[str, NodeSpec] = {}

    def everybody(self) -> View:
        """Return this node and both views: the same object as long as nothing changed."""
        if self._is_stale:
            self._is_stale = False
            everybody = {self._me.name: self._me, **self.active, **self.passive}
            if everybody != self._everybody:  # who only went from one view into the other changes nothing
                self._everybody = everybody
        return self._everybody

    @property
    def free(self) -> int:
        """How many more neighbours there is room for, whoever they are."""
        return self._active_max - len(self.active) - self._reserved.empty(self.active.values())

    def has_reserved_place(self, peer: NodeSpec) -> bool:
        """Say whether a place is empty that is kept for such as `peer`."""
        return self._reserved.has_place(peer, self.active.values())

    def holds(self, peer: NodeSpec) -> bool:
        """Say whether this life of `peer` is a neighbour."""
        held = self.active.get(peer.name)
        return held is not None and held.life == peer.life

    def knows_newer(self, peer: NodeSpec) -> bool:
        """Say whether `peer` is an earlier life than the one in a view."""
        held = self.active.get(peer.name) or self.passive.get(peer.name)
        return held is not None and held is not peer and held.life > peer.life

    def activate(self, peer: NodeSpec) -> NodeSpec | None:
        """Make `peer` a neighbour; return whom it displaced, who is in the passive view then."""
        if peer.name == self._me.name or peer.name in self.active:
            return None
        evicted = None if self.free > 0 or self.has_reserved_place(peer) else self.dispensable_neighbour()
        if evicted is not None:
            self.deactivate(evicted.name)
        self.forget(peer.name)
        self.active = {**self.active, peer.name: peer}
        self._is_stale = True
        if evicted is not None:
            self.hear([evicted])
        return evicted

    def deactivate(self, name: str) -> None:
        """A neighbour is one no more."""
        self.active = {key: peer for key, peer in self.active.items() if key != name}
        self._is_stale = True

    @property
    def holders(self) -> Collection[str]:
        """Neighbours that hold a reserved place: nobody can take it from them."""
        return self._reserved.assign(self.active.values())[0]

    def dispensable_neighbour(self) -> NodeSpec | None:
        """Draw one of the younger half of those that may have to go (decision 0018).

        When many join through one contact, its newest neighbours know only each other. The paper draws among all.
        """
        holders = self.holders
        candidates = [peer for name, peer in self.active.items() if name not in holders]
        return draw(self._rng, candidates[len(candidates) // 2 :])

    def forget(self, name: str) -> None:
        """Drop a name from the passive view."""
        if self.passive.pop(name, None) is not None:
            self._is_stale = True

    def hear(self, peers: Iterable[NodeSpec], sent: Collection[str] = ()) -> None:
        """Take sane nodes into the passive view. When it is full, those that were `sent` away make room first."""
        passive = self.passive
        dispensable = self._dispensable(list(passive.values()), sent)
        for peer in peers:
            name, held = peer.name, self.passive.get(peer.name)
            if name == self._me.name or name in self.active or (held is not None and held.life >= peer.life):
                continue
            if not is_sane(peer):
                continue
            if held is None and len(passive) >= self._passive_max:
                del passive[next(dispensable)]
            passive[name] = peer
            self._is_stale = True

    def _dispensable(self, old: list[NodeSpec], sent: Collection[str]) -> Iterator[str]:
        """Who makes room: those that were sent, then of the `old` at random, of the new ones last."""
        yield from (name for name in sent if name in self.passive)
        for peer in in_random_order(self._rng, old):
            if peer.name in self.passive:
                yield peer.name
        while True:
            yield next(iter(self.passive))

    def neighbour(self, but: Collection[str] = ()) -> NodeSpec | None:
        """Draw a neighbour whose name is none of `but`."""
        return draw(self._rng, _without(self.active, *but))

    def sample(self, from_active: int, from_passive: int, but: str = "") -> tuple[NodeSpec, ...]:
        """Draw nodes of both views to tell others of."""
        return (*self._sample(self.active, from_active, but), *self._sample(self.passive, from_passive, but))

    def _sample(self, view: View, count: int, but: str) -> list[NodeSpec]:
        if count == 0:
            return []
        others = _without(view, but)
        return self._rng.sample(others, min(count, len(others)))


def _without(view: View, *names: str) -> list[NodeSpec]:
    """Return the others of a view. Its names are not looked at one by one: in a large simulation none is in a cache."""
    if view.keys().isdisjoint(names):
        return list(view.values())
    others = dict(view)
    for name in names:
        others.pop(name, None)
    return list(others.values())
