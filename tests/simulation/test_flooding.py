"""A flood over simulated links finds what a search of the graph finds, and what faults leave of it."""

from random import Random

import pytest

from partisan_core.identity import NodeSpec
from partisan_hyparview import HyParView, HyParViewConfig
from partisan_testkit.flooding import Broadcast, flood
from partisan_testkit.simulator import CALM, Faults, LinkTimes, Simulation
from partisan_testkit.simulator.graph import Flood, Graph

NODES = 30
SLOWEST = 1.0


def make(me: NodeSpec, rng: Random) -> HyParView:
    return HyParView(me, HyParViewConfig(), rng)


def cluster(*, faults: Faults = CALM, silent_crashes: bool = False) -> Simulation:
    simulation = Simulation(make, 4, faults=faults, times=LinkTimes(silent_crashes=silent_crashes))
    for number in range(NODES):
        node = simulation.start(f"node-{number}")
        if number:
            simulation.join(node, lambda: simulation.nodes[0])
        simulation.run(0.2)
    simulation.run(20.0)
    assert Graph.of(simulation.living).component_sizes() == [NODES]
    return simulation


def broadcast(simulation: Simulation) -> Broadcast:
    sent = flood(simulation, simulation.living[7])
    simulation.run(SLOWEST)
    return sent


def test_with_equal_latencies_a_flood_is_a_breadth_first_search() -> None:
    simulation = cluster(faults=Faults(latency=(10, 10)))
    expected = Graph.of(simulation.living).flood(simulation.living[7].name)
    sent = broadcast(simulation)
    assert sent.flood == expected
    assert sent.reliability == 1
    assert sent.flood.redundancy > 1


def test_with_unequal_latencies_it_costs_as_much_but_the_first_way_may_be_longer() -> None:
    simulation = cluster(faults=Faults(latency=(1, 100)))
    expected = Graph.of(simulation.living).flood(simulation.living[7].name)
    found = broadcast(simulation).flood
    assert (found.reached, found.payloads) == (expected.reached, expected.payloads)
    assert found.hops > expected.hops


def test_loss_costs_reliability_when_it_is_great_enough() -> None:
    simulation = cluster()
    simulation.network.faults = Faults(loss=0.7)
    assert 0 < broadcast(simulation).reliability < 1
    simulation.network.faults = Faults(loss=1.0)
    lonely = broadcast(simulation)
    assert lonely.reliability == 1 / NODES
    assert lonely.flood.reached == 1
    assert lonely.flood.payloads == len(simulation.living[7].host.neighbours)


def test_duplicates_are_not_passed_on() -> None:
    simulation = cluster()
    payloads = broadcast(simulation).flood.payloads
    simulation.network.faults = Faults(duplication=1.0)
    assert broadcast(simulation).flood.payloads == payloads


def test_who_died_meanwhile_is_not_counted() -> None:
    simulation = cluster()
    sent = flood(simulation, simulation.living[7])
    for node in simulation.living[10:]:
        simulation.crash(node)
    simulation.run(SLOWEST)
    assert sent.reliability == len([node for node in sent.hops if node.alive]) / 10


def test_a_flood_discovers_the_dead_when_nothing_else_does() -> None:
    simulation = cluster(silent_crashes=True)
    dead = simulation.living[25]
    mourners = [node for node in dead.links.values() if dead.name in node.host.neighbours]
    simulation.crash(dead)
    simulation.run(0.5)
    assert all(dead.name in node.host.neighbours for node in mourners)
    broadcast(simulation)
    assert all(dead.name not in node.host.neighbours for node in mourners)


def test_a_tree_has_no_redundancy() -> None:
    assert Flood(reached=5, hops=2, payloads=4).redundancy == pytest.approx(0)
