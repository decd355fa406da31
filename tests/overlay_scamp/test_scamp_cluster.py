"""SCAMP on the simulated network: joining, leases, crashes, leaving, partitions, restarts."""

import pytest

from partisan_core.identity import NodeSpec
from partisan_testkit.simulator import Faults
from tests.overlay_scamp.overlays import Cluster

both_versions = pytest.mark.parametrize("version", [1, 2])
SHORT_LEASES = {"lease": 90.0}


@both_versions
def test_40_nodes_that_join_through_random_contacts_are_one_overlay_in_which_everybody_is_held(version: int) -> None:
    cluster = Cluster(version, 40)
    cluster.settle()
    assert len(cluster.components()) == 1
    assert cluster.in_degrees()[0] >= 1


def test_with_a_walk_one_contact_for_all_is_not_in_all_views() -> None:
    held = {}
    for version in (1, 2):
        cluster = Cluster(version, 30, seed=3, single_contact=True)
        cluster.settle()
        held[version] = sum("node-0" in others for others in cluster.graph().values())
    assert held[1] == 29
    assert held[2] <= 22


@both_versions
def test_30_nodes_that_join_at_once_become_one_overlay(version: int) -> None:
    cluster = Cluster(version, 30, pause=0.0, single_contact=True)
    cluster.settle()


@both_versions
def test_leases_come_and_go_and_the_views_stay_as_large_as_they_were(version: int) -> None:
    cluster = Cluster(version, 25, options=SHORT_LEASES)
    cluster.simulation.run(10.0)
    before = sum(cluster.degrees())
    cluster.simulation.run(4 * 90.0)
    cluster.settle()
    assert 0.9 * before <= sum(cluster.degrees()) <= 1.1 * before


@both_versions
def test_a_crash_of_30_percent_leaves_one_overlay_without_the_dead(version: int) -> None:
    cluster = Cluster(version, 40)
    cluster.settle()
    for node in cluster.nodes[1:13]:
        cluster.simulation.crash(node)
    cluster.settle(limit=10.0)
    cluster.simulation.run(60.0)
    assert cluster.is_sound()
    dead = {node.name for node in cluster.nodes[1:13]}
    assert not any(dead & set(node.view) for node in cluster.simulation.living)


@both_versions
def test_who_leaves_is_forgotten_and_the_views_keep_their_sizes_but_for_c_and_one(version: int) -> None:
    cluster = Cluster(version, 40)
    cluster.settle()
    cluster.simulation.run(10.0)  # the copies of the last joiner may still be on their way
    leaver = cluster.nodes[20]
    arcs, own = sum(cluster.degrees()), len(leaver.strategy.links())
    cluster.simulation.leave(leaver)
    cluster.simulation.run(3.0)
    assert all(leaver.name not in node.view for node in cluster.simulation.living)
    lost = arcs - own - sum(cluster.degrees())
    assert 5 <= lost <= 5 + 10  # some offered are held already
    cluster.settle()


@both_versions
def test_half_an_overlay_that_was_cut_off_for_minutes_comes_back(version: int) -> None:
    cluster = Cluster(version, 30)
    cluster.settle()
    cluster.simulation.network.partition({f"node-{number}": number % 2 for number in range(30)})
    cluster.simulation.run(180.0)
    assert len(cluster.components()) == 2
    cluster.simulation.network.heal()
    cluster.settle(limit=120.0)
    cluster.simulation.run(300.0)
    graph = cluster.graph()
    arcs = [(name, other) for name, held in graph.items() for other in held]
    across = sum((int(name[5:]) + int(other[5:])) % 2 for name, other in arcs)
    assert across >= len(arcs) / 4


@both_versions
def test_two_overlays_are_one_when_a_node_of_one_joins_a_node_of_the_other(version: int) -> None:
    cluster = Cluster(version, 10)
    first = cluster.nodes[3]
    cluster.nodes = [cluster.simulation.start("other-0")]
    cluster.grow(10, "other")
    assert len(cluster.components()) == 2
    cluster.simulation.join(first, lambda: cluster.nodes[5])
    cluster.settle()


@both_versions
def test_a_lossy_network_leaves_nobody_outside(version: int) -> None:
    cluster = Cluster(version, 30, faults=Faults(loss=0.2, duplication=0.05, reordering=0.05))
    cluster.simulation.network.faults = Faults()
    cluster.settle(limit=120.0)


def test_a_subscription_that_was_lost_is_made_again() -> None:
    cluster = Cluster(1, 5)
    cluster.simulation.network.faults = Faults(loss=1.0)
    cluster.grow(6)
    cluster.simulation.run(3.0)
    assert not cluster.nodes[5].strategy.links()
    cluster.simulation.network.faults = Faults()
    cluster.settle(limit=10.0)


@both_versions
def test_a_node_that_was_left_alone_comes_back_through_whom_it_lost(version: int) -> None:
    cluster = Cluster(version, 3)
    cluster.settle()
    loner = cluster.nodes[2]
    cluster.simulation.network.partition({loner.name: 1})
    cluster.simulation.run_until(lambda: not loner.strategy.links(), limit=30.0)
    cluster.simulation.run(60.0)
    cluster.simulation.network.heal()
    cluster.settle(limit=90.0)


@both_versions
def test_a_node_that_remembers_needs_no_contact_after_a_restart(version: int) -> None:
    cluster = Cluster(version, 20)
    cluster.settle()
    old = cluster.nodes[5]
    snapshot = cluster.simulation.crash(old)
    cluster.simulation.start(old.name, snapshot=snapshot)
    cluster.settle()
    again = cluster.node(old.name)
    assert set(again.strategy.links()) >= set(old.strategy.links())
    cluster.simulation.run(60.0)
    assert not any(_life(node.view.get(old.name)) == old.spec.life for node in cluster.simulation.living)


def test_restarts_again_and_again_fill_no_view() -> None:
    cluster = Cluster(1, 20, options=SHORT_LEASES)
    cluster.settle()
    before = sum(cluster.degrees())
    for _ in range(20):
        node = cluster.node("node-5")
        snapshot = cluster.simulation.crash(node)
        cluster.simulation.run(2.0)
        cluster.simulation.start("node-5", snapshot=snapshot)
        cluster.simulation.run(10.0)
    cluster.settle()
    assert sum(cluster.degrees()) <= 1.4 * before


def test_the_same_seed_tells_the_same_story() -> None:
    stories = [Cluster(2, 15, seed=7, recording=True).simulation.timeline.log_hash for _ in range(2)]
    assert stories[0] == stories[1]


def _life(spec: NodeSpec | None) -> tuple[int, int] | None:
    return None if spec is None else spec.life
