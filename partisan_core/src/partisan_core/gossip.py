"""Gossip about a membership set: what overlays have in common whose nodes tell each other of every member.

Theory of operation
-------------------
What a node knows is a `MembershipSet`; all messages carry parts of it, and every message may be lost,
repeated or reordered without harm, because merging is a join of a semilattice.

News travels at once. Who learns it first hand (a contact of a joiner, a node that leaves, a node told to
evict) tells everybody to whom it is linked; who learns it from them passes it on to its audience, once. What
got lost is found by rounds: a digest of the set, 12 bytes, goes to some neighbours. A differing digest is
answered with a summary, a summary with what its sender lacks and a request for what it knows better. A new
link starts with a greeting, so a healed partition does not wait for a round.

A crash changes no membership: members that are down stay members until they come back, leave, or are evicted
(Partisan's fail-recovery model). A newer life of a name replaces the older one. Who speaks although evicted or
replaced is told so, and retires; that also ends two nodes of one name, whatever doors they came in by.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Annotated, ClassVar, Protocol

from msgspec import DecodeError, Meta, Struct
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
from partisan_core.membership import MAX_ENTRIES, Change, Entry, MembershipSet, Status, Versions

_NOTED = {Status.ALIVE: Reason.RESTARTED, Status.LEFT: Reason.LEFT, Status.EVICTED: Reason.EVICTED}
_ROUND = "round"


Entries = Annotated[tuple[Entry, ...], Meta(max_length=MAX_ENTRIES)]
Names = Annotated[tuple[str, ...], Meta(max_length=MAX_ENTRIES)]


class Digest(Struct, frozen=True, array_like=True, tag="d"):
    """Each round, and on every new link: one number for all that the sender knows."""

    value: int


class Summary(Struct, frozen=True, array_like=True, tag="s"):
    """The answer to a different digest, and the first word to a contact: what the sender has, in short."""

    versions: Versions


class Update(Struct, frozen=True, array_like=True, tag="u"):
    """The answer to a summary: what its sender lacks, and the names that its sender knows better."""

    entries: Entries
    wanted: Names = ()


class News(Struct, frozen=True, array_like=True, tag="n"):
    """What the sender has just learnt; whoever did not know it passes it on once."""

    entries: Entries


class GossipSettings(Protocol):
    """What the overlay's configuration says of gossip; times in seconds."""

    @property
    def gossip_interval(self) -> float:
        """Between two rounds."""

    @property
    def fanout(self) -> int:
        """To how many neighbours a digest or a piece of news goes."""

    @property
    def tombstone_ttl(self) -> float:
        """How long the end of a membership is remembered."""


