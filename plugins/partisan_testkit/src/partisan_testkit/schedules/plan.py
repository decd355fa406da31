"""A schedule: everything that is done to one cluster, as data, made of a seed."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from partisan_testkit.schedules.settings import ClusterSettings
from partisan_testkit.simulator import CALM, Faults, seeded

SECONDS = 120.0
"""For how long things go wrong, when nobody says otherwise. Chosen: long enough for partitions to be noticed (3 s),
stay, and heal many times."""


class Step(StrEnum):
    """What a schedule does to a node, or to the network."""

    CRASH = "crash"
    RESTART = "restart"
    """Where it was or elsewhere, with what the crashed life remembered, or without and joining."""
    LEAVE = "leave"
    EVICT = "evict"
    RECONCILE = "reconcile"
    """The node is told of whom the cluster shall consist: of all that live, but for one."""
    USURP = "usurp"
    """A second node starts under the name of a living one."""
    SLOW = "slow"
    """The node handles messages late, until the next heal."""
    PARTITION = "partition"
    ONE_WAY = "one-way"
    """A partition across which one side still hears the other."""
    HEAL = "heal"


_WEIGHTS = {
    Step.CRASH: 4,
    Step.RESTART: 6,
    Step.LEAVE: 2,
    Step.EVICT: 2,
    Step.RECONCILE: 1,
    Step.USURP: 1,
    Step.SLOW: 1,
    Step.PARTITION: 2,
    Step.ONE_WAY: 1,
    Step.HEAL: 3,
}

RATES = ("loss", "duplication", "reordering", "dial_failures", "resets", "flips")
"""What the phases of a schedule are made of."""

DrawFaults = Callable[[Random, ClusterSettings], Faults]
"""Draws what happens to messages for a while."""

_NEEDS = {Step.EVICT: "evict", Step.RECONCILE: "reconcile"}
"""Capabilities."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One step: at which second, what, to whom, and the random number for its details."""

    second: float
    step: Step
    who: int
    details: int

    def __str__(self) -> str:
        return f"{self.second:7.3f} s  {self.step.value:9}  node-{self.who}"


@dataclass(frozen=True, slots=True)
class Phase:
    """From that second on, until the next phase, messages fare so."""

    second: float
    faults: Faults

    def __str__(self) -> str:
        words = [f"{name} {100 * getattr(self.faults, name):g}%" for name in RATES if getattr(self.faults, name)]
        return f"{self.second:7.3f} s  {', '.join(words) or 'no faults'}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that is done to one cluster: data, made of a seed."""

    seed: int
    nodes: int
    seconds: float
    phases: tuple[Phase, ...]
    steps: tuple[Planned, ...]

    @property
    def actions(self) -> list[Phase | Planned]:
        """Phases and steps in the order of their time."""
        return sorted([*self.phases, *self.steps], key=lambda action: action.second)

    def __str__(self) -> str:
        return "\n".join(f"  {action}" for action in self.actions)


def make_schedule(
    seed: int, cluster: ClusterSettings, seconds: float = SECONDS, *, draw: DrawFaults | None = None
) -> Schedule:
    """Draw a schedule: phases of faults, those of messages or what `draw` says, and one or two steps per node."""
    draw = draw or _draw_faults
    rng, nodes = seeded(seed, "schedule"), len(cluster.names)
    kinds = {step: weight for step, weight in _WEIGHTS.items() if _is_possible(step, cluster)}
    times = sorted(round(rng.uniform(0.2, seconds), 3) for _ in range(rng.randint(nodes, 2 * nodes)))
    for index in range(1, len(times)):
        if rng.random() < 0.3:  # things go wrong together
            times[index] = round(times[index - 1] + rng.uniform(0.0, 0.3), 3)
    drawn = rng.choices(list(kinds), list(kinds.values()), k=len(times))
    steps = tuple(
        Planned(second, kind, rng.randrange(nodes), rng.getrandbits(32))
        for second, kind in zip(times, drawn, strict=True)
    )
    begins = [0.0, *sorted(round(rng.uniform(0.0, seconds), 3) for _ in range(rng.randint(1, 3)))]
    phases = tuple(Phase(second, draw(seeded(rng.getrandbits(32), "faults"), cluster)) for second in begins)
    return Schedule(seed, nodes, seconds, phases, steps)


def _is_possible(step: Step, cluster: ClusterSettings) -> bool:
    """A capability may be needed; and nothing can be asked about leaving of who cannot tell anybody."""
    needed = _NEEDS.get(step)
    if needed is not None:
        return needed in cluster.plugin.capabilities
    return cluster.speaks or step is not Step.LEAVE


def _draw_faults(rng: Random, cluster: ClusterSettings) -> Faults:
    if rng.random() < 0.2:
        return CALM
    dial_failures = rng.choice((0.0, 0.0, 0.1, 0.3))
    if cluster.promises.in_order:
        return Faults(dial_failures=dial_failures)
    return Faults(
        loss=rng.choice((0.0, 0.05, 0.2)),
        duplication=rng.choice((0.0, cluster.promises.duplication)),
        reordering=rng.choice((0.0, 0.1, 0.3)),
        dial_failures=dial_failures,
    )
