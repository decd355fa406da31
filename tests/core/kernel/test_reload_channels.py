"""A channel that comes while links are up: both ends learn of it, and nothing is interrupted."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Node, open_node
from partisan_core.errors import UnknownChannel
from partisan_core.views import Change
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.nodes import until
from tests.core.kernel.reloading import config, pair


async def passes(sender: Node, receiver: Node, channel: str) -> None:
    """A message goes over the channel."""
    async with receiver.open_mailbox("box") as box:
        await sender.send(f"{receiver.name}/box", "over it", channel=channel)
        with trio.fail_after(10):
            assert await box.receive() == "over it"


@pytest.mark.parametrize("first", ["alpha", "beta"])
async def test_a_new_channel_works_once_both_ends_have_it_and_no_connection_is_lost(
    first: str, autojump_clock: MockClock
) -> None:
    async with pair() as both:
        one, other = (both.alpha, both.beta) if first == "alpha" else (both.beta, both.alpha)
        assert await both.reload(one, channels={"jobs": {"parallelism": 2}}) == (Change("channels.jobs", None, "new"),)
        with pytest.raises(UnknownChannel, match="has no channel 'jobs'"):
            one.send_nowait(f"{other.name}/box", 1, channel="jobs")
        await both.reload(other, channels={"jobs": {"parallelism": 3}})
        await until(lambda: one.is_connected(other.name, "jobs") and other.is_connected(one.name, "jobs"))
        await passes(one, other, "jobs")
        await passes(other, one, "jobs")
        await until(lambda: one.is_fully_connected(other.name) and other.is_fully_connected(one.name))
        for node in (one, other):
            assert [row.lane for row in node.connections() if row.channel == "jobs"] == [0, 1]
            assert node.counters["ChannelDown"] == 0


async def test_a_channel_that_came_while_a_peer_was_lost_is_there_when_it_is_back(autojump_clock: MockClock) -> None:
    patient = {"reconnect_grace": "1m"}
    async with pair(links=patient) as both:
        both.network.silent = True
        both.network.cut()
        await until(lambda: not (both.alpha.is_connected("beta") or both.beta.is_connected("alpha")))
        await both.reload_both(links=patient, channels={"jobs": {}})
        both.network.silent = False
        await until(lambda: both.beta.is_connected("alpha", "jobs"))
        await passes(both.alpha, both.beta, "jobs")
        assert both.alpha.counters["NeighbourDown"] == both.beta.counters["NeighbourDown"] == 0


async def test_a_channel_that_came_while_hands_were_shaken_is_told_behind_the_handshake(
    autojump_clock: MockClock,
) -> None:
    patient = {"reconnect_grace": "1m", "handshake_timeout": "1m"}
    async with pair(links=patient) as both:
        both.network.pace = 100  # bytes each second: a hello, which says which channels there are, has more
        both.network.cut()
        await until(lambda: both.network.wires)
        await trio.sleep(1.5)
        await both.reload_both(links=patient, channels={"jobs": {}})
        assert not both.alpha.is_connected("beta")
        await until(lambda: both.beta.is_connected("alpha", "jobs"))
        assert both.alpha.counters["NeighbourDown"] == both.beta.counters["NeighbourDown"] == 0


async def test_messages_on_a_new_channel_wait_for_a_peer_that_is_being_dialled(autojump_clock: MockClock) -> None:
    network = FrailNetwork()
    sections: dict[str, Any] = {
        "overlay": {"use": "tests.core.kernel.unconnected:book", "book": network.name},
        "links": {"dial_timeout": "1m"},
    }
    more = sections | {"channels": {"jobs": {}}}
    alpha, beta = (open_node(config(name, network, **sections)) for name in ("alpha", "beta"))
    async with alpha as one, beta as other:
        box = other.open_mailbox("box")
        one.send_nowait("beta/box", 1)  # begins the dial, and waits for it
        await one.reload(config("alpha", network, **more))
        one.send_nowait("beta/box", 2, channel="jobs")
        await other.reload(config("beta", network, **more))
        with trio.fail_after(10):
            assert {await box.receive(), await box.receive()} == {1, 2}


async def test_a_peer_may_tell_of_any_channels_and_nothing_comes_of_those_that_this_end_has_not(
    autojump_clock: MockClock,
) -> None:
    async with pair() as both:
        await both.reload(both.beta, channels={f"c{number}": {} for number in range(60)})
        await both.reload(both.beta, channels={f"c{number}": {} for number in range(60)})
        await both.alpha.ping("beta")
        assert {row.channel for row in both.alpha.connections()} == {"membership", "default"}
