"""A cluster in one process, as the tests of an application use it."""

import trio
from trio.testing import MockClock

from partisan_testkit.memory import memory_cluster


async def test_the_nodes_of_a_memory_cluster_reach_each_other() -> None:
    with trio.fail_after(10):
        async with memory_cluster(3) as nodes, nodes[2].open_mailbox("inbox") as inbox:
            await nodes[0].send("n2/inbox", {"from": 0})
            await nodes[1].send("n2/inbox", {"from": 1})
            received = [await inbox.receive(), await inbox.receive()]
    assert sorted(message["from"] for message in received) == [0, 1]


async def test_two_memory_clusters_at_once_do_not_meet() -> None:
    with trio.fail_after(10):
        async with memory_cluster(2) as some, memory_cluster(2) as others:
            assert [spec.name for spec in some[0].members()] == ["n0", "n1"]
            assert some[0].spec().instance not in {spec.instance for spec in others[1].members()}


def test_a_memory_cluster_runs_under_a_virtual_clock() -> None:
    async def an_hour() -> float:
        async with memory_cluster(3) as nodes:
            await trio.sleep(3600)
            assert all(len(node.neighbours()) == 2 for node in nodes)
            return trio.current_time()

    assert trio.run(an_hour, clock=MockClock(autojump_threshold=0)) >= 3600
