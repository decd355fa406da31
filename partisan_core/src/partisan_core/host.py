"""The host of a strategy: turns what it wants into differences. Pure: kernel and simulator share it."""

from collections import deque
from collections.abc import Iterator, Mapping

from msgspec import Struct

from partisan_core.effects import Effect, Note
from partisan_core.events import Event, LinkDown, LinkUp, Reason
from partisan_core.identity import NodeSpec
from partisan_core.notices import MemberJoined, MemberLeft, NeighbourDown, NeighbourUp
from partisan_core.strategy import MembershipStrategy


class Connect(Struct, frozen=True):
    """The strategy wants a link to `peer` that it did not want before, or to a newer life of it."""

    peer: NodeSpec


class Release(Struct, frozen=True):
    """The strategy no longer wants the link: flush it, then let it go unless the peer wants it."""

    peer: NodeSpec
    reason: Reason


Outcome = Effect | Connect | Release | MemberJoined | MemberLeft | NeighbourUp | NeighbourDown
"""What one event leads to, in order: effects, then differences, those that others are to hear of as notices."""

_NOBODY: Mapping[str, NodeSpec] = {}


class StrategyHost:
    """Feeds one strategy; tells it only of links that it wants, and never recursively.

    The connection layer reports every working link with `link_up` and `link_down`, wanted or not.
    """

    __slots__ = ("_draining", "_links", "_members", "_neighbours", "_pending", "_reasons", "_up", "strategy")

    def __init__(self, strategy: MembershipStrategy) -> None:
        self.strategy = strategy
        self._members: Mapping[str, NodeSpec] = _NOBODY
        self._links: Mapping[str, NodeSpec] = _NOBODY
        self._up: dict[str, NodeSpec] = {}
        self._neighbours: dict[str, NodeSpec] = {}
        self._reasons: dict[str, Reason] = {}
        self._pending: deque[Event] = deque()
        self._draining = False

    @property
    def neighbours(self) -> Mapping[str, NodeSpec]:
        """Whom the strategy wants and has a working link to."""
        return self._neighbours

    def feed(self, event: Event, now: float) -> Iterator[Outcome]:
        """Hand one event to the strategy and yield everything that follows from it.

        The caller exhausts the iterator. What a call made meanwhile leads to comes out of the outer iterator.
        When the strategy raises, its event is dropped; what was still to come is handled by the next call.
        """
        self._pending.append(event)
        return self._drain(now)

    def link_up(self, peer: NodeSpec, now: float) -> Iterator[Outcome]:
        """A link to `peer` works. The strategy hears of it when it wants it, now or later.

        A link to a newer life of the name takes the place of one to an older; one to an older is ignored.
        """
        up = self._up.get(peer.name)
        if up is not None and up.life > peer.life:
            return
        self._up[peer.name] = peer
        if peer.name in self._neighbours:
            yield from self._supersede(peer, Reason.RESTARTED)
        if peer.name in self._links:
            yield from self._match(peer.name)
        if self._pending:
            yield from self._drain(now)

    def link_down(self, peer: NodeSpec, reason: Reason, now: float) -> Iterator[Outcome]:
        """The link to `peer` is down. Ignored when the link that is up is to another life of the name."""
        up = self._up.get(peer.name)
        if up is None or up.life != peer.life:
            return
        del self._up[peer.name]
        if self._neighbours.pop(peer.name, None) is not None:
            yield NeighbourDown(peer, reason)
            self._pending.append(LinkDown(peer, reason))
        if self._pending:
            yield from self._drain(now)

    def _drain(self, now: float) -> Iterator[Outcome]:
        if self._draining:
            return
        self._draining = True
        try:
            while self._pending:
                self._reasons.clear()
                for effect in self.strategy.handle(self._pending.popleft(), now):
                    if isinstance(effect, Note):
                        self._reasons[effect.peer.name] = effect.reason
                    yield effect
                if self.strategy.members() is not self._members:
                    yield from self._compare_members()
                if self.strategy.links() is not self._links:
                    yield from self._compare_links()
        finally:
            self._draining = False

    def _match(self, name: str) -> Iterator[Outcome]:
        """Make a wanted, working link a neighbour. One to an older life than the wanted does not count."""
        wanted, up = self._links.get(name), self._up.get(name)
        if wanted is not None and up is not None and up.life >= wanted.life and name not in self._neighbours:
            self._neighbours[name] = up
            yield NeighbourUp(up)
            self._pending.append(LinkUp(up))

    def _compare_members(self) -> list[Outcome]:
        before, after, reasons = self._members, self.strategy.members(), self._reasons
        self._members = after
        gone = [peer for name, peer in before.items() if name not in after]
        come = [
            peer
            for name, peer in after.items()
            if name not in before or (before[name] is not peer and before[name].life != peer.life)
        ]
        return [
            *[MemberLeft(peer, reasons.get(peer.name, Reason.FORGOTTEN)) for peer in gone],
            *map(MemberJoined, come),
        ]

    def _compare_links(self) -> Iterator[Outcome]:
        before, after = self._links, self.strategy.links()
        self._links = after
        for name, peer in before.items():
            if name not in after:
                yield from self._release(peer)
        for name, peer in after.items():
            if (held := before.get(name)) is not peer and (held is None or held.life != peer.life):
                yield from self._supersede(peer, self._reasons.get(name, Reason.RESTARTED))
                yield Connect(peer)
                yield from self._match(name)

    def _release(self, peer: NodeSpec) -> Iterator[Outcome]:
        reason = self._reasons.get(peer.name, Reason.DEMOTED)
        neighbour = self._neighbours.pop(peer.name, None)
        if neighbour is not None:
            yield NeighbourDown(neighbour, reason)
        yield Release(peer, reason)

    def _supersede(self, peer: NodeSpec, reason: Reason) -> Iterator[Outcome]:
        """Let go of a neighbour when a newer life of it answers, or is wanted."""
        old = self._neighbours.get(peer.name)
        if old is not None and old.life < peer.life:
            del self._neighbours[peer.name]
            yield NeighbourDown(old, reason)
            self._pending.append(LinkDown(old, reason))
