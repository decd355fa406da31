"""A network at rest: joins one by one, then 50 cycles."""

from resource import RUSAGE_SELF, getrusage
from time import perf_counter, process_time

from tests.hyparview.claims.networks import CYCLE, FLOODS, Overlay, full_share
from tests.verdicts import Figures, Limit, at_least, at_most

CYCLES = 50
NODES, SEEDS = 10_000, range(1, 4)


def measure(nodes: int, seed: int) -> Figures:
    """Build one network and look at it."""
    wall = perf_counter()
    overlay = Overlay(seed)
    overlay.grow(nodes)
    timeline = overlay.simulation.timeline
    cycles_began, events = process_time(), timeline.events
    overlay.simulation.run(CYCLES * CYCLE)
    speed = (timeline.events - events) / (process_time() - cycles_began)
    one_sided = overlay.one_sided_in_quiescence()
    graph = overlay.graph()
    floods = [graph.flood(source) for source in overlay.rng.sample(graph.names, min(FLOODS, nodes))]
    return {
        "components": len(graph.component_sizes()),
        "one-sided ends": one_sided,
        "share with a full view": full_share(graph),
        "least degree": min(graph.degrees()),
        "mean shortest path": graph.average_shortest_path(FLOODS, overlay.rng),
        "clustering": graph.clustering(),
        "flood reliability": min(flood.reached for flood in floods) / nodes,
        "flood hops": max(flood.hops for flood in floods),
        "events per processor second": speed,
        "events": timeline.events,
        "wall seconds": perf_counter() - wall,
        "MiB": getrusage(RUSAGE_SELF).ru_maxrss / 1024,
    }


def limits(nodes: int) -> list[Limit]:
    """The shape of the graph and the cost are claimed for 10,000 nodes, the rest for any number."""
    always = [
        at_most("components", 1),
        at_most("one-sided ends", 0),
        at_least("share with a full view", 0.99),
        at_least("least degree", 2),
        at_least("flood reliability", 1.0),
        at_most("flood hops", 10),
    ]
    if nodes < NODES:
        return always
    return [
        *always,
        at_least("mean shortest path", 6.2),
        at_most("mean shortest path", 6.6),
        at_most("clustering", 0.001),
        at_least("events per processor second", 60_000),
        at_most("wall seconds", 150),
        at_most("MiB", 1024),
    ]
