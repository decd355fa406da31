"""The rest of the table `[failure_detector]` when it says `use = "swim"`.

The defaults are those of memberlist for a local network, where nothing else is said: the values with which Lifeguard
was measured and is run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from partisan_core.config.readings import Count, Table
from partisan_core.config.units import PositiveSeconds, format_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class SwimConfig(Table):
    """How often is asked, how long is waited, and how much is told to whom."""

    interval: PositiveSeconds = 1.0
    """The protocol period: each time one member is pinged."""
    timeout: PositiveSeconds = 0.5
    """For the answer to a ping, before others are asked to ping the same member."""
    indirect: Annotated[int, Count(0, 64)] = 3
    """How many others are asked."""
    suspicion: Annotated[int, Count(1, 100)] = 4
    """How long a member is doubted before it is suspected, at least: so many intervals, times the decimal logarithm of
    the number of members."""
    suspicion_most: Annotated[int, Count(1, 100)] = 6
    """A single accuser has to wait so many times as long; each that joins it shortens that."""
    retransmissions: Annotated[int, Count(1, 100)] = 4
    """How often each node passes a rumour on: so many times the decimal logarithm of the number of members."""
    health_limit: Annotated[int, Count(1, 100)] = 8
    """A node that has reason to think that it is slow itself waits up to so many times as long."""
    lifeguard: bool = True
    """Without it this is SWIM with suspicion as in its paper. Chosen: for comparisons."""

    def conflicts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Others are asked within the period."""
        if self.timeout >= self.interval:
            yield ("timeout",), f"less than interval, which is {format_duration(self.interval)}"
