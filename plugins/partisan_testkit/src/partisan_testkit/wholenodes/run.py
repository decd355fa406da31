"""Runs a schedule of whole nodes: real nodes, a virtual network, virtual time."""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import BinaryIO

import trio
from trio.testing import MockClock

from partisan_testkit.schedules.command import Theatre
from partisan_testkit.schedules.performance import Performance
from partisan_testkit.schedules.plan import SECONDS, Schedule, make_schedule
from partisan_testkit.schedules.run import Report
from partisan_testkit.schedules.settings import ClusterSettings
from partisan_testkit.schedules.violation import Violation
from partisan_testkit.schedules.witness import Witness
from partisan_testkit.simulator import CALM, Faults
from partisan_testkit.wholenodes.cast import Cast
from partisan_testkit.wholenodes.stage import open_stage
from partisan_testkit.wholenodes.workloads import WORKLOADS, Workload

_LINKS = {"redial_limit": "4s"}
"""As in the schedules of strategies, whose patience reckons with it."""

_QUIET = {"partisan": "error"}
"""Refusals and broken connections are what is asked for here."""


def make_whole_schedule(seed: int, cluster: ClusterSettings, seconds: float = SECONDS) -> Schedule:
    """Draw a schedule as for strategies, with the faults of streams, and of the frames in them."""
    return make_schedule(seed, cluster, seconds, draw=_draw_faults)


def _draw_faults(rng: Random, cluster: ClusterSettings) -> Faults:
    if rng.random() < 0.2:
        return CALM
    return Faults(
        loss=rng.choice((0.0, 0.01, 0.1)),
        duplication=rng.choice((0.0, 0.0, 0.05)),
        reordering=rng.choice((0.0, 0.0, 0.05)),
        dial_failures=rng.choice((0.0, 0.0, 0.1, 0.3)),
        resets=rng.choice((0.0, 0.0, 0.001, 0.01)),
        flips=rng.choice((0.0, 0.0, 0.001, 0.01)),
    )


def run_whole(
    schedule: Schedule,
    cluster: ClusterSettings,
    *,
    trace: BinaryIO | None = None,
    workloads: Iterable[Callable[[int], Workload]] | None = None,
) -> Report:
    """Run a schedule once.

    Args:
        schedule: what is done to the nodes.
        cluster: who they are.
        trace: where the log is written, line by line.
        workloads: what the nodes do meanwhile; all that there are, when nothing is said.
    """
    report = Report()
    made = [make(schedule.seed) for make in (WORKLOADS.values() if workloads is None else workloads)]
    try:
        trio.run(_perform, schedule, cluster, report, trace, made, clock=MockClock(autojump_threshold=0))
    except Exception as error:  # noqa: BLE001 - whatever a node raises is a finding
        report.violation = _violation_of(error)
    return report


async def _perform(
    schedule: Schedule,
    cluster: ClusterSettings,
    report: Report,
    trace: BinaryIO | None,
    workloads: Sequence[Workload],
) -> None:
    sections: dict[str, dict[str, object]] = {"links": dict(_LINKS), "logging": {"levels": _QUIET}}
    for workload in workloads:
        for section, keys in workload.sections.items():
            sections.setdefault(section, {}).update(keys)
    async with open_stage(cluster, schedule.seed, sections, trace=trace) as stage:
        try:
            cast = Cast(stage, Witness(cluster), workloads)
            performance = Performance(schedule, cluster, stage, cast.witness)
            await performance.run()
            report.settled, report.islands = performance.settled, performance.islands
            await cast.conclude()
        finally:
            report.log_hash, report.events = stage.log.hash, stage.log.lines
            report.last_lines = stage.log.last_lines()


WHOLE_NODES = Theatre(
    "partisan_testkit.wholenodes", make_whole_schedule, run_whole, run_whole, twice=1, nodes=8, seconds=60.0
)
"""Every seed is run twice: here it is the code of whole nodes that may not be deterministic."""


def _violation_of(error: Exception) -> Violation:
    """The broken promise; or that something else was raised."""
    if isinstance(error, ExceptionGroup):
        promises, _ = error.split(Violation)
        return _violation_of((promises or error).exceptions[0])
    if isinstance(error, Violation):
        return error
    violation = Violation(f"a node raised {error!r}")
    violation.__cause__ = error
    return violation
