"""Full-mesh clusters on the simulated network."""

from random import Random

from partisan_core.effects import Retire
from partisan_core.events import Reason
from partisan_core.host import Outcome
from partisan_core.identity import NodeSpec
from partisan_fullmesh import FullMesh, FullMeshConfig
from partisan_testkit.simulator import CALM, Faults, Overlay, SimulatedNode, Simulation

NEVER = FullMeshConfig(gossip_interval=3600.0)
"""No gossip round within a test: what spreads, spreads at once."""


def full_mesh(config: FullMeshConfig | None = None) -> Overlay:
    options = config or FullMeshConfig()

    def make(me: NodeSpec, rng: Random) -> FullMesh:
        return FullMesh(me, options, rng)

    return make


class Diary:
    """Remembers every outcome of every node."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[SimulatedNode, Outcome]] = []

    def on_outcome(self, node: SimulatedNode, outcome: Outcome) -> None:
        self.outcomes.append((node, outcome))

    def on_delivery(self, source: SimulatedNode, target: SimulatedNode) -> None:
        """Deliveries are not written down."""

    def retirements(self) -> list[tuple[SimulatedNode, Reason]]:
        return [(node, outcome.reason) for node, outcome in self.outcomes if isinstance(outcome, Retire)]


class Cluster:
    """A simulated cluster, joined through its first node and linked."""

    def __init__(
        self, count: int, config: FullMeshConfig | None = None, *, seed: int = 1, faults: Faults = CALM
    ) -> None:
        self.diary = Diary()
        self.simulation = Simulation(full_mesh(config), seed, faults=faults, observers=[self.diary])
        self.nodes = [self.simulation.start(f"node-{number}") for number in range(count)]
        for node in self.nodes[1:]:
            self.join(node)
        self.formation = self.settle()

    def start_and_join(self, name: str) -> SimulatedNode:
        node = self.simulation.start(name)
        self.join(node)
        return node

    def join(self, node: SimulatedNode) -> None:
        self.simulation.join(node, lambda: self.nodes[0])

    def settle(self, limit: float = 10.0) -> float:
        """Wait until views are equal and every living node is linked to every other; return how long it took."""
        return self.simulation.run_until(self.is_settled, limit)

    def is_settled(self) -> bool:
        living = self.simulation.living
        linked = all(len(node.host.neighbours) == len(living) - 1 for node in living)
        return linked and self.simulation.views_agree()

    def names_seen_by(self, node: SimulatedNode) -> set[str]:
        return set(node.view)

    def knowing(self, name: str) -> int:
        """Count the living nodes that know a member of that name."""
        return sum(name in node.view for node in self.simulation.living)
