"""Making neighbours, losing them and finding others: the active view with all that keeps it full. Pure."""

from collections.abc import Iterable
from random import Random

from msgspec import Struct

from partisan_core.effects import Effect, Note, Send, StartTimer
from partisan_core.events import Reason
from partisan_core.identity import NodeSpec
from partisan_core.wire.checks import Objection, check_bounds
from partisan_hyparview._views import Backoff, Views, draw
from partisan_hyparview.config import HyParViewConfig
from partisan_hyparview.messages import Accept, Cause, Disconnect, JoinRequest, Neighbour

MAX_LOST = 16
"""Lost neighbours that are remembered. Chosen; simulated partitions heal with it."""
MAX_PENDING = 32
"""Requests without an answer: walks for invented joiners could make any number."""
MAX_PAUSED = 256
"""Peers whose refusals are remembered. Chosen: some passive views."""
CONTACTS = 8
"""Others that a `Disconnect` names. Chosen: the size of a shuffle in the paper."""
JOINS = 3
"""How often a joiner with fewer than two neighbours asks its contact again. Chosen; mass joins leave islands else."""
FEW = 2
"""Neighbours below which a node repairs as hard as it can."""
FEW_BUDGET, EPISODE_BUDGET, TICK_BUDGET = 30, 8, 2
"""Refusals that a repair may collect: with few neighbours, after a loss, now and then. Simulated with 10,000 nodes."""

_REPAIR, _REJOIN = "repair", "rejoin"


