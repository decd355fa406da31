"""Places of the active view that are kept for neighbours with a label. Pure.

A reserved place counts as used while it is empty, so that it is there when somebody comes who may have it. Nothing
has to be given back when its holder dies: who holds one follows from the view.
"""

from collections.abc import Iterable, Mapping

from partisan_core.identity import NodeSpec

Label = tuple[str, str]
"""A label and its value."""


class Reserved:
    """How many places are kept for whom, at most `most` together.

    Args:
        slots: places by `"label=value"`.
        most: fewer than the active view has, so that one place is always anybody's.
    """

    def __init__(self, slots: Mapping[str, int], most: int) -> None:
        self._slots: dict[Label, int] = {}
        self._most = most
        for key, count in slots.items():
            label, _, value = key.partition("=")
            self.keep(label, value, count)

    def __bool__(self) -> bool:
        return bool(self._slots)

    def keep(self, label: str, value: str, slots: int) -> bool:
        """Keep `slots` places, or none any more; say whether there are so many to give."""
        others = sum(count for kept, count in self._slots.items() if kept != (label, value))
        granted = max(0, min(slots, self._most - others))
        self._slots.pop((label, value), None)
        if granted:
            self._slots[label, value] = granted
        return granted == slots

    def assign(self, neighbours: Iterable[NodeSpec]) -> tuple[set[str], dict[Label, int]]:
        """Say who of the neighbours, the oldest first, holds a reserved place, and how many are empty."""
        holders: set[str] = set()
        empty = dict(self._slots)
        if empty:
            for peer in neighbours:
                place = _place_for(peer, empty)
                if place is not None:
                    holders.add(peer.name)
                    empty[place] -= 1
        return holders, empty

    def empty(self, neighbours: Iterable[NodeSpec]) -> int:
        """Return how many reserved places nobody holds."""
        return sum(self.assign(neighbours)[1].values()) if self._slots else 0

    def has_place(self, peer: NodeSpec, neighbours: Iterable[NodeSpec]) -> bool:
        """Say whether a reserved place is empty that `peer` may have."""
        return bool(self._slots) and _place_for(peer, self.assign(neighbours)[1]) is not None


def _place_for(peer: NodeSpec, empty: Mapping[Label, int]) -> Label | None:
    return next((place for place, count in empty.items() if count and peer.labels.get(place[0]) == place[1]), None)
