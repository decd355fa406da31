"""What a scenario consists of: the tables of its file, read as the configuration of a node is.

Times are simulated, and count from the start of the first node.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Literal

from partisan_core.config.model import Selection
from partisan_core.config.readings import Count, Expected, Reading, Table
from partisan_core.config.units import Duration, PositiveSeconds, Seconds, parse_duration
from partisan_testkit.simulator import Faults, LinkTimes

MOST_NODES = 100_000
"""Chosen: 10,000 take some 200 MiB, so ten times as many are what a large machine can hold."""

_LONGEST_DELAY = 3600.0
"""Seconds. Chosen: what is slower than an hour is a slip of the unit."""


@dataclass(frozen=True, slots=True)
class Share(Reading[float]):
    """A part of a whole, from 0 to 1."""

    def parse(self, value: object) -> float:
        """Accept a number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Expected("a share from 0 to 1, for example 0.5")
        return float(value)

    def check(self, value: float) -> None:
        """Compare with both bounds."""
        if not 0 <= value <= 1:
            raise Expected("a share from 0 to 1, for example 0.5")


@dataclass(frozen=True, slots=True)
class Between(Reading[tuple[float, float]]):
    """The shortest and the longest of a range of durations, in seconds."""

    def parse(self, value: object) -> tuple[float, float]:
        """Accept a list of two durations."""
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise Expected('the shortest and the longest, for example ["1ms", "20ms"]')
        return parse_duration(value[0]), parse_duration(value[1])

    def check(self, value: tuple[float, float]) -> None:
        """The shortest comes first."""
        if not 0 <= value[0] <= value[1] <= _LONGEST_DELAY:
            raise Expected(
                f'the shortest before the longest, at most "1h"; these are {value[0]:g} s and {value[1]:g} s'
            )