class Neighbourhood:
    """The views of one node, whom it has asked, and whom it has lost. Collects the effects of one event."""

    def __init__(self, config: HyParViewConfig, views: Views, rng: Random) -> None:
        self._config, self._views, self._rng = config, views, rng
        self.now = 0.0
        self.effects: list[Effect] = []
        self.pending: dict[str, tuple[NodeSpec, str]] = {}
        """Who was asked, and the token of the timer that ends the waiting."""
        self._backoff = Backoff(config.backoff_first, config.backoff_max, MAX_PAUSED)
        self._lost: dict[str, NodeSpec] = {}
        """Contacts and failed neighbours, the latest last."""
        self._contact: NodeSpec | None = None
        self._joins = 0
        self._budget = 0
        self._requests = 0
        self._armed: set[str] = set()

    # -- the active view ----------------------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """Free places that no request has a claim to."""
        return self._views.free - len(self.pending)

    def accept(self, peer: NodeSpec) -> None:
        """Make `peer` a neighbour, and say so."""
        self.activate(peer)
        self.send(peer, Accept())

    def activate(self, peer: NodeSpec) -> None:
        """Make `peer` a neighbour; who has to go for it is told."""
        self.pending.pop(peer.name, None)
        self._lost.pop(peer.name, None)
        self._backoff.clear(peer.name)
        evicted = self._views.activate(peer)
        if evicted is not None:
            self.effects.append(Note(evicted, Reason.DEMOTED))
            self.send(evicted, Disconnect(Cause.EVICTED, self.contacts(evicted)))
            self._backoff.pause(evicted.name, self.now)

    def supersede(self, peer: NodeSpec) -> None:
        """A newer life of a neighbour speaks: it knows nothing of the link to the older one."""
        held = self._views.active.get(peer.name)
        if held is not None and held.life < peer.life:
            self._drop(held, Reason.RESTARTED)
            self._views.hear([peer])
            self.repair(EPISODE_BUDGET)

    def _drop(self, peer: NodeSpec, reason: Reason) -> None:
        self._views.deactivate(peer.name)
        self.effects.append(Note(peer, reason))

    def remember(self, peer: NodeSpec) -> None:
        """Keep `peer` for when nobody else is left."""
        self._lost.pop(peer.name, None)
        self._lost[peer.name] = peer
        if len(self._lost) > MAX_LOST:
            del self._lost[next(iter(self._lost))]

    def fail(self, peer: NodeSpec, reason: Reason) -> None:
        """A dial or a link failed, or an answer did not come. What concerns an earlier life is no news."""
        name, held = peer.name, self._views.active.get(peer.name)
        if name in self.pending and self.pending[name][0].life <= peer.life:
            del self.pending[name]
        if held is not None and held.life <= peer.life:
            self._drop(held, reason)
            self.remember(held)
            self.repair(EPISODE_BUDGET)
        elif not self._views.knows_newer(peer):
            self._views.forget(name)
            self._refill()

    def disconnected(self, peer: NodeSpec, reason: Reason) -> None:
        """It says that it is no neighbour: it has left for good, or has no room and is not asked for a while."""
        self.pending.pop(peer.name, None)
        held = self._views.active.get(peer.name)
        if held is not None:
            self._drop(held, reason)
        if reason is Reason.LEFT:
            self._views.forget(peer.name)
            self._lost.pop(peer.name, None)
        else:
            self._views.hear([peer])
            self._backoff.pause(peer.name, self.now)
        self.repair(EPISODE_BUDGET)

    # -- repair -------------------------------------------------------------------------------------------------

    def repair(self, budget: int) -> None:
        """Fill the view, and let up to `budget` refuse meanwhile; more when there are few neighbours."""
        self._budget = max(self._budget, budget if len(self._views.active) >= FEW else FEW_BUDGET)
        self._refill()

    def _refill(self) -> None:
        """Ask as many as there is room for; look again later when that is not enough."""
        while self.room > 0 and self._budget > 0:
            candidate = draw(self._rng, [peer for peer in self._views.passive.values() if self._may_ask(peer)])
            if candidate is None or not self.request(candidate, urgent=not (self._views.active or self.pending)):
                break
        if self._views.free > 0 and not self._views.active and (self._views.passive or self._lost):
            self._arm(_REJOIN, self._config.rejoin_interval)
        elif self._views.free > 0 and self._views.active:
            self._arm(_REPAIR, self._config.repair_interval)

    def _may_ask(self, peer: NodeSpec) -> bool:
        is_alone = not self._views.active
        return peer.name not in self.pending and (is_alone or self._backoff.is_over(peer.name, self.now))

    def probe(self) -> None:
        """Ask one lost neighbour whether it is back; low priority alone would heal a partition by a thread."""
        lost = [peer for name, peer in self._lost.items() if name not in self._views.active and self._may_ask(peer)]
        peer = draw(self._rng, lost)
        if peer is not None:
            self._backoff.pause(peer.name, self.now)
            self.request(peer, urgent=self._rng.uniform(0, 100) < self._config.urgent_probes)

    def join(self, contact: NodeSpec) -> None:
        """Ask a contact, and again later while there are few neighbours."""
        self._contact, self._joins = contact, JOINS
        self.remember(contact)
        self._ask(contact, JoinRequest())

    def handle_timer(self, token: str) -> None:
        """Try again to fill the view, or give up waiting for an answer."""
        self._armed.discard(token)
        if token in {_REPAIR, _REJOIN}:
            self._join_again()
            self.repair(TICK_BUDGET)
        for peer in [peer for peer, own in self.pending.values() if own == token]:
            self.fail(peer, Reason.UNREACHABLE)

    def _join_again(self) -> None:
        if not self._views.active and not self.pending:
            peer = draw(self._rng, list(self._lost.values()))
            if peer is not None:
                self._ask(peer, JoinRequest())
        elif self._contact is not None and self._joins and len(self._views.active) < FEW:
            self._joins -= 1
            self._ask(self._contact, JoinRequest())

    def refused(self, peer: NodeSpec) -> None:
        """It has no room."""
        del self.pending[peer.name]
        self._backoff.pause(peer.name, self.now)
        self._budget -= 1
        self._refill()

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
            token = f"request {self._requests}"
            self.pending[peer.name] = (peer, token)
            self.effects.append(StartTimer(self._config.neighbour_timeout, token))
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


def sane(peers: Iterable[NodeSpec]) -> list[NodeSpec]:
    """Hearsay is bounded like the word of the node itself, and worth nothing without an address."""
    return [peer for peer in peers if peer.addresses and _is_bounded(peer)]


def _is_bounded(peer: NodeSpec) -> bool:
    try:
        check_bounds(peer)
    except Objection:
        return False
    return True
