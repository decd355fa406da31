"""How long messages are on their way, and that those between two nodes arrive in order."""

from collections.abc import Callable
from random import Random

from partisan_testkit.simulator.conditions import Faults
from partisan_testkit.simulator.node import SimulatedNode
from partisan_testkit.simulator.timeline import Timeline

Latency = Callable[[SimulatedNode, SimulatedNode], int]
"""The one-way milliseconds between two nodes."""

_KEPT_ARRIVALS = 1000
"""Arrivals that are remembered before those that are over are dropped.

Chosen: more than are on the way among 10,000 nodes at rest, and few enough to stay in a processor's cache.
"""


class Transit:
    """Draws times on the way: from the range of the faults, or as `latency` says for a pair."""

    def __init__(self, timeline: Timeline, rng: Random, faults: Faults, latency: Latency | None) -> None:
        self._timeline, self._random, self._of_pair = timeline, rng.random, latency
        self.faults = faults
        self._last_arrivals: dict[tuple[SimulatedNode, SimulatedNode], int] = {}
        self._arrivals_limit = _KEPT_ARRIVALS

    @property
    def faults(self) -> Faults:
        """What happens to messages; may be changed at any time."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = faults
        self._least, most = faults.latency
        self._spread = most - self._least + 1

    @property
    def on_the_way(self) -> int:
        """How many pairs of nodes are remembered for a message that has perhaps not arrived."""
        return len(self._last_arrivals)

    def latency(self, source: SimulatedNode, target: SimulatedNode | None) -> int:
        """Draw the milliseconds from one node to another, or to where nobody is known to be."""
        if self._of_pair is None or target is None:
            return self._least + int(self._random() * self._spread)
        return self._of_pair(source, target)

    def message(self, source: SimulatedNode, target: SimulatedNode) -> int:
        """Draw the milliseconds until a message is handled: in order, unless it is held back."""
        faults, latency, now = self._faults, self.latency(source, target) + target.slowness, self._timeline.now
        if faults.reordering and self._random() < faults.reordering:
            return latency + int(self._random() * faults.holding)
        pair = (source, target)
        arrival = max(now + latency, self._last_arrivals.get(pair, 0))
        self._last_arrivals[pair] = arrival
        if len(self._last_arrivals) > self._arrivals_limit:
            self._drop_past_arrivals(now)
        return arrival - now

    def _drop_past_arrivals(self, now: int) -> None:
        """What has arrived holds nothing up any more. The limit follows what is on the way: each costs little."""
        self._last_arrivals = {pair: arrival for pair, arrival in self._last_arrivals.items() if arrival >= now}
        self._arrivals_limit = max(_KEPT_ARRIVALS, 2 * len(self._last_arrivals))
