"""The simulated connection layer: links, dials, messages, partitions, as the kernel has them, without TCP.

A wanted link is dialled until it works or is no longer wanted, and lives as long as either end wants it. A
crash is seen at once by those who can see it; a partition after `reconnect_grace`.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from random import Random

from partisan_core.events import DialFailed, Reason
from partisan_core.host import Outcome
from partisan_core.identity import Address, NodeSpec
from partisan_testkit.simulator.conditions import Faults, LinkTimes
from partisan_testkit.simulator.node import SimulatedNode, identity
from partisan_testkit.simulator.timeline import Timeline

Perform = Callable[[SimulatedNode, Iterator[Outcome]], None]
Deliver = Callable[[SimulatedNode, SimulatedNode, bytes], None]
Connected = Callable[[SimulatedNode | None], None]
Reached = Callable[[SimulatedNode], None]
Failed = Callable[[Reason], None]


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
    ) -> None:
        self.faults = faults
        self._timeline, self._rng, self._times = timeline, rng, times
        self._perform, self._deliver = perform, deliver
        self._listeners: dict[Address, SimulatedNode] = {}
        self._zones: Mapping[str, int] = {}
        self._partitions = 0
        self._last_arrivals: dict[tuple[SimulatedNode, SimulatedNode], int] = {}

    # -- nodes -----------------------------------------------------------------------------------------------

    def listen(self, node: SimulatedNode) -> None:
        """Let others reach `node` at its addresses."""
        for address in node.spec.addresses:
            self._listeners[address] = node

    def at(self, address: Address) -> SimulatedNode | None:
        """Return who listens at `address`."""
        return self._listeners.get(address)

    def vanish(self, node: SimulatedNode) -> None:
        """The process of `node` ends: its links break."""
        for address in node.spec.addresses:
            if self._listeners.get(address) is node:
                del self._listeners[address]
        for other in node.links.values():
            cut = self._is_cut(node, other)
            delay = self._times.reconnect_grace if cut else self._latency()
            reason = Reason.UNREACHABLE if cut else Reason.GONE
            self._timeline.after(delay, partial(self._lower, other, node, reason))
        node.links.clear()

    # -- partitions ------------------------------------------------------------------------------------------

    def partition(self, zones: Mapping[str, int]) -> None:
        """Cut the network between names of different zones; names that are not mentioned are in zone 0."""
        self._partitions += 1
        self._zones = zones
        for node in list(self._listeners.values()):
            for other in node.links.values():
                if self._is_cut(node, other):
                    expire = partial(self._expire, node, other, self._partitions)
                    self._timeline.after(self._times.reconnect_grace, expire)

    def heal(self) -> None:
        """Let everybody reach everybody."""
        self._partitions += 1
        self._zones = {}

    def _is_cut(self, one: SimulatedNode, other: SimulatedNode) -> bool:
        zones = self._zones
        return bool(zones) and zones.get(one.spec.name, 0) != zones.get(other.spec.name, 0)

    def _expire(self, node: SimulatedNode, other: SimulatedNode, partition: int) -> None:
        if partition == self._partitions:
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
                self._timeline.after(self._latency(), partial(self._close_unwanted, node, other))

    def connect(self, node: SimulatedNode, address: Address, done: Connected) -> None:
        """Dial an address of whose owner nothing is known; `done` gets who answered, after its link is up."""
        self._reach(node, address, partial(self._connected, node, done), lambda reason: done(None))

    def _connected(self, node: SimulatedNode, done: Connected, other: SimulatedNode) -> None:
        self._raise(node, other)
        done(other)
        self._close_unwanted(node, other)

    def _dial(self, node: SimulatedNode, peer: NodeSpec, failures: int) -> None:
        if self._needs_dialling(node, peer):
            answered = partial(self._answered, node, peer, failures)
            self._reach(node, peer.addresses[0], answered, partial(self._dial_failed, node, peer, failures))

    def _needs_dialling(self, node: SimulatedNode, peer: NodeSpec) -> bool:
        return node.alive and node.wanted.get(peer.name) is peer and identity(peer) not in node.links

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
        self._timeline.record("dial failed", node.spec.name, peer.name, reason.value)
        self._perform(node, node.host.feed(DialFailed(peer, reason), self._timeline.seconds))

    def _reach(
        self,
        node: SimulatedNode,
        address: Address,
        reached: Reached,
        failed: Failed,
    ) -> None:
        """A dial and a handshake: refused after one round trip, done after two, or never answered."""
        out, back = self._latency(), self._latency()
        self._timeline.after(out, partial(self._knock, node, address, back, reached, failed))

    def _knock(
        self,
        node: SimulatedNode,
        address: Address,
        back: int,
        reached: Reached,
        failed: Failed,
    ) -> None:
        other = self._listeners.get(address)
        if other is None or other is node:
            self._timeline.after(back, partial(failed, Reason.GONE))
        elif self._is_cut(node, other):
            self._timeline.after(self._times.dial_timeout, partial(failed, Reason.UNREACHABLE))
        else:
            self._timeline.after(2 * back, partial(self._shake_hands, node, other, reached, failed))

    def _shake_hands(
        self,
        node: SimulatedNode,
        other: SimulatedNode,
        reached: Reached,
        failed: Failed,
    ) -> None:
        if not other.alive or self._is_cut(node, other):
            failed(Reason.UNREACHABLE)
        elif node.alive:
            reached(other)

    def _raise(self, node: SimulatedNode, other: SimulatedNode) -> None:
        if other.identity in node.links:
            return
        self._timeline.record("link up", node.spec.name, other.spec.name)
        node.links[other.identity] = other
        other.links[node.identity] = node
        now = self._timeline.seconds
        self._perform(node, node.host.link_up(other.spec, now))
        self._perform(other, other.host.link_up(node.spec, now))

    def _lower(self, node: SimulatedNode, other: SimulatedNode, reason: Reason) -> None:
        for here, there in ((node, other), (other, node)):
            if here.links.pop(there.identity, None) is not None and here.alive:
                self._timeline.record("link down", here.spec.name, there.spec.name, reason.value)
                self._perform(here, here.host.link_down(there.spec, reason, self._timeline.seconds))
                wanted = here.wanted.get(there.spec.name)
                if wanted is not None:
                    self._dial(here, wanted, 0)

    def _close_unwanted(self, node: SimulatedNode, other: SimulatedNode) -> None:
        if not node.wants(other) and not other.wants(node):
            self._lower(node, other, Reason.RELEASED)

    # -- messages --------------------------------------------------------------------------------------------

    def send(self, node: SimulatedNode, peer: NodeSpec, data: bytes) -> None:
        """Send over the link; without one, over a connection made on demand."""
        other = node.links.get(identity(peer))
        if other is not None:
            self._carry(node, other, data)
        else:
            carry = partial(self._carry_on_demand, node, peer, data)
            self._reach(node, peer.addresses[0], carry, partial(self._fail, node, peer))

    def _carry_on_demand(self, node: SimulatedNode, peer: NodeSpec, data: bytes, other: SimulatedNode) -> None:
        if other.spec.name == peer.name and other.spec.life >= peer.life:
            self._carry(node, other, data)
        else:
            self._fail(node, peer, Reason.REJECTED)

    def _carry(self, node: SimulatedNode, other: SimulatedNode, data: bytes) -> None:
        faults, rng = self.faults, self._rng
        if self._is_cut(node, other) or (faults.loss and rng.random() < faults.loss):
            self._timeline.record("lost", node.spec.name, other.spec.name, data)
            return
        self._timeline.after(self._transit(node, other), partial(self._deliver, node, other, data))
        if faults.duplication and rng.random() < faults.duplication:
            self._timeline.after(self._transit(node, other), partial(self._deliver, node, other, data))

    def _transit(self, node: SimulatedNode, other: SimulatedNode) -> int:
        """Draw the time on the way: in order, unless the message is held back."""
        faults, latency, now = self.faults, self._latency(), self._timeline.now
        if faults.reordering and self._rng.random() < faults.reordering:
            return latency + int(self._rng.random() * faults.holding)
        arrival = max(now + latency, self._last_arrivals.get((node, other), 0))
        self._last_arrivals[node, other] = arrival
        return arrival - now

    def _latency(self) -> int:
        least, most = self.faults.latency
        return least + int(self._rng.random() * (most - least + 1))
