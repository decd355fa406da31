"""The membership set: who belongs to the cluster, as a value that every node merges with every other's.

One entry per name. Entries of one name are ordered: the newer life wins, within one life the tombstone
beats the living, evicted beats left. Merging keeps the greater entry, so it is commutative, associative and
idempotent, and any exchange in any order, with any repetition, leads to the same set.

A tombstone carries its age, added up on the way, so that every node lets go of it at about the same time:

- while it is *fresh* (the first half of `tombstone_ttl`) it is part of the digest and handed to whoever
  lacks it;
- then it is *silent*: it still beats what it has to beat, but is offered only to a peer that holds the
  older entry;
- after `tombstone_ttl` it is collected. A node that was cut off for longer than that can bring a member
  back.

The silent half is longer than the nodes disagree about an age, so nobody who has collected one is given it
again.

Two sets are compared in three steps, from cheap to complete: `digest` (one number), `versions` (a few bytes
per name), `delta_for` (the entries that the other lacks).
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from hashlib import blake2b
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.msgpack import Encoder

from partisan_core.identity import NodeSpec
from partisan_core.wire.checks import is_within_bounds

MAX_ENTRIES = 16_384
"""Chosen: beyond any full view worth having; keeps what peers can make us remember below some 10 MiB."""

MAX_SPEC_BYTES = 4096
"""The encoded size of one node's spec: no more than fits into a hello (reliability reference, 4.4)."""

_encode = Encoder(order="deterministic").encode

_OLDEST = 2**53 - 1
"""Milliseconds of an age that can be told: a whole number in every language that may read it."""


class Status(IntEnum):
    """What is known of one life of a name, in the order in which it wins."""

    ALIVE = 0
    """It joined. It may be down: only leaving and eviction end a membership."""
    LEFT = 1
    """It said that it leaves."""
    EVICTED = 2
    """A member or an operator removed it."""


class Entry(Struct, frozen=True, array_like=True):
    """What one node tells another about a third. Trailing fields may be added in later versions."""

    spec: NodeSpec
    status: Status = Status.ALIVE
    age: Annotated[int, Meta(ge=0, le=_OLDEST)] = 0
    """Milliseconds since the tombstone was made; 0 for the living."""


class Change(Struct, frozen=True):
    """One name that a merge changed: `after` replaced `before` (None: the name was unknown)."""

    before: Entry | None
    after: Entry


Version = tuple[int, int]
"""(incarnation, fingerprint of the entry): enough to see who has the newer one."""

Versions = Annotated[Mapping[str, Version], Meta(max_length=MAX_ENTRIES)]
"""A summary of a set: names and versions."""


class _Record:
    """An entry as it is held: with the moment of its making instead of its age."""

    __slots__ = ("born", "silent", "spec", "status", "version")

    def __init__(self, entry: Entry, born: int) -> None:
        self.spec = entry.spec
        self.status = entry.status
        self.born = born
        self.silent = False
        self.version: Version = (entry.spec.incarnation, _fingerprint(entry))

    def entry(self, moment: int) -> Entry:
        return Entry(self.spec, self.status, min(max(0, moment - self.born), _OLDEST) if self.status else 0)


