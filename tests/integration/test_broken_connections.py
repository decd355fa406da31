"""Connections that break in every way, with real sockets, while both nodes live."""

from pathlib import Path

import pytest
import trio

from partisan_core import Node
from partisan_core.events import Reason
from partisan_core.notices import ChannelDown, ChannelUp, NeighbourDown
from tests.integration.apart import apart
from tests.integration.nodes import PATIENCE, notice_of, opened, until

IMPATIENT = {
    "ping_interval": "200ms",
    "ping_timeout": "100ms",
    "reconnect_grace": "400ms",
    "handshake_timeout": "200ms",
}

BRISK = {"redial_limit": "100ms"}
"""For connections that are broken many times a second."""


def dropped(node: Node, reason: str) -> int:
    """Messages of the channel `default`; gossip may be lost, too, when connections break."""
    return sum(row.dropped.get(reason, 0) for row in node.connections() if row.channel == "default")


async def test_resets_lose_no_peer_and_no_order_and_every_loss_is_a_gap() -> None:
    async with apart(links=BRISK) as scene, scene.alpha.open_events() as events, trio.open_nursery() as nursery:
        box = scene.alpha.open_mailbox("box")
        sent, enough = 0, False
        received: list[int] = []

        async def send() -> None:
            nonlocal sent
            while sent < 20_000 or not enough:
                await scene.beta.send("alpha/box", sent)
                sent += 1
                if sent % 100 == 0:
                    await trio.lowlevel.checkpoint()

        async def receive() -> None:
            while True:
                received.extend(await box.receive_batch())

        nursery.start_soon(receive)
        async with trio.open_nursery() as senders:
            senders.start_soon(send)
            for _ in range(10):
                scene.reset()
                await notice_of(ChannelUp, events)
            enough = True
        await until(lambda: len(received) + dropped(scene.alpha, "gap") == sent)
        nursery.cancel_scope.cancel()
        assert received == sorted(set(received))
        assert dropped(scene.beta, "lost_with_connection") == dropped(scene.alpha, "gap")
        assert scene.downs == 0


async def test_a_lane_that_is_killed_comes_back_and_the_peer_is_not_down() -> None:
    async with apart() as scene, scene.alpha.open_events() as events:
        box = scene.alpha.open_mailbox("box")
        for number in range(5):
            scene.reset(first=1)
            down = await notice_of(ChannelDown, events)
            assert (down.peer.name, down.channel) == ("beta", "default")
            await notice_of(ChannelUp, events)
            await scene.beta.send("alpha/box", number)
            with trio.fail_after(PATIENCE):
                assert await box.receive() == number
        assert scene.alpha.counters["PeerSuspected"] == 0
        assert scene.downs == 0


async def test_a_flipped_bit_costs_the_connection_and_not_the_peer() -> None:
    async with apart(links=BRISK) as scene:
        box = scene.alpha.open_mailbox("box")
        for number in range(10):
            before = scene.lost_connections
            scene.damage()
            while not scene.lost_connections > before:
                await scene.beta.send("alpha/box", "perhaps damaged")
                await trio.lowlevel.checkpoint()
            scene.damage(False)
            await until(scene.is_whole)
            await scene.beta.send("alpha/box", number)
            with trio.fail_after(PATIENCE):
                while await box.receive() != number:
                    """What came through before and after the damage."""
        errors = {row.last_error for node in (scene.alpha, scene.beta) for row in node.connections()}
        assert any("CorruptFrame" in error for error in errors)
        assert scene.downs == 0


async def test_a_half_open_link_is_found_by_pings_and_down_after_the_grace() -> None:
    async with apart(links=IMPATIENT) as scene, scene.alpha.open_events() as events:
        start = trio.current_time()
        scene.silence()
        down = await notice_of(NeighbourDown, events)
        assert down.reason is Reason.UNREACHABLE
        assert 0.5 < trio.current_time() - start < 4
        await until(lambda: not scene.beta.neighbours())
        for proxy in scene.proxies:
            proxy.silent = False
        await until(lambda: scene.alpha.neighbours() and scene.beta.neighbours())


def _established(node: Node) -> int:
    """How many connections the system has at this node's port."""
    port = f":{node.addresses[0].port:04X}"
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text("ascii").splitlines()]
    return sum(row[1].endswith(port) and row[3] == "01" for row in rows)


@pytest.mark.parametrize("lanes", [1, 3])
async def test_nodes_that_all_dial_each_other_at_once_end_with_one_connection_per_lane(lanes: int) -> None:
    channels = {"channels": {"default": {"parallelism": lanes}}}
    for _ in range(4):
        async with (
            opened("alpha", **channels) as alpha,
            opened("beta", **channels) as beta,
            opened("gamma", **channels) as gamma,
        ):
            nodes = (alpha, beta, gamma)
            async with trio.open_nursery() as nursery:
                for node in nodes:
                    for other in nodes:
                        if other is not node:
                            nursery.start_soon(node.join, *other.addresses)
            expected = 3 * (1 + lanes)

            def settled(nodes: tuple[Node, ...] = nodes, expected: int = expected) -> bool:
                rows = [row for node in nodes for row in node.connections() if row.state == "connected"]
                return len(rows) == 2 * expected and sum(map(_established, nodes)) == expected

            await until(settled)
            assert all(len(node.neighbours()) == 2 for node in nodes)
            assert sum(node.counters["NeighbourDown"] for node in nodes) == 0
