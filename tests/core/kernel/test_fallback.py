"""What a message does while its lane has no connection: `[channels.NAME] fallback`."""

from typing import Any

import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock

from partisan_core.errors import ConfigError, NotConnected, SendError, UnknownChannel
from tests.core.kernel.lanes import A_WHILE, LaneNetwork, couple, is_connected, lose, mend, received, sent_over
from tests.core.kernel.nodes import PARTS, link, opened, until
from tests.core.kernel.unconnected import HUB, on

# -- wait ---------------------------------------------------------------------------------------------------------


async def test_by_default_a_message_waits_for_its_lane(autojump_clock: MockClock) -> None:
    async with couple("wait", shut=True) as (network, alpha, beta):
        box = alpha.open_mailbox("box")
        await beta.send("alpha/box", 1, channel="orders")
        await trio.sleep(A_WHILE)
        assert len(box) == 0
        await mend(network, beta)
        assert await received(box, 1) == [1]
        assert sent_over(beta, "default") == 0


# -- refuse -------------------------------------------------------------------------------------------------------


async def test_a_message_is_refused_before_the_first_connection_of_its_lane(autojump_clock: MockClock) -> None:
    async with couple("refuse", shut=True) as (network, alpha, beta):
        box = alpha.open_mailbox("box")
        with pytest.raises(NotConnected, match=r"lane 0 of channel 'orders' has no connection to node alpha now"):
            await beta.send("alpha/box", 1, channel="orders")
        with pytest.raises(NotConnected, match=r"channels\.orders\.fallback = \"refuse\"; nothing was sent"):
            beta.send_nowait("alpha/box", 2, channel="orders")
        await beta.send("alpha/box", 3)
        assert await received(box, 1) == [3], "other channels go on"
        await mend(network, beta)
        await beta.send("alpha/box", 4, channel="orders")
        assert await received(box, 1) == [4]


async def test_a_message_is_refused_while_a_lost_lane_is_redialled_and_told_why_it_was_lost(
    autojump_clock: MockClock,
) -> None:
    async with couple("refuse") as (network, alpha, beta):
        box = alpha.open_mailbox("box")
        await beta.send("alpha/box", 1, channel="orders")
        assert await received(box, 1) == [1]
        await lose(network, alpha, beta)
        await until(lambda: "this lane is shut" in next(r.last_error for r in beta.connections() if r.last_error))
        with pytest.raises(NotConnected, match="this lane is shut"):
            await beta.send("alpha/box", 2, channel="orders")
        with pytest.raises(NotConnected):
            await alpha.send("beta/box", 2, channel="orders")
        await mend(network, alpha, beta)
        await beta.send("alpha/box", 3, channel="orders")
        assert await received(box, 1) == [3]


async def test_the_channel_default_may_refuse_too_and_who_falls_back_on_it_is_refused(
    autojump_clock: MockClock,
) -> None:
    network = LaneNetwork()
    sections: dict[str, Any] = {
        "transport": {"use": "tests.core.kernel.frail:frail", "network": network.name},
        "channels": {"default": {"fallback": "refuse"}, "orders": {"fallback": "default"}},
    }
    network.shut |= {"default", "orders"}
    async with opened("alpha", **sections) as alpha, opened("beta", **sections) as beta:
        await link(beta, alpha)
        for channel in ("default", "orders"):
            with pytest.raises(NotConnected, match=r"lane 0 of channel 'default'"):
                beta.send_nowait("alpha/box", 1, channel=channel)


# -- default ------------------------------------------------------------------------------------------------------


async def test_a_message_goes_over_default_before_the_first_connection_and_its_own_lane_afterwards(
    autojump_clock: MockClock,
) -> None:
    async with couple(shut=True) as (network, alpha, beta):
        box = alpha.open_mailbox("box")
        await beta.send("alpha/box", 1, channel="orders")
        assert await received(box, 1) == [1]
        assert (sent_over(beta, "default"), sent_over(beta, "orders")) == (1, 0)
        await mend(network, beta)
        await beta.send("alpha/box", 2, channel="orders")
        assert await received(box, 1) == [2]
        assert (sent_over(beta, "default"), sent_over(beta, "orders")) == (1, 1)


async def test_a_message_goes_over_default_when_the_lane_is_lost_and_all_that_it_sent_has_arrived(
    autojump_clock: MockClock,
) -> None:
    async with couple() as (network, alpha, beta):
        box = alpha.open_mailbox("box")
        beta.send_nowait("alpha/box", 1, channel="orders")
        assert await received(box, 1) == [1]
        await trio.sleep(0.1)  # the pong
        await lose(network, alpha, beta)
        for number in range(2, 100):
            await beta.send("alpha/box", number, channel="orders")
        assert await received(box, 98) == list(range(2, 100))
        assert (sent_over(beta, "default"), sent_over(beta, "orders")) == (98, 1)
        await mend(network, alpha, beta)
        await beta.send("alpha/box", 100, channel="orders")
        assert await received(box, 1) == [100]
        assert sent_over(beta, "orders") == 2


