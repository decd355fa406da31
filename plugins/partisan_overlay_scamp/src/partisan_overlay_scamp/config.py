"""The rest of the table `[overlay]` when it says `use = "scamp_v1"` or `use = "scamp_v2"`.

"2001" is Ganesh, Kermarrec, Massoulié: SCAMP, Networked Group Communication 2001; "2003" the same authors'
"Peer-to-peer membership management for gossip-based protocols", IEEE Transactions on Computers 52(2).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from partisan_core.config.readings import Count, Table
from partisan_core.config.units import PositiveSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class ScampConfig(Table):
    """How many copies a subscription makes, how long it lasts, and when a node takes itself for isolated."""

    c: Annotated[int, Count(0, 50)] = 4
    """Copies of a subscription beside one per member of the contact's view: the mean view is (c + 1) ln n.
    The value with which HyParView's paper compares. (Partisan's 5 says FIXME.)"""
    view_max: Annotated[int, Count(1, 1000)] = 200
    """The most in a view. 2001 has no bound. Chosen: twice the largest view that 10^6 nodes should give."""
    walk: Annotated[int, Count(0, 100)] = 0
    """The hops of a subscription to the node that becomes its contact; 0: the one that was asked. 2001 has no walk."""
    hop_limit: Annotated[int, Count(1, 1000)] = 100
    """The hops of a copy that nobody keeps. 2001 has none, and copies wander for ever while n < c. Chosen: more than
    twice the hops that half of the copies need at 10,000 nodes; where it ends, a copy is kept whatever the odds."""
    lease: PositiveSeconds = 600.0
    """How long a subscription lasts. 2001 gives no figure. Chosen: a renewal costs about what joining did."""
    heartbeat_interval: PositiveSeconds = 10.0
    """Between two heartbeats to the members of the view. Partisan's period."""
    isolation_timeout: PositiveSeconds = 30.0
    """After how long a silence a node is in nobody's view any more. Chosen: three heartbeats."""
    retry_interval: PositiveSeconds = 1.0
    """How long an isolated node waits before it subscribes again; it doubles up to 32 times. Chosen: a subscription
    shows within some round trips."""

    def conflicts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield what makes a node count views that hold it no more, or take itself for isolated when it is not."""
        if self.isolation_timeout < 2 * self.heartbeat_interval:
            yield ("isolation_timeout",), "at least twice the heartbeat_interval, as one may be lost"
        if self.lease < 3 * self.isolation_timeout:
            yield ("lease",), "at least three times the isolation_timeout"

    @property
    def extra_copies(self) -> int:
        """The copies beside one per member of the contact's view."""
        return self.c


@dataclass(frozen=True, slots=True, kw_only=True)
class ScampV2Config(ScampConfig):
    """The same for the version of 2003: a walk finds the contact, and c counts one more."""

    c: Annotated[int, Count(1, 51)] = 5
    """The mean view is c ln n: c - 1 copies beside one per member of the contact's view, as Partisan counts for this
    version. The default makes as many copies as the other version's."""
    walk: Annotated[int, Count(0, 100)] = 20
    """2003 walks about as many hops as the first node has members. Measured, decision 0020: as many from everywhere,
    or walks that begin at small views end near them, and views grow more slowly than with ln n."""

    @property
    def extra_copies(self) -> int:
        """The copies beside one per member of the contact's view."""
        return self.c - 1
