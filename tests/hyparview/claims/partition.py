"""A network that is cut into halves for five minutes, and heals."""

from partisan_core.host import Outcome
from partisan_core.notices import NeighbourDown
from partisan_testkit.simulator import SimulatedNode
from tests.hyparview.claims.networks import CYCLE, Overlay
from tests.verdicts import Figures, Limit, at_least, at_most

NODES, SEEDS = 1_000, range(1, 11)
CYCLES_BEFORE = 10
CUT = 300.0
WATCH = 300.0
STEP = 1.0
TOGETHER = 2 * CYCLE
"""By when, and from when on, there must be one component."""


class _Downs:
    """Counts neighbours that were lost."""

    def __init__(self) -> None:
        self.count = 0

    def on_outcome(self, node: SimulatedNode, outcome: Outcome) -> None:
        self.count += isinstance(outcome, NeighbourDown)

    def on_delivery(self, source: SimulatedNode, target: SimulatedNode) -> None:
        """Messages are not counted."""


def measure(nodes: int, seed: int) -> Figures:
    """Cut, wait, heal, and watch in samples of a second."""
    downs = _Downs()
    overlay = Overlay(seed, observers=(downs,))
    overlay.grow(nodes)
    simulation = overlay.simulation
    simulation.run(CYCLES_BEFORE * CYCLE)
    zones = {node.name: number % 2 for number, node in enumerate(simulation.nodes)}
    simulation.network.partition(zones)
    simulation.run(CUT)
    parts = len(overlay.graph().component_sizes())
    simulation.network.heal()
    downs.count, fallen, together = 0, 0, float("inf")
    crossing: dict[float, float] = {}
    for sample in range(1, round(WATCH / STEP) + 1):
        simulation.run(STEP)
        graph = overlay.graph()
        seconds = sample * STEP
        if len(graph.component_sizes()) == 1:
            together = min(together, seconds)
        elif seconds >= TOGETHER:
            fallen += 1
        crossing[seconds] = graph.cross_share(zones)
    return {
        "parts while cut": parts,
        "seconds until one component": together,
        "samples in parts after 2 cycles": fallen,
        "cross links after 12 cycles": crossing[12 * CYCLE],
        "cross links after 24 cycles": crossing[24 * CYCLE],
        "downs per node": downs.count / nodes,
    }


def limits(nodes: int) -> list[Limit]:
    """The same for any number."""
    return [
        at_least("parts while cut", 2),
        at_most("seconds until one component", TOGETHER),
        at_most("samples in parts after 2 cycles", 0),
        at_least("cross links after 12 cycles", 0.05),
        at_least("cross links after 24 cycles", 0.15),
        at_most("downs per node", 5),
    ]
