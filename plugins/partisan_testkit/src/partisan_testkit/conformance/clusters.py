"""A cluster of an overlay on the simulated network, and whether it is one."""

from collections.abc import Iterable

from partisan_core.effects import StartTimer
from partisan_core.host import Outcome
from partisan_core.identity import NodeSpec
from partisan_testkit.conformance.rules import Broken
from partisan_testkit.conformance.subjects import NODES, OverlaySubject
from partisan_testkit.simulator import CALM, Faults, SimulatedNode, Simulation

PATIENCE = 60.0
"""Simulated seconds that a cluster gets to find itself again. Chosen: some rounds of any gossip."""
MOST_OUTCOMES = 100_000
"""Of one node, before a rule gives up: a timer of zero seconds that starts itself would never end."""


class Limit:
    """Watches that no node does more than any could need: virtual time does not pass for those."""

    def __init__(self) -> None:
        self._counts: dict[SimulatedNode, int] = {}

    def on_outcome(self, node: SimulatedNode, outcome: Outcome) -> None:
        """Count."""
        self._counts[node] = self._counts.get(node, 0) + 1
        if self._counts[node] > MOST_OUTCOMES:
            what = "starting timers" if isinstance(outcome, StartTimer) else f"on {type(outcome).__name__}"
            raise Broken(f"{node.name} has no rest: after {MOST_OUTCOMES} effects it goes on {what}")

    def on_delivery(self, source: SimulatedNode, target: SimulatedNode) -> None:
        """Messages are counted where they are sent."""


class Cluster:
    """Nodes that are started, and join through node 0."""

    def __init__(self, overlay: OverlaySubject, seed: int, *, nodes: int = NODES, faults: Faults = CALM) -> None:
        self._overlay = overlay
        self.simulation = Simulation(overlay.make, seed, faults=faults, observers=[Limit()])
        self.nodes = [self.start(number) for number in range(nodes)]

    @classmethod
    def formed(cls, overlay: OverlaySubject, seed: int) -> "Cluster":
        """A cluster that is one."""
        cluster = cls(overlay, seed)
        cluster.join_all(0.2)
        cluster.wait_until_one("after all have joined")
        cluster.simulation.run(5.0)
        return cluster

    def start(self, number: int, snapshot: bytes = b"") -> SimulatedNode:
        """Begin a life of a node; always at the same address."""
        spec = self._overlay.spec(number)
        return self.simulation.start(spec.name, spec.addresses[0], snapshot, self._overlay.setting.labels_of(number))

    def join_all(self, pause: float) -> None:
        """Let all join node 0, one after another."""
        for node in self.nodes[1:]:
            self.join(node)
            self.simulation.run(pause)

    def join(self, node: SimulatedNode) -> None:
        """Let one join node 0."""
        self.simulation.join(node, lambda: self.nodes[0])

    def wait_until_one(self, when: str) -> None:
        """Wait until the living are one cluster.

        Raises:
            Broken: they are not, in time.
        """
        try:
            self.simulation.run_until(lambda: len(self.islands()) == 1, PATIENCE, step=0.1)
        except TimeoutError:
            islands = " | ".join(" ".join(names) for names in self.islands())
            raise Broken(f"{PATIENCE:.0f} s {when} there is not one cluster but these: {islands}") from None

    def islands(self) -> list[list[str]]:
        """The living in groups between which no wanted link works."""
        beside: dict[str, set[str]] = {node.name: set() for node in self.simulation.living}
        for node in self.simulation.living:
            for peer in node.host.neighbours.values():
                if peer.name in beside and self._is_current(peer):
                    beside[node.name].add(peer.name)
                    beside[peer.name].add(node.name)
        return _components(beside)

    def _is_current(self, peer: NodeSpec) -> bool:
        return any(node.name == peer.name and node.spec.life == peer.life for node in self.simulation.living)

    def wait_until_nobody_wants(self, gone: NodeSpec, when: str) -> None:
        """Wait until no living node wants a link to that life.

        Raises:
            Broken: somebody does, all the time.
        """

        def wanting() -> list[str]:
            wants = ((node.name, node.strategy.links().get(gone.name)) for node in self.simulation.living)
            return [name for name, wanted in wants if wanted is not None and wanted.life == gone.life]

        try:
            self.simulation.run_until(lambda: not wanting(), PATIENCE, step=0.1)
        except TimeoutError:
            raise Broken(f"{PATIENCE:.0f} s {when} a link to {gone} is wanted by {', '.join(wanting())}") from None


def _components(beside: dict[str, set[str]]) -> list[list[str]]:
    unseen, found = dict.fromkeys(beside), list[list[str]]()
    while unseen:
        group, frontier = list[str](), [next(iter(unseen))]
        while frontier:
            name = frontier.pop()
            if name in unseen:
                del unseen[name]
                group.append(name)
                frontier += sorted(beside[name])
        found.append(sorted(group))
    return found


def names(peers: Iterable[NodeSpec]) -> str:
    """Names for people."""
    return ", ".join(sorted(peer.name for peer in peers)) or "nobody"
