"""What SCAMP's papers claim of the sizes of its views, measured.

    python -m tests.overlay_scamp.claims [--version 1|2] [--nodes 100,1000,10000] [--json]

lets overlays grow by joins, one per simulated second through random contacts, and looks at them at each of the sizes:
at 10 of 100 nodes, at 2 of 1000, at 1 of 10,000. Exits with 1 when a limit is not met. 10,000 nodes take minutes.
"""

import argparse
import gc
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import log
from statistics import linear_regression, mean, median
from time import perf_counter

from tests.overlay_scamp.overlays import CONFIGS, JOINS_ALONE, Cluster

SLOPES = (4.5, 5.5)
"""Of the mean view over ln n, for c + 1 = 5."""
LARGEST_RATIO = 2.0
"""The largest view in means."""
QUIET_SECONDS = 10.0
"""Longer than the longest walk of a copy: 100 hops of 20 ms and the dials between."""


@dataclass(frozen=True, slots=True)
class Views:
    """The views of overlays of so many nodes, one per seed."""

    nodes: int
    seeds: int
    mean: float
    """Of all views of all seeds."""
    largest_in_means: float
    """The largest view of a seed in its means: the median of the seeds. Of 100 views, one in a few seeds has more."""
    worst_in_means: float
    """The same in the worst seed."""
    least_in_degree: int
    """In the worst seed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One claim, what was measured, and the limit."""

    claim: str
    measured: str
    limit: str
    met: bool


@dataclass(frozen=True, slots=True)
class Report:
    """All of one version, and how many seconds it took."""

    overlay: str
    seconds: float
    views: list[Views]
    claims: list[Verdict]


def measure(version: int, sizes: Sequence[int]) -> list[Views]:
    """Let overlays grow, and measure them at each of the sizes."""
    found: dict[int, list[tuple[float, float, int]]] = {size: [] for size in sorted(sizes)}
    for seed in range(1, seeds_for(min(sizes)) + 1):
        cluster = Cluster(version, 1, seed=seed, pause=1.0, options=JOINS_ALONE)
        for size in [size for size in found if seed <= seeds_for(size)]:
            cluster.grow(size)
            cluster.simulation.run(QUIET_SECONDS)
            degrees = cluster.degrees()
            average = sum(degrees) / size
            found[size].append((average, degrees[-1] / average, cluster.in_degrees()[0]))
            print(f"scamp_v{version}, seed {seed}, {size} nodes: {average:.2f}", file=sys.stderr, flush=True)
    return [_summary(size, seeds) for size, seeds in found.items()]


def seeds_for(size: int) -> int:
    """How many overlays of a size are measured: few of the large ones, whose mean varies less."""
    return max(1, min(10, 2000 // size))


def _summary(size: int, seeds: Sequence[tuple[float, float, int]]) -> Views:
    means, ratios, least = zip(*seeds, strict=True)
    return Views(size, len(seeds), mean(means), median(ratios), max(ratios), min(least))


def slope(measured: Sequence[Views]) -> float:
    """The least squares' slope of the mean view over ln n."""
    points = [(log(views.nodes), views.mean) for views in measured]
    return linear_regression(*zip(*points, strict=True)).slope


def judge(measured: Sequence[Views]) -> list[Verdict]:
    """Compare with the limits."""
    gradient = slope(measured)
    ratios = [views.largest_in_means for views in measured]
    least = [views.least_in_degree for views in measured]
    return [
        Verdict(
            "slope of the mean view over ln n",
            f"{gradient:.2f}",
            f"{SLOPES[0]} to {SLOPES[1]}",
            SLOPES[0] <= gradient <= SLOPES[1],
        ),
        Verdict(
            "largest view / mean view",
            ", ".join(f"{ratio:.2f}" for ratio in ratios),
            f"below {LARGEST_RATIO}",
            max(ratios) < LARGEST_RATIO,
        ),
        Verdict("least in-degree", ", ".join(map(str, least)), "at least 1", min(least) > 0),
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Measure what the command line `words` name; return the exit code."""
    arguments = _parser().parse_args(words)
    versions = [arguments.version] if arguments.version else sorted(CONFIGS)
    sizes = [int(size) for size in arguments.nodes.split(",")]
    reports = []
    for version in versions:
        started = perf_counter()
        measured = measure(version, sizes)
        verdicts, seconds = judge(measured), round(perf_counter() - started, 1)
        reports.append(Report(f"scamp_v{version}", seconds, measured, verdicts))
        if not arguments.json:
            _print(reports[-1])
    if arguments.json:
        print(json.dumps([asdict(report) for report in reports], indent=2))
    return 0 if all(verdict.met for report in reports for verdict in report.claims) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.overlay_scamp.claims", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--version", type=int, choices=sorted(CONFIGS), help="one of the two; both by default")
    parser.add_argument("--nodes", default="100,1000,10000", metavar="SIZES", help="at least two, with commas")
    parser.add_argument("--json", action="store_true")
    return parser


def _print(report: Report) -> None:
    print(f"{report.overlay}, {report.seconds:.0f} s")
    for views in report.views:
        print(
            f"  {views.nodes:6} nodes, {views.seeds:2} seeds: mean view {views.mean:.2f}, largest "
            f"{views.largest_in_means:.2f} means (worst seed {views.worst_in_means:.2f}), "
            f"least in-degree {views.least_in_degree}"
        )
    for verdict in report.claims:
        print(f"  {verdict.claim}: {verdict.measured} ({verdict.limit}): {'met' if verdict.met else 'NOT MET'}")


if __name__ == "__main__":
    gc.set_threshold(500_000)  # a run makes many objects that live for it all
    sys.exit(main())
