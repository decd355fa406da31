"""Which messages cannot pass: between zones, in both directions or one, and from one name to another."""

from collections.abc import Mapping


class Partitions:
    """What separates names at the moment."""

    def __init__(self) -> None:
        self.age = 0
        """Grows whenever something may have healed, so that who waited for the end of a link can tell."""
        self.none = True
        """Nothing separates anybody."""
        self._zones: Mapping[str, int] = {}
        self._one_way = False
        self._cuts: set[tuple[str, str]] = set()

    def divide(self, zones: Mapping[str, int], *, one_way: bool) -> None:
        """Separate names of different zones; names that are not mentioned are in zone 0.

        With `one_way` only what goes from a lower zone to a higher one vanishes.
        """
        self._zones, self._one_way = zones, one_way
        self._renew()

    def cut(self, source: str, target: str) -> None:
        """Let what goes from `source` to `target` vanish."""
        self._cuts.add((source, target))
        self.none = False

    def heal(self) -> None:
        """Let everything pass."""
        self._zones, self._cuts = {}, set()
        self._renew()

    def block(self, source: str, target: str) -> bool:
        """Say whether what goes from `source` to `target` vanishes."""
        here, there = self._zones.get(source, 0), self._zones.get(target, 0)
        return (here < there if self._one_way else here != there) or (source, target) in self._cuts

    def separate(self, one: str, other: str) -> bool:
        """Say whether something vanishes in either direction: no connection lives with that."""
        return not self.none and (self.block(one, other) or self.block(other, one))

    def _renew(self) -> None:
        self.age += 1
        self.none = not self._zones and not self._cuts