_Delay = Annotated[float, Duration(most=_LONGEST_DELAY)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultTable(Table):
    """What happens to messages and dials: `Faults`, whose defaults these are."""

    loss: Annotated[float, Share()] = 0.0
    duplication: Annotated[float, Share()] = 0.0
    reordering: Annotated[float, Share()] = 0.0
    holding: _Delay = 0.3
    dial_failures: Annotated[float, Share()] = 0.0
    latency: Annotated[tuple[float, float], Between()] = (0.001, 0.02)

    @property
    def faults(self) -> Faults:
        """As the simulator has them."""
        return Faults(
            loss=self.loss,
            duplication=self.duplication,
            reordering=self.reordering,
            holding=milliseconds(self.holding),
            dial_failures=self.dial_failures,
            latency=(milliseconds(self.latency[0]), milliseconds(self.latency[1])),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTable(Table):
    """The connection layer's times: `LinkTimes`, whose defaults these are."""

    dial_timeout: Annotated[float, Duration(least=0.001, most=_LONGEST_DELAY)] = 1.0
    reconnect_grace: _Delay = 3.0
    redial_first: Annotated[float, Duration(least=0.001, most=_LONGEST_DELAY)] = 0.05
    redial_limit: Annotated[float, Duration(least=0.001, most=_LONGEST_DELAY)] = 10.0
    linger: _Delay = 1.0
    silent_crashes: bool = False

    @property
    def times(self) -> LinkTimes:
        """As the simulator has them."""
        return LinkTimes(
            dial_timeout=milliseconds(self.dial_timeout),
            reconnect_grace=milliseconds(self.reconnect_grace),
            redial_first=milliseconds(self.redial_first),
            redial_limit=milliseconds(self.redial_limit),
            linger=milliseconds(self.linger),
            silent_crashes=self.silent_crashes,
        )


class Deed(Enum):
    """What a step does."""

    JOIN = "join"
    """New nodes start and join, all at once."""
    CRASH = "crash"
    RESTART = "restart"
    """Crashed nodes come back where they were."""
    LEAVE = "leave"
    SLOW = "slow"
    """Nodes handle everything late, until the next heal."""
    PARTITION = "partition"
    """Nodes are cut off from all others."""
    ONE_WAY = "one_way"
    """Nodes hear nothing of the others, who go on to hear them until their links break."""
    HEAL = "heal"
    """No partition and no slow node is left."""
    FAULTS = "faults"
    """From now on messages and dials fare so."""
    FLOOD = "flood"
    """Broadcasts, each from a node that is drawn, to see whom they reach."""
    CHECKPOINT = "checkpoint"
    """The views are taken down and measured."""


_CHOOSING = ("share", "count", "nodes")
_KEYS: dict[Deed, tuple[str, ...]] = {
    Deed.JOIN: ("count",),
    Deed.CRASH: _CHOOSING,
    Deed.RESTART: (*_CHOOSING, "memory"),
    Deed.LEAVE: _CHOOSING,
    Deed.SLOW: (*_CHOOSING, "by"),
    Deed.PARTITION: _CHOOSING,
    Deed.ONE_WAY: _CHOOSING,
    Deed.HEAL: (),
    Deed.FAULTS: ("faults",),
    Deed.FLOOD: ("messages", "every"),
    Deed.CHECKPOINT: ("name",),
}
_REQUIRED = {Deed.SLOW: "by", Deed.FAULTS: "faults", Deed.CHECKPOINT: "name"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Table):
    """Something that is done at one moment."""

    at: Seconds
    do: Deed
    share: Annotated[float, Share()] | None = None
    """Of those to whom it can be done."""
    count: Annotated[int, Count(1, MOST_NODES)] | None = None
    nodes: tuple[str, ...] | None = None
    """By name: `node-0` is the first."""
    memory: bool | None = None
    """Whether a restarted node has what the crashed one would have remembered; without it, it joins anew."""
    by: Annotated[float, Duration(least=0.001, most=_LONGEST_DELAY)] | None = None
    """How late a slow node is."""
    faults: FaultTable | None = None
    messages: Annotated[int, Count(1, 10_000)] | None = None
    """How many broadcasts: one, when nothing is said."""
    every: Seconds | None = None
    """The pause between two of them: 100 ms, when nothing is said."""
    name: str | None = None

    def conflicts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """A key that the step has no use for, or one that it lacks."""
        allowed = _KEYS[self.do]
        for key in self._given():
            if key not in allowed:
                takes = ", ".join(allowed) or "no other key than `at`"
                yield (key,), f"no such key here: the step {self.do.value!r} takes {takes}"
        chosen = [key for key in _CHOOSING if getattr(self, key) is not None]
        if "count" in allowed and len(chosen) != 1:
            ways = "count" if self.do is Deed.JOIN else "one of share, count, nodes"
            yield (*(chosen[-1:] or ["do"]),), f"{ways} to say which nodes"
        needed = _REQUIRED.get(self.do)
        if needed is not None and getattr(self, needed) is None:
            yield ("do",), f"a step with the key {needed!r}"

    def _given(self) -> Iterator[str]:
        keys = (*_CHOOSING, "memory", "by", "faults", "messages", "every", "name")
        return (key for key in keys if getattr(self, key) is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario(Table):
    """Everything that is done to one simulated cluster."""

    overlay: Selection
    """`use`, and its options, as in the configuration of a node."""
    nodes: Annotated[int, Count(1, MOST_NODES)]
    """How many start by themselves, `node-0` to `node-…`, each joining as soon as it starts."""
    end: PositiveSeconds
    seed: Annotated[int, Count(0, 2**63 - 1)] = 1
    pause: Seconds = 0.1
    """Between the starts of two of them."""
    contact: Literal["first", "random"] = "first"
    """Through whom a node joins: the living node that started first, or one that is drawn."""
    servers: Annotated[int, Count(1, MOST_NODES)] = 2
    """How many of the first nodes are servers, where the overlay is a star."""
    quantum: Annotated[float, Duration(least=0.001, most=1.0)] = 0.001
    """Between two moments at which anything happens."""
    settle: Seconds | None = None
    """Within which all rules hold after the end: the patience of the overlay and the slowest redial, by default."""
    faults: FaultTable = field(default_factory=FaultTable)
    links: LinkTable = field(default_factory=LinkTable)
    steps: tuple[Step, ...] = ()


def milliseconds(seconds: float) -> int:
    """What the simulator counts in."""
    return round(seconds * 1000)
