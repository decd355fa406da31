"""Who is known, who is visible, what is connected, and the errors about wrong names."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from partisan_core import Node
from partisan_core.errors import UnknownChannel, UnknownNode
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.nodes import PATIENCE, Memory, link, pair, until
from tests.core.kernel.test_virtual_time import frail_pair, on

LANES = {"channels": {"bulk": {"parallelism": 3}}}


async def test_spec_without_a_name_is_what_this_node_tells_about_itself() -> None:
    async with Memory().opened("alpha", node={"metadata": {"team": "blue"}}) as alpha:
        own = alpha.spec()
        assert (own.name, own.addresses, own.metadata) == ("alpha", alpha.addresses, {"team": "blue"})
        assert alpha.spec("alpha") == own


async def test_the_metadata_of_a_peer_are_seen_by_the_others() -> None:
    memory = Memory()
    async with (
        memory.opened("alpha") as alpha,
        memory.opened("beta", node={"metadata": {"build": "7"}, "labels": {"zone": "eu-1"}}) as beta,
    ):
        await link(beta, alpha)
        assert alpha.spec("beta") == beta.spec()
        assert alpha.spec("beta").metadata == {"build": "7"}
        assert alpha.spec("beta").labels == {"zone": "eu-1"}


async def test_the_spec_of_a_peer_that_came_back_is_that_of_its_new_life() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha:
        for build in ("1", "2"):
            async with memory.opened("beta", node={"metadata": {"build": build}}) as beta:
                await link(beta, alpha)
                assert alpha.spec("beta").metadata == {"build": build}


async def test_known_are_the_members_and_visible_those_with_a_working_link() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha, memory.opened("gamma") as gamma:
        assert (alpha.nodes("known"), alpha.nodes()) == (("alpha",), ())
        async with memory.opened("beta") as beta:
            await link(beta, alpha)
            await link(gamma, alpha)
            assert alpha.nodes("known") == ("alpha", "beta", "gamma")
            assert alpha.nodes() == alpha.nodes("visible") == ("beta", "gamma")
        await until(lambda: alpha.nodes() == ("gamma",))
        assert alpha.nodes("known") == ("alpha", "beta", "gamma"), "who is down is still a member"


async def test_nodes_of_another_kind_are_an_error_that_names_the_nearest() -> None:
    async with Memory().opened("alpha") as alpha:
        with pytest.raises(ValueError, match="did you mean 'visible'"):
            alpha.nodes("visable")  # type: ignore[arg-type]


async def test_a_node_is_connected_to_itself() -> None:
    async with Memory().opened("alpha") as alpha:
        assert alpha.is_connected("alpha")
        assert alpha.is_connected("alpha", "default")
        assert alpha.is_fully_connected("alpha")


async def test_connected_is_any_lane_and_fully_connected_is_every_lane(autojump_clock: MockClock) -> None:
    async with frail_pair(**LANES) as (network, alpha, beta, _events):
        await until(lambda: alpha.is_fully_connected("beta") and beta.is_fully_connected("alpha"))
        assert all(alpha.is_connected("beta", channel) for channel in (None, "membership", "default", "bulk"))
        network.silent = True  # what breaks is not made again
        for wire in network.wires[1:]:
            wire.close()
        await until(lambda: not alpha.is_connected("beta", "bulk"))
        assert alpha.is_connected("beta")
        assert alpha.is_connected("beta", "membership")
        assert not alpha.is_fully_connected("beta")
        network.cut()
        await until(lambda: not alpha.is_connected("beta"))
        assert not alpha.is_fully_connected("beta")
        assert alpha.nodes() == ("beta",), "lost, and within its grace"


async def test_a_channel_that_only_this_end_has_is_not_connected_and_not_missed() -> None:
    memory = Memory()
    async with memory.opened("alpha", **LANES) as alpha, memory.opened("beta") as beta:
        await link(beta, alpha)
        await until(lambda: alpha.is_fully_connected("beta"))
        assert not alpha.is_connected("beta", "bulk")


@pytest.mark.parametrize(
    "ask",
    [
        lambda node: node.spec("bta"),
        lambda node: node.is_connected("bta"),
        lambda node: node.is_fully_connected("bta"),
        lambda node: node.disconnect("bta"),
        lambda node: node.evict("bta"),
    ],
    ids=["spec", "is_connected", "is_fully_connected", "disconnect", "evict"],
)
async def test_an_unknown_peer_is_an_error_that_names_the_nearest(ask: Any) -> None:
    async with pair() as (alpha, _beta):
        with pytest.raises(UnknownNode, match=r"'bta' is known here \(did you mean 'beta'\?\)"):
            ask(alpha)


@pytest.mark.parametrize(
    "ask",
    [
        lambda node: node.is_connected("beta", "defalt"),
        lambda node: node.on_up(print, channel="defalt"),
        lambda node: node.on_down(print, channel="defalt"),
    ],
    ids=["is_connected", "on_up", "on_down"],
)
async def test_an_unknown_channel_is_an_error_that_names_the_nearest(ask: Any) -> None:
    async with pair() as (alpha, _beta):
        with pytest.raises(UnknownChannel, match=r"'defalt' is configured \(did you mean 'default'\?\)"):
            ask(alpha)


async def received(node: Node, count: int) -> list[object]:
    box = node.open_mailbox("box")
    with trio.fail_after(PATIENCE):
        return [await box.receive() for _ in range(count)]


async def test_disconnect_breaks_every_connection_and_nobody_is_down(autojump_clock: MockClock) -> None:
    async with frail_pair(**LANES) as (network, alpha, beta, _events):
        await until(lambda: alpha.is_fully_connected("beta"))
        wires = list(network.wires)
        alpha.disconnect("beta")
        await until(lambda: all(wire.closed for wire in wires))
        await until(lambda: alpha.is_fully_connected("beta") and beta.is_fully_connected("alpha"))
        await trio.sleep(10)
        assert alpha.counters["NeighbourDown"] == beta.counters["NeighbourDown"] == 0
        assert alpha.counters["NeighbourUp"] == beta.counters["NeighbourUp"] == 1
        assert {row.name for row in alpha.member_states()} == {"alpha", "beta"}


async def test_what_is_sent_while_disconnected_arrives_in_order(autojump_clock: MockClock) -> None:
    async with frail_pair() as (network, alpha, beta, _events):
        network.silent = True
        alpha.disconnect("beta")
        await until(lambda: not alpha.is_connected("beta"))
        for number in range(100):
            await alpha.send("beta/box", number)
        network.silent = False
        assert await received(beta, 100) == list(range(100))
        assert alpha.dropped == beta.dropped == {}


@pytest.mark.parametrize("transport", ["tcp", "memory"])
async def test_what_was_written_just_before_a_disconnect_arrives(transport: str) -> None:
    async with pair(transport={"use": transport}) as (alpha, beta):
        boxes = [node.open_mailbox("box") for node in (alpha, beta)]
        for number in range(20):
            await wait_all_tasks_blocked(0.005)  # the writers rest: what is sent now is written at once
            await alpha.send("beta/box", number)
            await beta.send("alpha/box", number)
            alpha.disconnect("beta")
            with trio.fail_after(PATIENCE):
                assert [await box.receive() for box in boxes] == [number] * 2
            await until(lambda: alpha.is_fully_connected("beta") and beta.is_fully_connected("alpha"))
        assert alpha.dropped == beta.dropped == {}


async def test_disconnect_from_a_peer_without_connections_and_from_oneself_does_nothing() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha:
        async with memory.opened("beta") as beta:
            await link(beta, alpha)
        await until(lambda: not alpha.is_connected("beta"))
        alpha.disconnect("beta")
        alpha.disconnect("alpha")


async def test_a_join_waits_for_every_lane_when_asked_to(autojump_clock: MockClock) -> None:
    many = {"channels": {"bulk": {"parallelism": 8}}}
    network = FrailNetwork()
    async with on(network, "alpha", **many) as alpha, on(network, "beta", **many) as beta:
        with trio.fail_after(PATIENCE):
            await beta.join(*alpha.addresses, fully=True)
        assert beta.is_fully_connected("alpha")
        assert len([row for row in beta.connections() if row.state == "connected"]) == 10
