"""A schedule: everything that is done to one cluster, as data, made of a seed."""

from dataclasses import dataclass
from enum import StrEnum

from partisan_testkit.simulator import Faults, seeded

FAULTY_SECONDS = 9.0
"""Chosen: three times `reconnect_grace`, so that partitions are noticed, and stay, and heal."""


class Step(StrEnum):
    """What a schedule does to a node."""

    CRASH = "crash"
    RESTART = "restart"
    LEAVE = "leave"
    EVICT = "evict"
    USURP = "usurp"
    """A second node starts under the name of a living one."""
    PARTITION = "partition"
    HEAL = "heal"


_WEIGHTS = {
    Step.CRASH: 4,
    Step.RESTART: 6,
    Step.LEAVE: 2,
    Step.EVICT: 2,
    Step.USURP: 1,
    Step.PARTITION: 2,
    Step.HEAL: 2,
}


@dataclass(frozen=True, slots=True)
class Planned:
    """One step: at which second, what, to whom, and the random numbers for its details."""

    second: float
    step: Step
    who: int
    details: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that is done to one cluster: data, made of a seed."""

    seed: int
    nodes: int
    faults: Faults
    steps: tuple[Planned, ...]


def make_schedule(seed: int, nodes: int) -> Schedule:
    """Draw a schedule: rates of faults, and about one step per node in nine seconds."""
    rng = seeded(seed, "schedule")
    faults = Faults(
        loss=rng.choice((0.0, 0.05, 0.2)),
        duplication=rng.choice((0.0, 0.1)),
        reordering=rng.choice((0.0, 0.1, 0.3)),
    )
    count = rng.randint(nodes // 2, nodes)
    seconds = sorted(round(rng.uniform(0.2, FAULTY_SECONDS), 3) for _ in range(count))
    kinds = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=count)
    steps = tuple(
        Planned(second, kind, rng.randrange(nodes), rng.getrandbits(32))
        for second, kind in zip(seconds, kinds, strict=True)
    )
    return Schedule(seed, nodes, faults, steps)
