"""Processes on loopback that all know each other, for what needs no network of its own: kills, starvation, clocks."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.integration.agents import eventually
from tests.lab.inhabitant import Sight
from tests.lab.site import Resident

Pair = tuple[str, str]


class Crowd:
    """The residents, by name: `n0`, `n1` and so on."""

    def __init__(self, sections: Mapping[str, Any]) -> None:
        self.residents: dict[str, Resident] = {}
        self.log: list[tuple[str, Sight]] = []
        """What each has noticed, in its own order; see `gather`."""
        self._sections = sections

    def __getitem__(self, name: str) -> Resident:
        return self.residents[name]

    def start(self, *names: str, within: Sequence[str] = (), node: Mapping[str, Any] = {}) -> None:
        """Start processes, each in place of the one that had its name, and let them join those that are there."""
        contacts = [resident.addresses[0] for resident in self.residents.values() if resident.name not in names]
        fresh = [Resident(name, within=within, node=dict(node), **self._sections) for name in names]
        self.residents |= {resident.name: resident for resident in fresh}
        for resident in fresh:
            resident.addresses = resident.started().addresses
        contacts = contacts or [self[names[0]].addresses[0]]
        joiners = [resident for resident in fresh if resident.addresses[0] not in contacts]
        for resident in joiners:
            resident.tell("join", contacts=contacts)
        for resident in joiners:
            resident.answer(type(None))

    def until_whole(self) -> None:
        """Wait until every one is linked to every other."""
        eventually(self._is_whole, f"{len(self.residents)} nodes to be linked")

    def kill(self, names: Collection[str]) -> None:
        """Kill them with nothing between."""
        victims = [self.residents.pop(name) for name in names]
        for victim in victims:
            victim.process.kill()
        for victim in victims:
            victim.kill()

    def gather(self) -> None:
        """Ask all what they have noticed since, and add it to `log`."""
        for resident in self.residents.values():
            resident.tell("sights")
        for name, resident in self.residents.items():
            self.log += [(name, sight) for sight in resident.answer(list[Sight])]

    def count(self, kind: str) -> int:
        """How often something was noticed so far."""
        self.gather()
        return sum(sight.kind == kind for _, sight in self.log)

    def when(self, kind: str, pairs: Collection[Pair], since: float) -> list[float]:
        """After how many seconds each of these (who, of whom) has noticed it first; waits until all have."""
        found: dict[Pair, float] = {}

        def all_have() -> bool:
            self.gather()
            for name, sight in self.log:
                if sight.kind == kind and sight.at > since:
                    found.setdefault((name, sight.peer), sight.at)
            return found.keys() >= {*pairs}

        eventually(all_have, f"{len(pairs)} times {kind}")
        return [found[pair] - since for pair in pairs]

    def _is_whole(self) -> bool:
        for resident in self.residents.values():
            resident.tell("neighbours")
        near = {name: {*resident.answer(list[str])} for name, resident in self.residents.items()}
        return all(near[name] == near.keys() - {name} for name in near)


@contextmanager
def crowd(count: int, **sections: Any) -> Iterator[Crowd]:
    """So many of them, linked; none outlives the block."""
    crowd = Crowd(sections)
    try:
        crowd.start(*(f"n{number}" for number in range(count)))
        crowd.until_whole()
        yield crowd
    finally:
        for resident in crowd.residents.values():
            resident.kill()
