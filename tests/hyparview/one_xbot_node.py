"""One node that optimises its links, and what it answers."""

from random import Random

from msgspec import Struct

from partisan_core.effects import Effect, Send, StartTimer
from partisan_core.events import Event, Received, Started, TimerFired
from partisan_core.identity import Address, NodeSpec
from partisan_hyparview import HyParView, HyParViewConfig, XbotConfig
from partisan_hyparview.messages import ExchangeReply, ForwardJoin, Neighbour

COSTS = {"a": 90.0, "b": 50.0, "c": 10.0, "x": 20.0, "y": 46.0, "z": 60.0}


def spec(name: str, incarnation: int = 1, **labels: str) -> NodeSpec:
    return NodeSpec(name, incarnation, 0, (Address("10.0.0.1", 1),), labels)


A, B, C, X, Y, Z, ME = (spec(name) for name in ("a", "b", "c", "x", "y", "z", "me"))
YES, NO = ExchangeReply(7, accepted=True), ExchangeReply(7, accepted=False)


class One:
    """A node called `me` whose links cost what `COSTS` says: a 90, b 50, c 10. The one to a is unbiased."""

    def __init__(
        self, *neighbours: NodeSpec, knows: tuple[NodeSpec, ...] = (), config: HyParViewConfig | None = None
    ) -> None:
        config = config or HyParViewConfig(active_max=3, xbot=XbotConfig())
        self.node = HyParView(ME, config, Random(0), lambda peer: COSTS.get(peer.name))
        self.timers: list[str] = []
        self.feed(Started())
        for peer in neighbours:
            self.hears(peer, Neighbour(True))
        for peer in knows:
            self.hears(neighbours[0], ForwardJoin(peer, 3))

    def feed(self, event: Event, now: float = 0.0) -> list[tuple[str, Struct]]:
        return sent(self.effects(event, now))

    def effects(self, event: Event, now: float = 0.0) -> list[Effect]:
        effects = self.node.handle(event, now)
        self.timers += [effect.token for effect in effects if isinstance(effect, StartTimer)]
        return effects

    def hears(self, peer: NodeSpec, message: Struct) -> list[tuple[str, Struct]]:
        return self.feed(Received(peer, message))

    def tries(self) -> list[tuple[str, Struct]]:
        """Two ticks: one that looks for candidates, one that compares them."""
        self.feed(TimerFired("xbot"))
        return self.feed(TimerFired("xbot"))

    def waits_in_vain(self) -> list[tuple[str, Struct]]:
        return self.feed(TimerFired(next(token for token in reversed(self.timers) if token.startswith("xbot "))))

    @property
    def neighbours(self) -> set[str]:
        return set(self.node.links())

    @property
    def is_busy(self) -> bool:
        """It refuses to switch: that is what its being in an exchange means to others."""
        assert self.node._xbot is not None
        return self.node._xbot.exchange is not None


def sent(effects: list[Effect]) -> list[tuple[str, Struct]]:
    return [(effect.peer.name, effect.message) for effect in effects if isinstance(effect, Send)]
