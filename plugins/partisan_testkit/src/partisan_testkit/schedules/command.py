"""Many seeds of one overlay, and what the first violation came from."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from multiprocessing import get_context

from partisan_testkit.garbage import collecting_rarely
from partisan_testkit.schedules.plan import SECONDS, Schedule, make_schedule
from partisan_testkit.schedules.run import Report, run_schedule, run_twice
from partisan_testkit.schedules.settings import ClusterSettings, settings_of
from partisan_testkit.schedules.shrink import shrink
from partisan_testkit.schedules.violation import Violation


@dataclass(frozen=True, slots=True)
class Theatre:
    """What performs schedules: strategies alone, or whole nodes."""

    module: str
    """Whose command line repeats a seed."""
    draw: Callable[[int, ClusterSettings, float], Schedule]
    run: Callable[[Schedule, ClusterSettings], Report]
    run_faster: Callable[[Schedule, ClusterSettings], Report]
    """Without a log that could be compared, where that makes a difference."""
    twice: int
    """Of so many seeds one is run twice, and the two logs are compared."""
    nodes: int = 16
    """Of each cluster, when nobody says otherwise."""
    seconds: float = SECONDS
    """Of each schedule, when nobody says otherwise."""


STRATEGIES = Theatre(
    "partisan_testkit.schedules", make_schedule, run_schedule, partial(run_schedule, recording=False), twice=10
)
"""Every tenth seed is run twice, with its messages encoded. Chosen: what makes runs differ is in the code and not in
the seed; the others are run once, without encoding and log, which is faster."""

_SEEDS_PER_ERRAND = 10


@dataclass(slots=True)
class Outcome:
    """What a range of seeds came to: sums over them, or the first violation."""

    seeds: int = 0
    events: int = 0
    islands: int = 0
    """Groups of nodes that were joined by hand."""
    settled: float = 0.0
    """The longest time in seconds from the last fault until all was well."""
    hash: str = ""
    """Equal for equal seeds and equal code, in every process and with any number of jobs."""
    violation: Violation | None = None
    seed: int | None = None
    """Whose schedule broke a promise."""
    schedule: Schedule | None = None
    """The smallest one found that still breaks one."""
    last_lines: Sequence[str] = ()
    """The end of the log of the smallest one."""
    repeat: str = ""
    """The command that does it again."""


def run_seeds(
    overlay_name: str,
    nodes: int,
    seeds: range,
    *,
    seconds: float = SECONDS,
    jobs: int = 1,
    servers: int | None = None,
    theatre: Theatre = STRATEGIES,
) -> Outcome:
    """Run the schedules of `seeds`, up to the first violation, and shrink its schedule.

    Args:
        overlay_name: an installed name, or `package.module:object`.
        nodes: of each cluster.
        seeds: one schedule each.
        seconds: for how long things go wrong, in simulated seconds; the quiet period comes on top.
        jobs: how many processes share the work.
        servers: how many nodes of a star are servers; a quarter, at least two, when nothing is said.
        theatre: what performs them: strategies in the simulator, or whole nodes.

    Raises:
        PluginError: there is no such overlay, or it is broken.
        ConfigError: it takes other options than those it is given.
    """
    cluster = settings_of(overlay_name, nodes, servers=servers or max(2, nodes // 4))
    outcome, hashes = Outcome(), blake2b(digest_size=8)
    for seed, report in _reports(theatre, cluster, seeds, seconds, jobs):
        if report.violation is not None:
            return _explain(theatre, cluster, seed, seconds, report)
        outcome.seeds += 1
        outcome.events += report.events
        outcome.islands += report.islands
        outcome.settled = max(outcome.settled, report.settled)
        hashes.update(f"{seed} {report.events} {report.log_hash};".encode())
    outcome.hash = hashes.hexdigest()
    return outcome


def run_seed(cluster: ClusterSettings, seed: int, seconds: float = SECONDS, theatre: Theatre = STRATEGIES) -> Report:
    """Run one seed, or run it twice: see `Theatre.twice`."""
    schedule = theatre.draw(seed, cluster, seconds)
    if seed % theatre.twice == 0:
        return run_twice(schedule, cluster, theatre.run)
    return theatre.run_faster(schedule, cluster)


def _reports(
    theatre: Theatre, cluster: ClusterSettings, seeds: range, seconds: float, jobs: int
) -> Iterator[tuple[int, Report]]:
    """Run the seeds, in their order whoever runs them."""
    if jobs <= 1:
        with collecting_rarely():
            for seed in seeds:
                yield seed, run_seed(cluster, seed, seconds, theatre)
        return
    errands = [seeds[begin : begin + _SEEDS_PER_ERRAND] for begin in range(0, len(seeds), _SEEDS_PER_ERRAND)]
    perform = partial(_run_errand, theatre, cluster.overlay, len(cluster.names), cluster.servers, seconds)
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        try:
            for errand, reports in zip(errands, pool.map(perform, errands), strict=True):
                yield from zip(errand, reports, strict=False)
        finally:
            pool.shutdown(cancel_futures=True)


def _run_errand(
    theatre: Theatre, overlay_name: str, nodes: int, servers: int, seconds: float, seeds: range
) -> list[Report]:
    """What another process does: run some seeds, up to the first violation."""
    cluster = settings_of(overlay_name, nodes, servers=servers)
    reports: list[Report] = []
    with collecting_rarely():
        for seed in seeds:
            reports.append(run_seed(cluster, seed, seconds, theatre))
            if reports[-1].violation is not None:
                break
    return reports


def _explain(theatre: Theatre, cluster: ClusterSettings, seed: int, seconds: float, report: Report) -> Outcome:
    """Find the smallest schedule, and run it once more for the end of its log."""
    run = partial(run_twice, run=theatre.run) if seed % theatre.twice == 0 else theatre.run_faster

    def fails(schedule: Schedule) -> bool:
        return run(schedule, cluster).violation is not None

    smallest = shrink(theatre.draw(seed, cluster, seconds), fails)
    final = theatre.run(smallest, cluster)
    words = [f"--overlay {cluster.overlay}", f"--nodes {len(cluster.names)}", f"--seeds {seed}"]
    words += [f"--seconds {seconds:g}"] * (seconds != theatre.seconds)
    return Outcome(
        violation=final.violation or report.violation,
        seed=seed,
        schedule=smallest,
        last_lines=final.last_lines,
        events=final.events,
        hash=final.log_hash,
        repeat=" ".join([f"python -m {theatre.module}", *words]),
    )
