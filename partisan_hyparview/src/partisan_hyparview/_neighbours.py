"""Making neighbours, losing them and finding others: the active view with all that keeps it full. Pure."""

from random import Random

from msgspec import Struct

from partisan_core.effects import Effect, Note, Send, StartTimer
from partisan_core.events import Reason
from partisan_core.identity import NodeSpec
from partisan_hyparview._acquaintances import MAX_REMEMBERED, Acquaintances
from partisan_hyparview._backoff import Backoff
from partisan_hyparview._draws import draw, in_random_order
from partisan_hyparview._reserved import Reserved
from partisan_hyparview._views import Views
from partisan_hyparview.config import HyParViewConfig
from partisan_hyparview.messages import Accept, Cause, Disconnect, JoinRequest, Neighbour, Refuse, Test

MAX_PENDING = 32
"""Requests without an answer: walks for invented joiners could make any number."""
MAX_PAUSED = 256
"""Peers whose refusals are remembered. Chosen: some passive views."""
CONTACTS = 8
"""Others that a `Disconnect` names. Chosen: the size of a shuffle in the paper."""
FEW = 2
"""Neighbours below which a node repairs as hard as it can, and asks its contacts again."""
FEW_BUDGET, EPISODE_BUDGET, TICK_BUDGET = 30, 8, 2
"""Refusals that a repair may collect: with few neighbours, after a loss, now and then. Simulated with 10,000 nodes."""

_REPAIR, _REJOIN, _REQUEST = "repair", "rejoin", "request "


