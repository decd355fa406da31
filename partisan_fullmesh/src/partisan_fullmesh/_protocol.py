"""The full mesh: everybody knows everybody and wants a link to everybody.

Theory of operation
-------------------
What a node knows is a `MembershipSet`; all messages carry parts of it, and every message may be lost,
repeated or reordered without harm, because merging is a join of a semilattice.

News travels at once. Who learns it first hand (a contact of a joiner, a node that leaves, a node told to
evict) tells everybody; who learns it from them passes it on to `fanout` neighbours, once. What got lost is
found by gossip: each round a node sends the digest of its set, 12 bytes, to `fanout` random neighbours. A
differing digest is answered with a summary, a summary with what its sender lacks and a request for what it
knows better. A new link starts with a digest, so a healed partition does not wait for a round.

A crash changes nothing: members that are down stay members, and stay wanted, until they come back, leave,
or are evicted (Partisan's fail-recovery model). A newer life of a name replaces the older one. Who speaks
although evicted or replaced is told so, and retires; that also ends two nodes of one name, whatever doors
they came in by.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import ClassVar

from msgspec import DecodeError, Struct
from msgspec.msgpack import decode, encode

from partisan_core.effects import Effect, Note, Retire, Send, StartTimer
from partisan_core.events import (
    Event,
    Evict,
    Join,
    Leave,
    LinkDown,
    LinkUp,
    Reason,
    Received,
    Reconcile,
    Started,
    TimerFired,
)
from partisan_core.identity import NodeSpec
from partisan_core.membership import Change, Entry, MembershipSet, Status
from partisan_fullmesh.config import FullMeshConfig
from partisan_fullmesh.messages import Digest, News, Summary, Update

_NOTED = {Status.ALIVE: Reason.RESTARTED, Status.LEFT: Reason.LEFT, Status.EVICTED: Reason.EVICTED}
_ROUND = "round"


class FullMesh:
    """One node of a full mesh."""

    messages: ClassVar[Sequence[type[Struct]]] = (Digest, Summary, Update, News)
    capabilities: ClassVar[Collection[str]] = frozenset({"full_view", "evict", "reconcile"})

    def __init__(self, me: NodeSpec, config: FullMeshConfig, rng: Random) -> None:
        self._me = me
        self._config = config
        self._rng = rng
        self._now = 0.0
        self._known = MembershipSet(config.tombstone_ttl)
        self._known.merge([Entry(me)], self._now)
        self._members = self._known.alive()
        self._links: dict[str, NodeSpec] = {}
        self._up: dict[str, NodeSpec] = {}
        self._remembered: tuple[Entry, ...] = ()
        self._effects: list[Effect] = []
        self._retired = False

    def handle(self, event: Event, now: float) -> list[Effect]:
        """The only way in. A node that has left or retired is deaf."""
        if self._retired:
            return []
        self._now, self._effects = now, []
        self._dispatch(event)
        if self._members is not self._known.alive():
            self._members = self._known.alive()
            self._links = {name: peer for name, peer in self._members.items() if name != self._me.name}
        if self._retired:
            self._links = {}
        return self._effects

    def members(self) -> Mapping[str, NodeSpec]:
        """Everybody who joined and has neither left nor been evicted."""
        return self._members

    def links(self) -> Mapping[str, NodeSpec]:
        """Every other member."""
        return self._links

    def next_hop(self, name: str) -> str | None:
        """None: who is known has a link of its own."""
        return None

    def snapshot(self) -> bytes:
        """The membership set; nothing once this node is no longer a member."""
        return b"" if self._retired else encode(self._known.entries(self._now))

    def restore(self, data: bytes) -> None:
        """Take back a snapshot; ages go on from where they were."""
        try:
            self._remembered = decode(data, type=tuple[Entry, ...])
        except DecodeError:
            return

    def _dispatch(self, event: Event) -> None:
        """Failed dials and opinions about failures are left out: down members stay members."""
        match event:
            case Received(peer, message):
                self._on_speaker(peer)
                self._on_message(peer, message)
            case TimerFired():
                self._handle_round()
            case LinkUp(peer):
                self._up[peer.name] = peer
                self._learn([Entry(peer)], self._links.values())
                self._send(peer, Digest(self._known.digest))
            case LinkDown(peer):
                self._up.pop(peer.name, None)
            case Started():
                self._learn(self._remembered, ())
                self._effects.append(StartTimer(self._rng.uniform(0, self._config.gossip_interval), _ROUND))
            case Join(contact):
                self._handle_join(contact)
            case Leave():
                self._retired = True
                self._learn([Entry(self._me, Status.LEFT)], self._links.values())
            case Evict(peer):
                self._learn([Entry(peer, Status.EVICTED)], self._links.values())
            case Reconcile(peers) if peers:
                self._handle_reconcile({peer.name: peer for peer in peers})

    def _handle_join(self, contact: NodeSpec) -> None:
        self._learn([Entry(contact)], ())
        self._send(contact, Summary(self._known.versions()))

    def _handle_reconcile(self, peers: Mapping[str, NodeSpec]) -> None:
        leavers = [peer for name, peer in self._links.items() if name not in peers]
        self._learn([Entry(peer, Status.EVICTED) for peer in leavers], self._links.values())
        for peer in [peer for name, peer in peers.items() if name not in self._members]:
            self._handle_join(peer)

    def _handle_round(self) -> None:
        self._known.collect(self._now)
        for peer in self._some_neighbours():
            self._send(peer, Digest(self._known.digest))
        self._effects.append(StartTimer(self._config.gossip_interval, _ROUND))

    def _on_speaker(self, peer: NodeSpec) -> None:
        """Welcome a life that speaks for the first time; tell one that is over that it is."""
        if self._members.get(peer.name) == peer:
            return
        held = self._known.get(peer.name, self._now)
        if held is None or held.spec.life < peer.life:
            self._learn([Entry(peer)], self._links.values())
        elif held.spec.life > peer.life or held.status is Status.EVICTED:
            self._send(peer, News((held,)))

    def _on_message(self, peer: NodeSpec, message: Struct) -> None:
        match message:
            case Digest(value) if value != self._known.digest:
                self._send(peer, Summary(self._known.versions()))
            case Summary(versions):
                lacking = self._known.delta_for(versions, self._now)
                self._send_update(peer, lacking, self._known.missing(versions))
            case Update(entries, wanted):
                self._learn(entries, self._some_neighbours(peer.name))
                known = [self._known.get(name, self._now) for name in wanted]
                self._send_update(peer, [entry for entry in known if entry is not None])
            case News(entries):
                self._learn(entries, self._some_neighbours(peer.name))

    def _learn(self, entries: Iterable[Entry], audience: Iterable[NodeSpec]) -> None:
        """Merge, note what it means for others and for this node, and tell the audience what was news."""
        changes = self._known.merge(entries, self._now)
        for change in changes:
            self._note(change)
        if changes:
            news = tuple(change.after for change in changes)
            living = {entry.spec.name for entry in news if entry.status is Status.ALIVE}
            self._effects += [Send(peer, News(news)) for peer in audience if peer.name not in living]

    def _note(self, change: Change) -> None:
        before, after = change.before, change.after
        if before is not None and before.status is Status.ALIVE:
            self._effects.append(Note(before.spec, _NOTED[after.status]))
        if after.status is not Status.ALIVE:
            self._up.pop(after.spec.name, None)
        if after.spec.name == self._me.name and not self._retired:
            self._retired = True
            is_me = after.spec.life == self._me.life
            self._effects.append(Retire(Reason.EVICTED if is_me else Reason.NAME_IN_USE))

    def _some_neighbours(self, but: str = "") -> Iterator[NodeSpec]:
        """Draw `fanout` neighbours, when asked for the first of them."""
        neighbours = [peer for name, peer in self._up.items() if name != but]
        yield from self._rng.sample(neighbours, min(self._config.fanout, len(neighbours)))

    def _send(self, peer: NodeSpec, message: Struct) -> None:
        self._effects.append(Send(peer, message))

    def _send_update(self, peer: NodeSpec, entries: list[Entry], wanted: Sequence[str] = ()) -> None:
        if entries or wanted:
            self._send(peer, Update(tuple(entries), tuple(wanted)))
