"""Many nodes that join through one contact within one second."""

from tests.hyparview.claims.networks import FLOODS, Overlay, full_share
from tests.verdicts import Figures, Limit, at_least, at_most

NODES, SEEDS = 1_000, range(1, 101)
REST = 60.0
"""Seconds after the last join at which the overlay is looked at."""
STEP = 0.1


def measure(nodes: int, seed: int) -> Figures:
    """Start all within a second, and watch how they come together."""
    overlay = Overlay(seed)
    simulation = overlay.simulation
    first = overlay.start(None)
    for moment in sorted(overlay.rng.random() for _ in range(nodes - 1)):
        simulation.run(max(0.0, moment - simulation.timeline.seconds))
        overlay.start(first)
    joined = simulation.timeline.seconds
    together = overlay.seconds_until(lambda: len(overlay.graph().component_sizes()) == 1, REST, STEP)
    simulation.run(max(0.0, joined + REST - simulation.timeline.seconds))
    one_sided = overlay.one_sided_in_quiescence()
    graph = overlay.graph()
    return {
        "seconds until one component": together,
        "components": len(graph.component_sizes()),
        "isolated": graph.degrees().count(0),
        "one-sided ends": one_sided,
        "share with a full view": full_share(graph),
        "mean shortest path": graph.average_shortest_path(FLOODS, overlay.rng),
    }


def limits(nodes: int) -> list[Limit]:
    """The path is claimed for 1,000 nodes; in fewer it is shorter anyhow."""
    return [
        at_most("seconds until one component", 5.0),
        at_most("components", 1),
        at_most("isolated", 0),
        at_most("one-sided ends", 0),
        at_least("share with a full view", 0.93),
        at_most("mean shortest path", 5.6),
    ]
