"""Runs a schedule of strategies alone, in the simulator."""

from collections.abc import Callable
from dataclasses import dataclass, field

from partisan_testkit.schedules.performance import Performance
from partisan_testkit.schedules.plan import Schedule
from partisan_testkit.schedules.settings import ClusterSettings
from partisan_testkit.schedules.stage import SimulatedStage, at_once
from partisan_testkit.schedules.violation import Violation
from partisan_testkit.schedules.witness import Witness
from partisan_testkit.simulator import LinkTimes, Simulation

_TIMES = LinkTimes(redial_limit=4000)


@dataclass(slots=True)
class Report:
    """What a run of a schedule came to."""

    log_hash: str = ""
    events: int = 0
    settled: float = 0.0
    """Seconds from the last fault until all was well."""
    islands: int = 0
    """Groups of nodes that knew nobody else, and never did, and were joined by hand."""
    violation: Violation | None = None
    last_lines: list[str] = field(default_factory=list)


def run_schedule(schedule: Schedule, cluster: ClusterSettings, *, recording: bool = True) -> Report:
    """Run a schedule once; without `recording` faster: no message is encoded, and there is neither log nor hash."""
    witness = Witness(cluster)
    simulation = Simulation(
        witness.make, schedule.seed, times=_TIMES, observers=[witness], wire=recording, recording=recording
    )
    performance = Performance(schedule, cluster, SimulatedStage(simulation, cluster), witness)
    report = Report()
    try:
        at_once(performance.run())
    except Violation as violation:
        report.violation = violation
    timeline = simulation.timeline
    if recording:
        report.log_hash, report.last_lines = timeline.log_hash, timeline.last_lines()
    report.events = timeline.events
    report.settled, report.islands = performance.settled, performance.islands
    return report


def run_twice(
    schedule: Schedule, cluster: ClusterSettings, run: Callable[[Schedule, ClusterSettings], Report] = run_schedule
) -> Report:
    """Run a schedule twice; a difference between the two logs is a violation as well."""
    first, second = run(schedule, cluster), run(schedule, cluster)
    if first.violation is None and first.log_hash != second.log_hash:
        first.violation = Violation(f"two runs differ: {first.log_hash} and {second.log_hash}")
    return first
