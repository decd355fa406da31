"""The simulation: real strategies in real hosts on a simulated network, repeatable by seed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from random import Random
from typing import Any, Protocol

from partisan_core.effects import Retire, Send, StartTimer
from partisan_core.events import Event, Evict, Join, Leave, Received, Reconcile, Started, TimerFired
from partisan_core.host import Connect, Outcome, Release
from partisan_core.identity import Address, NodeSpec
from partisan_core.strategy import MembershipStrategy
from partisan_testkit.simulator.conditions import CALM, Faults, LinkTimes
from partisan_testkit.simulator.network import Network
from partisan_testkit.simulator.node import SimulatedNode, own_address
from partisan_testkit.simulator.randomness import seeded
from partisan_testkit.simulator.timeline import Timeline
from partisan_testkit.simulator.transit import Latency
from partisan_testkit.simulator.wire import EncodedWire, ObjectWire, Payload, Wire

Overlay = Callable[[NodeSpec, Random], MembershipStrategy]
"""Makes the strategy of a node: `lambda me, rng: FullMesh(me, FullMeshConfig(), rng)`."""

_FIRST_INCARNATION = 1_750_000_000_000
"""Wall-clock milliseconds of the simulated start: of today's size, so that encoded messages are too."""


_Performer = Callable[[SimulatedNode, Any], None]


class Observer(Protocol):
    """Watches a simulation: checks invariants, counts."""

    def on_outcome(self, node: SimulatedNode, outcome: Outcome) -> None:
        """Called with every outcome of every node, before it is performed."""

    def on_delivery(self, source: SimulatedNode, target: SimulatedNode) -> None:
        """Called before a message of `source` is handed to the living `target`."""


