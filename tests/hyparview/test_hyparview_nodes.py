"""HyParView on real nodes over memory."""

from contextlib import AsyncExitStack

import pytest
import trio
import trio.testing

from partisan_core import Node, load_config, open_node
from partisan_core.effects import Effect
from partisan_core.events import Event, Received
from partisan_hyparview import HyParView
from partisan_hyparview.messages import ExchangeReply
from partisan_testkit.memory import memory_cluster


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


async def test_real_nodes_exchange_links_that_lead_out_of_their_zones(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle, accepted = HyParView.handle, list[ExchangeReply]()

    def count(node: HyParView, event: Event, now: float) -> list[Effect]:
        match event:
            case Received(_, ExchangeReply(_, True) as reply):
                accepted.append(reply)
        return handle(node, event, now)

    monkeypatch.setattr(HyParView, "handle", count)
    async with AsyncExitStack() as stack:
        nodes = {}
        for number in range(15):
            name, labels = f"n{number}", {"zone": "abc"[number % 3]}
            config = {
                "node": {"name": name, "listen": [f"{name}.memory:0"], "strict": True, "labels": labels},
                "transport": {"use": "memory", "network": "zones"},
                "overlay": {"use": "hyparview", "active_max": 3, "xbot": {"cost": "label:zone", "period": "1s"}},
            }
            nodes[name] = await stack.enter_async_context(open_node(load_config(environ={}, overrides=config)))
            if number:
                await nodes[name].join(nodes["n0"].addresses[0])
        with trio.fail_after(120):
            while len(accepted) < 2:
                await trio.sleep(0.1)
        await settle(nodes)
