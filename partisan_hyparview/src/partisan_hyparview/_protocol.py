"""HyParView: a small, symmetric active view, and a larger passive view to repair it from.

Theory of operation
-------------------
The active view is whom a node wants links to. It grows in two phases: a request, counted as pending so that
concurrent repairs do not overfill the view, then the answer. `urgent` requests, from a node without neighbours and
from the ends of a joiner's walks, cannot be refused; a full view evicts somebody at random for them. Who was evicted
is told, gets others to try, and is known on.

A joiner asks a contact, which sends news of it on a random walk through each neighbour; where the walk ends, the
joiner gets a further neighbour, and on the way it becomes known. A shuffle walks likewise and exchanges, between its
origin and its end, whom they know.

A neighbour whose link fails is replaced from the passive view. Who cannot be dialled is forgotten; who refuses is not
asked again for a while, and each repair has a budget of refusals, or a network of nearly full views would never rest.
Neighbours lost to a failure are probed now and then: that mends a partition, after which neither side would know
the other. Links are tested by the connection layer's heartbeats, so a full node need not test its own.

A link that only one end believes in shows when that end speaks of joiners or shuffles: the other asks to make it
a link, or says that it is none. Leaving is told to neighbours; nobody keeps who left.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from random import Random
from typing import ClassVar

from msgspec import DecodeError, Struct
from msgspec.msgpack import decode, encode

from partisan_core.effects import Effect, Note
from partisan_core.events import DialFailed, Event, Join, Leave, LinkDown, LinkUp, Reason, Received, Started, TimerFired
from partisan_core.identity import NodeSpec
from partisan_hyparview._neighbours import EPISODE_BUDGET, MAX_LOST, TICK_BUDGET, Neighbourhood, sane
from partisan_hyparview._views import Views
from partisan_hyparview.config import HyParViewConfig
from partisan_hyparview.messages import (
    Accept,
    Cause,
    Disconnect,
    ForwardJoin,
    JoinRequest,
    Neighbour,
    Refuse,
    Shuffle,
    ShuffleReply,
)

_SHUFFLE = "shuffle"


class HyParView:
    """One node of a HyParView overlay."""

    messages: ClassVar[Sequence[type[Struct]]] = (
        *(JoinRequest, ForwardJoin, Neighbour, Accept, Refuse, Disconnect, Shuffle, ShuffleReply),
    )
    capabilities: ClassVar[Collection[str]] = frozenset()

    def __init__(self, me: NodeSpec, config: HyParViewConfig, rng: Random) -> None:
        self._me, self._config, self._rng = me, config, rng
        self._views = Views(me.name, config.active_max, config.passive_max, rng)
        self._near = Neighbourhood(config, self._views, rng)
        self._sent: tuple[str, ...] | None = None
        """Whom the last shuffle named, until it is answered."""
        self._left = False
        self._members: Mapping[str, NodeSpec] = {me.name: me}
        self._shown = (self._views.active, self._views.passive)
        self.ignored: Counter[str] = Counter()
        """Messages that were stale, forged or out of place, by type."""

    def handle(self, event: Event, now: float) -> list[Effect]:
        """The only way in. A node that has left is deaf."""
        if self._left:
            return []
        self._near.now, self._near.effects = now, []
        self._dispatch(event)
        self._show()
        return self._near.effects

    def members(self) -> Mapping[str, NodeSpec]:
        """This node, its neighbours, and the passive view: whom it has heard of."""
        return self._members

    def links(self) -> Mapping[str, NodeSpec]:
        """The active view."""
        return self._views.active

    def next_hop(self, name: str) -> str | None:
        """None: random views know no routes."""
        return None

    def snapshot(self) -> bytes:
        """Both views, the neighbours first; nothing once this node has left."""
        return b"" if self._left else encode((*self._views.active.values(), *self._views.passive.values()))

    def restore(self, data: bytes) -> None:
        """Take back a snapshot: whom to try first."""
        try:
            remembered = sane(decode(data, type=tuple[NodeSpec, ...]))
        except DecodeError:
            return
        self._views.hear(remembered)
        for peer in reversed(remembered[:MAX_LOST]):
            self._near.remember(peer)

    # -- what the host tells ------------------------------------------------------------------------------------

    def _dispatch(self, event: Event) -> None:
        """Opinions about failures are left out: the connection layer tells facts soon enough."""
        match event:
            case Received(peer, message):
                self._on_message(peer, message)
            case TimerFired(token):
                self._handle_timer(token)
            case LinkUp(peer):
                self._near.supersede(peer)
            case LinkDown(peer, reason) | DialFailed(peer, reason):
                self._near.fail(peer, reason)
            case Started():
                self._near.start_timer(_SHUFFLE, self._rng.uniform(0, self._config.shuffle_interval))
                self._near.repair(EPISODE_BUDGET)
            case Join(contact):
                self._near.join(contact)
            case Leave():
                self._handle_leave()

    def _handle_timer(self, token: str) -> None:
        if token == _SHUFFLE:
            self._send_shuffle()
            self._near.probe()
            self._near.start_timer(_SHUFFLE, self._config.shuffle_interval)
        else:
            self._near.handle_timer(token)

    def _handle_leave(self) -> None:
        for peer in self._views.active.values():
            self._near.send(peer, Disconnect(Cause.LEAVING, self._near.contacts(peer)))
        self._left = True
        for name in self._views.active:
            self._views.deactivate(name)

    # -- what peers say -----------------------------------------------------------------------------------------

    def _on_message(self, peer: NodeSpec, message: Struct) -> None:
        if peer.name == self._me.name or self._views.knows_newer(peer):
            self._ignore(message)
            return
        self._near.supersede(peer)
        match message:
            case JoinRequest():
                self._on_join(peer)
            case Neighbour(urgent):
                self._on_neighbour(peer, urgent=urgent)
            case Accept():
                self._on_accept(peer, message)
            case ShuffleReply(peers) if self._sent is not None:
                self._on_shuffle_reply(peers)
            case _ if peer.name in self._near.pending or peer.name in self._views.active:
                self._on_close(peer, message)
            case ForwardJoin() | Shuffle():
                self._on_stranger(peer, message)
            case _:
                self._ignore(message)

    def _on_close(self, peer: NodeSpec, message: Struct) -> None:
        """What only a neighbour, or who may be one by now, can say."""
        match message:
            case ForwardJoin():
                self._on_forward_join(peer, message)
            case Shuffle():
                self._on_shuffle(peer, message)
            case Disconnect(cause, contacts):
                self._views.hear(sane(contacts))
                self._near.disconnected(peer, Reason.LEFT if cause is Cause.LEAVING else Reason.DEMOTED)
            case Refuse() if peer.name in self._near.pending:
                self._near.refused(peer)
            case _:
                self._ignore(message)

    def _on_join(self, joiner: NodeSpec) -> None:
        """Who asks again is told of again: it may lack further neighbours."""
        self._near.accept(joiner)
        for peer in self._views.active.values():
            if peer.name != joiner.name:
                self._near.send(peer, ForwardJoin(joiner, self._config.arwl))

    def _on_forward_join(self, peer: NodeSpec, message: ForwardJoin) -> None:
        joiner, ttl = message.joiner, min(message.ttl, self._config.arwl)
        if joiner.name == self._me.name or not sane([joiner]) or self._views.knows_newer(joiner):
            self._ignore(message)
            return
        if ttl == self._config.prwl:
            self._views.hear([joiner])
        following = self._views.neighbour({peer.name, joiner.name}) if ttl > 0 else None
        if following is not None:
            self._near.send(following, ForwardJoin(joiner, ttl - 1))
        else:
            self._near.request(joiner, urgent=True)

    def _on_neighbour(self, peer: NodeSpec, *, urgent: bool) -> None:
        """Requests that cross are both accepted: each end has kept a place for the other."""
        if urgent or self._near.room > 0 or peer.name in self._near.pending or peer.name in self._views.active:
            self._near.accept(peer)
        else:
            self._near.send(peer, Refuse())

    def _on_accept(self, peer: NodeSpec, message: Accept) -> None:
        if peer.name in self._near.pending:
            self._near.activate(peer)
        elif peer.name not in self._views.active:
            self._ignore(message)
            self._near.send(peer, Disconnect(Cause.ASYMMETRIC))

    def _on_shuffle(self, peer: NodeSpec, message: Shuffle) -> None:
        origin, ttl = message.origin, min(message.ttl, self._config.arwl) - 1
        if origin.name == self._me.name or not sane([origin]) or self._views.knows_newer(origin):
            self._ignore(message)
            return
        following = self._views.neighbour({peer.name, origin.name}) if ttl > 0 else None
        if following is not None:
            self._near.send(following, Shuffle(origin, message.peers, ttl))
            return
        offered = self._views.sample(0, len(message.peers), origin.name)
        self._near.send(origin, ShuffleReply(offered))
        self._views.hear(sane([origin, *message.peers]), [one.name for one in offered])

    def _on_shuffle_reply(self, peers: Iterable[NodeSpec]) -> None:
        self._views.hear(sane(peers), self._sent or ())
        self._sent = None
        self._near.repair(TICK_BUDGET)

    def _on_stranger(self, peer: NodeSpec, message: Struct) -> None:
        """It takes us for a neighbour: make it one when there is room, or say that it is none."""
        self._ignore(message)
        if self._near.room > 0:
            self._near.request(peer, urgent=False)
        else:
            self._near.send(peer, Disconnect(Cause.ASYMMETRIC, self._near.contacts(peer)))

    def _send_shuffle(self) -> None:
        target = self._views.neighbour()
        if target is not None:
            config = self._config
            offered = self._views.sample(config.shuffle_active, config.shuffle_passive, target.name)
            self._sent = tuple(peer.name for peer in offered)
            self._near.send(target, Shuffle(self._me, offered, config.arwl))

    def _ignore(self, message: Struct) -> None:
        self.ignored[type(message).__name__] += 1

    def _show(self) -> None:
        """Make a new mapping of members when a view has changed; who only fell out of one is said to be let go."""
        shown = (self._views.active, self._views.passive)
        if self._left or shown[0] is not self._shown[0] or shown[1] is not self._shown[1]:
            self._shown = shown
            before, me = self._members, {} if self._left else {self._me.name: self._me}
            self._members = {**me, **shown[0], **shown[1]}
            told = {effect.peer.name for effect in self._near.effects if isinstance(effect, Note)}
            gone = [peer for name, peer in before.items() if name not in self._members and name not in told]
            self._near.effects += [Note(peer, Reason.RELEASED) for peer in gone if peer is not self._me]
