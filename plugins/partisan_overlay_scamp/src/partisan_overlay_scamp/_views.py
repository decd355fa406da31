"""Views whose entries have a term, and whom a node has lost. Pure: no message, no clock; randomness is handed in.

A view never holds a name twice, nor more than its bound. Every change of it makes a new mapping, so that who holds one
can tell.
"""

from collections.abc import Mapping
from random import Random

from partisan_core.identity import NodeSpec
from partisan_core.wire.checks import is_within_bounds

Peers = Mapping[str, NodeSpec]


class View:
    """Some nodes, each until its term is over."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.peers: Peers = {}
        self._terms: dict[str, tuple[float, int]] = {}
        """Until when, and by which subscription."""
        self._drawn_from: tuple[Peers, list[NodeSpec]] = ({}, [])

    @property
    def is_full(self) -> bool:
        """Say whether there is room for nobody else."""
        return len(self.peers) >= self._most

    def serial(self, name: str) -> int:
        """By which subscription `name` is here; 0 when by none that it made itself."""
        return self._terms[name][1]

    def put(self, peer: NodeSpec, until: float, serial: int = 0) -> bool:
        """Take `peer` in, or give it a new term; say whether there was room."""
        if peer.name not in self.peers and self.is_full:
            return False
        self._terms[peer.name] = (until, serial)
        if self.peers.get(peer.name) != peer:
            self.peers = {**self.peers, peer.name: peer}
        return True

    def drop(self, name: str) -> None:
        """Let go of a name, if it is here."""
        if self._terms.pop(name, None) is not None:
            self.peers = {key: peer for key, peer in self.peers.items() if key != name}

    def end_terms(self, now: float) -> None:
        """Let go of those whose term is over."""
        for name in [name for name, (until, _) in self._terms.items() if until <= now]:
            self.drop(name)

    def draw(self, rng: Random, but: str = "") -> NodeSpec | None:
        """Draw one whose name is not `but`. This is done for every hop of every copy: the list is kept."""
        peers = self.peers
        if self._drawn_from[0] is not peers:
            self._drawn_from = (peers, list(peers.values()))
        everyone = self._drawn_from[1]
        others = [peer for peer in everyone if peer.name != but] if but in peers else everyone
        return rng.choice(others) if others else None


class Lost:
    """Peers whose link failed, to be asked now and then whether they are back: the latest, with pauses that double."""

    def __init__(self, most: int, first: float, longest: float) -> None:
        self._most, self._first, self._longest = most, first, longest
        self.peers: dict[str, NodeSpec] = {}
        self._pauses: dict[str, tuple[float, float]] = {}
        """When to ask next, and how long that pause was."""

    def add(self, peer: NodeSpec, now: float) -> None:
        """Remember `peer`; the one that was remembered first makes room."""
        self.drop(peer.name)
        self.peers[peer.name] = peer
        self._pauses[peer.name] = (now + self._first, self._first)
        if len(self.peers) > self._most:
            self.drop(next(iter(self.peers)))

    def drop(self, name: str) -> None:
        """Forget a name."""
        if self.peers.pop(name, None) is not None:
            del self._pauses[name]

    def due(self, now: float) -> NodeSpec | None:
        """Who has been due for longest to be asked, if anybody is. The next time is after a pause twice as long."""
        name, (moment, pause) = min(self._pauses.items(), key=lambda item: item[1], default=("", (now, 0.0)))
        if not name or moment > now:
            return None
        pause = min(2 * pause, self._longest)
        self._pauses[name] = (now + pause, pause)
        return self.peers[name]


def is_sane(peer: NodeSpec) -> bool:
    """Hearsay is bounded like the word of the node itself, and worth nothing without an address."""
    return bool(peer.addresses) and is_within_bounds(peer)
