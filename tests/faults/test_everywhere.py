"""Faults on every overlay, over real connections, and of messages that go through a third node."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Node, open_node
from partisan_faults import Passing, Rule
from tests.core.kernel.nodes import Memory, until
from tests.faults.nodes import SEED, add, firings, one_by_one, received

OVERLAYS = ["fullmesh", "hyparview", "clientserver", "scamp_v1", "scamp_v2"]

SERVER: dict[str, Any] = {"labels": {"role": "server"}}
CLIENT: dict[str, Any] = {"labels": {"role": "client"}}


@asynccontextmanager
async def pair_on(overlay: str, transport: dict[str, object]) -> AsyncIterator[tuple[Node, Node]]:
    """Alpha, which injects faults, and beta, linked."""
    about: dict[str, Any] = {"overlay": {"use": overlay}, "transport": transport}
    faults = {"enabled": True, "seed": SEED}
    role = SERVER if overlay == "clientserver" else {}
    async with (
        open_node(node={"name": "alpha", **role}, faults=faults, **about) as alpha,
        open_node(node={"name": "beta", **role}, **about) as beta,
    ):
        await beta.join(*alpha.addresses)
        await until(lambda: alpha.neighbours() and beta.neighbours())
        await until(lambda: alpha.is_fully_connected("beta") and beta.is_fully_connected("alpha"))
        yield alpha, beta


@pytest.mark.parametrize("overlay", OVERLAYS)
async def test_rules_functions_and_partitions_are_the_same_on_every_overlay(
    autojump_clock: MockClock, overlay: str
) -> None:
    async with pair_on(overlay, {"use": "memory", "network": f"faults-{overlay}"}) as (alpha, beta):
        box = beta.open_mailbox("box")
        add(alpha, "lossy", "drop", direction="out", probability=0.3)
        await one_by_one(alpha, range(100))
        alpha.faults.remove("lossy")
        await one_by_one(alpha, range(100, 101))
        arrived = await received(box)
        assert 50 < len(arrived) < 90
        assert beta.dropped["gap"] == 101 - len(arrived)
        assert alpha.counters["ChannelDown"] == 0
        alpha.faults.interpose("louder", lambda passing: f"{passing.message}!", direction="out")
        await alpha.send("beta/box", "loud")
        assert await received(box) == ["loud!"]
        alpha.faults.inject_partition(["beta"])
        await until(lambda: not alpha.is_connected("beta") and not beta.is_connected("alpha"))
        alpha.faults.heal()
        if overlay in ("fullmesh", "clientserver"):  # others may have given a member up that was gone so long
            await until(lambda: alpha.is_fully_connected("beta"))


async def test_over_tcp_a_rule_drops_and_damage_is_found() -> None:
    async with pair_on("fullmesh", {"use": "tcp"}) as (alpha, beta):
        box = beta.open_mailbox("box")
        add(alpha, "first", "drop", direction="out", count=1)
        await alpha.send("beta/box", "lost")
        await until(lambda: firings(alpha, "first"))
        await alpha.send("beta/box", "arrives")
        assert await box.receive() == "arrives"
        add(alpha, "damage", "corrupt", direction="out", count=1)
        await alpha.send("beta/box", "damaged")
        await until(lambda: beta.counters["ChannelDown"])
        await until(lambda: alpha.is_fully_connected("beta"))
        await alpha.send("beta/box", "again")
        while await box.receive() != "again":
            pass
        assert alpha.counters["NeighbourDown"] == beta.counters["NeighbourDown"] == 0


async def test_messages_through_a_third_node_meet_rules_and_functions_of_both_ends(autojump_clock: MockClock) -> None:
    told: list[Passing] = []
    memory = Memory()
    about: dict[str, Any] = {"overlay": {"use": "clientserver"}, "faults": {"enabled": True, "seed": SEED}}
    async with (
        memory.opened("server", node=SERVER, **about) as server,
        memory.opened("one", node=CLIENT, **about) as one,
        memory.opened("two", node=CLIENT, **about) as two,
    ):
        for client in (one, two):
            await client.join(*server.addresses)
        await until(lambda: len(server.neighbours()) == 2)
        await until(lambda: one.is_fully_connected("server") and two.is_fully_connected("server"))
        box = two.open_mailbox("box")
        two.faults.watch("told", before=told.append)
        one.faults.add("odd", Rule(action="drop", direction="out"), message=lambda passing: passing.message % 2)
        add(server, "second", "drop", kinds=("relay",), direction="in", count=1)
        await one_by_one(one, range(6), "two/box")
        assert await received(box) == [2, 4]
        assert firings(server, "second") == 1
        assert [passing for passing in told if passing.channel == "default"] == [
            Passing("in", "one", "default", "box", number) for number in (2, 4)
        ]


async def test_a_large_message_whose_slice_is_lost_breaks_its_lane_by_name_and_the_next_arrives(
    autojump_clock: MockClock,
) -> None:
    async with pair_on("fullmesh", {"use": "memory", "network": "faults-slices"}) as (alpha, beta):
        box = beta.open_mailbox("box")
        add(alpha, "slice", "drop", kinds=("fragment",), direction="out", count=1)
        with trio.fail_after(30):
            await alpha.send("beta/box", b"x" * 1_000_000)
            await until(lambda: beta.counters["ChannelDown"])
            await alpha.send("beta/box", b"y" * 1_000_000)
            arrived = [await box.receive()]
            if arrived == [b"x" * 1_000_000]:  # not all of it was written when the lane broke: it was sent anew
                arrived.append(await box.receive())
            assert arrived[-1] == b"y" * 1_000_000
        assert alpha.counters["NeighbourDown"] == 0
