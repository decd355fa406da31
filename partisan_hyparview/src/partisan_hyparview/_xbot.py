"""X-BOT: four nodes exchange two links for two cheaper ones, and keep their degrees. Pure.

Theory of operation
-------------------
The initiator i would rather have the candidate c, of its passive view, than its neighbour o. So that nobody ends up
with more or fewer neighbours, c gives up a neighbour d, who takes o in turn: i-o and c-d become i-c and d-o.

    i --Optimization--> c --Replace--> d --Switch--> o
    i <-ExchangeReply-- c <-ExchangeReply-- d <-ExchangeReply-- o --DisconnectWait--> i

Only i and d compare costs, each its own two links: when both gain, so do the four together. What o decides is final.
It changes its view first and tells i, who keeps the place for c; then d, c and i change theirs as the answer comes
back. A refusal changes nothing. The `unbiased` most expensive links of a node are neither given up for a candidate
by i, nor for an initiator by c: they hold the overlay together.

A node is in one exchange at a time, whatever its role, and refuses others meanwhile. Who asks waits longer than who is
asked, so that the inner doubt is settled first. Who gets no answer cannot know whether the other has changed its view:
it says that they are no neighbours, and so does who gets an answer too late. Both ends then agree, and repair.
"""

from random import Random

from msgspec import Struct

from partisan_core.events import Reason
from partisan_core.identity import NodeSpec
from partisan_hyparview._hearsay import is_sane
from partisan_hyparview._neighbours import Neighbourhood
from partisan_hyparview._views import Views
from partisan_hyparview.config import LABEL, XbotConfig
from partisan_hyparview.costs import Cost, RoundTrips, label_cost
from partisan_hyparview.messages import (
    Cause,
    Disconnect,
    DisconnectWait,
    Echo,
    ExchangeReply,
    Optimization,
    Probe,
    Replace,
    Switch,
    XbotMessage,
)

PREFIX = "xbot"
"""How the tokens of this machine's timers begin. The one that is nothing more is for the next try."""
PATIENCE_I, PATIENCE_C, PATIENCE_D = 4, 3, 2
"""How long each role waits, in times a request is waited for. Chosen: each has the next one's time and one more; d
measures o before it asks."""


class Exchange(Struct):
    """The exchange that a node is in, as one who asked another and waits for the answer."""

    number: int
    asked: NodeSpec
    """i asks c, c asks d, d asks o."""
    loses: NodeSpec
    """The neighbour that goes: i loses o, c loses d, d loses c."""
    gains: NodeSpec
    """Who takes its place: i gains c, c gains i, d gains o."""
    initiator: str
    informs: NodeSpec | None
    """Who waits for this node's answer: d informs c, c informs i, and i nobody."""
    is_weighing: bool = False
    """d measures o, and has not asked it yet."""

    @property
    def token(self) -> str:
        """Of the timer that ends the waiting."""
        return f"{PREFIX} {self.number}"