class Neighbourhood:
    """The neighbours of one node, whom it has asked, and whom it remembers. Collects the effects of one event."""

    __slots__ = (
        "_armed",
        "_backoff",
        "_budget",
        "_joins",
        "_requests",
        "_reserved",
        "_rng",
        "_seeker",
        "_views",
        "config",
        "effects",
        "now",
        "pending",
        "remembered",
    )

    def __init__(self, config: HyParViewConfig, views: Views, reserved: Reserved, rng: Random) -> None:
        self.config, self._views, self._reserved, self._rng = config, views, reserved, rng
        self.now = 0.0
        self.effects: list[Effect] = []
        self.pending: dict[str, tuple[NodeSpec, str]] = {}
        """Who was asked, and the token of the timer that ends the waiting."""
        self.remembered = Acquaintances()
        self._backoff = Backoff(config.backoff_first, config.backoff_max, MAX_PAUSED)
        self._joins = Backoff(config.rejoin_interval, config.backoff_max, MAX_REMEMBERED)
        self._budget = 0
        self._requests = 0
        self._armed: set[str] = set()
        self._seeker: NodeSpec | None = None
        """Who was refused last: it has room for the next one."""

    # -- the active view ----------------------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """Free places that no request has a claim to."""
        return self._views.free - len(self.pending)

    def has_room_for(self, peer: NodeSpec) -> bool:
        """Say whether `peer` can be a neighbour without another having to go."""
        return self.room > 0 or self._views.has_reserved_place(peer)

    def has_place_for(self, peer: NodeSpec) -> bool:
        """Say whether `peer`, who asks, can have a place: this node's own requests claim none (decision 0018).

        Most of them are refused. Where many join at once, all would refuse each other for the sake of such claims.
        """
        kept = sum(not token.startswith(_REQUEST) for _, token in self.pending.values())
        return self._views.free > kept or self._views.has_reserved_place(peer)

    def accept(self, peer: NodeSpec) -> None:
        """Make `peer` a neighbour, and say so."""
        self.activate(peer)
        self.send(peer, Accept())

    def activate(self, peer: NodeSpec) -> None:
        """Make `peer` a neighbour; who has to go for it is told."""
        self.pending.pop(peer.name, None)
        self.remembered.find(peer.name)
        self._backoff.clear(peer.name)
        evicted = self._views.activate(peer)
        if evicted is not None:
            self._dismiss(evicted, peer)

    def reserve(self, label: str, value: str, slots: int) -> bool:
        """Keep places, for whose sake neighbours may have to go; say whether there are so many to give."""
        granted = self._reserved.keep(label, value, slots)
        while self._views.free < 0 and (evicted := self._views.dispensable_neighbour()) is not None:
            self._views.deactivate(evicted.name)
            self._views.hear([evicted])
            self._dismiss(evicted)
        self.repair(EPISODE_BUDGET)
        return granted

    def _dismiss(self, evicted: NodeSpec, *instead: NodeSpec) -> None:
        """Tell who has to go, and first for whom: a newcomer has room, and is put into a link rather than beside it."""
        self.effects.append(Note(evicted, Reason.DEMOTED))
        self.send(evicted, Disconnect(Cause.EVICTED, (*instead, *self.contacts(evicted))))
        self._backoff.pause(evicted.name, self.now)

    def supersede(self, peer: NodeSpec) -> None:
        """A newer life of a neighbour speaks: it knows nothing of the link to the older one."""
        held = self._views.active.get(peer.name)
        if held is not None and held is not peer and held.life < peer.life:
            self._drop(held, Reason.RESTARTED)
            self._views.hear([peer])
            self.repair(EPISODE_BUDGET)

    def _drop(self, peer: NodeSpec, reason: Reason) -> None:
        self._views.deactivate(peer.name)
        self.effects.append(Note(peer, reason))

    def _forget(self, name: str, reason: Reason) -> None:
        held = self._views.passive.get(name)
        if held is not None:
            self._views.forget(name)
            self.effects.append(Note(held, reason))

    def fail(self, peer: NodeSpec, reason: Reason) -> None:
        """A dial or a link failed, or an answer did not come. What concerns an earlier life is no news."""
        name, held = peer.name, self._views.active.get(peer.name)
        if name in self.pending and self.pending[name][0].life <= peer.life:
            del self.pending[name]
        if held is not None and held.life <= peer.life:
            self._drop(held, reason)
            self.remembered.lose(held)
            self.repair(EPISODE_BUDGET)
        elif not self._views.knows_newer(peer):
            self._forget(name, reason)
            self._refill()

    def disconnected(self, peer: NodeSpec, reason: Reason, instead: NodeSpec | None = None) -> None:
        """It says that it is no neighbour: it has left for good, or has no room and is not asked for a while.

        `instead` is whom to ask first.
        """
        self.pending.pop(peer.name, None)
        held = self._views.active.get(peer.name)
        if held is not None:
            self._drop(held, reason)
        if reason is Reason.LEFT:
            self._forget(peer.name, reason)
            self.remembered.drop(peer.name)
        else:
            self._views.hear([peer])
            self._backoff.pause(peer.name, self.now)
        self._budget = max(self._budget, EPISODE_BUDGET)
        self._ask_first(instead)
        self.repair(EPISODE_BUDGET)

    # -- exchanges of links (X-BOT) -----------------------------------------------------------------------------

    def swap(self, old: NodeSpec, new: NodeSpec) -> bool:
        """Make `new` a neighbour in place of `old`, who knows; False when `old` was none and there is no room.

        A newer life of `old` knows nothing, and stays.
        """
        held = old if self._views.holds(old) else None
        if held is None and new.name not in self._views.active and new.name not in self.pending and self.room <= 0:
            return False
        if held is not None:
            self._drop(held, Reason.DEMOTED)
        self.activate(new)
        self._views.hear([] if held is None else [held])
        return True

    def hand_over(self, old: NodeSpec, new: NodeSpec, token: str) -> None:
        """Let `old` go, who knows, and keep its place for `new` until `release(new, token)`."""
        self._drop(self._views.active[old.name], Reason.DEMOTED)
        self._views.hear([old])
        if new.name not in self._views.active:
            self.pending.setdefault(new.name, (new, token))

    def release(self, peer: NodeSpec, token: str) -> None:
        """A place that was kept is free for anybody."""
        if self.pending.get(peer.name, (peer, ""))[1] == token:
            del self.pending[peer.name]
        if self.room > 0:
            self.repair(EPISODE_BUDGET)

    def cut(self, peer: NodeSpec) -> None:
        """Whether `peer` takes this node for a neighbour is in doubt: neither shall."""
        self.send(peer, Disconnect(Cause.ASYMMETRIC))
        self.disconnected(peer, Reason.DEMOTED)

    # -- repair -------------------------------------------------------------------------------------------------

    def repair(self, budget: int) -> None:
        """Fill the view, and let up to `budget` refuse meanwhile; more when there are few neighbours."""
        self._budget = max(self._budget, budget if len(self._views.active) >= FEW else FEW_BUDGET)
        self._refill()

    def _refill(self) -> None:
        """Ask as many as there is room for; look again later when that is not enough."""
        while self._budget > 0:
            candidate = self._candidate()
            if candidate is None or not self.request(candidate, urgent=not (self._views.active or self.pending)):
                break
        if len(self._views.active) < FEW and (self._views.passive or any(self.remembered)):
            self._arm(_REJOIN, self.config.rejoin_interval)
        elif self._views.free > 0 and self._views.active:
            self._arm(_REPAIR, self.config.repair_interval)

    def _candidate(self) -> NodeSpec | None:
        """Anybody while there is room, else one at a time for whom a place is kept."""
        peers = in_random_order(self._rng, self._views.passive.values())
        if self.room <= 0:
            is_kept = self._views.has_reserved_place
            if not self._reserved or any(is_kept(peer) for peer, _ in self.pending.values()):
                return None
            peers = (peer for peer in peers if is_kept(peer))
        return next((peer for peer in peers if self._may_ask(peer)), None)

    def _may_ask(self, peer: NodeSpec) -> bool:
        is_alone = not self._views.active
        return peer.name not in self.pending and (is_alone or self._backoff.is_over(peer.name, self.now))

    def probe(self) -> None:
        """Ask one lost neighbour whether it is back; low priority alone would heal a partition by a thread.

        Without any, a node that knows few asks one of them: in a small overlay two groups may have closed, each of
        them full, and nobody in either would ever look for another neighbour (decision 0018).
        """
        views = self._views
        known = self.remembered.lost or (views.passive if len(views.passive) < self.config.passive_max else {})
        peer = draw(self._rng, [one for name, one in known.items() if name not in views.active and self._may_ask(one)])
        if peer is not None:
            self._backoff.pause(peer.name, self.now)
            self.request(peer, urgent=self._rng.uniform(0, 100) < self.config.urgent_probes)

    def join(self, contact: NodeSpec) -> None:
        """Ask a contact, and again later while there are few neighbours."""
        self.remembered.meet(contact)
        self._ask_to_join(contact)

    def handle_timer(self, token: str) -> None:
        """Try again to fill the view, or give up waiting for an answer."""
        self._armed.discard(token)
        if token in {_REPAIR, _REJOIN}:
            self._join_again()
            self.repair(TICK_BUDGET)
        for peer in [peer for peer, own in self.pending.values() if own == token]:
            self.fail(peer, Reason.UNREACHABLE)

    def _join_again(self) -> None:
        """Through anybody when alone; with few neighbours through a contact, less and less often."""
        if not self._views.active and not self.pending:
            contact = draw(self._rng, list(self.remembered))
        elif len(self._views.active) < FEW:
            contacts = self.remembered.contacts.values()
            contact = draw(self._rng, [one for one in contacts if self._joins.is_over(one.name, self.now)])
        else:
            contact = None
        if contact is not None:
            self._ask_to_join(contact)

    def _ask_to_join(self, contact: NodeSpec) -> None:
        self._joins.pause(contact.name, self.now)
        if len(self.pending) >= MAX_PENDING:
            del self.pending[next(iter(self.pending))]
        self._ask(contact, JoinRequest())

    def refused(self, peer: NodeSpec, instead: NodeSpec | None) -> None:
        """It has no room, but may know who has."""
        del self.pending[peer.name]
        self._backoff.pause(peer.name, self.now)
        self._budget -= 1
        self._ask_first(instead)
        self._refill()

    def _ask_first(self, peer: NodeSpec | None) -> None:
        if peer is not None and self.room > 0 and self._budget > 0 and self._may_ask(peer):
            self.request(peer, urgent=not self._views.active)

    def refuse(self, peer: NodeSpec) -> None:
        """There is no room for `peer`, if the neighbours live: who believes in dead ones finds out by speaking to one.

        After a crash of most nodes, survivors that nothing was sent through are full of the dead and refuse everybody.
        """
        seeker, self._seeker = self._seeker, peer
        self.send(peer, Refuse((seeker,) if seeker is not None and seeker.name != peer.name else ()))
        neighbour = self._views.neighbour()
        if neighbour is not None:
            self.send(neighbour, Test())

    # -- output --------------------------------------------------------------------------------------------------

    def request(self, peer: NodeSpec, *, urgent: bool) -> bool:
        """Ask to be neighbours, unless that is so or asked; say whether it was."""
        if peer.name in self._views.active or peer.name in self.pending or len(self.pending) >= MAX_PENDING:
            return False
        self._ask(peer, Neighbour(urgent))
        return True

    def _ask(self, peer: NodeSpec, message: Struct) -> None:
        if peer.name not in self._views.active:
            self._requests += 1
            token = f"{_REQUEST}{self._requests}"
            self.pending[peer.name] = (peer, token)
            self.effects.append(StartTimer(self.config.neighbour_timeout, token))
        self.send(peer, message)

    def contacts(self, peer: NodeSpec) -> tuple[NodeSpec, ...]:
        """Others for `peer` to try."""
        return self._views.sample(CONTACTS // 2, CONTACTS // 2, peer.name)

    def send(self, peer: NodeSpec, message: Struct) -> None:
        """Say something to anybody."""
        self.effects.append(Send(peer, message))

    def start_timer(self, token: str, after: float) -> None:
        """`TimerFired(token)` after so many seconds."""
        self.effects.append(StartTimer(after, token))

    def _arm(self, token: str, interval: float) -> None:
        if token not in self._armed:
            self._armed.add(token)
            self.start_timer(token, interval * self._rng.uniform(0.5, 1.0))
