"""The rest of a channel's table `policy` when it says `use = "monotonic"`."""

from dataclasses import dataclass

from partisan_core.config.readings import Table
from partisan_core.config.units import Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class MonotonicConfig(Table):
    """How often a state that changes all the time is sent, and what is said of two states."""

    every: Seconds = 0.0
    """Under constant change a state of each recipient and key goes out this often, and none in between. 0: as often as
    the connection takes one. Partisan's send window is 1 s; the default is chosen: nothing is later than it need be."""
    supersedes: str = ""
    """A function `supersedes(new, old) -> bool`, as `package.module:name`. By default what was sent later counts."""
    merge: str = ""
    """A function `merge(old, new)` that makes one state of two of which neither supersedes the other."""