class Xbot:
    """Optimises the links of one node."""

    def __init__(
        self,
        me: NodeSpec,
        config: XbotConfig,
        timeout: float,
        views: Views,
        near: Neighbourhood,
        rng: Random,
        cost: Cost | None = None,
    ) -> None:
        self._me, self.config, self._timeout = me, config, timeout
        self._views, self._near, self._rng = views, near, rng
        self._round_trips: RoundTrips | None = None
        if cost is None and config.cost.startswith(LABEL):
            cost = label_cost(me, config.cost.removeprefix(LABEL))
        elif cost is None:
            cost = self._round_trips = RoundTrips(rng)
        self._cost: Cost = cost
        self._candidates: tuple[str, ...] = ()
        """For the next try: drawn one period before, so that they can be measured."""
        self.exchange: Exchange | None = None

    # -- what the host tells ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin at a random moment of the period."""
        self._near.start_timer(PREFIX, self._rng.uniform(0, self.config.period))

    def handle_timer(self, token: str) -> None:
        """Try to optimise, or give up waiting."""
        if token == PREFIX:
            self._near.start_timer(PREFIX, self.config.period)
            self._optimise()
            self._look_ahead()
        elif self.exchange is not None and self.exchange.token == token:
            self._near.cut(self.exchange.asked)
            self._conclude(accepted=False)

    def fail(self, peer: NodeSpec) -> None:
        """A dial or a link failed: who was asked will not answer."""
        if self.exchange is not None and self.exchange.asked.name == peer.name:
            self._conclude(accepted=False)

    def handle_message(self, peer: NodeSpec, message: XbotMessage) -> bool:
        """Answer by rule; say whether the message was of any use."""
        match message:
            case Probe(number):
                self._near.send(peer, Echo(number))
                return True
            case Echo():
                return self._on_echo(peer, message)
            case Optimization(number, old):
                return self._on_optimization(peer, number, old)
            case Replace():
                return self._on_replace(peer, message)
            case Switch(number, initiator):
                return self._on_switch(peer, number, initiator)
            case ExchangeReply(number, accepted):
                return self._on_reply(peer, number, accepted=accepted)
            case DisconnectWait(number):
                return self._on_disconnect_wait(peer, number)
        return False

    # -- the initiator ------------------------------------------------------------------------------------------

    def _look_ahead(self) -> None:
        """Draw the candidates of the next try, and measure them and the neighbours."""
        passive = list(self._views.passive.values())
        drawn = self._rng.sample(passive, min(self.config.candidates, len(passive)))
        self._candidates = tuple(peer.name for peer in drawn)
        for peer in (*self._views.active.values(), *drawn):
            self._measure(peer)

    def _optimise(self) -> None:
        """Ask the first candidate that is cheaper than a neighbour, the most expensive one first."""
        if self.exchange is not None or self._views.free > 0:
            return
        candidates = [peer for name in self._candidates if (peer := self._views.passive.get(name)) is not None]
        for old in self._biased():
            for candidate in candidates:
                if self._is_better(candidate, old):
                    number = self._rng.getrandbits(32)
                    self._begin(Exchange(number, candidate, old, candidate, self._me.name, None), PATIENCE_I)
                    self._near.send(candidate, Optimization(number, old))
                    return

    def _on_disconnect_wait(self, peer: NodeSpec, number: int) -> bool:
        """The place of the old neighbour is kept for the candidate. Out of an exchange it is a disconnect."""
        exchange = self.exchange
        if peer.name not in self._views.active:
            return False
        fits = exchange is not None and (exchange.number, exchange.loses.name) == (number, peer.name)
        if exchange is None or not fits or exchange.informs is not None:
            self._near.disconnected(peer, Reason.DEMOTED)
            return False
        self._near.hand_over(peer, exchange.gains, exchange.token)
        return True

    # -- the candidate, its neighbour, the old neighbour --------------------------------------------------------

    def _on_optimization(self, peer: NodeSpec, number: int, old: NodeSpec) -> bool:
        """With room there is nothing to exchange: the initiator just leaves the old neighbour."""
        if self._is_in(number):
            return False
        given = next(iter(self._biased(peer.name, old.name)), None)
        is_stranger = peer.name not in self._views.active
        if is_stranger and self._near.has_room_for(peer):
            self._near.activate(peer)
            self._near.send(peer, ExchangeReply(number, accepted=True))
        elif is_stranger and self.exchange is None and given is not None and is_sane(old):
            self._begin(Exchange(number, given, given, peer, peer.name, peer), PATIENCE_C)
            self._near.send(given, Replace(number, peer.name, old))
        else:
            self._near.send(peer, ExchangeReply(number, accepted=False))
        return True

    def _on_replace(self, peer: NodeSpec, message: Replace) -> bool:
        """Weigh the old neighbour against who asks; a stranger must be measured first."""
        number, old, active = message.number, message.old, self._views.active
        if self._is_in(number):
            return False
        is_fit = peer.name in active and old.name not in active and old.name != self._me.name
        if not (is_fit and self.exchange is None and is_sane(old) and not self._views.knows_newer(old)):
            self._near.send(peer, ExchangeReply(number, accepted=False))
            return True
        exchange = Exchange(number, old, peer, old, message.initiator, peer, is_weighing=True)
        self._begin(exchange, PATIENCE_D)
        if self._cost(old) is not None or not self._measure(old):
            self._weigh(exchange)
        return True

    def _weigh(self, exchange: Exchange) -> None:
        exchange.is_weighing = False
        if self._is_better(exchange.gains, exchange.loses):
            self._near.send(exchange.asked, Switch(exchange.number, exchange.initiator))
        else:
            self._conclude(accepted=False)

    def _on_switch(self, peer: NodeSpec, number: int, initiator: str) -> bool:
        """The first of the four to change its view."""
        given = self._views.active.get(initiator)
        is_free = given is not None and initiator not in self._views.holders
        accepted = is_free and self.exchange is None and peer.name not in self._views.active
        if given is not None and accepted:
            self._near.send(given, DisconnectWait(number))
            self._near.swap(given, peer)
        self._near.send(peer, ExchangeReply(number, accepted))
        return True

    # -- the way back -------------------------------------------------------------------------------------------

    def _on_reply(self, peer: NodeSpec, number: int, *, accepted: bool) -> bool:
        """An acceptance that comes too late is undone: the other end has changed its view."""
        exchange = self.exchange
        if exchange is None or exchange.number != number or exchange.asked.name != peer.name:
            if accepted and peer.name not in self._views.active:
                self._near.send(peer, Disconnect(Cause.ASYMMETRIC))
            return False
        self._conclude(accepted=accepted)
        return True

    def _conclude(self, *, accepted: bool) -> None:
        """Change the view as agreed, unless it has no room for that any more, and pass the answer on."""
        exchange, self.exchange = self.exchange, None
        assert exchange is not None
        gains, loses = exchange.gains, exchange.loses
        if accepted:
            if exchange.informs is None and self._views.holds(loses):
                self._near.send(loses, Disconnect(Cause.EVICTED, self._near.contacts(loses)))
            accepted = self._near.swap(loses, gains)
            if not accepted and gains is exchange.asked:
                self._near.send(gains, Disconnect(Cause.ASYMMETRIC))
        if exchange.informs is not None:
            self._near.send(exchange.informs, ExchangeReply(exchange.number, accepted))
        self._near.release(gains, exchange.token)

    # -- costs --------------------------------------------------------------------------------------------------

    def _biased(self, *but: str) -> list[NodeSpec]:
        """Neighbours that may be exchanged, the most expensive first; whose cost is not known stays."""
        known = [(cost, peer) for peer in self._views.active.values() if (cost := self._cost(peer)) is not None]
        known.sort(key=lambda one: one[0], reverse=True)
        kept = {*but, *self._views.holders}
        return [peer for _, peer in known[self.config.unbiased :] if peer.name not in kept]

    def _is_better(self, new: NodeSpec, old: NodeSpec) -> bool:
        new_cost, old_cost = self._cost(new), self._cost(old)
        if new_cost is None or old_cost is None:
            return False
        return old_cost - new_cost > abs(old_cost) * self.config.hysteresis / 100

    def _measure(self, peer: NodeSpec) -> bool:
        """Begin to measure, where costs are measured."""
        if self._round_trips is None:
            return False
        self._near.send(peer, self._round_trips.probe(peer, self._near.now))
        return True

    def _on_echo(self, peer: NodeSpec, echo: Echo) -> bool:
        if self._round_trips is None or not self._round_trips.expects(peer, echo):
            return False
        again = self._round_trips.take(peer, self._near.now)
        if again is not None:
            self._near.send(peer, again)
        exchange = self.exchange
        if exchange is not None and exchange.is_weighing and self._cost(exchange.asked) is not None:
            self._weigh(exchange)
        return True

    # -- one at a time ------------------------------------------------------------------------------------------

    def _begin(self, exchange: Exchange, patience: int) -> None:
        self.exchange = exchange
        self._near.start_timer(exchange.token, patience * self._timeout)

    def _is_in(self, number: int) -> bool:
        """Say whether a request came twice."""
        return self.exchange is not None and self.exchange.number == number