class GossipMember:
    """One node. As it stands everybody is linked to everybody; subclasses override the methods of the second part."""

    messages: ClassVar[Sequence[type[Struct]]] = (Digest, Summary, Update, News)
    capabilities: ClassVar[Collection[str]] = frozenset({"evict"})

    def __init__(self, me: NodeSpec, settings: GossipSettings, rng: Random) -> None:
        self._me, self._settings, self._rng, self._now = me, settings, rng, 0.0
        self._known = MembershipSet(settings.tombstone_ttl)
        self._known.merge([Entry(me)], self._now)
        self._members = self._known.alive()
        self._links: Mapping[str, NodeSpec] = {}
        self._up: dict[str, NodeSpec] = {}
        """With whom there is gossip: wanted links that work."""
        self._remembered: tuple[Entry, ...] = ()
        self._effects: list[Effect] = []
        self._is_over = False

    def handle(self, event: Event, now: float) -> list[Effect]:
        """The only way in. A node that has left or retired is deaf."""
        if self._is_over:
            return []
        self._now, self._effects = now, []
        members, links = self._members, self._links
        self._dispatch(event)
        if self._is_over:
            self._links = {}
        if self._members is not members and self._members == members:
            self._members = members
        if self._links is not links and self._links == links:
            self._links = links
        return self._effects

    def members(self) -> Mapping[str, NodeSpec]:
        """Who joined and has neither left nor been evicted, as far as this node may see."""
        return self._members

    def links(self) -> Mapping[str, NodeSpec]:
        """To whom this node wants a link."""
        return self._links

    def next_hop(self, name: str) -> str | None:
        """None: who is known has a link of its own."""
        return None

    def snapshot(self) -> bytes:
        """The membership set; nothing once this node is no longer a member."""
        return b"" if self._is_over else encode(self._known.entries(self._now))

    def restore(self, data: bytes) -> None:
        """Take back a snapshot; ages go on from where they were."""
        with suppress(DecodeError):
            self._remembered = decode(data, type=tuple[Entry, ...])

    def reload(self, settings: GossipSettings) -> None:
        """Go by other settings from now on; the pace changes with the next round."""
        self._settings = settings

    # -- what an overlay may decide -----------------------------------------------------------------------------

    def _visible(self) -> Mapping[str, NodeSpec]:
        """Return the members that this node shows, itself among them."""
        return self._known.alive()

    def _wanted(self) -> Mapping[str, NodeSpec]:
        """Return to whom this node wants links, now that the members have changed."""
        return {name: peer for name, peer in self._members.items() if name != self._me.name}

    def _concerns(self, spec: NodeSpec) -> bool:
        """Say whether this node keeps what it hears of `spec`."""
        return True

    def _fitting(self, entries: Iterable[Entry], peer: NodeSpec, names: Collection[str]) -> tuple[Entry, ...]:
        """Return what of `entries` the peer is told; those of `names` in any case."""
        return tuple(entries)

    def _greeting(self) -> Struct:
        """Return what is said on a new link, and in each round."""
        return Digest(self._known.digest)

    def _audience(self, source: str) -> Iterable[NodeSpec]:
        """Return whom to tell what was heard from `source`."""
        return self._some_neighbours(source)

    def _some_neighbours(self, but: str = "") -> Iterable[NodeSpec]:
        """Draw `fanout` of those with whom there is gossip: whom to greet in a round."""
        neighbours = [peer for name, peer in self._up.items() if name != but]
        yield from self._rng.sample(neighbours, min(self._settings.fanout, len(neighbours)))

    # -- what the host tells ------------------------------------------------------------------------------------

    def _dispatch(self, event: Event) -> None:
        """Failed dials and opinions about failures are left out: down members stay members."""
        match event:
            case Received(peer, message):
                self._on_speaker(peer)
                self._on_message(peer, message)
            case TimerFired():
                self._handle_round()
            case LinkUp(peer):
                self._handle_link_up(peer)
            case LinkDown(peer):
                self._up.pop(peer.name, None)
            case Started():
                self._learn(self._remembered, ())
                self._effects.append(StartTimer(self._rng.uniform(0, self._settings.gossip_interval), _ROUND))
            case Join(contact):
                self._handle_join(contact)
            case Leave():
                self._is_over = True
                self._learn([Entry(self._me, Status.LEFT)], self._links.values())
            case Evict(peer):
                self._learn([Entry(peer, Status.EVICTED)], self._links.values())
            case Reconcile(peers) if peers:
                self._handle_reconcile({peer.name: peer for peer in peers})

    def _handle_link_up(self, peer: NodeSpec) -> None:
        self._up[peer.name] = peer
        self._learn([Entry(peer)], self._links.values())
        self._send(peer, self._greeting())

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
            self._send(peer, self._greeting())
        self._effects.append(StartTimer(self._settings.gossip_interval, _ROUND))

    # -- what peers say -----------------------------------------------------------------------------------------

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
                self._on_summary(peer, versions)
            case Update(entries, wanted):
                self._learn(entries, self._audience(peer.name))
                known = [self._known.get(name, self._now) for name in wanted]
                self._send_update(peer, [entry for entry in known if entry is not None])
            case News(entries):
                self._learn(entries, self._audience(peer.name))

    def _on_summary(self, peer: NodeSpec, versions: Versions) -> None:
        lacking = self._fitting(self._known.delta_for(versions, self._now), peer, versions)
        self._send_update(peer, lacking, self._known.missing(versions))

    def _learn(self, entries: Iterable[Entry], audience: Iterable[NodeSpec]) -> None:
        """Merge, note what it means for others and for this node, and tell the audience what was news."""
        changes = self._known.merge([entry for entry in entries if self._concerns(entry.spec)], self._now)
        for change in changes:
            self._note(change)
        if changes:
            self._tell(audience, [change.after for change in changes])
            self._members = self._visible()
            self._links = self._wanted()

    def _note(self, change: Change) -> None:
        before, after = change.before, change.after
        if before is not None and before.status is Status.ALIVE:
            self._effects.append(Note(before.spec, _NOTED[after.status]))
        if after.status is not Status.ALIVE:
            self._up.pop(after.spec.name, None)
        if after.spec.name == self._me.name and not self._is_over:
            self._is_over = True
            is_me = after.spec.life == self._me.life
            self._effects.append(Retire(Reason.EVICTED if is_me else Reason.NAME_IN_USE))

    def _tell(self, audience: Iterable[NodeSpec], news: Sequence[Entry]) -> None:
        """Who is itself the news of a new life knows it."""
        living = {entry.spec.name for entry in news if entry.status is Status.ALIVE}
        for peer in audience:
            told = self._fitting(news, peer, {peer.name})
            if told and peer.name not in living:
                self._send(peer, News(told))

    def _send(self, peer: NodeSpec, message: Struct) -> None:
        self._effects.append(Send(peer, message))

    def _send_update(self, peer: NodeSpec, entries: Iterable[Entry], wanted: Sequence[str] = ()) -> None:
        update = Update(tuple(entries), tuple(wanted))
        if update.entries or update.wanted:
            self._send(peer, update)
