"""Who lives, as seen by neighbours: every node says who its neighbours are, and who can be reached that way lives.

A node that dies is taken from the lists of all its neighbours, so nobody reaches it any more; its own last word may
stay, it is found by nobody. A node that only changes its neighbours stays reachable. So this is right on every
overlay, with views of two as on a full mesh. The map of records is a join-semilattice: per name the newest wins.
(Link-state flooding, as in OSPF, RFC 2328, with incarnations in the place of ageing.)
"""

from collections import deque
from collections.abc import Iterable, Mapping
from hashlib import blake2b

from msgspec.msgpack import encode

from partisan_cli.demo.messages import Record


class Roster:
    """The records that one node knows, its own included."""

    def __init__(self, name: str, incarnation: int) -> None:
        self._name = name
        self._records = {name: Record(name, incarnation, 0, {})}
        self._living: dict[str, int] | None = None
        self._digest: bytes | None = None

    @property
    def own(self) -> Record:
        """What this node says of itself."""
        return self._records[self._name]

    @property
    def records(self) -> tuple[Record, ...]:
        """Everything known."""
        return tuple(self._records.values())

    @property
    def digest(self) -> bytes:
        """Equal for equal rosters, in whatever order they were learnt."""
        if self._digest is None:
            versions = sorted((record.name, record.version) for record in self._records.values())
            self._digest = blake2b(encode(versions), digest_size=8).digest()
        return self._digest

    @property
    def living(self) -> Mapping[str, int]:
        """Name and incarnation of everybody who is reached from here, this node included."""
        if self._living is None:
            self._living = self._reach()
        return self._living

    def set_neighbours(self, neighbours: Mapping[str, int]) -> Record | None:
        """Take note of the own neighbours; returns the new record when that is a change."""
        own = self.own
        if own.neighbours == neighbours:
            return None
        record = Record(own.name, own.incarnation, own.sequence + 1, dict(neighbours))
        self._put(record)
        return record

    def merge(self, records: Iterable[Record]) -> list[Record]:
        """Learn; returns what was news. Nobody but itself speaks for this node."""
        news = []
        for record in records:
            if record.name != self._name and self._is_news(record):
                self._put(record)
                news.append(record)
        return news

    def _is_news(self, record: Record) -> bool:
        known = self._records.get(record.name)
        return known is None or known.version < record.version

    def _put(self, record: Record) -> None:
        self._records[record.name] = record
        self._living = self._digest = None

    def _reach(self) -> dict[str, int]:
        living = {self._name: self.own.incarnation}
        frontier = deque([self.own])
        while frontier:
            for name, incarnation in frontier.popleft().neighbours.items():
                if living.get(name, -1) < incarnation and name != self._name:
                    living[name] = incarnation
                    record = self._records.get(name)
                    if record is not None and record.incarnation == incarnation:
                        frontier.append(record)
        return dict(sorted(living.items()))
