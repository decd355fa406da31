"""The claims of X-BOT: `python -m tests.hyparview.xbot_claims [--nodes N] [--seed S] [--json]`.

Nodes on the unit square, a link costs the distance; one unbiased link, two candidates, 50 cycles of one shuffle and
one try per node. Beside it runs plain HyParView with the same seed. Exits 1 when a claim is not met.
"""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict, dataclass
from statistics import fmean

from partisan_hyparview import HyParViewConfig, XbotConfig
from partisan_testkit.simulator import seeded
from partisan_testkit.simulator.graph import Graph
from tests.hyparview.xbot_overlays import OptimisedCluster, Square

CYCLE = 10.0
CYCLES = 50
SETTLING = 2 * CYCLE
SOURCES = 50
"""From so many nodes, paths are measured."""
MOMENTS, PAUSE, FLOODS = 200, 0.05, 5
"""After the crash: so many floods at each of so many moments, which together take one shuffle interval."""


@dataclass(frozen=True)
class Overlay:
    """The figures of one overlay."""

    start_cost: float
    cost: float
    components: int
    path: float
    hops: int
    reliability: float
    """The mean share of the survivors that a flood reaches within a cycle after a crash of half the nodes."""
    asymmetric: int
    exchanges: int
    steps: dict[str, int]
    unequal: int


@dataclass(frozen=True)
class Claim:
    """One figure and its limit: at least or at most, as `is_least` says."""

    name: str
    figure: float
    limit: float
    is_least: bool = False

    @property
    def is_met(self) -> bool:
        return self.figure >= self.limit if self.is_least else self.figure <= self.limit


def run(nodes: int, seed: int, xbot: XbotConfig | None, cycles: int = CYCLES) -> Overlay:
    """Join, settle without costs, optimise for so many cycles, measure, let half the nodes crash, measure again."""
    square = Square(seed)
    square.is_open = False
    cluster = OptimisedCluster(nodes, HyParViewConfig(xbot=xbot), square.cost, seed=seed)
    cluster.simulation.run(SETTLING)
    start_cost = square.mean(cluster.living)
    square.is_open = True
    cluster.simulation.run(cycles * CYCLE)
    square.is_open = False
    cluster.simulation.run(CYCLE)
    graph, rng, cost = Graph.of(cluster.living), seeded(seed, "measure"), square.mean(cluster.living)
    sources = rng.sample(graph.names, min(SOURCES, len(graph)))
    return Overlay(
        start_cost=start_cost,
        cost=cost,
        components=len(graph.component_sizes()),
        path=graph.average_shortest_path(SOURCES, rng),
        hops=max(graph.flood(source).hops for source in sources),
        asymmetric=graph.asymmetric(),
        reliability=crash_half(cluster),
        exchanges=cluster.exchanges.completed,
        steps=dict(cluster.exchanges.steps),
        unequal=len(cluster.exchanges.unequal),
    )


def crash_half(cluster: OptimisedCluster) -> float:
    """Broadcasts by survivors over the views as they are; what happens between them is repair alone."""
    living = cluster.living
    for node in cluster.rng.sample(living, len(living) // 2):
        cluster.simulation.crash(node)
    reached = []
    for _ in range(MOMENTS):
        graph = Graph.of(cluster.living)
        reached += [graph.flood(source).reached / len(graph) for source in cluster.rng.choices(graph.names, k=FLOODS)]
        cluster.simulation.run(PAUSE)
    return fmean(reached)


def claims(plain: Overlay, biased: Overlay) -> list[Claim]:
    return [
        Claim("mean link cost, of the start", biased.cost / biased.start_cost, 0.45),
        Claim("exchanges completed", biased.exchanges, 1, is_least=True),
        Claim("steps of exchanges that changed a degree", biased.unequal, 0),
        Claim("components", biased.components, 1),
        Claim("one-sided links at rest", biased.asymmetric, 0),
        Claim("average shortest path, of plain HyParView's", biased.path / plain.path, 1.3),
        Claim("flood hops, of plain HyParView's", biased.hops / plain.hops, 1.5),
        Claim("reliability lost after a crash of half, points", 100 * (plain.reliability - biased.reliability), 2.0),
    ]


def main(arguments: list[str]) -> int:
    parser = ArgumentParser(prog="python -m tests.hyparview.xbot_claims", description="Measure the claims of X-BOT.")
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args(arguments)
    plain, biased = (run(options.nodes, options.seed, xbot) for xbot in (None, XbotConfig()))
    measured = claims(plain, biased)
    if options.json:
        rows = [{**asdict(claim), "met": claim.is_met} for claim in measured]
        print(json.dumps({"plain": asdict(plain), "xbot": asdict(biased), "claims": rows}, indent=2))
    else:
        print(f"{options.nodes} nodes, seed {options.seed}, {CYCLES} cycles")
        print(f"plain: {plain}\nX-BOT: {biased}")
        for claim in measured:
            bound, met = "at least" if claim.is_least else "at most", "met" if claim.is_met else "NOT MET"
            print(f"{claim.name:50} {claim.figure:9.3f}  {bound} {claim.limit:g}: {met}")
    return 0 if all(claim.is_met for claim in measured) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
