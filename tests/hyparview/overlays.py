"""HyParView on the simulated network, and what holds for all its nodes."""

from random import Random

from partisan_core.identity import NodeSpec
from partisan_hyparview import HyParView, HyParViewConfig
from partisan_testkit.simulator import CALM, Faults, Overlay, SimulatedNode, Simulation


def hyparview(config: HyParViewConfig | None = None) -> Overlay:
    options = config or HyParViewConfig()

    def make(me: NodeSpec, rng: Random) -> HyParView:
        return HyParView(me, options, rng)

    return make


class Cluster:
    """Nodes that join through the first one, one every `pause` seconds."""

    def __init__(
        self,
        count: int,
        config: HyParViewConfig | None = None,
        *,
        seed: int = 1,
        pause: float = 0.5,
        faults: Faults = CALM,
    ) -> None:
        self.config = config or HyParViewConfig()
        self.simulation = Simulation(hyparview(self.config), seed, faults=faults)
        self.nodes = [self.simulation.start("node-0")]
        for number in range(1, count):
            self.start_and_join(f"node-{number}")
            self.simulation.run(pause)

    def start_and_join(self, name: str) -> SimulatedNode:
        node = self.simulation.start(name)
        self.nodes.append(node)
        self.simulation.join(node, lambda: self.nodes[0])
        return node

    def settle(self, limit: float = 60.0) -> float:
        """Wait until the overlay is sound; return how long it took."""
        return self.simulation.run_until(self.is_sound, limit, step=0.1)

    def is_sound(self) -> bool:
        return self.is_symmetric() and len(self.components()) == 1

    def graph(self) -> dict[str, set[str]]:
        return {node.name: set(node.strategy.links()) for node in self.simulation.living}

    def is_symmetric(self) -> bool:
        """Every wanted link works, and is wanted by both ends."""
        graph = self.graph()
        wanted = all(name in graph.get(other, ()) for name, others in graph.items() for other in others)
        return wanted and all(set(node.host.neighbours) == graph[node.name] for node in self.simulation.living)

    def components(self) -> list[set[str]]:
        graph, found = self.graph(), list[set[str]]()
        unseen = set(graph)
        while unseen:
            component: set[str] = set()
            edge = {unseen.pop()}
            while edge:
                component |= edge
                edge = {other for name in edge for other in graph[name] if other in graph} - component
            found.append(component)
            unseen -= component
        return found

    def degrees(self) -> list[int]:
        return sorted(len(others) for others in self.graph().values())
