"""HyParView with X-BOT on the simulated network: whose links cost what, and what each exchange did to the degrees."""

from collections import Counter
from collections.abc import Callable, Iterable
from math import dist
from random import Random
from statistics import fmean

from partisan_core.effects import Effect
from partisan_core.events import Event, Received
from partisan_core.identity import NodeSpec
from partisan_hyparview import Cost, HyParView, HyParViewConfig
from partisan_hyparview.messages import ExchangeReply, Switch, XbotMessage
from partisan_testkit.simulator import CALM, Faults, SimulatedNode, Simulation, seeded


class Square:
    """Nodes at random places of the unit square; a link costs the distance. No cost is known until it is `open`."""

    def __init__(self, seed: int) -> None:
        self.is_open = True
        self._seed = seed
        self._places: dict[str, tuple[float, float]] = {}

    def place(self, name: str) -> tuple[float, float]:
        if name not in self._places:
            rng = seeded(self._seed, f"place of {name}")
            self._places[name] = (rng.random(), rng.random())
        return self._places[name]

    def cost(self, me: NodeSpec) -> Cost:
        here = self.place(me.name)
        return lambda peer: dist(here, self.place(peer.name)) if self.is_open else None

    def mean(self, nodes: Iterable[SimulatedNode]) -> float:
        """The mean cost of a link, as all nodes together see it."""
        ends = [(node.name, name) for node in nodes for name in node.strategy.links()]
        return fmean(dist(self.place(one), self.place(other)) for one, other in ends)


class Exchanges:
    """The steps of exchanges that changed a view, and those after which a node had more or fewer neighbours.

    The initiator is without one from the old neighbour's word to the candidate's answer, and has as many as before
    then: its view was full when it began.
    """

    def __init__(self) -> None:
        self.completed = 0
        self.meddle: Callable[[str, Received], bool] = lambda name, event: False
        """Called with who receives which message of X-BOT, before it does; true when it never arrives."""
        self.steps: Counter[str] = Counter()
        self.unequal: list[str] = []

    def check(self, node: HyParView, role: str, before: frozenset[str], full: int) -> None:
        after = frozenset(node.links())
        if before == after:
            return
        self.steps[role] += 1
        self.completed += role == "i"
        if len(after) != (full if role == "i" else len(before)):
            self.unequal.append(f"{role}: {sorted(before)} became {sorted(after)}")


class Watched(HyParView):
    """Tells `Exchanges` what became of its view."""

    def __init__(
        self, me: NodeSpec, config: HyParViewConfig, rng: Random, cost: Cost | None, exchanges: Exchanges
    ) -> None:
        super().__init__(me, config, rng, cost)
        self._exchanges = exchanges

    def handle(self, event: Event, now: float) -> list[Effect]:
        match event:
            case Received(_, XbotMessage()) if self._exchanges.meddle(self._me.name, event):
                return []
        role, before = self._role(event), frozenset(self.links())
        effects = super().handle(event, now)
        if role is not None:
            self._exchanges.check(self, role, before, self._config.active_max)
        return effects

    def _role(self, event: Event) -> str | None:
        """Who it is in the exchange that the message lets it take part in."""
        exchange = None if self._xbot is None else self._xbot.exchange
        match event:
            case Received(_, Switch()):
                return "o"
            case Received(_, ExchangeReply(number, True)) if exchange is not None and exchange.number == number:
                if exchange.informs is None:
                    return "i"
                return "d" if exchange.gains is exchange.asked else "c"
        return None


class OptimisedCluster:
    """Nodes that join one after the other, every 100 ms, and whose links have a cost."""

    def __init__(
        self,
        count: int,
        config: HyParViewConfig,
        cost: Callable[[NodeSpec], Cost | None] = lambda me: None,
        *,
        seed: int = 1,
        faults: Faults = CALM,
        latency: Callable[[SimulatedNode, SimulatedNode], int] | None = None,
        labels: Callable[[int], dict[str, str]] = lambda number: {},
    ) -> None:
        self.exchanges = Exchanges()
        exchanges = self.exchanges
        self.simulation = Simulation(
            lambda me, rng: Watched(me, config, rng, cost(me), exchanges),
            seed,
            faults=faults,
            latency=latency,
            wire=False,
            recording=False,
        )
        self.rng = seeded(seed, "cluster")
        for number in range(count):
            self.begin(f"node-{number}", labels(number))
            self.simulation.run(0.1)

    def begin(self, name: str, labels: dict[str, str] | None = None) -> SimulatedNode:
        node = self.simulation.start(name, labels=labels)
        if len(self.living) > 1:
            self.simulation.join(node, lambda: self.rng.choice([one for one in self.living if one.name != name]))
        return node

    @property
    def living(self) -> list[SimulatedNode]:
        return self.simulation.living

    def busy(self) -> list[str]:
        """Who is in an exchange."""
        return [node.name for node in self.living if self.machine(node)._xbot.exchange is not None]  # type: ignore[union-attr]

    @staticmethod
    def machine(node: SimulatedNode) -> HyParView:
        assert isinstance(node.strategy, HyParView)
        return node.strategy
