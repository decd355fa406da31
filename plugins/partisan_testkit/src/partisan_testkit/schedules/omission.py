"""Every message omitted in turn: nodes join, one leaves, and of all messages exactly one is lost.

Where chance has to hit the one message that matters, this does not miss it. (Filibuster, SoCC 2021, does so with the
calls of services.)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random

from partisan_core.effects import Effect
from partisan_core.events import Event, Received
from partisan_core.identity import NodeSpec
from partisan_core.strategy import MembershipStrategy
from partisan_testkit.schedules.settings import ClusterSettings
from partisan_testkit.schedules.witness import Witness
from partisan_testkit.simulator import LinkTimes, Simulation

PAUSE_SECONDS = 0.5
"""Between two joins. Chosen: long enough for one to be over without faults."""

_TIMES = LinkTimes()
_CUT_SECONDS = _TIMES.reconnect_grace / 1000 + 0.5


@dataclass(slots=True)
class Omission:
    """What came of a run in which one message, or none, was lost."""

    messages: int
    """How many arrived, and the lost one."""
    lost: str = ""
    """The message, its source and its target."""
    objection: str | None = None
    """What promise was not kept in the end."""


def omit_each(cluster: ClusterSettings, leaver: int) -> Iterator[Omission]:
    """Run once without a loss, then with the loss of each message in turn, and yield what came of each.

    Args:
        cluster: who joins, one after the other, through the first.
        leaver: the number of the node that leaves when all have joined.
    """
    complete = omit(cluster, leaver, None)
    yield complete
    for number in range(complete.messages):
        yield omit(cluster, leaver, number)


def omit(cluster: ClusterSettings, leaver: int, number: int | None) -> Omission:
    """Lose the message with that number, counted from 0 in the order of their arrival; none for None."""
    return _Run(cluster, number).run(leaver)


class _Run:
    def __init__(self, cluster: ClusterSettings, number: int | None) -> None:
        self._cluster, self._number = cluster, number
        self._witness = Witness(cluster)
        self._simulation = Simulation(
            self._make, 0, times=_TIMES, observers=[self._witness], wire=False, recording=False
        )
        self._omission = Omission(0)

    def run(self, leaver: int) -> Omission:
        simulation, cluster = self._simulation, self._cluster
        nodes = [simulation.start(name, cluster.addresses[name], b"", cluster.labels(name)) for name in cluster.names]
        for node in nodes[1:] if cluster.joins else []:
            simulation.join(node, lambda: nodes[0])
            simulation.run(PAUSE_SECONDS)
        objection = self._wait()
        if objection is None:
            simulation.leave(nodes[leaver])
            simulation.run(_TIMES.linger / 1000)
            objection = self._wait()
        self._omission.objection = objection
        return self._omission

    def loses(self, event: Received, target: NodeSpec) -> bool:
        """Count a message, and say whether it is the one. A link that loses none while it lasts, ends with it."""
        is_lost = self._omission.messages == self._number
        self._omission.messages += 1
        if is_lost:
            self._omission.lost = f"{event.message} from {event.peer.name} to {target.name}"
            if self._cluster.promises.in_order:
                self._simulation.network.partition({target.name: 1})
                self._simulation.timeline.after(round(_CUT_SECONDS * 1000), self._simulation.network.heal)
        return is_lost

    def _make(self, me: NodeSpec, rng: Random) -> MembershipStrategy:
        inner = self._witness.make(me, rng)
        return _Losing(inner, partial(self.loses, target=me))  # type: ignore[return-value]  # as for what it wraps

    def _wait(self) -> str | None:
        """Wait for all to be well, at least until what was cut is whole again."""
        simulation, end = self._simulation, self._simulation.timeline.seconds + self._cluster.promises.patience
        simulation.run(PAUSE_SECONDS)
        while (objection := next(self._witness.objections(simulation.living), None)) is not None:
            if simulation.timeline.seconds >= end:
                break
            simulation.run(PAUSE_SECONDS)
        return objection


class _Losing:
    """Stands between the host and a strategy, where a lost message is missed."""

    def __init__(self, inner: MembershipStrategy, loses: Callable[[Received], bool]) -> None:
        self.messages, self.capabilities = inner.messages, inner.capabilities
        self.members, self.links, self.next_hop = inner.members, inner.links, inner.next_hop
        self.snapshot, self.restore = inner.snapshot, inner.restore
        self._inner, self._loses = inner, loses

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Hand everything on but the message that is lost."""
        if isinstance(event, Received) and self._loses(event):
            return []
        return self._inner.handle(event, now)
