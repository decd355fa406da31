"""Clusters of each size on each overlay, left alone and then watched; and one node with many peers."""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from partisan_bench.cases import PARTISAN, Case
from partisan_bench.formation import costs
from partisan_bench.formation.measure import form, turns
from partisan_bench.formation.processes import ending
from partisan_bench.formation.shapes import Plan, around_one, evenly
from partisan_bench.rows import Sample
from partisan_bench.work import Figures

STARS = ("static", "clientserver")
"""Overlays in which one node can have all others as peers without those having each other: 100 peers are then 100
links. In a full mesh they are 5,000, which two processors are busy with for minutes."""

REST = 5.0
"""Seconds between the last link of a cluster and the look at it. Chosen: the news of the last nodes has been everywhere
by then, and the first pings of all links too."""

PER_PROCESS = 25
"""Peers of the one node in each other process. Chosen: 100 are four processes."""


def plans(overlays: Sequence[str], sizes: Sequence[int], peers: int) -> list[tuple[str, Plan]]:
    """Return the clusters and the names of their cases: of all sizes on all overlays, then one node with many peers."""
    spread = [(f"{overlay}/{nodes}", evenly(overlay, nodes)) for overlay, nodes in product(overlays, sizes)]
    stars = [overlay for overlay in STARS if overlay in overlays and peers]
    return spread + [(f"{overlay}, {peers} peers", around_one(overlay, peers, PER_PROCESS)) for overlay in stars]


def run(planned: Sequence[tuple[str, Plan]], rounds: int, idle: float) -> Iterator[list[Sample]]:
    """Form each cluster `rounds` times, and watch it doing nothing for `idle` seconds.

    Raises:
        WorkerFailed: the nodes did not become one complete cluster; no process is left behind.
    """
    for name, plan in planned:
        case = Case("overhead", name, costs.UNITS, (PARTISAN,))
        yield from turns(case, rounds, partial(_measure, plan, idle))


def _measure(plan: Plan, idle: float) -> Figures:
    with TemporaryDirectory(prefix="partisan-overhead-") as folder, ending() as members:
        form(members, Path(folder), plan)
        time.sleep(REST)
        return costs.measured(members[:1] if plan.is_star else members, idle)
