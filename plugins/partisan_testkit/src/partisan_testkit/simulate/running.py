"""Runs a scenario: performs its plan on a simulation that is watched, and takes down what it comes to."""

from collections.abc import Callable, Iterator
from functools import partial
from time import process_time

from msgspec import Struct, field
from msgspec.structs import asdict

from partisan_testkit.flooding import Broadcast, flood
from partisan_testkit.garbage import collecting_rarely
from partisan_testkit.schedules.aftermath import Aftermath
from partisan_testkit.schedules.rules import everybody, links
from partisan_testkit.schedules.settings import ClusterSettings
from partisan_testkit.schedules.violation import Violation
from partisan_testkit.schedules.witness import Witness
from partisan_testkit.simulate.figures import Figures, Sample, measure, sample
from partisan_testkit.simulate.planning import Action, Plan
from partisan_testkit.simulate.scenario import Deed, Scenario, milliseconds
from partisan_testkit.simulator import CALM, SimulatedNode, Simulation, seeded
from partisan_testkit.simulator.checkpoints import Checkpoint, checkpoint

Progress = Callable[[float], None]
"""Told of the simulated seconds that have passed."""

SAMPLES = 100
"""How often the sizes of views are looked at. Chosen: the points of a curve."""

_FLOOD_MILLISECONDS = 10_000
"""After which a broadcast is over. Chosen: a hundred times what its hops take."""

_LOOK_SECONDS = 1.0


class Told(Struct, frozen=True):
    """What a broadcast came to."""

    time: float
    source: str
    reliability: float
    """The share it reached of those who lived when it was sent, and ten seconds later."""
    hops: int
    redundancy: float


class Report(Struct):
    """What a scenario came to."""

    overlay: str
    seed: int
    nodes: int
    checkpoints: list[Checkpoint] = field(default_factory=list)
    phases: list[Figures] = field(default_factory=list)
    floods: list[Told] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    settled: float | None = None
    """Seconds from the end of all faults until the rules held that are asked then."""
    events: int = 0
    violation: str | None = None
    last_lines: list[str] = field(default_factory=list)
    """The end of the log, when there is a violation."""
    speeds: list[float] = field(default_factory=list)
    """Simulated events per second of processor time, up to each checkpoint from the one before."""

    @property
    def figures(self) -> dict[str, object]:
        """All that follows from the seed and is no graph: what `--json` prints."""
        return {name: value for name, value in asdict(self).items() if name not in ("checkpoints", "speeds")}


def run(scenario: Scenario, plan: Plan, cluster: ClusterSettings, progress: Progress = lambda seconds: None) -> Report:
    """Run a scenario; after a violation once more with a log, for its end."""
    report = _Run(scenario, plan, cluster, progress).run()
    if report.violation is not None:
        again = _Run(scenario, plan, cluster, progress, recording=True)
        again.run()
        report.last_lines = again.simulation.timeline.last_lines()
    return report


