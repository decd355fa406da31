"""The star: servers know everybody and link to each other; clients know and link to servers only.

Theory of operation
-------------------
What a node knows is a `MembershipSet`; all messages carry parts of it, and every message may be lost,
repeated or reordered without harm, because merging is a join of a semilattice.

Servers keep one set, of servers and clients, as the nodes of a full mesh do: news travels at once and is
passed on once; what got lost is found by a round of digests. A client's set holds servers, and itself. It
wants links to some servers, drawn at random, and says so with a summary on every link and in every round.
A server wants the link of such a client as long as it is up; it never goes after a client that is gone, for
that one has moved to another server: who loses a server draws another. One that cannot be dialled is given up
only with the next round, so that a client of servers that are all dead does not dial them without a pause.

A crash changes no membership: members that are down stay members, until they come back, leave, or are
evicted (Partisan's fail-recovery model). A newer life of a name replaces the older one, also when it comes
back in the other role. Who speaks although evicted or replaced is told so, and retires. Who speaks although
its role forbids the link is told why, and where the servers are.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from random import Random
from typing import ClassVar

from msgspec import DecodeError, Struct
from msgspec.msgpack import decode, encode

from partisan_clientserver._views import Role, fitting, is_server, objection, role_of, visible
from partisan_clientserver.config import ClientServerConfig
from partisan_clientserver.messages import Digest, News, Rejected, Summary, Update
from partisan_core.effects import Effect, Note, Retire, Send, StartTimer
from partisan_core.events import (
    DialFailed,
    Event,
    Evict,
    Join,
    Leave,
    LinkDown,
    LinkUp,
    Reason,
    Received,
    Started,
    TimerFired,
)
from partisan_core.identity import NodeSpec
from partisan_core.membership import Change, Entry, MembershipSet, Status

_NOTED = {Status.ALIVE: Reason.RESTARTED, Status.LEFT: Reason.LEFT, Status.EVICTED: Reason.EVICTED}
_ROUND = "round"


class Member:
    """What servers and clients have in common: the set, and how it is talked about."""

    messages: ClassVar[Sequence[type[Struct]]] = (Digest, Summary, Update, News, Rejected)
    capabilities: ClassVar[Collection[str]] = frozenset({"evict"})
    role: ClassVar[Role]

    def __init__(self, me: NodeSpec, config: ClientServerConfig, rng: Random) -> None:
        self._me = me
        self._config = config
        self._rng = rng
        self._now = 0.0
        self._known = MembershipSet(config.tombstone_ttl)
        self._known.merge([Entry(me)], self._now)
        self._members = self._known.alive()
        self._links: dict[str, NodeSpec] = {}
        self._up: dict[str, NodeSpec] = {}
        """The servers to which a link works."""
        self._remembered: tuple[Entry, ...] = ()
        self._effects: list[Effect] = []
        self._retired = False

    def handle(self, event: Event, now: float) -> list[Effect]:
        """The only way in. A node that has left or retired is deaf."""
        if self._retired:
            return []
        self._now, self._effects = now, []
        self._dispatch(event)
        if self._retired:
            self._links = {}
        return self._effects

    def members(self) -> Mapping[str, NodeSpec]:
        """Of a server: everybody; of a client: the servers, and itself."""
        return self._members

    def links(self) -> Mapping[str, NodeSpec]:
        """Of a server: all other servers, and its clients; of a client: some servers."""
        return self._links

    def snapshot(self) -> bytes:
        """The membership set; nothing once this node is no longer a member."""
        return b"" if self._retired else encode(self._known.entries(self._now))

    def restore(self, data: bytes) -> None:
        """Take back a snapshot; ages go on from where they were."""
        try:
            self._remembered = decode(data, type=tuple[Entry, ...])
        except DecodeError:
            return

    def _wanted(self) -> dict[str, NodeSpec]:
        raise NotImplementedError

    def _greeting(self) -> Struct:
        """What is said on a new link to a server, and in each round."""
        return Summary(self._known.versions())

    def _some_servers(self, but: str = "") -> list[NodeSpec]:
        """To whom the greeting of a round goes."""
        return [peer for name, peer in self._up.items() if name != but]

    def _audience(self, source: str) -> list[NodeSpec]:
        """Whom to tell what was heard from `source`: nobody, for servers tell each other."""
        return []

    def _on_lost(self, peer: NodeSpec) -> None:
        """A wanted link is down."""
        raise NotImplementedError

    def _on_unreached(self, peer: NodeSpec) -> None:
        """A wanted link cannot be made."""
        self._on_lost(peer)

    def _on_summary(self, peer: NodeSpec, versions: Mapping[str, tuple[int, int]]) -> None:
        lacking = fitting(self._known.delta_for(versions, self._now), peer, versions)
        self._send_update(peer, lacking, self._known.missing(versions))

    def _dispatch(self, event: Event) -> None:
        match event:
            case Received(_, Rejected(_, servers)):
                self._learn(servers, ())
            case Received(peer, message):
                self._on_speaker(peer, message)
            case TimerFired():
                self._handle_round()
            case LinkUp() | LinkDown() | DialFailed():
                self._handle_link(event)
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

    def _handle_link(self, event: LinkUp | LinkDown | DialFailed) -> None:
        """A link that is down because a newer life took its place is not lost."""
        match event:
            case LinkUp(peer):
                self._learn([Entry(peer)], self._links.values())
                if is_server(peer):
                    self._up[peer.name] = peer
                    self._send(peer, self._greeting())
            case LinkDown(peer, reason):
                self._up.pop(peer.name, None)
                if reason is not Reason.RESTARTED and self._wants(peer):
                    self._on_lost(peer)
            case DialFailed(peer) if self._wants(peer):
                self._on_unreached(peer)

    def _handle_join(self, contact: NodeSpec) -> None:
        self._learn([Entry(contact)], ())
        self._send(contact, Summary(self._known.versions()))

    def _handle_round(self) -> None:
        self._known.collect(self._now)
        for peer in self._some_servers():
            self._send(peer, self._greeting())
        self._effects.append(StartTimer(self._config.gossip_interval, _ROUND))

    def _on_speaker(self, peer: NodeSpec, message: Struct) -> None:
        """Refuse the wrong role; welcome a life that is new; tell one that is over that it is."""
        why = objection(self.role, peer)
        if why is not None:
            servers = tuple(Entry(spec) for spec in self._members.values() if is_server(spec))
            self._send(peer, Rejected(why, servers))
            return
        held = self._known.get(peer.name, self._now)
        if held is None or held.spec.life < peer.life:
            self._learn([Entry(peer)], self._links.values())
        elif held.spec.life > peer.life or held.status is Status.EVICTED:
            self._send(peer, News((held,)))
        self._on_message(peer, message)

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

    def _learn(self, entries: Iterable[Entry], audience: Iterable[NodeSpec]) -> None:
        """Merge, note what it means for others and for this node, and tell the audience what was news."""
        changes = self._known.merge([entry for entry in entries if self._concerns(entry.spec)], self._now)
        for change in changes:
            self._note(change)
        if changes:
            self._tell(audience, [change.after for change in changes])
            self._members = visible(self.role, self._me.name, self._known.alive())
            self._links = self._wanted()

    def _wants(self, peer: NodeSpec) -> bool:
        wanted = self._links.get(peer.name)
        return wanted is not None and wanted.life <= peer.life

    def _concerns(self, spec: NodeSpec) -> bool:
        """Whoever may be in the view; and whoever is in it, so that a change of role is an end there."""
        return objection(self.role, spec) is None or self._known.get(spec.name, self._now) is not None

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

    def _tell(self, audience: Iterable[NodeSpec], news: Sequence[Entry]) -> None:
        """News of clients is for servers, and for the client itself when its membership is over."""
        living = {entry.spec.name for entry in news if entry.status is Status.ALIVE}
        for peer in audience:
            told = fitting(news, peer, {peer.name})
            if told and peer.name not in living:
                self._send(peer, News(told))

    def _send(self, peer: NodeSpec, message: Struct) -> None:
        self._effects.append(Send(peer, message))

    def _send_update(self, peer: NodeSpec, entries: Iterable[Entry], wanted: Sequence[str] = ()) -> None:
        update = Update(tuple(entries), tuple(wanted))
        if update.entries or update.wanted:
            self._send(peer, update)


class Server(Member):
    """A node that knows everybody, and is linked to all servers and to the clients that hold on to it."""

    role = Role.SERVER

    def __init__(self, me: NodeSpec, config: ClientServerConfig, rng: Random) -> None:
        super().__init__(me, config, rng)
        self._clients: dict[str, NodeSpec] = {}

    def next_hop(self, name: str) -> str | None:
        """None: a server does not know which server a client holds on to."""
        return None

    def _wanted(self) -> dict[str, NodeSpec]:
        """All servers; and the clients that hold on, but not those of them whose life is over."""
        self._clients = {name: client for name, client in self._clients.items() if self._is_member(client)}
        return {
            name: spec
            for name, spec in self._members.items()
            if name != self._me.name and (is_server(spec) or name in self._clients)
        }

    def _is_member(self, peer: NodeSpec) -> bool:
        held = self._members.get(peer.name)
        return held is not None and held.life == peer.life

    def _greeting(self) -> Digest:
        return Digest(self._known.digest)

    def _some_servers(self, but: str = "") -> list[NodeSpec]:
        """Draw `fanout` servers."""
        servers = super()._some_servers(but)
        return self._rng.sample(servers, min(self._config.fanout, len(servers)))

    def _audience(self, source: str) -> list[NodeSpec]:
        return [*self._some_servers(source), *(peer for name, peer in self._clients.items() if name != source)]

    def _on_lost(self, peer: NodeSpec) -> None:
        """The way back is the client's to find, here or elsewhere. A lost server stays wanted."""
        if self._clients.pop(peer.name, None) is not None:
            self._links = self._wanted()

    def _on_summary(self, peer: NodeSpec, versions: Mapping[str, tuple[int, int]]) -> None:
        is_client = role_of(peer) is Role.CLIENT and self._is_member(peer)
        if is_client and self._clients.get(peer.name) != peer:
            self._clients[peer.name] = peer
            self._links = self._wanted()
        super()._on_summary(peer, versions)


