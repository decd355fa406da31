"""What an overlay comes to at one moment: the figures of a checkpoint."""

from random import Random
from statistics import fmean

from msgspec import Struct

from partisan_testkit.simulator import Simulation
from partisan_testkit.simulator.graph import Graph

_SOURCES = 100
"""From how many nodes the shortest paths are taken. Chosen: two digits of the mean, in seconds at 10,000 nodes."""

_FLOODS = 10


class Figures(Struct, frozen=True):
    """Of the links that the living want among one another."""

    name: str
    time: float
    """Simulated seconds."""
    nodes: int
    """Who lives."""
    components: int
    largest: float
    """The share of the living in the largest component."""
    one_sided: int
    """Links that the other end does not want."""
    degree_min: int
    degree_mean: float
    degree_max: int
    in_degree_min: int
    in_degree_max: int
    path: float
    """The mean of the shortest ways from one node to another, in hops."""
    clustering: float
    reliability: float
    """The mean share of the living that a broadcast over the links as they are reaches."""
    hops: int
    """The most of any of these broadcasts."""
    redundancy: float
    """How often a node is told in vain, in the mean."""
    events: int
    """Simulated since the start."""


class Sample(Struct, frozen=True):
    """View sizes at one moment."""

    time: float
    nodes: int
    links: float
    """How many links a living node wants, in the mean."""
    members: float
    """How many others it knows."""


def measure(simulation: Simulation, name: str, rng: Random) -> Figures:
    """Look at all living nodes."""
    graph = Graph.of(simulation.living)
    sizes, degrees, in_degrees = graph.component_sizes(), graph.degrees(), graph.in_degrees()
    floods = [graph.flood(source) for source in sorted(rng.sample(graph.names, min(_FLOODS, len(graph))))]
    return Figures(
        name=name,
        time=simulation.timeline.seconds,
        nodes=len(graph),
        components=len(sizes),
        largest=_round(sizes[0] / len(graph)) if sizes else 0.0,
        one_sided=graph.asymmetric(),
        degree_min=min(degrees, default=0),
        degree_mean=_mean(degrees),
        degree_max=max(degrees, default=0),
        in_degree_min=min(in_degrees, default=0),
        in_degree_max=max(in_degrees, default=0),
        path=_round(graph.average_shortest_path(_SOURCES, rng)),
        clustering=_round(graph.clustering()),
        reliability=_mean([flood.reached / len(graph) for flood in floods]),
        hops=max((flood.hops for flood in floods), default=0),
        redundancy=_mean([flood.redundancy for flood in floods]),
        events=simulation.timeline.events,
    )


def sample(simulation: Simulation) -> Sample:
    """Look at the sizes of all views."""
    living = simulation.living
    links = _mean([len(node.strategy.links()) for node in living])
    members = _mean([len(node.view) - (node.name in node.view) for node in living])
    return Sample(simulation.timeline.seconds, len(living), links, members)


def _mean(values: list[int] | list[float]) -> float:
    return _round(fmean(values)) if values else 0.0


def _round(value: float) -> float:
    return round(value, 5)