class _Run:
    """One run: who lives under which name, and what each deed means for them."""

    def __init__(
        self, scenario: Scenario, plan: Plan, cluster: ClusterSettings, progress: Progress, *, recording: bool = False
    ) -> None:
        self._scenario, self._plan, self._cluster, self._progress = scenario, plan, cluster, progress
        self._witness = Witness(cluster)
        self.simulation = Simulation(
            self._witness.make,
            scenario.seed,
            faults=scenario.faults.faults,
            times=scenario.links.times,
            observers=[self._witness],
            wire=recording,
            recording=recording,
            quantum=milliseconds(scenario.quantum),
        )
        self._report = Report(cluster.overlay, scenario.seed, scenario.nodes)
        self._current: dict[str, SimulatedNode] = {}
        self._snapshots: dict[str, bytes] = {}
        self._broadcasts: list[tuple[float, SimulatedNode, Broadcast]] = []
        self._contacts = seeded(scenario.seed, "contacts")
        self._eyes = seeded(scenario.seed, "figures")
        self._last_look = (process_time(), 0)

    def run(self) -> Report:
        report, timeline = self._report, self.simulation.timeline
        try:
            with collecting_rarely():
                self._pass_through()
                report.settled = self._settle()
        except Violation as violation:
            report.violation = f"{timeline.seconds:g} s: {violation}"
        report.events = timeline.events
        return report

    def _pass_through(self) -> None:
        """Perform everything in the order of its time, and sample in between."""
        end = milliseconds(self._scenario.end)
        moments: list[tuple[int, Action | None]] = [(action.moment, action) for action in self._plan.actions]
        moments += [(end * number // SAMPLES, None) for number in range(1, SAMPLES + 1)]
        moments.sort(key=lambda moment: moment[0])
        for moment, action in moments:
            self.simulation.run((moment - self.simulation.timeline.now) / 1000)
            if action is not None:
                self._perform(action)
            else:
                self._report.samples.append(sample(self.simulation))
                self._progress(self.simulation.timeline.seconds)
        while self._broadcasts:
            self._take_down()

    def _settle(self) -> float:
        """End all faults, and wait until the rules hold that are asked of a cluster at rest.

        Raises:
            Violation: they do not, as long as the overlay may take.
        """
        self.simulation.network.faults = CALM
        self._heal()
        begin, patience = self.simulation.timeline.seconds, self._patience
        while (objection := next(self._objections(), None)) is not None:
            waited = self.simulation.timeline.seconds - begin
            if waited >= patience:
                raise Violation(f"{waited:g} s after the end of all faults: {objection}")
            self.simulation.run(_LOOK_SECONDS)
        return self.simulation.timeline.seconds - begin

    @property
    def _patience(self) -> float:
        """As said; else as long as the overlay may take, after the slowest redial."""
        scenario = self._scenario
        if scenario.settle is not None:
            return scenario.settle
        return self._cluster.promises.patience + scenario.links.redial_limit

    def _objections(self) -> Iterator[str]:
        aftermath = Aftermath(self._cluster, self._witness.history, self.simulation.living)
        for rule in rules_at_rest(self._cluster):
            yield from rule(aftermath)

    # -- deeds -----------------------------------------------------------------------------------------------

    def _perform(self, action: Action) -> None:
        match action.step.do:
            case Deed.PARTITION | Deed.ONE_WAY:
                zones = dict.fromkeys(action.names, 1)
                self.simulation.network.partition(zones, one_way=action.step.do is Deed.ONE_WAY)
            case Deed.HEAL:
                self._heal()
            case Deed.FAULTS:
                assert action.step.faults is not None
                self.simulation.network.faults = action.step.faults.faults
            case Deed.FLOOD:
                self._flood(action)
            case Deed.CHECKPOINT:
                self._look(action.step.name or "")
            case _:
                for name in action.names:
                    self._do_to(name, action)

    def _do_to(self, name: str, action: Action) -> None:
        match action.step.do:
            case Deed.JOIN:
                self._begin(name)
            case Deed.CRASH:
                self._snapshots[name] = self.simulation.crash(self._current[name])
            case Deed.RESTART:
                self._restart(name, with_memory=bool(action.step.memory))
            case Deed.LEAVE:
                self.simulation.leave(self._current[name])
            case Deed.SLOW:
                self.simulation.network.slow(self._current[name], milliseconds(action.step.by or 0))

    def _begin(self, name: str) -> None:
        """Start a life that remembers nothing; the first of all founds the cluster, others join it."""
        is_founder = not self._current
        node = self._start(name, b"")
        if self._cluster.joins and not is_founder:
            self.simulation.join(node, lambda: self._choose_contact(node))

    def _restart(self, name: str, *, with_memory: bool) -> None:
        snapshot, crashed = self._snapshots.pop(name), self._current[name]
        if with_memory and snapshot:
            self._witness.inherits(self._start(name, snapshot), crashed)
        else:
            self._begin(name)

    def _start(self, name: str, snapshot: bytes) -> SimulatedNode:
        cluster = self._cluster
        node = self.simulation.start(name, cluster.addresses[name], snapshot, cluster.labels(name))
        self._current[name] = node
        return node

    def _choose_contact(self, joiner: SimulatedNode) -> SimulatedNode | None:
        candidates = (
            node
            for node in self._current.values()
            if node is not joiner and node.alive and not node.leaving and self._cluster.is_approached(node.name)
        )
        if self._scenario.contact == "first":
            return next(candidates, None)
        everybody_else = list(candidates)
        return self._contacts.choice(everybody_else) if everybody_else else None

    def _heal(self) -> None:
        self.simulation.network.heal()
        for node in self.simulation.living:
            if node.slowness:
                self.simulation.network.slow(node, 0)

    # -- looking ---------------------------------------------------------------------------------------------

    def _look(self, name: str) -> None:
        (then, events), events_now = self._last_look, self.simulation.timeline.events
        self._report.speeds.append((events_now - events) / max(process_time() - then, 1e-6))
        self._report.checkpoints.append(checkpoint(self.simulation, name))
        self._report.phases.append(measure(self.simulation, name, self._eyes))
        self._last_look = (process_time(), events_now)

    def _flood(self, action: Action) -> None:
        every = milliseconds(0.1 if action.step.every is None else action.step.every)
        for number, name in enumerate(action.names):
            self.simulation.timeline.after(number * every, partial(self._broadcast, name))

    def _broadcast(self, name: str) -> None:
        """Begin one; its source may have ended since it was drawn, and then another sends it."""
        source = self._current[name]
        if not source.alive or source.leaving:
            living = self.simulation.living
            if not living:
                return
            source = living[0]
        self._broadcasts.append((self.simulation.timeline.seconds, source, flood(self.simulation, source)))
        self.simulation.timeline.after(_FLOOD_MILLISECONDS, self._take_down)

    def _take_down(self) -> None:
        """The oldest of the broadcasts is over."""
        if self._broadcasts:
            time, source, broadcast = self._broadcasts.pop(0)
            came = broadcast.flood
            told = Told(time, source.name, round(broadcast.reliability, 5), came.hops, round(came.redundancy, 5))
            self._report.floods.append(told)


def rules_at_rest(cluster: ClusterSettings) -> Iterator[Callable[[Aftermath], Iterator[str]]]:
    """What is asked of every overlay at any size once faults are over: rules that look at each node once.

    Whether the graph of links is connected is not among them: a crash of most nodes may split any partial view,
    and the figures show it.
    """
    if cluster.speaks:
        yield everybody.nobody_left_in_silence
    yield everybody.shows_itself
    yield everybody.nobody_keeps_the_departed
    yield everybody.wanted_links_work
    if cluster.promises.forgets_the_dead:
        yield links.no_links_to_the_dead
