"""The simulated networks that claims are made of, and what all claims ask them."""

from collections.abc import Callable
from functools import partial
from random import Random

from partisan_core.effects import Effect
from partisan_core.events import Event, TimerFired
from partisan_core.identity import NodeSpec
from partisan_hyparview import HyParView, HyParViewConfig
from partisan_hyparview._protocol import SHUFFLE
from partisan_testkit.simulator import Faults, LinkTimes, Observer, SimulatedNode, Simulation, seeded
from partisan_testkit.simulator.graph import Graph

CYCLE = HyParViewConfig().shuffle_interval
"""Seconds between two shuffles of a node: what the paper calls a cycle."""
LATENCY = (10, 100)
"""Milliseconds one way, drawn for each message: a wide-area network, for which the limits were calibrated."""
JOIN_PAUSE = 1.0
"""Between two joins one by one: a joiner's walks have ended when the next one comes."""
FLOODS = 20
"""Sources whose broadcast is followed, and from which paths are measured."""
CALM_WATCH, WATCH_STEP = 5.0, 0.05
"""How long a network is watched for links that only one end has: one on its way to be made is one-sided for a
round trip, one that nobody mends is so all the time."""


class _Paced(HyParView):
    """Shuffles only when the experiment lets it."""

    __slots__ = ("_overlay",)

    def __init__(self, me: NodeSpec, config: HyParViewConfig, rng: Random, overlay: "Overlay") -> None:
        super().__init__(me, config, rng)
        self._overlay = overlay

    def handle(self, event: Event, now: float) -> list[Effect]:
        if self._overlay.is_without_cycles and isinstance(event, TimerFired) and event.token == SHUFFLE:
            self._overlay.waiting.add(self._me.name)
            return []
        return super().handle(event, now)


class Overlay:
    """A simulated HyParView network: real strategies and real message objects, neither encoded nor logged.

    The papers' experiments know times without cycles, so the shuffles can be held back.
    """

    def __init__(self, seed: int, *, times: LinkTimes | None = None, observers: tuple[Observer, ...] = ()) -> None:
        config = HyParViewConfig()
        self.simulation = Simulation(
            lambda me, rng: _Paced(me, config, rng, self),
            seed,
            faults=Faults(latency=LATENCY),
            times=times,
            observers=observers,
            wire=False,
            recording=False,
        )
        self.is_without_cycles = False
        self.waiting = set[str]()
        """Who would have shuffled."""
        self.rng = seeded(seed, "claims")
        self._started = 0

    def resume_cycles(self) -> None:
        """Let all shuffle again, each at its own moment of a cycle."""
        self.is_without_cycles = False
        for node in self.simulation.living:
            if node.name in self.waiting:
                moment = round(1000 * self.rng.uniform(0, CYCLE))
                self.simulation.timeline.after(moment, partial(self.simulation.feed, node, TimerFired(SHUFFLE)))
        self.waiting.clear()

    def start(self, contact: SimulatedNode | None) -> SimulatedNode:
        """Start a node, which joins through `contact`."""
        node = self.simulation.start(f"node-{self._started}")
        self._started += 1
        if contact is not None:
            self.simulation.join(node, lambda: contact)
        return node

    def grow(self, nodes: int) -> None:
        """Let nodes join one by one through the first one, without a cycle in between, as the paper has it."""
        self.is_without_cycles = True
        first = self.start(None)
        for _ in range(nodes - 1):
            self.start(first)
            self.simulation.run(JOIN_PAUSE)
        self.resume_cycles()

    def graph(self) -> Graph:
        """Return who wants links to whom, among the living."""
        return Graph.of(self.simulation.living)

    def reached(self, source: str) -> set[str]:
        """Return whom a broadcast from `source` reaches over the active views as they are, itself included."""
        links = {node.name: node.strategy.links() for node in self.simulation.living}
        seen, edge = {source}, [source]
        while edge:
            edge = list(dict.fromkeys(one for name in edge for one in links[name] if one in links and one not in seen))
            seen.update(edge)
        return seen

    def one_sided_in_quiescence(self) -> int:
        """Return the fewest one-sided ends seen while the network is watched."""
        fewest = self.graph().asymmetric()
        watched = 0.0
        while fewest and watched < CALM_WATCH:
            self.simulation.run(WATCH_STEP)
            watched += WATCH_STEP
            fewest = min(fewest, self.graph().asymmetric())
        return fewest

    def seconds_until(self, condition: Callable[[], bool], limit: float, step: float) -> float:
        """Return how long it takes, infinity when longer than `limit`."""
        try:
            return self.simulation.run_until(condition, limit, step)
        except TimeoutError:
            return float("inf")


def full_share(graph: Graph) -> float:
    """Return the share of nodes with as many neighbours as they may have."""
    degrees = graph.degrees()
    return degrees.count(HyParViewConfig().active_max) / len(degrees)