class MembershipSet:
    """A join-semilattice of entries, bounded to `max_entries` names.

    Args:
        tombstone_ttl: seconds for which the end of a membership is remembered.
        max_entries: names beyond this many are refused, as are specs that no handshake would let in; both are
            counted in `refused`.

    `now` is in monotonic seconds everywhere, and must come from one clock.
    """

    def __init__(self, tombstone_ttl: float, max_entries: int = MAX_ENTRIES) -> None:
        self.max_entries = max_entries
        self.refused = 0
        self._ttl = _milliseconds(tombstone_ttl)
        self._records: dict[str, _Record] = {}
        self._tombstones: dict[str, _Record] = {}
        self._alive: dict[str, NodeSpec] | None = {}
        self._digest = 0

    @property
    def digest(self) -> int:
        """One 64-bit number for all living entries and fresh tombstones; equal sets have equal digests."""
        return self._digest

    def __len__(self) -> int:
        return len(self._records)

    def alive(self) -> Mapping[str, NodeSpec]:
        """Return the members by name: the same object as long as nothing changed."""
        if self._alive is None:
            self._alive = {name: held.spec for name, held in self._records.items() if not held.status}
        return self._alive

    def get(self, name: str, now: float) -> Entry | None:
        """Return the entry of `name`, if there is one."""
        held = self._records.get(name)
        return None if held is None else held.entry(_milliseconds(now))

    def entries(self, now: float) -> list[Entry]:
        """Return everything, tombstones with their age."""
        moment = _milliseconds(now)
        return [held.entry(moment) for held in self._records.values()]

    def merge(self, entries: Iterable[Entry], now: float) -> list[Change]:
        """Take in what somebody knows; return what was news.

        A tombstone of an unknown name that is no longer fresh is kept, but is no news.
        """
        moment = _milliseconds(now)
        changes = (self._merge(entry, moment) for entry in entries)
        return [change for change in changes if change is not None]

    def versions(self) -> dict[str, Version]:
        """Return the summary from which another node can tell what either of the two lacks."""
        return {name: held.version for name, held in self._records.items() if not held.silent}

    def delta_for(self, versions: Mapping[str, Version], now: float) -> list[Entry]:
        """Return the entries that the owner of `versions` lacks or has older."""
        moment = _milliseconds(now)
        return [
            held.entry(moment)
            for name, held in self._records.items()
            if (_may_beat(held.version, versions[name]) if name in versions else not held.silent)
        ]

    def missing(self, versions: Mapping[str, Version]) -> list[str]:
        """Return the names of which the owner of `versions` has an entry that this set lacks or has older."""
        records = self._records
        return [
            name
            for name, theirs in versions.items()
            if (held := records.get(name)) is None or _may_beat(theirs, held.version)
        ]

    def collect(self, now: float) -> None:
        """Silence and forget tombstones that are old enough. Call it about once per gossip round."""
        moment = _milliseconds(now)
        for name, held in list(self._tombstones.items()):
            if moment - held.born >= self._ttl:
                self._forget(name)
            else:
                self._silence_if_old(held, moment)

    def _merge(self, entry: Entry, moment: int) -> Change | None:
        name = entry.spec.name
        held = self._records.get(name)
        if held is not None and not _beats(entry, held):
            if entry.status and (entry.status, entry.spec) == (held.status, held.spec):
                held.born = min(held.born, moment - entry.age)
                self._silence_if_old(held, moment)
            return None
        if (held is None and len(self._records) >= self.max_entries) or not _is_believable(entry.spec):
            self.refused += 1
            return None
        before = None if held is None else held.entry(moment)
        if held is not None:
            self._forget(name)
        silent = self._hold(name, entry, moment)
        return None if silent and before is None else Change(before, entry)

    def _hold(self, name: str, entry: Entry, moment: int) -> bool:
        held = self._records[name] = _Record(entry, moment - entry.age)
        if entry.status:
            self._tombstones[name] = held
            held.silent = 2 * entry.age >= self._ttl
        else:
            self._alive = None
        if not held.silent:
            self._digest ^= held.version[1]
        return held.silent

    def _silence_if_old(self, held: _Record, moment: int) -> None:
        if not held.silent and 2 * (moment - held.born) >= self._ttl:
            held.silent = True
            self._digest ^= held.version[1]

    def _forget(self, name: str) -> None:
        held = self._records.pop(name)
        self._tombstones.pop(name, None)
        if not held.status:
            self._alive = None
        if not held.silent:
            self._digest ^= held.version[1]


def _is_believable(spec: NodeSpec) -> bool:
    return is_within_bounds(spec) and len(_encode(spec)) <= MAX_SPEC_BYTES


def _beats(entry: Entry, held: _Record) -> bool:
    """Compare two entries of one name. Of two descriptions of one life the greater bytes win."""
    new, old = (*entry.spec.life, entry.status), (*held.spec.life, held.status)
    if new != old or entry.spec == held.spec:
        return new > old
    return _encode(entry.spec) > _encode(held.spec)


def _may_beat(version: Version, other: Version) -> bool:
    """Say whether the entry of `version` is worth sending to who has `other`: not when it surely is older."""
    return version[1] != other[1] and version[0] >= other[0]


def _fingerprint(entry: Entry) -> int:
    encoded = _encode((entry.spec, entry.status))
    return int.from_bytes(blake2b(encoded, digest_size=8).digest(), "little")


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
