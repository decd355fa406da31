"""The static overlay on the simulated network: edges that people draw, and what becomes of them."""

from collections.abc import Mapping
from itertools import pairwise
from random import Random

from partisan_core.identity import Address, NodeSpec
from partisan_static import Static, StaticConfig
from partisan_testkit.simulator import Faults, SimulatedNode, Simulation

NAMES = tuple(f"node-{number}" for number in range(6))
RING = {frozenset(edge) for edge in (*pairwise(NAMES), (NAMES[-1], NAMES[0]))}
CHORD = frozenset((NAMES[0], NAMES[3]))


class Graph:
    """A simulated ring with a chord, drawn by joins."""

    def __init__(self, seed: int = 1) -> None:
        self.simulation = Simulation(make, seed)
        self.nodes = {name: self.simulation.start(name) for name in NAMES}
        for edge in sorted(map(sorted, RING | {CHORD})):
            self.join(*edge)
        self.settle(RING | {CHORD})

    def join(self, one: str, other: str) -> None:
        self.simulation.join(self.nodes[one], lambda: self.nodes[other])

    def settle(self, edges: set[frozenset[str]], limit: float = 5.0) -> None:
        """Wait until the neighbours of the living are `edges`, seen from both ends, and stay so for a minute."""
        expected = {name: {other for edge in edges if name in edge for other in edge - {name}} for name in NAMES}
        self.simulation.run_until(lambda: self.is_as(expected), limit)
        self.simulation.run(60.0)
        assert self.is_as(expected)

    def is_as(self, expected: Mapping[str, set[str]]) -> bool:
        return all(set(node.host.neighbours) == expected[node.name] for node in self.simulation.living)

    def known_by(self, name: str) -> set[str]:
        return set(self.nodes[name].view)

    def restart(self, name: str, address: Address | None, snapshot: bytes = b"") -> SimulatedNode:
        self.nodes[name] = self.simulation.start(name, address, snapshot)
        return self.nodes[name]


def make(me: NodeSpec, rng: Random) -> Static:
    return Static(me, StaticConfig(), rng)


def without(name: str) -> set[frozenset[str]]:
    return {edge for edge in RING | {CHORD} if name not in edge}


def test_a_ring_with_a_chord_has_these_links_and_no_others() -> None:
    graph = Graph()
    assert graph.known_by("node-0") == {"node-0", "node-1", "node-3", "node-5"}
    assert graph.known_by("node-2") == {"node-1", "node-2", "node-3"}


def test_a_quiet_graph_sends_nothing() -> None:
    graph = Graph()
    before = [node.sent_bytes for node in graph.simulation.nodes]
    graph.simulation.run(60.0)
    assert [node.sent_bytes for node in graph.simulation.nodes] == before


def test_a_crashed_peer_stays_known_and_a_newer_life_at_its_address_is_found() -> None:
    graph = Graph()
    address = graph.nodes["node-3"].spec.addresses[0]
    graph.simulation.crash(graph.nodes["node-3"])
    graph.settle(without("node-3"))
    assert "node-3" in graph.known_by("node-0")
    newer = graph.restart("node-3", address)
    graph.settle(RING | {CHORD}, limit=15.0)
    assert graph.nodes["node-0"].view["node-3"] == newer.spec


def test_a_newer_life_with_memory_is_found_from_another_address() -> None:
    graph = Graph()
    snapshot = graph.simulation.crash(graph.nodes["node-3"])
    graph.simulation.run(1.0)
    newer = graph.restart("node-3", Address("10.9.9.9", 1), snapshot)
    graph.settle(RING | {CHORD})
    assert graph.nodes["node-0"].view["node-3"] == newer.spec


def test_a_partition_heals_into_the_same_graph() -> None:
    graph = Graph()
    graph.simulation.network.partition({name: number % 2 for number, name in enumerate(NAMES)})
    graph.simulation.run(20.0)
    assert not graph.nodes["node-0"].host.neighbours
    graph.simulation.network.heal()
    graph.settle(RING | {CHORD}, limit=15.0)


def test_who_leaves_is_forgotten_by_its_peers_and_nobody_else_is_linked_instead() -> None:
    graph = Graph()
    graph.simulation.leave(graph.nodes["node-3"])
    graph.settle(without("node-3"))
    assert all("node-3" not in graph.known_by(name) for name in NAMES if name != "node-3")


def test_evicting_ends_one_edge_and_leaves_the_others() -> None:
    graph = Graph()
    graph.simulation.evict(graph.nodes["node-0"], graph.nodes["node-3"].spec)
    graph.settle(RING)
    assert "node-0" not in graph.known_by("node-3")


def test_who_was_evicted_while_cut_off_hears_of_it_when_it_is_back() -> None:
    graph = Graph()
    graph.simulation.network.partition({"node-3": 1})
    graph.simulation.run(10.0)
    graph.simulation.evict(graph.nodes["node-0"], graph.nodes["node-3"].spec)
    graph.simulation.run(10.0)
    assert "node-0" in graph.known_by("node-3")
    graph.simulation.network.heal()
    graph.settle(RING, limit=15.0)
    assert "node-0" not in graph.known_by("node-3")


def test_random_restarts_partitions_and_repeated_messages_end_in_the_same_graph() -> None:
    """Addresses stay: two peers that both move while they are apart cannot find each other."""
    for seed in range(20):
        graph, rng = Graph(seed), Random(seed)
        graph.simulation.network.faults = Faults(duplication=0.2, reordering=0.2)
        for _ in range(10):
            name = rng.choice(NAMES)
            if rng.random() < 0.5:
                address = graph.nodes[name].spec.addresses[0]
                graph.restart(name, address, graph.simulation.crash(graph.nodes[name]))
            else:
                graph.simulation.network.partition({name: rng.randrange(2) for name in NAMES})
            graph.simulation.run(rng.uniform(0.0, 5.0))
        graph.simulation.network.heal()
        graph.settle(RING | {CHORD}, limit=30.0)
