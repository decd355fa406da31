"""Several overlays under the same conditions: one table.

Each cluster joins one by one, rests for a minute, is counted for another, and is looked at. Crashes of ten to ninety
percent at once are then drawn on the links as they are, without any repair; the last is the same cluster after a
crash that really happens, and some time to heal.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from statistics import fmean

from msgspec import Struct

from partisan_core.effects import Send
from partisan_core.host import Outcome
from partisan_testkit.garbage import collecting_rarely
from partisan_testkit.schedules.settings import ClusterSettings
from partisan_testkit.simulate.figures import measure
from partisan_testkit.simulate.plain import CYCLE, HEALING, PAUSE
from partisan_testkit.simulate.tables import percent, table
from partisan_testkit.simulator import SimulatedNode, Simulation, seeded
from partisan_testkit.simulator.graph import Graph

MINUTE = 60.0
SHARES = (10, 20, 30, 40, 50, 60, 70, 80, 90)
"""Percent of the nodes that crash."""
DRAWS = 10
"""Crashes drawn per share. Chosen: the mean of them is steady to about a percent at 200 nodes."""
HEALED = 50
"""Percent that really crash, to see what repair does."""
JOIN_LIMIT = 300.0
"""Seconds after which the joins have not come to rest."""
LOOK = 0.1


class Survival(Struct, frozen=True):
    """After a crash, among those who survive: means."""

    crashed: int
    """Percent."""
    reliability: float
    """The share of the survivors that a broadcast reaches."""
    largest: float
    """The share of them in the largest component."""


class Row(Struct, frozen=True):
    """What one overlay comes to."""

    overlay: str
    nodes: int
    connections_mean: float
    """Working connections per node, those made on demand included."""
    connections_max: int
    messages: float
    """Of the membership, that a node sends in a minute at rest."""
    bytes: float
    """That a node sends for them, frames included."""
    stable: float | None
    """Seconds from the start of the last node until all links that are wanted work, the graph is one component, and
    with the capability `full_view` all agree. None: not within five minutes."""
    hops: int
    reliability: float
    redundancy: float
    survival: tuple[Survival, ...]
    """On the links as they are."""
    healed: Survival
    """After time to repair."""


class Counting:
    """Counts what strategies send."""

    def __init__(self) -> None:
        self.messages = 0

    def on_outcome(self, node: SimulatedNode, outcome: Outcome) -> None:
        """Count."""
        self.messages += isinstance(outcome, Send)

    def on_delivery(self, source: SimulatedNode, target: SimulatedNode) -> None:
        """What arrives was counted when it was sent."""


def compare(cluster: ClusterSettings, seed: int, progress: Callable[[float], None] = lambda seconds: None) -> Row:
    """Measure one overlay; everything follows from the seed."""
    with collecting_rarely():
        return _Trial(cluster, seed, progress).row()


def simulated_seconds(nodes: int) -> float:
    """How long a trial is, when joins come to rest soon."""
    return nodes * PAUSE + 2 * MINUTE + HEALING * CYCLE


class _Trial:
    def __init__(self, cluster: ClusterSettings, seed: int, progress: Callable[[float], None]) -> None:
        self._cluster, self._seed, self._progress = cluster, seed, progress
        self._counting = Counting()
        self._simulation = Simulation(cluster.make, seed, observers=[self._counting], recording=False)

    def row(self) -> Row:
        simulation, rng = self._simulation, seeded(self._seed, "comparison")
        self._join()
        stable = self._settle()
        self._run(MINUTE)
        before = self._sent()
        self._run(MINUTE)
        messages, sent = (now - then for now, then in zip(self._sent(), before, strict=True))
        living = simulation.living
        connections = [len(node.links) for node in living]
        figures = measure(simulation, "rest", rng)
        survival = tuple(self._draw_crashes(percentage, rng) for percentage in SHARES)
        return Row(
            overlay=self._cluster.overlay,
            nodes=len(living),
            connections_mean=fmean(connections),
            connections_max=max(connections),
            messages=round(messages / len(living), 2),
            bytes=round(sent / len(living), 1),
            stable=stable,
            hops=figures.hops,
            reliability=figures.reliability,
            redundancy=figures.redundancy,
            survival=survival,
            healed=self._crash_and_heal(rng),
        )

    def _join(self) -> None:
        simulation, cluster = self._simulation, self._cluster
        for number, name in enumerate(cluster.names):
            if number:
                self._run(PAUSE)
            node = simulation.start(name, cluster.addresses[name], b"", cluster.labels(name))
            if number and cluster.joins:
                simulation.join(node, lambda: simulation.nodes[0])

    def _settle(self) -> float | None:
        begin = self._simulation.timeline.seconds
        while not self._is_stable():
            if self._simulation.timeline.seconds - begin >= JOIN_LIMIT:
                return None
            self._run(LOOK)
        return round(self._simulation.timeline.seconds - begin, 3)

    def _is_stable(self) -> bool:
        living = self._simulation.living
        if any(name not in node.host.neighbours for node in living for name in node.strategy.links()):
            return False
        if len(Graph.of(living).component_sizes()) > 1:
            return False
        return "full_view" not in self._cluster.plugin.capabilities or self._simulation.views_agree()

    def _sent(self) -> tuple[int, int]:
        return self._counting.messages, sum(node.sent_bytes for node in self._simulation.nodes)

    def _draw_crashes(self, percentage: int, rng: Random) -> Survival:
        links = {node.name: node.strategy.links() for node in self._simulation.living}
        survivors = len(links) - round(len(links) * percentage / 100)
        drawn = [sorted(rng.sample(list(links), survivors)) for _ in range(DRAWS)]
        graphs = [Graph({name: links[name] for name in names}) for names in drawn]
        return _survival(percentage, graphs, rng)

    def _crash_and_heal(self, rng: Random) -> Survival:
        living = self._simulation.living
        for node in rng.sample(living, round(len(living) * HEALED / 100)):
            self._simulation.crash(node)
        self._run(HEALING * CYCLE)
        return _survival(HEALED, [Graph.of(self._simulation.living)], rng)

    def _run(self, seconds: float) -> None:
        self._simulation.run(seconds)
        self._progress(self._simulation.timeline.seconds)


def _survival(percentage: int, graphs: Sequence[Graph], rng: Random) -> Survival:
    reached, largest = [], []
    for graph in graphs:
        sources = rng.sample(graph.names, min(DRAWS, len(graph)))
        reached += [graph.flood(source).reached / len(graph) for source in sources]
        largest += [graph.component_sizes()[0] / len(graph)] if len(graph) else []
    return Survival(percentage, *(round(fmean(values), 5) if values else 0.0 for values in (reached, largest)))


def comparison_lines(rows: Sequence[Row], seed: int) -> Iterator[str]:
    """Yield the table: a column for each overlay."""
    yield f"{rows[0].nodes} nodes, seed {seed}"
    shown: list[tuple[str, Callable[[Row], str]]] = [
        ("connections per node, mean", lambda row: f"{row.connections_mean:.1f}"),
        ("connections per node, max", lambda row: str(row.connections_max)),
        ("messages per node and minute", lambda row: f"{row.messages:.1f}"),
        ("bytes per node and minute", lambda row: f"{row.bytes:.0f}"),
        ("stable after the last join", lambda row: "never" if row.stable is None else f"{row.stable:.1f} s"),
        ("broadcast: reliability", lambda row: percent(row.reliability)),
        ("broadcast: hops", lambda row: str(row.hops)),
        ("broadcast: redundancy", lambda row: f"{row.redundancy:.2f}"),
        ("after crashes, at once: reached / largest component", lambda row: ""),
    ]
    shown += [(f"  {share} %", partial(_shown_survival, number)) for number, share in enumerate(SHARES)]
    shown.append((f"  {HEALED} %, {HEALING * CYCLE:g} s later", lambda row: _show(row.healed)))
    yield from table(["", *(row.overlay for row in rows)], [[name, *map(show, rows)] for name, show in shown])


def _shown_survival(number: int, row: Row) -> str:
    return _show(row.survival[number])


def _show(survival: Survival) -> str:
    return f"{percent(survival.reliability)} / {percent(survival.largest)}"
