"""The rest of the table `[failure_detector]` when it says `use = "phi"`."""

from dataclasses import dataclass
from typing import Annotated

from partisan_core.config.readings import Count, Expected, Reading, Table
from partisan_core.config.units import PositiveSeconds, Seconds


@dataclass(frozen=True, slots=True)
class Level(Reading[float]):
    """A level of suspicion."""

    def parse(self, value: object) -> float:
        """Accept whole numbers as well."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise Expected("a number, for example 8 or 4.5")
        return float(value)

    def check(self, value: float) -> None:
        """What lies beyond 300 is smaller than any probability that can be told from 0."""
        if not 0 < value <= 300:
            raise Expected("a level above 0, at most 300")


@dataclass(frozen=True, slots=True, kw_only=True)
class PhiConfig(Table):
    """How often is asked, and how much silence is too much."""

    threshold: Annotated[float, Level()] = 8.0
    """A peer is suspected from this phi on: that the answer still comes has the probability 10 ** -phi, if it is like
    those before. Origin: Akka's."""
    interval: PositiveSeconds = 1.0
    """Between two heartbeats that a peer is asked for. Origin: Akka's."""
    window: Annotated[int, Count(2, 100_000)] = 1_000
    """How many intervals between arrivals are remembered. Origin: the paper's experiments."""
    minimum_deviation: PositiveSeconds = 0.1
    """The standard deviation is taken for at least this: a regular network makes nobody suspicious of the first delay.
    Origin: Akka's."""
    pause: Seconds = 2.0
    """So long may a peer stop beyond what is usual. Chosen: with it, as with the detector `tcp`, who stops for 2 s is
    not suspected. Akka has 3 s."""
