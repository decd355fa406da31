"""SCAMP on real nodes over memory."""

import pytest
import trio
import trio.testing

from partisan_core import Node
from partisan_testkit.memory import memory_cluster


def is_one_piece(nodes: dict[str, Node]) -> bool:
    """A link carries messages both ways, whichever end wants it."""
    both = {name: set(node.neighbours()) for name, node in nodes.items()}
    for name, node in nodes.items():
        for peer in node.neighbours():
            both[peer].add(name)
    seen, edge = set[str](), {"n0"}
    while edge:
        seen |= edge
        edge = {peer for name in edge for peer in both[name]} - seen
    return seen == set(nodes)


async def settle(nodes: dict[str, Node]) -> None:
    with trio.fail_after(120):
        while not is_one_piece(nodes):
            await trio.sleep(0.1)


@pytest.mark.parametrize("version", [1, 2])
async def test_8_real_nodes_form_one_overlay_whose_neighbours_talk(
    version: int, autojump_clock: trio.testing.MockClock
) -> None:
    async with memory_cluster(8, neighbours=1, overlay={"use": f"scamp_v{version}"}) as cluster:
        nodes = {node.name: node for node in cluster}
        await settle(nodes)
        for node in cluster:
            async with node.open_mailbox("box") as box:
                asked = node.neighbours()
                for peer in asked:
                    nodes[peer].send_nowait(f"{node.name}/box", peer)
                with trio.fail_after(10):
                    assert {await box.receive() for _ in asked} == set(asked)


async def test_the_overlay_of_real_nodes_closes_behind_one_that_leaves(autojump_clock: trio.testing.MockClock) -> None:
    async with memory_cluster(8, neighbours=1, overlay={"use": "scamp_v2", "c": 2}) as cluster:
        nodes = {node.name: node for node in cluster}
        await settle(nodes)
        leaver = nodes.pop("n3")
        await leaver.leave()
        await trio.sleep(2)
        assert leaver.neighbours() == ()
        assert all("n3" not in node.neighbours() for node in nodes.values())
        await settle(nodes)
