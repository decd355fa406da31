"""On what a schedule is performed: nodes, and a network that can be disturbed. Strategies alone, or whole nodes."""

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from partisan_core.host import StrategyHost
from partisan_core.identity import Address, NodeSpec
from partisan_core.strategy import MembershipStrategy
from partisan_testkit.schedules.settings import ClusterSettings
from partisan_testkit.simulator import Faults, SimulatedNode, Simulation


class Subject(Protocol):
    """One life of a node, as rules look at it. Two nodes that claim one name are two."""

    alive: bool
    leaving: bool

    @property
    def spec(self) -> NodeSpec:
        """What it tells about itself."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def view(self) -> Mapping[str, NodeSpec]:
        """Whom it knows."""

    @property
    def strategy(self) -> MembershipStrategy:
        """Its overlay."""

    @property
    def host(self) -> StrategyHost:
        """The host of its overlay."""


N = TypeVar("N", bound=Subject)
_T = TypeVar("_T")


class Stage(Protocol[N]):
    """What can be done to nodes of one kind and their network. What is async lets time pass."""

    @property
    def patience(self) -> float:
        """Seconds by which everything may take longer than an overlay promises, because of what is below it."""

    @property
    def remembers_all(self) -> bool:
        """A snapshot has all that the crashed life knew; else what it wrote in time."""

    @property
    def living(self) -> Sequence[N]:
        """Nodes whose process runs and has not been told to leave."""

    @property
    def seconds(self) -> float:
        """Since the beginning."""

    async def run(self, seconds: float) -> None:
        """Let time pass."""

    async def start(self, name: str, address: Address | None = None, snapshot: bytes = b"") -> N:
        """Start a new life of `name`, newer than all before it, at its own or the given address."""

    def join(self, node: N, choose: Callable[[], N | None]) -> None:
        """Join through the contact that `choose` names; asked again until one answers."""

    def leave(self, node: N) -> None:
        """Let the node leave; then its process ends."""

    def evict(self, node: N, peer: NodeSpec) -> None:
        """Let the node evict a peer."""

    def reconcile(self, node: N, peers: Iterable[NodeSpec]) -> None:
        """Tell the node of whom the cluster shall consist."""

    def crash(self, node: N) -> bytes:
        """End the process of the node without a word; return what it would have remembered."""

    def set_faults(self, faults: Faults) -> None:
        """From now on this happens to what is on its way."""

    def partition(self, zones: Mapping[str, int], *, one_way: bool = False) -> None:
        """Cut the network between names of different zones."""

    def heal(self) -> None:
        """End every partition."""

    def slow(self, node: N, milliseconds: int) -> None:
        """Let the node be so much slower; 0 ends it."""


class SimulatedStage:
    """Strategies in the simulator."""

    patience = 0.0
    remembers_all = True

    def __init__(self, simulation: Simulation, cluster: ClusterSettings) -> None:
        self._simulation, self._cluster = simulation, cluster
        self.join, self.leave, self.crash = simulation.join, simulation.leave, simulation.crash
        self.evict, self.reconcile = simulation.evict, simulation.reconcile
        self.partition, self.heal, self.slow = (
            simulation.network.partition,
            simulation.network.heal,
            simulation.network.slow,
        )

    @property
    def living(self) -> Sequence[SimulatedNode]:
        """Of the simulation."""
        return self._simulation.living

    @property
    def seconds(self) -> float:
        """Of the simulation."""
        return self._simulation.timeline.seconds

    async def run(self, seconds: float) -> None:
        """Waits for nothing."""
        self._simulation.run(seconds)

    async def start(self, name: str, address: Address | None = None, snapshot: bytes = b"") -> SimulatedNode:
        """Waits for nothing."""
        return self._simulation.start(name, address, snapshot, self._cluster.labels(name))

    def set_faults(self, faults: Faults) -> None:
        """Of the network."""
        self._simulation.network.faults = faults


def at_once(performance: Coroutine[None, None, _T]) -> _T:
    """Run what never waits, although it could elsewhere."""
    try:
        performance.send(None)
    except StopIteration as end:
        result: _T = end.value
        return result
    raise RuntimeError("a simulated stage never waits")
