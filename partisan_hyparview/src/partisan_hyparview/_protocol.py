"""HyParView: a small, symmetric active view, and a larger passive view to repair it from.

Theory of operation
-------------------
The active view is whom a node wants links to. It grows in two phases: a request, counted as pending so that
concurrent repairs do not overfill the view, then the answer. Who asks meanwhile is taken all the same. `urgent`
requests, from a node without neighbours, cannot be refused: a full view evicts one of its younger half for them, as for
a joiner. Who was evicted is told, is known on, and asks first the newcomer, who has room: it is put into a link rather
than beside it.

A joiner asks a contact, which sends news of it on a random walk through each neighbour; where the walk ends, the
joiner is offered a further neighbour, and on the way it becomes known. With less than two neighbours it asks its
contacts again. A shuffle walks likewise and exchanges, between its origin and its end, whom they know.

A neighbour whose link fails is replaced from the passive view. Who cannot be dialled is forgotten; who refuses is not
asked again for a while, and each repair has a budget of refusals, or a network of nearly full views would never rest.
A refusal names who was refused before: two nodes that lack a neighbour meet at one that does not. And it makes the
full node test its own links, whose other ends may all be dead without its knowing.

Contacts and neighbours lost to a failure are remembered. Lost ones are probed now and then: that mends a partition,
after which neither side would know the other. Who has no neighbour at all joins again through any of them.

Places can be reserved by label: see `_reserved`.

With `[overlay.xbot]`, links are exchanged for cheaper ones: see `_xbot`.

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
from partisan_core.events import (
    DialFailed,
    Event,
    Join,
    Leave,
    LinkDown,
    LinkUp,
    Reason,
    Received,
    Reserve,
    Started,
    TimerFired,
)
from partisan_core.identity import NodeSpec
from partisan_hyparview._acquaintances import MAX_REMEMBERED
from partisan_hyparview._hearsay import is_sane
from partisan_hyparview._neighbours import EPISODE_BUDGET, TICK_BUDGET, Neighbourhood
from partisan_hyparview._reserved import Reserved
from partisan_hyparview._views import Views
from partisan_hyparview._xbot import PREFIX, Xbot
from partisan_hyparview.config import HyParViewConfig
from partisan_hyparview.costs import Cost
from partisan_hyparview.messages import (
    XBOT_MESSAGES,
    Accept,
    Cause,
    Disconnect,
    ForwardJoin,
    JoinRequest,
    Neighbour,
    Refuse,
    Shuffle,
    ShuffleReply,
    Test,
    XbotMessage,
)

SHUFFLE = "shuffle"
"""The token of the timer of the cycles."""
_NOBODY: Mapping[str, NodeSpec] = {}


class HyParView:
    """One node of a HyParView overlay."""

    __slots__ = ("_config", "_left", "_me", "_near", "_rng", "_sent", "_views", "_xbot", "ignored")

    messages: ClassVar[Sequence[type[Struct]]] = (
        *(JoinRequest, ForwardJoin, Neighbour, Accept, Refuse, Disconnect, Shuffle, ShuffleReply, Test),
        *XBOT_MESSAGES,
    )
    capabilities: ClassVar[Collection[str]] = frozenset({"reserved_slots"})

    def __init__(self, me: NodeSpec, config: HyParViewConfig, rng: Random, cost: Cost | None = None) -> None:
        """`cost` takes the place of `config.xbot.cost`; without `config.xbot` it is not asked."""
        self._me, self._config, self._rng = me, config, rng
        reserved = Reserved(config.reserved, config.active_max - 1)
        self._views = Views(me, config.active_max, config.passive_max, rng, reserved)
        self._near = Neighbourhood(config, self._views, reserved, rng)
        self._xbot: Xbot | None = None
        if config.xbot is not None:
            self._xbot = Xbot(me, config.xbot, config.neighbour_timeout, self._views, self._near, rng, cost)
        self._sent: tuple[str, ...] | None = None
        """Whom the last shuffle named, until it is answered."""
        self._left = False
        self.ignored: Counter[str] = Counter()
        """Messages that were stale, forged or out of place, by type."""

    def handle(self, event: Event, now: float) -> list[Effect]:
        """The only way in. A node that has left is deaf."""
        if self._left:
            return []
        self._near.now, self._near.effects = now, []
        self._dispatch(event)
        return self._near.effects

    def members(self) -> Mapping[str, NodeSpec]:
        """This node, its neighbours, and the passive view: whom it has heard of."""
        return _NOBODY if self._left else self._views.everybody()

    def links(self) -> Mapping[str, NodeSpec]:
        """The active view."""
        return _NOBODY if self._left and self._views.active else self._views.active

    def next_hop(self, name: str) -> str | None:
        """None: random views know no routes."""
        return None

    def snapshot(self) -> bytes:
        """Both views, the neighbours first, and whom it remembers; nothing once this node has left."""
        views, remembered = self._views, self._near.remembered
        return b"" if self._left else encode((*views.active.values(), *views.passive.values(), *remembered))

    def restore(self, data: bytes) -> None:
        """Take back a snapshot: whom to try first."""
        try:
            snapshot = decode(data, type=tuple[NodeSpec, ...])
        except DecodeError:
            return
        remembered = [peer for peer in snapshot if is_sane(peer) and peer.name != self._me.name]
        self._views.hear(remembered)
        for peer in reversed(remembered[:MAX_REMEMBERED]):
            self._near.remembered.lose(peer)

    def reload(self, config: HyParViewConfig) -> None:
        """Go by other options from now on; a timer that runs keeps its time."""
        self._config = self._near.config = config
        if self._xbot is not None and config.xbot is not None:
            self._xbot.config = config.xbot

    # -- what the host tells ------------------------------------------------------------------------------------

    def _dispatch(self, event: Event) -> None:
        """Opinions about failures are left out: the connection layer tells facts soon enough."""
        match event:
            case Received():
                if self._believes(event.peer):
                    self._on_message(event.peer, event.message)
                else:
                    self._ignore(event.message)
            case TimerFired(token):
                self._handle_timer(token)
            case LinkUp(peer):
                self._near.supersede(peer)
            case LinkDown(peer, reason) | DialFailed(peer, reason):
                self._near.fail(peer, reason)
                if self._xbot is not None:
                    self._xbot.fail(peer)
            case Started():
                if self._xbot is not None:
                    self._xbot.start()
                self._near.start_timer(SHUFFLE, self._rng.uniform(0, self._config.shuffle_interval))
                self._near.repair(EPISODE_BUDGET)
            case Join() | Reserve() | Leave():
                self._handle_wish(event)

    def _handle_wish(self, event: Join | Reserve | Leave) -> None:
        """What the application or an operator asks for."""
        match event:
            case Join(contact):
                self._near.join(contact)
            case Reserve(label, value, slots):
                if not self._near.reserve(label, value, slots):
                    self._ignore(event)
            case Leave():
                self._handle_leave()

    def _handle_timer(self, token: str) -> None:
        if token == SHUFFLE:
            self._send_shuffle()
            self._near.probe()
            self._near.start_timer(SHUFFLE, self._config.shuffle_interval)
        elif self._xbot is not None and token.startswith(PREFIX):
            self._xbot.handle_timer(token)
        else:
            self._near.handle_timer(token)

    def _handle_leave(self) -> None:
        for peer in self._views.active.values():
            self._near.send(peer, Disconnect(Cause.LEAVING, self._near.contacts(peer)))
        for peer in self._views.everybody().values():
            if peer is not self._me:
                self._near.effects.append(Note(peer, Reason.RELEASED))
        self._left = True

    # -- what peers say -----------------------------------------------------------------------------------------

    def _on_message(self, peer: NodeSpec, message: Struct) -> None:
        match message:
            case Shuffle() if self._is_close(peer):  # looked for first: of all messages most are hops of a shuffle
                self._on_shuffle(peer, message)
            case JoinRequest():
                self._on_join(peer)
            case Neighbour(urgent):
                self._on_neighbour(peer, urgent=urgent)
            case Accept():
                self._on_accept(peer, message)
            case ShuffleReply(peers) if self._sent is not None:
                self._on_shuffle_reply(peers)
            case XbotMessage() if self._xbot is not None:
                if not self._xbot.handle_message(peer, message):
                    self._ignore(message)
            case _ if self._is_close(peer):
                self._on_close(peer, message)
            case ForwardJoin() | Shuffle() | Test():
                self._on_stranger(peer, message)
            case _:
                self._ignore(message)

    def _believes(self, peer: NodeSpec) -> bool:
        """Say whether it speaks for a life that may speak; a newer one of a neighbour takes the neighbour's place."""
        if self._views.active.get(peer.name) is peer:
            return True
        if peer.name == self._me.name or self._views.knows_newer(peer):
            return False
        self._near.supersede(peer)
        return True

    def _is_close(self, peer: NodeSpec) -> bool:
        """Say whether it is a neighbour, or may be one by now."""
        return peer.name in self._views.active or peer.name in self._near.pending

    def _on_close(self, peer: NodeSpec, message: Struct) -> None:
        """What else only a neighbour can say."""
        match message:
            case ForwardJoin():
                self._on_forward_join(peer, message)
            case Disconnect(cause, contacts):
                first = self._learn(contacts)
                self._near.disconnected(peer, Reason.LEFT if cause is Cause.LEAVING else Reason.DEMOTED, first)
            case Refuse(contacts) if peer.name in self._near.pending:
                self._near.refused(peer, self._learn(contacts))
            case Test():
                pass
            case _:
                self._ignore(message)

    def _learn(self, contacts: Sequence[NodeSpec]) -> NodeSpec | None:
        """Hear of others; return the first, who is the most likely to have room."""
        self._views.hear(contacts)
        return self._views.passive.get(contacts[0].name) if contacts else None

    def _on_join(self, joiner: NodeSpec) -> None:
        """Who asks again is told of again: it may lack further neighbours."""
        self._near.accept(joiner)
        for peer in self._views.active.values():
            if peer.name != joiner.name:
                self._near.send(peer, ForwardJoin(joiner, self._config.arwl))

    def _on_forward_join(self, peer: NodeSpec, message: ForwardJoin) -> None:
        joiner, ttl = message.joiner, min(message.ttl, self._config.arwl)
        if joiner.name == self._me.name or not is_sane(joiner) or self._views.knows_newer(joiner):
            self._ignore(message)
            return
        if ttl == self._config.prwl:
            self._views.hear([joiner])
        following = self._views.neighbour({peer.name, joiner.name}) if ttl > 0 else None
        if following is not None:
            self._near.send(following, ForwardJoin(joiner, ttl - 1))
        else:
            self._near.request(joiner, urgent=False)

    def _on_neighbour(self, peer: NodeSpec, *, urgent: bool) -> None:
        """Requests that cross are both accepted: each end wants the other."""
        near = self._near
        if urgent or peer.name in near.pending or peer.name in self._views.active or near.has_place_for(peer):
            near.accept(peer)
        else:
            near.refuse(peer)

    def _on_accept(self, peer: NodeSpec, message: Accept) -> None:
        if peer.name in self._near.pending:
            self._near.activate(peer)
        elif peer.name not in self._views.active:
            self._ignore(message)
            self._near.send(peer, Disconnect(Cause.ASYMMETRIC))

    def _on_shuffle(self, peer: NodeSpec, message: Shuffle) -> None:
        origin, ttl = message.origin, min(message.ttl, self._config.arwl) - 1
        if origin.name == self._me.name or self._views.knows_newer(origin):
            self._ignore(message)
            return
        following = self._views.neighbour({peer.name, origin.name}) if ttl > 0 else None
        if following is not None:
            self._near.send(following, Shuffle(origin, message.peers, ttl))
            return
        if not is_sane(origin):  # looked at where the walk ends, which is one hop in six
            self._ignore(message)
            return
        offered = self._views.sample(0, len(message.peers), origin.name)
        self._near.send(origin, ShuffleReply(offered))
        self._views.hear((origin, *message.peers), [one.name for one in offered])

    def _on_shuffle_reply(self, peers: Iterable[NodeSpec]) -> None:
        self._views.hear(peers, self._sent or ())
        self._sent = None
        self._near.repair(TICK_BUDGET)

    def _on_stranger(self, peer: NodeSpec, message: Struct) -> None:
        """It takes us for a neighbour: make it one when there is room, or say that it is none."""
        self._ignore(message)
        if self._near.has_room_for(peer):
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