class Simulation:
    """A cluster in virtual time. Everything that happens follows from the seed and the calls made.

    Args:
        overlay: makes each node's strategy.
        seed: decides latencies, faults, and every strategy's random numbers.
        faults: what happens to messages; may be changed at any time.
        times: the connection layer's times.
        observers: who watches.
        latency: the one-way milliseconds of a pair, instead of a draw from the range of the faults.
        wire: whether messages are encoded and decoded, and bytes counted; without it they are handed over as they are.
        recording: whether there is a log and its hash.
        quantum: milliseconds between two moments at which anything happens.
    """

    def __init__(
        self,
        overlay: Overlay,
        seed: int,
        *,
        faults: Faults = CALM,
        times: LinkTimes | None = None,
        observers: Iterable[Observer] = (),
        latency: Latency | None = None,
        wire: bool = True,
        recording: bool = True,
        quantum: int = 1,
    ) -> None:
        self.timeline = Timeline(quantum=quantum, recording=recording)
        self.nodes: list[SimulatedNode] = []
        """Every life that was ever started, in that order, but for those that were forgotten."""
        self._overlay, self._seed = overlay, seed
        self._times = times or LinkTimes()
        self._rng = seeded(seed, "lives")
        self._started = 0
        watchers = tuple(observers)
        self._observe_outcome = [watcher.on_outcome for watcher in watchers]
        self._observe_delivery = [watcher.on_delivery for watcher in watchers]
        self._wire: Wire = EncodedWire() if wire else ObjectWire()
        self.network = Network(
            self.timeline,
            seeded(seed, "network"),
            faults,
            self._times,
            perform=self._perform,
            deliver=self._deliver,
            latency=latency,
        )
        self._performers: dict[type, _Performer] = {
            Send: self._send,
            StartTimer: self._start_timer,
            Connect: lambda node, wish: self.network.want(node, wish.peer),
            Release: lambda node, wish: self.network.release(node, wish.peer),
            Retire: self._retire,
        }
        self._perform_other: _Performer | None = self._record_outcome if recording else None

    # -- what happens to nodes -------------------------------------------------------------------------------

    def start(
        self,
        name: str,
        address: Address | None = None,
        snapshot: bytes = b"",
        labels: Mapping[str, str] | None = None,
    ) -> SimulatedNode:
        """Start a new life of `name`, newer than all before it, at its own or the given address."""
        number = self._started
        self._started += 1
        spec = NodeSpec(
            name,
            _FIRST_INCARNATION + self.timeline.now + number,
            self._rng.getrandbits(64),
            (address or own_address(number),),
            dict(labels or {}),
        )
        strategy = self._overlay(spec, seeded(self._seed, number))
        if snapshot:
            strategy.restore(snapshot)
        node = SimulatedNode(spec, strategy)
        self.nodes.append(node)
        self.network.listen(node)
        self.timeline.record("start", str(spec), str(spec.addresses[0]))
        self.feed(node, Started())
        return node

    def join(self, node: SimulatedNode, choose: Callable[[], SimulatedNode | None]) -> None:
        """Join through the contact that `choose` names; asked again every 200 ms until one answers."""
        contact = choose()
        retry = partial(self.timeline.after, 200, partial(self.join, node, choose))
        if not node.alive:
            return
        if contact is None:
            retry()
        else:
            self.network.connect(node, contact.spec.addresses[0], partial(self._joined, node, retry))

    def leave(self, node: SimulatedNode) -> None:
        """Let the node leave; its process ends after lingering."""
        node.leaving = True
        self.feed(node, Leave())
        self.timeline.after(self._times.linger, partial(self.crash, node))

    def evict(self, node: SimulatedNode, peer: NodeSpec) -> None:
        """Let the node evict a peer."""
        self.feed(node, Evict(peer))

    def reconcile(self, node: SimulatedNode, peers: Iterable[NodeSpec]) -> None:
        """Tell the node of whom the cluster shall consist."""
        self.feed(node, Reconcile(tuple(peers)))

    def crash(self, node: SimulatedNode) -> bytes:
        """End the process of the node without a word; return what it would have remembered."""
        if not node.alive:
            return b""
        self.timeline.record("stop", str(node.spec))
        node.alive = False
        self.network.vanish(node)
        return node.strategy.snapshot()

    def forget_the_dead(self) -> None:
        """Drop the lives that have ended from `nodes`: in long churn they are most of them, and fill the memory."""
        self.nodes[:] = [node for node in self.nodes if node.alive]

    # -- time and views --------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.timeline.run(seconds)

    def run_until(self, condition: Callable[[], bool], limit: float, step: float = 0.01) -> float:
        """Let time pass until the condition holds; return the seconds that took.

        Raises:
            TimeoutError: when it does not hold after `limit` seconds.
        """
        start = self.timeline.seconds
        while not condition():
            if self.timeline.seconds - start >= limit:
                raise TimeoutError(f"not within {limit} simulated seconds (seed {self._seed})")
            self.run(step)
        return self.timeline.seconds - start

    @property
    def living(self) -> list[SimulatedNode]:
        """Nodes whose process runs and has not been told to leave."""
        return [node for node in self.nodes if node.alive and not node.leaving]

    def views_agree(self) -> bool:
        """Say whether all living nodes know the same members, and each other."""
        views = [lives(node.view) for node in self.living]
        everybody = {node.spec.name: node.spec.life for node in self.living}
        return all(view == views[0] for view in views) and all(
            views[0].get(name) == life for name, life in everybody.items()
        )

    # -- the host's side -------------------------------------------------------------------------------------

    def feed(self, node: SimulatedNode, event: Event) -> None:
        """Hand an event to a living node and perform what follows."""
        if node.alive:
            self._perform(node, node.host.feed(event, self.timeline.seconds))

    def _joined(self, node: SimulatedNode, retry: Callable[[], None], contact: SimulatedNode | None) -> None:
        if contact is None:
            retry()
        else:
            self.feed(node, Join(contact.spec))

    def _perform(self, node: SimulatedNode, outcomes: Iterator[Outcome]) -> None:
        performers, other, observers = self._performers, self._perform_other, self._observe_outcome
        for outcome in outcomes:
            for observe in observers:
                observe(node, outcome)
            perform = performers.get(type(outcome), other)
            if perform is not None:
                perform(node, outcome)

    def _send(self, node: SimulatedNode, send: Send) -> None:
        self.network.send(node, send.peer, self._wire.pack(node, send.message))

    def _start_timer(self, node: SimulatedNode, timer: StartTimer) -> None:
        self.timeline.after(round(timer.after * 1000) + node.slowness, partial(self._fire, node, timer.token))

    def _fire(self, node: SimulatedNode, token: str) -> None:
        self.feed(node, TimerFired(token))

    def _retire(self, node: SimulatedNode, retire: Retire) -> None:
        self.timeline.record("retire", str(node.spec), retire.reason.value)
        self.timeline.after(0, partial(self.crash, node))

    def _record_outcome(self, node: SimulatedNode, outcome: Any) -> None:  # noqa: ANN401 - all others have a peer
        self.timeline.record(type(outcome).__name__, node.spec.name, str(outcome.peer))

    def _deliver(self, source: SimulatedNode, target: SimulatedNode, payload: Payload) -> None:
        self.timeline.record("message", source.spec.name, target.spec.name, payload)
        if not target.alive:
            self.network.reset(source, target)
            return
        for observe in self._observe_delivery:
            observe(source, target)
        event = Received(source.spec, self._wire.unpack(target, payload))
        self._perform(target, target.host.feed(event, self.timeline.seconds))


def lives(view: Mapping[str, NodeSpec]) -> dict[str, tuple[int, int]]:
    """Return which life of each name a view holds: what two views are compared by."""
    return {name: peer.life for name, peer in view.items()}
