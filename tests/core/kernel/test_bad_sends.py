"""What a sender can get wrong about a channel: a named error, and nothing else is touched."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Node
from partisan_core.errors import EncodeError, InvalidName, SendError, UnknownChannel
from tests.core.kernel.nodes import PARTS, PATIENCE, Memory, link, pair, until

CHANNELS: dict[str, Any] = {"orders": {}, "states": {"policy": "monotonic"}, "lanes": {"parallelism": 4}}


async def answers(sender: Node, receiver: Node, channel: str) -> bool:
    """A message over that channel arrives."""
    box = receiver.open_mailbox("answers")
    with trio.fail_after(PATIENCE):
        await sender.send(f"{receiver.name}/answers", "still here", channel=channel, key=("a", 1))
        answer = await box.receive()
    box.close()
    return bool(answer == "still here")


@pytest.mark.parametrize("key", [["a"], {"a": 1}, ("a", {"b"})])
async def test_a_key_that_cannot_be_hashed_is_an_error_on_every_channel(key: Any, autojump_clock: MockClock) -> None:
    async with pair(channels=CHANNELS) as (alpha, beta):
        for destination in ("alpha/box", "beta/box"):
            for channel in ("default", *CHANNELS):
                with pytest.raises(
                    EncodeError, match=f"a key of type '{type(key).__name__}' cannot be hashed; nothing"
                ):
                    await beta.send(destination, 1, channel=channel, key=key)
                with pytest.raises(SendError, match="cannot be hashed"):
                    beta.send_nowait(destination, 1, channel=channel, key=key)
        assert not any(row.queue_messages for row in beta.connections())
        assert not beta.dropped
        assert [await answers(beta, alpha, channel) for channel in ("default", *CHANNELS)] == [True] * 4


@pytest.mark.parametrize("ack", [False, True])
@pytest.mark.parametrize("destination", [5, None, b"beta/box", "beta", "beta/no box"])
async def test_a_destination_that_is_none_is_an_error_by_name(destination: Any, ack: bool) -> None:
    channel: Any = None
    async with Memory().opened("alpha") as alpha:
        with pytest.raises(InvalidName):
            await alpha.send(destination, 1, ack=ack)
        with pytest.raises(InvalidName):
            alpha.send_nowait(destination, 1, ack=ack)
        with pytest.raises(UnknownChannel, match="no channel None"):
            await alpha.send("beta/box", 1, channel=channel, ack=ack)


async def test_a_channel_that_the_peer_lacks_leaves_the_others_alone(autojump_clock: MockClock) -> None:
    memory = Memory()
    async with (
        memory.opened("alpha", channels={"states": {}}) as alpha,
        memory.opened("beta", channels=CHANNELS) as beta,
    ):
        await link(beta, alpha)
        for _ in range(3):
            with pytest.raises(UnknownChannel, match=r"node alpha has no channel 'orders'; nothing was sent. Add \["):
                await beta.send("alpha/box", 1, channel="orders")
        assert {row.channel for row in beta.connections()} == {"membership", "default", "states"}
        assert [await answers(beta, alpha, channel) for channel in ("default", "states")] == [True, True]
        assert beta.counters["DialRefused"] == alpha.counters["PeerRefused"] == 0


async def test_a_serializer_that_the_peer_lacks_is_counted_and_leaves_the_other_channels_alone(
    autojump_clock: MockClock,
) -> None:
    memory = Memory()
    theirs = CHANNELS | {"orders": {"serializer": f"{PARTS}:other"}}
    async with memory.opened("alpha", channels=theirs) as alpha, memory.opened("beta", channels=CHANNELS) as beta:
        await link(beta, alpha)
        for number in range(3):
            beta.send_nowait("alpha/box", number, channel="orders")
        await until(lambda: beta.counters["DialRefused"] > 2)
        row = next(row for row in beta.connections() if row.channel == "orders")
        assert row.state != "connected"
        assert row.queue_messages == 3
        assert "channel orders uses serializer" in row.last_error
        assert [await answers(beta, alpha, channel) for channel in ("default", "states", "lanes")] == [True] * 3
        assert alpha.counters["PeerRefused"] > 0
        assert beta.neighbours() == ("alpha",)
