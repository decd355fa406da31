"""Messages to members without a link, over TCP: dialled on demand, or through a relay."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import Any

import trio

from partisan_core import Mailbox, Node
from partisan_core.identity import NodeSpec
from partisan_core.kinds import OverlayPlugin
from partisan_fullmesh import FullMesh, FullMeshConfig
from tests.integration.nodes import PATIENCE, opened, until

BATCH, ROUNDS = 200, 5


class Hub(FullMesh):
    """A full mesh of members, of whom only the one that is called hub is linked to the others."""

    def __init__(self, me: NodeSpec, config: FullMeshConfig, rng: Random) -> None:
        super().__init__(me, config, rng)
        self._all: Mapping[str, NodeSpec] = {}
        self._some: Mapping[str, NodeSpec] = {}

    def links(self) -> Mapping[str, NodeSpec]:
        wanted = super().links()
        if wanted is not self._all:
            mine = self._me.name == "hub"
            self._all, self._some = wanted, {name: one for name, one in wanted.items() if mine or name == "hub"}
        return self._some

    def next_hop(self, name: str) -> str | None:
        return "hub"


hub = OverlayPlugin(make=Hub, config=FullMeshConfig)


def ray(name: str, rule: str, idle: str = "30s") -> AbstractAsyncContextManager[Node]:
    routing = {"unconnected": rule, "idle_timeout": idle}
    return opened(name, overlay={"use": f"{__name__}:hub"}, routing=routing)


async def exchange(one: Node, other: Node) -> None:
    """Numbers both ways, at once, each in order."""
    boxes = {node.name: node.open_mailbox("box") for node in (one, other)}

    async def send(source: Node, target: Node) -> None:
        for number in range(BATCH * ROUNDS):
            await source.send(f"{target.name}/box", [number, b"x" * (number % 2000)])

    async def receive(box: Mailbox) -> None:
        got: list[Any] = []
        while len(got) < BATCH * ROUNDS:
            got += await box.receive_batch()
        assert [number for number, _ in got] == list(range(BATCH * ROUNDS))

    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            for source, target in ((one, other), (other, one)):
                nursery.start_soon(send, source, target)
                nursery.start_soon(receive, boxes[source.name])
    assert not one.dropped
    assert not other.dropped


async def test_members_without_a_link_dial_each_other_and_let_go_when_they_are_idle() -> None:
    async with (
        ray("hub", "dial", "1s") as middle,
        ray("alpha", "dial", "1s") as alpha,
        ray("beta", "dial", "1s") as beta,
    ):
        for node in (alpha, beta):
            await node.join(*middle.addresses)
        await until(lambda: len(alpha.members()) == len(beta.members()) == 3)
        await until(lambda: alpha.nodes() == beta.nodes() == ("hub",))
        await exchange(alpha, beta)
        assert alpha.nodes() == ("beta", "hub")
        assert alpha.neighbours() == beta.neighbours() == ("hub",)
        await until(lambda: alpha.nodes() == beta.nodes() == ("hub",))
        assert alpha.counters["NeighbourDown"] == beta.counters["NeighbourDown"] == 0


async def test_members_without_a_link_reach_each_other_through_the_hub() -> None:
    async with ray("hub", "relay") as middle, ray("alpha", "relay") as alpha, ray("beta", "relay") as beta:
        for node in (alpha, beta):
            await node.join(*middle.addresses, fully=True)
        await until(lambda: all(middle.is_fully_connected(node.name) for node in (alpha, beta)))
        await exchange(alpha, beta)
        assert alpha.nodes() == beta.nodes() == ("hub",)
        assert not middle.dropped
