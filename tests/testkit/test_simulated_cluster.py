"""A cluster of whole nodes in virtual time, as the tests of an application use it."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import trio

from partisan_core import Node
from partisan_core.notices import NeighbourDown, Notice
from partisan_testkit.simulator import Faults

Open = Callable[..., Any]


async def downs_of(node: Node, noted: list[NeighbourDown]) -> None:
    async with node.open_events() as events:
        async for notice in events:
            note(notice, noted)


def note(notice: Notice, noted: list[NeighbourDown]) -> None:
    if isinstance(notice, NeighbourDown):
        noted.append(notice)


@pytest.mark.parametrize("overlay", ["fullmesh", "hyparview", "clientserver", "static", "scamp_v2"])
async def test_a_cluster_of_any_overlay_forms_and_delivers(partisan_cluster: Open, overlay: str) -> None:
    async with partisan_cluster(5, overlay=overlay) as cluster:
        node = cluster.nodes["node-3"]
        target = cluster.nodes[node.neighbours()[0]]
        async with target.open_mailbox("inbox") as inbox:
            await node.send(f"{target.name}/inbox", {"from": node.name})
            assert await inbox.receive() == {"from": "node-3"}


async def test_ten_minutes_pass_in_no_time(partisan_cluster: Open) -> None:
    async with partisan_cluster(2) as cluster:
        before = trio.current_time()
        await cluster.run_for(minutes=9, seconds=60)
        assert trio.current_time() - before == 600
        assert cluster.nodes["node-0"].neighbours() == ("node-1",)


async def test_both_sides_of_a_partition_go_on_and_find_each_other_again(partisan_cluster: Open) -> None:
    async with partisan_cluster(4) as cluster:
        one, two, *others = cluster.nodes.values()
        cluster.partition({one, two}, others)
        await cluster.run_until(lambda: one.neighbours() == ("node-1",))
        await cluster.run_for(seconds=30)
        assert [node.neighbours() for node in others] == [("node-3",), ("node-2",)]
        assert len(one.members()) == 4
        cluster.heal()
        await cluster.run_until(lambda: all(len(node.neighbours()) == 3 for node in cluster.nodes.values()))


async def test_a_one_way_partition_ends_links_at_both_ends(partisan_cluster: Open) -> None:
    async with partisan_cluster(3) as cluster:
        cluster.partition({"node-0", "node-1"}, {"node-2"}, one_way=True)
        gone = await cluster.run_until(lambda: not cluster.nodes["node-2"].neighbours())
        await cluster.run_until(lambda: cluster.nodes["node-0"].neighbours() == ("node-1",))
        assert 3 < gone < 20
        cluster.heal()
        await cluster.run_until(lambda: len(cluster.nodes["node-2"].neighbours()) == 2)


async def test_what_is_sent_into_a_short_cut_arrives_after_it(partisan_cluster: Open) -> None:
    async with partisan_cluster(2) as cluster, cluster.nodes["node-1"].open_mailbox("inbox") as inbox:
        cluster.cut("node-0", "node-1")
        await cluster.nodes["node-0"].send("node-1/inbox", "late")
        await cluster.run_for(seconds=1)
        assert len(inbox) == 0
        cluster.heal()
        with trio.fail_after(2):
            assert await inbox.receive() == "late"


async def test_a_crash_is_noticed_at_once_and_a_silent_one_by_missing_answers(partisan_cluster: Open) -> None:
    async with partisan_cluster(3) as cluster:
        watcher = cluster.nodes["node-0"]
        cluster.crash("node-1")
        assert "node-1" not in cluster.nodes
        loud = await cluster.run_until(lambda: watcher.neighbours() == ("node-2",))
        cluster.crash("node-2", silently=True)
        silent = await cluster.run_until(lambda: not watcher.neighbours())
        assert loud < 1 < silent < 10


async def test_a_restart_is_another_life_and_another_node(partisan_cluster: Open) -> None:
    async with partisan_cluster(3) as cluster:
        noted: list[NeighbourDown] = []
        before = cluster.nodes["node-1"].spec()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(downs_of, cluster.nodes["node-0"], noted)
            await cluster.run_for(seconds=1)
            fresh = await cluster.restart("node-1")
            assert fresh is cluster.nodes["node-1"]
            await cluster.run_until(lambda: len(fresh.neighbours()) == 2)
            nursery.cancel_scope.cancel()
        assert fresh.spec().incarnation > before.incarnation
        assert [down.peer.life for down in noted] == [before.life]


async def test_with_its_state_a_node_finds_its_way_back_by_itself_and_without_it_does_not(
    partisan_cluster: Open,
) -> None:
    async with partisan_cluster(3) as cluster:
        await cluster.run_for(seconds=5)  # what a node knows is written at once, and then once a second
        for name in cluster.nodes:
            cluster.crash(name)
        await cluster.run_for(seconds=1)
        first = await cluster.restart("node-0", keep_state=True)
        second = await cluster.restart("node-1", keep_state=True)
        await cluster.run_until(lambda: first.neighbours() == ("node-1",) and second.neighbours() == ("node-0",))
        for name in ("node-0", "node-1"):
            cluster.crash(name)
        first, second = await cluster.restart("node-0"), await cluster.restart("node-2", keep_state=False)
        await cluster.run_until(lambda: first.neighbours() == ("node-2",))
        assert {spec.name for spec in second.members()} == {"node-0", "node-2"}


async def test_an_application_runs_in_every_life(partisan_cluster: Open) -> None:
    begun, ended = Counter[str](), Counter[str]()

    async def application(node: Node) -> None:
        begun[node.name] += 1
        try:
            await trio.sleep_forever()
        finally:
            ended[node.name] += 1

    async with partisan_cluster(2, application=application) as cluster:
        await cluster.restart("node-1")
        assert begun == {"node-0": 1, "node-1": 2}
        await cluster.run_for(seconds=5)
        assert ended == {"node-1": 1}
    assert ended == begun


async def test_a_node_that_restarts_while_connections_are_bad_gets_back(partisan_cluster: Open) -> None:
    bad = Faults(loss=0.1, resets=0.02, flips=0.01, dial_failures=0.3)
    async with partisan_cluster(4, faults=bad) as cluster:
        await cluster.restart("node-2")
        await cluster.run_for(seconds=20)
        cluster.faults = Faults()
        await cluster.run_until(lambda: all(len(node.neighbours()) == 3 for node in cluster.nodes.values()))


async def test_a_reset_breaks_connections_and_is_no_down(partisan_cluster: Open) -> None:
    async with partisan_cluster(2) as cluster:
        noted: list[NeighbourDown] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(downs_of, cluster.nodes["node-0"], noted)
            await cluster.run_for(seconds=1)
            assert cluster.reset("node-0", "node-1") > 0
            await cluster.run_for(seconds=10)
            nursery.cancel_scope.cancel()
        assert not noted
        assert cluster.nodes["node-0"].counters["ChannelDown"] > 0


async def test_a_wall_clock_that_jumps_disturbs_nobody(partisan_cluster: Open) -> None:
    async with partisan_cluster(3) as cluster:
        noted: list[NeighbourDown] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(downs_of, cluster.nodes["node-0"], noted)
            for ahead in (7200, -7200, 0):
                cluster.set_clock("node-1", ahead)
                await cluster.run_for(seconds=20)
            nursery.cancel_scope.cancel()
        assert not noted


async def test_latencies_are_those_of_pairs(partisan_cluster: Open) -> None:
    async with partisan_cluster(2, latency=lambda source, target: 200, links={"dial_timeout": "5s"}) as cluster:
        assert await cluster.nodes["node-0"].ping("node-1") > 0.4
        cluster.slow("node-1", 500)
        assert await cluster.nodes["node-0"].ping("node-1") > 1.4


async def test_what_the_block_raises_comes_out_bare_with_the_seed(partisan_cluster: Open) -> None:
    async def main() -> None:
        async with partisan_cluster(2, seed=17) as cluster:
            await cluster.run_for(seconds=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        await main()
    assert "seed=17" in caught.value.__notes__[0]


async def test_what_an_application_raises_ends_the_test(partisan_cluster: Open) -> None:
    async def application(node: Node) -> None:
        await trio.sleep(5)
        raise LookupError(node.name)

    with pytest.raises((LookupError, ExceptionGroup)):
        async with partisan_cluster(1, application=application) as cluster:
            await cluster.run_for(minutes=1)


async def test_a_name_that_is_none_is_refused(partisan_cluster: Open) -> None:
    async with partisan_cluster(2) as cluster:
        with pytest.raises(KeyError, match="node-9 is no node of this cluster: node-0, node-1"):
            cluster.partition({"node-9"})
        with pytest.raises(TimeoutError, match=r"not within 1 virtual seconds \(seed 0\)"):
            await cluster.run_until(lambda: False, seconds=1)
