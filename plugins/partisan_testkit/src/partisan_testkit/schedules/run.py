"""Runs a schedule: faults, then a quiet period, then the question whether everybody agrees."""

from dataclasses import dataclass, field
from functools import partial
from random import Random

from partisan_core.identity import Address
from partisan_testkit.schedules.islands import find_islands
from partisan_testkit.schedules.plan import FAULTY_SECONDS, Planned, Schedule, Step, make_schedule
from partisan_testkit.schedules.witness import Violation, Witness
from partisan_testkit.simulator import CALM, LinkTimes, Overlay, SimulatedNode, Simulation, seeded

QUIET_SECONDS = 6.0
"""Chosen: longer than the slowest redial (4 s here), a dial into the void (1 s) and a few gossip rounds."""

_TIMES = LinkTimes(redial_limit=4000)


@dataclass(slots=True)
class Report:
    """What a run of a schedule came to."""

    log_hash: str = ""
    events: int = 0
    islands: int = 0
    """Groups of nodes that knew nobody else in the middle of the quiet period, and were joined by hand."""
    violation: Violation | None = None
    last_lines: list[str] = field(default_factory=list)


def run_schedule(schedule: Schedule, overlay: Overlay) -> Report:
    """Run a schedule once."""
    run = _Run(schedule, overlay)
    report = Report()
    try:
        run.run()
    except Violation as violation:
        report.violation = violation
        report.last_lines = run.simulation.timeline.last_lines()
    report.log_hash = run.simulation.timeline.log_hash
    report.events = run.simulation.timeline.events
    report.islands = run.islands
    return report


def run_twice(seed: int, nodes: int, overlay: Overlay) -> Report:
    """Run a seed twice; a difference between the two logs is a violation as well."""
    schedule = make_schedule(seed, nodes)
    first, second = run_schedule(schedule, overlay), run_schedule(schedule, overlay)
    if first.violation is None and first.log_hash != second.log_hash:
        first.violation = Violation(f"two runs differ: {first.log_hash} and {second.log_hash}")
    return first


class _Run:
    """One run of a schedule: who lives under which name, and what each step means for them."""

    def __init__(self, schedule: Schedule, overlay: Overlay) -> None:
        self.schedule = schedule
        self.witness = Witness()
        self.simulation = Simulation(
            overlay, schedule.seed, faults=schedule.faults, times=_TIMES, observers=[self.witness]
        )
        self.islands = 0
        self._names = [f"node-{number}" for number in range(schedule.nodes)]
        self._current: dict[str, SimulatedNode] = {}
        self._snapshots: dict[str, bytes] = {}
        self._rng = seeded(schedule.seed, "run")

    def run(self) -> None:
        simulation = self.simulation
        for name in self._names:
            self._begin(name)
        for planned in self.schedule.steps:
            simulation.run(planned.second - simulation.timeline.seconds)
            self._perform(planned)
        simulation.run(FAULTY_SECONDS - simulation.timeline.seconds)
        simulation.network.faults = CALM
        simulation.network.heal()
        simulation.run(QUIET_SECONDS / 2)
        self._join_islands()
        simulation.run(QUIET_SECONDS)
        self.witness.check_agreement(simulation.living)

    def _perform(self, planned: Planned) -> None:
        name = self._names[planned.who]
        node, details = self._current[name], seeded(planned.details, "details")
        lives_on = node.alive and not node.leaving
        match planned.step:
            case Step.CRASH if lives_on:
                self._snapshots[name] = self.simulation.crash(node)
            case Step.RESTART if not node.alive:
                self._restart(name, node, details)
            case Step.LEAVE if lives_on:
                self.witness.leaves(node)
                self.simulation.leave(node)
            case Step.EVICT if lives_on:
                self._evict(node, details)
            case Step.USURP if lives_on:
                self._begin(name)
            case Step.PARTITION:
                count = details.choice((2, 2, 3))
                self.simulation.network.partition({name: details.randrange(count) for name in self._names})
            case Step.HEAL:
                self.simulation.network.heal()

    def _begin(self, name: str) -> None:
        node = self._current[name] = self.simulation.start(name)
        self.witness.started(node, None)
        self.simulation.join(node, lambda: self._choose_contact(node))

    def _restart(self, name: str, old: SimulatedNode, details: Random) -> None:
        """Start a new life at the old or a new address, with the old one's snapshot, or empty and joining."""
        snapshot = self._snapshots.pop(name, b"")
        address: Address | None = details.choice((None, old.spec.addresses[0]))
        if snapshot and details.random() < 0.5:
            node = self._current[name] = self.simulation.start(name, address, snapshot)
            self.witness.started(node, old)
        else:
            node = self._current[name] = self.simulation.start(name, address)
            self.witness.started(node, None)
            self.simulation.join(node, lambda: self._choose_contact(node))

    def _evict(self, node: SimulatedNode, details: Random) -> None:
        others = [peer for name, peer in node.view.items() if name != node.name]
        if others:
            peer = details.choice(others)
            self.witness.evicts(node, peer)
            self.simulation.evict(node, peer)

    def _choose_contact(self, joiner: SimulatedNode) -> SimulatedNode | None:
        candidates = [node for node in self._current.values() if node.alive and not node.leaving]
        others = [node for node in candidates if node.name != joiner.name]
        return self._rng.choice(others) if others else None

    def _join_islands(self) -> None:
        """Join groups that know nobody else, as discovery would.

        It happens when a joiner's contact crashes, and forgets it, before it has told anybody.
        """
        mainland, *islands = find_islands(self.simulation.living)
        self.islands = len(islands)
        for island in islands:
            self.simulation.join(island[0], partial(_first, mainland))


def _first(nodes: list[SimulatedNode]) -> SimulatedNode:
    return nodes[0]