class Client(Member):
    """A node that knows the servers, and is linked to some of them."""

    role = Role.CLIENT

    def __init__(self, me: NodeSpec, config: ClientServerConfig, rng: Random) -> None:
        super().__init__(me, config, rng)
        self._chosen: list[str] = []
        self._unreached: dict[str, NodeSpec] = {}
        """Whom to replace with the next round, unless a link to it works by then."""

    def next_hop(self, name: str) -> str | None:
        """Whoever has no link of its own is reached through a server that has one; None when none works."""
        return None if name == self._me.name or name in self._up else next(iter(self._up), None)

    def _handle_join(self, contact: NodeSpec) -> None:
        """A server is wanted when there is room, and greeted on its link; a client is asked for servers."""
        self._learn([Entry(contact)], self._links.values())
        if not is_server(contact):
            self._send(contact, Summary(self._known.versions()))

    def _wanted(self) -> dict[str, NodeSpec]:
        """Keep those chosen that still are servers; draw the rest."""
        self._chosen = [name for name in self._chosen if name in self._members]
        others = self._others()
        room = min(self._config.servers - len(self._chosen), len(others))
        self._chosen += self._rng.sample(others, room)
        return {name: self._members[name] for name in self._chosen}

    def _others(self) -> list[str]:
        """Servers that are not chosen. Sorted: a set's order would not be repeated by a seed."""
        return sorted(self._members.keys() - {self._me.name, *self._chosen})

    def _on_lost(self, peer: NodeSpec) -> None:
        """Put another server into its place. When there is none, go on dialling this one."""
        others = self._others()
        if others:
            self._chosen.remove(peer.name)
            self._chosen.append(self._rng.choice(others))
            self._links = self._wanted()

    def _on_unreached(self, peer: NodeSpec) -> None:
        self._unreached[peer.name] = peer

    def _handle_round(self) -> None:
        for name, peer in self._unreached.items():
            if name not in self._up and self._wants(peer):
                self._on_lost(peer)
        self._unreached = {}
        super()._handle_round()
