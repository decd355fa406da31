"""A network in which nodes crash and others join all the time."""

from statistics import fmean

from partisan_testkit.simulator import SimulatedNode
from tests.hyparview.claims.networks import CYCLE, Overlay
from tests.verdicts import Figures, Limit, at_least, at_most

NODES, SEEDS = 10_000, range(1, 2)
EVERY = 10.0
PHASES = ((0.01, 1800.0), (0.05, 300.0))
"""The share of the nodes that is replaced every `EVERY` seconds, and for how many seconds."""
CYCLES_BEFORE = 10
FLOODS = 3
"""Broadcasts that are followed in each sample."""


class _Sample:
    """What a moment shows; the nodes that were replaced last have had `EVERY` seconds to join."""

    def __init__(self, overlay: Overlay, newest: set[str]) -> None:
        graph, living = overlay.graph(), overlay.simulation.living
        self.together = graph.component_sizes()[0] / len(graph)
        stable = [node.name for node in living if node.name not in newest]
        reach = (len(overlay.reached(source).difference(newest)) for source in overlay.rng.sample(stable, FLOODS))
        self.reached = min(reach) / len(stable)
        self.dead = _dead_share(living)


def _dead_share(living: list[SimulatedNode]) -> float:
    """Return the share of the entries of passive views that nobody answers for any more."""
    alive = {(node.name, node.spec.life) for node in living}
    entries = [
        (peer.name, peer.life) in alive
        for node in living
        for name, peer in node.view.items()
        if name != node.name and name not in node.strategy.links()
    ]
    return 1 - fmean(entries) if entries else 0.0


def _replace(overlay: Overlay, share: float) -> set[str]:
    """Crash some, and let as many join within the next second, each through anybody who lives."""
    simulation = overlay.simulation
    count = max(1, round(share * len(simulation.nodes)))
    for node in overlay.rng.sample(simulation.living, count):
        simulation.crash(node)
    simulation.forget_the_dead()
    contacts = list(simulation.nodes)
    return {overlay.start(overlay.rng.choice(contacts)).name for _ in range(count)}


def measure(nodes: int, seed: int, shorten: float = 1.0) -> Figures:
    """Replace, wait, look; `shorten` divides the simulated time of both phases."""
    overlay = Overlay(seed)
    overlay.grow(nodes)
    overlay.simulation.run(CYCLES_BEFORE * CYCLE)
    figures: dict[str, float] = {}
    for share, seconds in PHASES:
        samples = []
        for _ in range(round(seconds / shorten / EVERY)):
            newest = _replace(overlay, share)
            overlay.simulation.run(EVERY)
            samples.append(_Sample(overlay, newest))
        figures |= {
            f"largest component at {share:.0%}": min(sample.together for sample in samples),
            f"stable nodes reached at {share:.0%}": min(sample.reached for sample in samples),
            f"mean stable nodes reached at {share:.0%}": fmean(sample.reached for sample in samples),
            f"dead passive entries at {share:.0%}": max(sample.dead for sample in samples),
        }
    return figures


def limits(nodes: int) -> list[Limit]:
    """The same for any number and both phases."""
    return [
        limit
        for share, _ in PHASES
        for limit in (
            at_least(f"largest component at {share:.0%}", 0.999),
            at_least(f"stable nodes reached at {share:.0%}", 0.995),
            at_most(f"dead passive entries at {share:.0%}", 0.2),
        )
    ]