async def test_relayed_messages_wait_for_the_lane_to_the_relay_or_are_refused(autojump_clock: MockClock) -> None:
    network = LaneNetwork()
    sections: dict[str, Any] = {
        "routing": {"unconnected": "relay"},
        "channels": {"orders": {"fallback": "default"}, "alarms": {"fallback": "refuse"}},
    }
    network.shut |= {"orders", "alarms"}
    async with (
        on(network, HUB, **sections) as hub,
        on(network, "alpha", wanted=(HUB,), hop=HUB, **sections) as alpha,
        on(network, "beta", wanted=(HUB,), hop=HUB, **sections) as beta,
    ):
        box = alpha.open_mailbox("box")
        await until(lambda: is_connected(hub, "default") and is_connected(beta, "default"))
        with pytest.raises(NotConnected, match="no connection to node hub"):
            beta.send_nowait("alpha/box", 1, channel="alarms")
        beta.send_nowait("alpha/box", 2, channel="orders")
        await trio.sleep(A_WHILE)
        assert len(box) == 0
        network.shut.clear()
        assert await received(box, 1) == [2]


async def test_each_way_uses_the_serializer_of_its_channel(autojump_clock: MockClock) -> None:
    async with couple(shut=True, serializer=f"{PARTS}:hexadecimal") as (network, alpha, beta):
        box = alpha.open_mailbox("box")
        await beta.send("alpha/box", 1, channel="orders")
        assert await received(box, 1) == [1]
        await mend(network, beta)
        await beta.send("alpha/box", 2, channel="orders")
        assert await received(box, 1) == [2]


async def test_a_channel_that_the_peer_has_not_goes_over_default_where_that_is_allowed(
    autojump_clock: MockClock,
) -> None:
    async with couple(theirs={}, shut=True) as (_, alpha, beta):
        box = alpha.open_mailbox("box")
        await beta.send("alpha/box", 1, channel="orders")
        assert await received(box, 1) == [1]
    async with couple("refuse", theirs={}, shut=True) as (_, alpha, beta):
        with pytest.raises(UnknownChannel):
            await beta.send("alpha/box", 1, channel="orders")


async def test_a_lane_that_the_peer_refuses_leaves_its_messages_to_default(autojump_clock: MockClock) -> None:
    theirs = {"orders": {"serializer": f"{PARTS}:other"}}
    async with couple(theirs=theirs, shut=True) as (network, alpha, beta):
        network.shut.clear()
        box = alpha.open_mailbox("box")
        for number in range(10):
            await beta.send("alpha/box", number, channel="orders", key=number)
            await trio.sleep(1)
        assert sorted(await received(box, 10)) == list(range(10))


async def test_messages_of_a_peer_that_goes_down_are_refused_as_ever(autojump_clock: MockClock) -> None:
    async with couple(shut=True) as (_, alpha, beta):
        await beta.send("alpha/box", 1, channel="orders")
        await alpha.leave()
        await until(lambda: not beta.neighbours())
        with pytest.raises(SendError):
            await beta.send("alpha/box", 2, channel="orders")


# -- configuration ------------------------------------------------------------------------------------------------


async def test_the_channel_default_cannot_fall_back_on_itself() -> None:
    with pytest.raises(ConfigError, match=r'channels\.default\.fallback.*"wait" or "refuse"'):
        async with opened("alpha", channels={"default": {"fallback": "default"}}):
            raise AssertionError("it was opened")


async def test_an_unknown_fallback_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"channels\.orders\.fallback.*wait.*default.*refuse"):
        async with opened("alpha", channels={"orders": {"fallback": "bounce"}}):
            raise AssertionError("it was opened")


@pytest.mark.parametrize(
    ("channels", "keeper"),
    [
        ({"orders": {"fallback": "default", "policy": "monotonic"}}, "orders"),
        ({"orders": {"fallback": "default"}, "default": {"policy": "monotonic"}}, "default"),
    ],
)
async def test_a_policy_that_keeps_its_own_queue_takes_no_part(channels: dict[str, Any], keeper: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"channels\.orders\.fallback = \"default\".*the policy 'monotonic' of channel '{keeper}'"
    ):
        async with opened("alpha", channels=channels):
            raise AssertionError("it was opened")
