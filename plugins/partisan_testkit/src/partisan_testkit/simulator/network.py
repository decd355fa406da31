"""The simulated connection layer: links, dials, messages, partitions, as the kernel has them, without TCP.

A wanted link is dialled until it works or is no longer wanted, and lives as long as either end wants it. A
crash is seen at once by those who can see it; a partition after `reconnect_grace`, by both ends, even when it
lets one direction pass: a heartbeat then arrives without its answer, or is missed.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from random import Random

from partisan_core.events import DialFailed, Reason
from partisan_core.host import Outcome
from partisan_core.identity import Address, NodeSpec
from partisan_testkit.simulator.conditions import Faults, LinkTimes
from partisan_testkit.simulator.dialling import Dialling
from partisan_testkit.simulator.node import SimulatedNode
from partisan_testkit.simulator.partitions import Partitions
from partisan_testkit.simulator.timeline import Timeline
from partisan_testkit.simulator.transit import Latency, Transit
from partisan_testkit.simulator.wire import Payload

Perform = Callable[[SimulatedNode, Iterator[Outcome]], None]
Deliver = Callable[[SimulatedNode, SimulatedNode, Payload], None]
Connected = Callable[[SimulatedNode | None], None]


class Network:
    """Where simulated nodes listen, and how they reach each other."""

    def __init__(
        self,
        timeline: Timeline,
        rng: Random,
        faults: Faults,
        times: LinkTimes,
        *,
        perform: Perform,
        deliver: Deliver,
        latency: Latency | None = None,
    ) -> None:
        self._timeline, self._rng, self._times = timeline, rng, times
        self._perform, self._deliver = perform, deliver
        self._partitions = Partitions()
        self._transit = Transit(timeline, rng, faults, latency)
        self._doors = Dialling(timeline, rng, times, self._transit, self._partitions)

    @property
    def faults(self) -> Faults:
        """What happens to messages; may be changed at any time."""
        return self._transit.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._transit.faults = faults

    # -- nodes -----------------------------------------------------------------------------------------------

    def listen(self, node: SimulatedNode) -> None:
        """Let others reach `node` at its addresses."""
        self._doors.open(node)

    def at(self, address: Address) -> SimulatedNode | None:
        """Return who listens at `address`."""
        return self._doors.at(address)

    def slow(self, node: SimulatedNode, milliseconds: int) -> None:
        """Let `node` handle messages, dials, broken links and timers that begin from now on so much late; 0 ends it."""
        node.slowness = milliseconds

    def vanish(self, node: SimulatedNode) -> None:
        """The process of `node` ends: its links break."""
        self._doors.close(node)
        if not self._times.silent_crashes:
            for other in node.links.values():
                self._break(node, other)
        node.links.clear()
        node.wanted.clear()

    def _break(self, node: SimulatedNode, other: SimulatedNode) -> None:
        """The other end of a link learns that `node` is dead, or misses its heartbeats."""
        cut = self._partitions.separate(node.name, other.name)
        delay = self._times.reconnect_grace if cut else self._transit.latency(node, other) + other.slowness
        reason = Reason.UNREACHABLE if cut else Reason.GONE
        self._timeline.after(delay, partial(self._lower, other, node, reason))

    # -- partitions ------------------------------------------------------------------------------------------

    def partition(self, zones: Mapping[str, int], *, one_way: bool = False) -> None:
        """Cut the network between names of different zones; names that are not mentioned are in zone 0.

        With `one_way` messages from a lower zone to a higher one vanish, and those from a higher to a lower
        arrive. Links across break all the same, after the grace, and no dial across succeeds.
        """
        self._partitions.divide(zones, one_way=one_way)
        self._expire_links(lambda node, other: self._partitions.separate(node.name, other.name))

    def cut(self, one: str, other: str) -> None:
        """Let messages from `one` to `other` vanish, beside what is cut already, until `heal`."""
        self._partitions.cut(one, other)
        self._expire_links(lambda node, peer: {node.name, peer.name} == {one, other})

    def heal(self) -> None:
        """Let everybody reach everybody."""
        self._partitions.heal()

    def _expire_links(self, cut: Callable[[SimulatedNode, SimulatedNode], bool]) -> None:
        for node in self._doors.everybody():
            for other in node.links.values():
                if cut(node, other):
                    expire = partial(self._expire, node, other, self._partitions.age)
                    self._timeline.after(self._times.reconnect_grace, expire)

    def _expire(self, node: SimulatedNode, other: SimulatedNode, age: int) -> None:
        if age == self._partitions.age:
            self._lower(node, other, Reason.UNREACHABLE)

    # -- links -----------------------------------------------------------------------------------------------

    def want(self, node: SimulatedNode, peer: NodeSpec) -> None:
        """The node wants a link to `peer` from now on."""
        node.wanted[peer.name] = peer
        self._dial(node, peer, 0)

    def release(self, node: SimulatedNode, peer: NodeSpec) -> None:
        """The node no longer wants it. What was sent arrives; the link goes unless the other end wants it."""
        node.wanted.pop(peer.name, None)
        for other in node.links.values():
            if other.spec.name == peer.name:
                self._timeline.after(self._transit.latency(node, other), partial(self._close_unwanted, node, other))

    def connect(self, node: SimulatedNode, address: Address, done: Connected) -> None:
        """Dial an address of whose owner nothing is known; `done` gets who answered, after its link is up."""
        self._doors.reach(node, address, partial(self._connected, node, done), lambda reason: done(None))

    def _connected(self, node: SimulatedNode, done: Connected, other: SimulatedNode) -> None:
        self._raise(node, other)
        done(other)
        self._close_unwanted(node, other)

    def _dial(self, node: SimulatedNode, peer: NodeSpec, failures: int) -> None:
        if self._needs_dialling(node, peer):
            answered = partial(self._answered, node, peer, failures)
            self._doors.reach(node, peer.addresses[0], answered, partial(self._dial_failed, node, peer, failures))

    def _needs_dialling(self, node: SimulatedNode, peer: NodeSpec) -> bool:
        return node.alive and node.wanted.get(peer.name) is peer and peer.instance not in node.links

    def _answered(self, node: SimulatedNode, peer: NodeSpec, failures: int, other: SimulatedNode) -> None:
        if other.spec.name != peer.name or other.spec.life < peer.life:
            self._dial_failed(node, peer, failures, Reason.REJECTED)
        elif node.wants(other) or other.wants(node):
            self._raise(node, other)

    def _dial_failed(self, node: SimulatedNode, peer: NodeSpec, failures: int, reason: Reason) -> None:
        if self._needs_dialling(node, peer):
            self._fail(node, peer, reason)
            backoff = min(self._times.redial_first << min(failures, 16), self._times.redial_limit)
            delay = round(backoff * self._rng.uniform(0.5, 1.0))
            self._timeline.after(delay, partial(self._dial, node, peer, failures + 1))

    def _fail(self, node: SimulatedNode, peer: NodeSpec, reason: Reason) -> None:
        if node.alive:
            self._timeline.record("dial failed", node.spec.name, peer.name, reason.value)
            self._perform(node, node.host.feed(DialFailed(peer, reason), self._timeline.seconds))

    def _raise(self, node: SimulatedNode, other: SimulatedNode) -> None:
        if other.spec.instance in node.links:
            return
        self._timeline.record("link up", node.spec.name, other.spec.name)
        node.links[other.spec.instance] = other
        other.links[node.spec.instance] = node
        now = self._timeline.seconds
        self._perform(node, node.host.link_up(other.spec, now))
        self._perform(other, other.host.link_up(node.spec, now))

    def _lower(self, node: SimulatedNode, other: SimulatedNode, reason: Reason) -> None:
        for here, there in ((node, other), (other, node)):
            if here.links.pop(there.spec.instance, None) is not None and here.alive:
                self._timeline.record("link down", here.spec.name, there.spec.name, reason.value)
                self._perform(here, here.host.link_down(there.spec, reason, self._timeline.seconds))
                wanted = here.wanted.get(there.spec.name)
                if wanted is not None:
                    self._dial(here, wanted, 0)

    def _close_unwanted(self, node: SimulatedNode, other: SimulatedNode) -> None:
        if not node.wants(other) and not other.wants(node):
            self._lower(node, other, Reason.RELEASED)

    # -- messages --------------------------------------------------------------------------------------------

    def send(self, node: SimulatedNode, peer: NodeSpec, payload: Payload) -> None:
        """Send over the link; without one, over a connection made on demand."""
        other = node.links.get(peer.instance)
        if other is not None:
            self.carry(node, other, payload, self._deliver)
        else:
            carry = partial(self._carry_on_demand, node, peer, payload)
            self._doors.reach(node, peer.addresses[0], carry, partial(self._not_reached, node, peer, payload))

    def _not_reached(self, node: SimulatedNode, peer: NodeSpec, payload: Payload, reason: Reason) -> None:
        """The message takes the link that came up meanwhile, as what waits for a dial does; else the dial failed."""
        other = node.links.get(peer.instance)
        if other is not None:
            self.carry(node, other, payload, self._deliver)
        else:
            self._fail(node, peer, reason)

    def _carry_on_demand(self, node: SimulatedNode, peer: NodeSpec, payload: Payload, other: SimulatedNode) -> None:
        """The connection stays for a while: the answer takes it, and so does a link that is wanted meanwhile."""
        if other.spec.name == peer.name and other.spec.life >= peer.life:
            self._raise(node, other)
            self.carry(node, other, payload, self._deliver)
            self._timeline.after(self._times.linger, partial(self._close_unwanted, node, other))
        else:
            self._fail(node, peer, Reason.REJECTED)

    def carry(self, node: SimulatedNode, other: SimulatedNode, payload: Payload, deliver: Deliver) -> None:
        """Let something travel between two nodes, through whatever happens to messages."""
        faults, random = self._transit.faults, self._rng.random
        blocked = not self._partitions.none and self._partitions.block(node.name, other.name)
        if blocked or (faults.loss and random() < faults.loss):
            self._timeline.record("lost", node.name, other.name, payload)
            return
        arrive = partial(deliver, node, other, payload)
        self._timeline.after(self._transit.message(node, other), arrive)
        if faults.duplication and random() < faults.duplication:
            self._timeline.after(self._transit.message(node, other), arrive)

    def reset(self, node: SimulatedNode, dead: SimulatedNode) -> None:
        """Something of `node` reached a process that is no more: what answers breaks the link, if it is still up."""
        if dead.spec.instance in node.links and not self._partitions.block(dead.name, node.name):
            delay = self._transit.latency(dead, node) + node.slowness
            self._timeline.after(delay, partial(self._lower, node, dead, Reason.GONE))
