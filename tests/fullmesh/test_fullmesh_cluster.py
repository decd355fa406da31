"""Full mesh on the simulated network: joining, leaving, eviction, restarts, partitions."""

import pytest

from partisan_core.events import Reason
from partisan_core.identity import Address
from partisan_fullmesh import FullMeshConfig
from partisan_testkit.simulator import Faults, Simulation
from tests.fullmesh.clusters import NEVER, Cluster, full_mesh

A_FEW_LATENCIES = 0.2
"""Seconds: ten one-way latencies of the slowest kind, of which dialling the contact alone takes four."""


def test_all_know_a_joiner_within_a_few_latencies_without_a_gossip_round() -> None:
    cluster = Cluster(16, NEVER)
    joiner = cluster.start_and_join("joiner")
    seconds = cluster.simulation.run_until(lambda: cluster.knowing("joiner") == 17, limit=1.0)
    assert seconds <= A_FEW_LATENCIES
    assert len(joiner.view) == 17


def test_32_nodes_that_join_through_one_contact_at_once_are_a_mesh_within_a_second() -> None:
    cluster = Cluster(33)
    assert cluster.formation <= 1.0


def test_two_clusters_become_one_when_a_member_of_one_joins_the_other() -> None:
    cluster = Cluster(5)
    others = [cluster.simulation.start(f"other-{number}") for number in range(5)]
    for other in others[1:]:
        cluster.simulation.join(other, lambda: others[0])
    cluster.simulation.run(2.0)
    cluster.join(others[3])
    cluster.settle(limit=2.0)
    assert len(others[0].view) == 10


def test_all_forget_who_leaves_within_a_few_latencies_and_for_good() -> None:
    cluster = Cluster(8, NEVER)
    cluster.simulation.leave(cluster.nodes[3])
    assert cluster.simulation.run_until(lambda: cluster.knowing("node-3") == 0, 1.0) <= A_FEW_LATENCIES
    cluster.simulation.run(30.0)
    assert cluster.knowing("node-3") == 0
    assert cluster.diary.retirements() == []


def test_leaving_is_learnt_by_gossip_when_most_of_its_news_is_lost() -> None:
    cluster = Cluster(8)
    cluster.simulation.network.faults = Faults(loss=0.8)
    cluster.simulation.leave(cluster.nodes[3])
    cluster.simulation.run_until(lambda: cluster.knowing("node-3") < 7, limit=2.0)
    cluster.simulation.network.faults = Faults(loss=0.3)
    cluster.simulation.run_until(lambda: cluster.knowing("node-3") == 0, limit=10.0)


def test_who_left_may_come_back_as_a_newer_life() -> None:
    cluster = Cluster(4)
    cluster.simulation.leave(cluster.nodes[3])
    cluster.simulation.run(2.0)
    back = cluster.start_and_join("node-3")
    cluster.settle(limit=2.0)
    assert cluster.nodes[0].view["node-3"] == back.spec


def test_an_evicted_node_learns_of_it_and_retires() -> None:
    cluster = Cluster(6, NEVER)
    victim = cluster.nodes[4]
    cluster.simulation.evict(cluster.nodes[1], victim.spec)
    cluster.simulation.run(A_FEW_LATENCIES)
    assert cluster.diary.retirements() == [(victim, Reason.EVICTED)]
    assert cluster.knowing("node-4") == 0


def test_a_crashed_node_stays_a_member_until_it_is_evicted() -> None:
    cluster = Cluster(4)
    cluster.simulation.crash(cluster.nodes[2])
    cluster.simulation.run(60.0)
    assert cluster.knowing("node-2") == 3
    assert set(cluster.nodes[0].host.neighbours) == {"node-1", "node-3"}
    cluster.simulation.evict(cluster.nodes[0], cluster.nodes[2].spec)
    cluster.simulation.run(1.0)
    assert cluster.knowing("node-2") == 0


@pytest.mark.parametrize("cut_off_for", [5.0, 25.0], ids=["fresh", "silent"])
def test_who_was_evicted_while_cut_off_is_told_when_it_is_back(cut_off_for: float) -> None:
    """Even when the tombstone is no longer gossiped: it tells whoever speaks although evicted."""
    cluster = Cluster(5, FullMeshConfig(tombstone_ttl=40.0))
    victim = cluster.nodes[4]
    cluster.simulation.network.partition({"node-4": 1})
    cluster.simulation.evict(cluster.nodes[0], victim.spec)
    cluster.simulation.run(cut_off_for)
    assert victim.alive
    cluster.simulation.network.heal()
    cluster.simulation.run_until(lambda: not victim.alive, limit=13.0)
    assert cluster.diary.retirements() == [(victim, Reason.EVICTED)]
    assert cluster.knowing("node-4") == 0


def test_reconciling_evicts_whom_the_list_lacks_and_joins_whom_it_adds() -> None:
    cluster = Cluster(4)
    stranger = cluster.simulation.start("stranger")
    listed = [cluster.nodes[0].spec, cluster.nodes[1].spec, stranger.spec]
    cluster.simulation.reconcile(cluster.nodes[0], listed)
    cluster.settle(limit=3.0)
    assert set(stranger.view) == {"node-0", "node-1", "stranger"}
    assert {node.name for node, _ in cluster.diary.retirements()} == {"node-2", "node-3"}


