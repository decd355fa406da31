"""Who listens where, and how long a dial and its handshake take."""

from collections.abc import Callable
from functools import partial
from random import Random

from partisan_core.events import Reason
from partisan_core.identity import Address
from partisan_testkit.simulator.conditions import LinkTimes
from partisan_testkit.simulator.node import SimulatedNode
from partisan_testkit.simulator.partitions import Partitions
from partisan_testkit.simulator.timeline import Timeline
from partisan_testkit.simulator.transit import Transit

Reached = Callable[[SimulatedNode], None]
Failed = Callable[[Reason], None]


class Dialling:
    """Doors, and those who knock: refused after one round trip, let in after two, or never answered."""

    def __init__(
        self, timeline: Timeline, rng: Random, times: LinkTimes, transit: Transit, partitions: Partitions
    ) -> None:
        self._timeline, self._rng, self._timeout = timeline, rng, times.dial_timeout
        self._transit, self._partitions = transit, partitions
        self._doors: dict[Address, SimulatedNode] = {}

    def open(self, node: SimulatedNode) -> None:
        """Let others reach `node` at its addresses."""
        for address in node.spec.addresses:
            self._doors[address] = node

    def close(self, node: SimulatedNode) -> None:
        """Nobody is reached there any more, unless another life listens there by now."""
        for address in node.spec.addresses:
            if self._doors.get(address) is node:
                del self._doors[address]

    def at(self, address: Address) -> SimulatedNode | None:
        """Return who listens at `address`."""
        return self._doors.get(address)

    def everybody(self) -> list[SimulatedNode]:
        """Return who listens anywhere, in the order in which they began."""
        return list(self._doors.values())

    def reach(self, node: SimulatedNode, address: Address, reached: Reached, failed: Failed) -> None:
        """Dial; one of the two callables learns what came of it, unless the dialling node dies first.

        Whether anybody answers is decided now and not when the knock arrives: that is half the events of a dial.
        """
        other = self._doors.get(address)
        out = self._transit.latency(node, other)
        if other is None or other is node:
            back = self._transit.latency(node, None)
            self._timeline.after(out + back, partial(failed, Reason.GONE))
        elif self._is_unanswered(node, other):
            self._timeline.after(out + self._timeout, partial(failed, Reason.UNREACHABLE))
        else:
            delay = out + 2 * self._transit.latency(other, node) + node.slowness + other.slowness
            self._timeline.after(delay, partial(self._shake_hands, node, other, reached, failed))

    def _is_unanswered(self, node: SimulatedNode, other: SimulatedNode) -> bool:
        failures = self._transit.faults.dial_failures
        return self._partitions.separate(node.name, other.name) or (failures > 0 and self._rng.random() < failures)

    def _shake_hands(self, node: SimulatedNode, other: SimulatedNode, reached: Reached, failed: Failed) -> None:
        if not other.alive or self._partitions.separate(node.name, other.name):
            failed(Reason.UNREACHABLE)
        elif node.alive:
            reached(other)
