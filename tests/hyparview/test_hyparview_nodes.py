"""HyParView on real nodes over memory."""

import trio
import trio.testing

from partisan_core import Node
from partisan_testkit.cluster import memory_cluster


def reached(nodes: dict[str, Node], start: str) -> set[str]:
    seen, edge = set[str](), {start}
    while edge:
        seen |= edge
        edge = {peer for name in edge for peer in nodes[name].neighbours()} - seen
    return seen


def are_sound(nodes: dict[str, Node]) -> bool:
    symmetric = all(name in nodes[peer].neighbours() for name, node in nodes.items() for peer in node.neighbours())
    return symmetric and reached(nodes, "n0") == set(nodes)


async def settle(nodes: dict[str, Node]) -> None:
    with trio.fail_after(120):
        while not are_sound(nodes):
            await trio.sleep(0.1)


async def test_8_real_nodes_form_one_overlay_whose_neighbours_talk(autojump_clock: trio.testing.MockClock) -> None:
    async with memory_cluster(8, neighbours=1, overlay={"use": "hyparview", "active_max": 3}) as cluster:
        nodes = {node.name: node for node in cluster}
        await settle(nodes)
        assert all(len(node.neighbours()) <= 3 for node in cluster)
        for node in cluster:
            async with node.open_mailbox("box") as box:
                await settle(nodes)
                asked = node.neighbours()
                for peer in asked:
                    nodes[peer].send_nowait(f"{node.name}/box", peer)
                with trio.fail_after(10):
                    assert {await box.receive() for _ in asked} == set(asked)


async def test_the_overlay_of_real_nodes_closes_behind_one_that_leaves(autojump_clock: trio.testing.MockClock) -> None:
    async with memory_cluster(8, neighbours=1, overlay={"use": "hyparview", "active_max": 3}) as cluster:
        nodes = {node.name: node for node in cluster}
        await settle(nodes)
        leaver = nodes.pop("n3")
        await leaver.leave()
        assert leaver.neighbours() == ()
        await trio.sleep(1)
        assert all("n3" not in node.neighbours() for node in nodes.values())
        await settle(nodes)