def test_reconciling_with_an_empty_list_changes_nothing() -> None:
    cluster = Cluster(3)
    cluster.simulation.reconcile(cluster.nodes[0], [])
    cluster.simulation.run(3.0)
    assert cluster.knowing("node-2") == 3


def test_a_restart_at_another_address_replaces_the_old_life_everywhere() -> None:
    cluster = Cluster(6, NEVER)
    cluster.simulation.crash(cluster.nodes[5])
    cluster.simulation.run(1.0)
    newer = cluster.start_and_join("node-5")
    cluster.settle(limit=A_FEW_LATENCIES)
    assert newer.spec.addresses != cluster.nodes[5].spec.addresses
    assert all(node.view["node-5"] == newer.spec for node in cluster.simulation.living)


def test_a_restart_at_its_old_address_is_found_by_those_who_want_it() -> None:
    cluster = Cluster(6)
    crashed = cluster.nodes[5]
    cluster.simulation.crash(crashed)
    newer = cluster.simulation.start("node-5", crashed.spec.addresses[0])
    cluster.settle(limit=2.0)
    assert len(newer.view) == 6


def test_a_node_that_remembers_needs_no_contact_after_a_restart() -> None:
    cluster = Cluster(6)
    snapshot = cluster.simulation.crash(cluster.nodes[5])
    newer = cluster.simulation.start("node-5", Address("10.9.9.9", 1), snapshot)
    cluster.settle(limit=2.0)
    assert len(newer.view) == 6


def test_a_whole_cluster_that_remembers_comes_back_by_itself() -> None:
    cluster = Cluster(6)
    snapshots = [cluster.simulation.crash(node) for node in cluster.nodes]
    cluster.simulation.run(1.0)
    for node, snapshot in zip(cluster.nodes, snapshots, strict=True):
        cluster.simulation.start(node.name, node.spec.addresses[0], snapshot)
    cluster.settle(limit=5.0)
    assert all(len(node.view) == 6 for node in cluster.simulation.living)


def test_a_node_with_memory_does_not_bring_back_who_left_meanwhile() -> None:
    cluster = Cluster(5)
    snapshot = cluster.simulation.crash(cluster.nodes[4])
    cluster.simulation.leave(cluster.nodes[1])
    cluster.simulation.run(5.0)
    cluster.simulation.start("node-4", snapshot=snapshot)
    cluster.settle(limit=5.0)
    assert cluster.knowing("node-1") == 0


def test_of_two_nodes_with_one_name_at_different_doors_the_newer_one_wins_everywhere() -> None:
    cluster = Cluster(6)
    older = cluster.nodes[3]
    newer = cluster.simulation.start("node-3")
    cluster.simulation.join(newer, lambda: cluster.nodes[5])
    cluster.settle(limit=3.0)
    assert cluster.diary.retirements() == [(older, Reason.NAME_IN_USE)]
    assert all(node.view["node-3"] == newer.spec for node in cluster.simulation.living)


def test_one_name_on_both_sides_of_a_partition_ends_with_the_newer_one() -> None:
    cluster = Cluster(6)
    older = cluster.nodes[3]
    cluster.simulation.network.partition({"node-3": 1, "node-4": 1})
    cluster.simulation.run(4.0)
    newer = cluster.simulation.start("node-3")
    cluster.simulation.network.heal()
    cluster.join(newer)
    cluster.settle(limit=15.0)
    assert cluster.diary.retirements() == [(older, Reason.NAME_IN_USE)]


def test_a_healed_partition_is_one_cluster_again_without_waiting_for_a_round() -> None:
    cluster = Cluster(12, NEVER)
    halves = {f"node-{number}": number % 2 for number in range(12)}
    simulation = cluster.simulation
    simulation.network.partition(halves | {"new-even": 0, "new-odd": 1})
    simulation.run(5.0)
    simulation.join(simulation.start("new-even"), lambda: cluster.nodes[2])
    simulation.join(simulation.start("new-odd"), lambda: cluster.nodes[3])
    simulation.leave(cluster.nodes[4])
    simulation.run(5.0)
    assert (cluster.knowing("new-even"), cluster.knowing("new-odd")) == (6, 7)
    simulation.network.heal()
    cluster.settle(limit=11.0)
    assert cluster.knowing("node-4") == 0
    assert cluster.knowing("new-even") == cluster.knowing("new-odd") == 13


def test_all_collect_a_tombstone_and_nobody_brings_it_back() -> None:
    cluster = Cluster(6, FullMeshConfig(tombstone_ttl=20.0))
    cluster.simulation.leave(cluster.nodes[2])
    cluster.simulation.run(25.0)
    before = sum(node.sent_bytes for node in cluster.simulation.living)
    cluster.simulation.run(10.0)
    per_round = (sum(node.sent_bytes for node in cluster.simulation.living) - before) / 5 / 10
    assert cluster.knowing("node-2") == 0
    assert per_round == 3 * 36, "nothing but digests: three of 12 bytes, framed"


def test_a_snapshot_that_cannot_be_read_is_ignored() -> None:
    simulation = Simulation(full_mesh(), 1)
    node = simulation.start("node-0", snapshot=b"\xc1 no snapshot")
    assert set(node.view) == {"node-0"}


def test_a_node_that_left_remembers_nothing() -> None:
    cluster = Cluster(3)
    cluster.simulation.leave(cluster.nodes[1])
    assert cluster.nodes[1].strategy.snapshot() == b""
