"""The channel policy `disconnect`, between whole nodes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Mailbox, Node
from partisan_core.notices import ChannelDown, ChannelUp
from tests.core.kernel.nodes import Memory, link, notice_of, opened, until

CHANNELS = {"channels": {"ticker": {"policy": "disconnect", "queue_messages": 50}}}
PERIOD = 0.001
"""Seconds of virtual time between two messages."""


@asynccontextmanager
async def stuck_pair() -> AsyncIterator[tuple[Node, Node, Mailbox]]:
    """Beta sends to a mailbox of alpha that nobody reads."""
    memory = Memory()
    async with memory.opened("alpha", **CHANNELS) as alpha, memory.opened("beta", **CHANNELS) as beta:
        await link(beta, alpha)
        yield alpha, beta, alpha.open_mailbox("box", limit=5)


async def tick(beta: Node, first: int, count: int) -> None:
    for number in range(first, first + count):
        beta.send_nowait("alpha/box", (number, bytes(4000)), channel="ticker")
        await trio.sleep(PERIOD)


async def test_a_peer_that_does_not_read_loses_its_lane_and_is_not_down(autojump_clock: MockClock) -> None:
    async with stuck_pair() as (alpha, beta, _), beta.open_events() as events:
        await until(lambda: len(beta.connections()) == 3)
        await tick(beta, 0, 1000)
        down = await notice_of(ChannelDown, events)
        assert (down.channel, down.error) == ("ticker", "the peer is too slow: lane 0 of channel 'ticker' is full")
        await notice_of(ChannelUp, events)
        assert beta.dropped["slow_peer"] >= 50
        assert beta.neighbours() == ("alpha",)
        assert alpha.neighbours() == ("beta",)
        assert beta.counters["PeerSuspected"] == alpha.counters["PeerSuspected"] == 0


async def test_a_peer_that_never_reads_is_dialled_with_longer_and_longer_pauses(autojump_clock: MockClock) -> None:
    async with stuck_pair() as (alpha, beta, box):
        await tick(beta, 0, 120_000)
        # the pauses are random: 20 to 77 were seen, without them it is the 1,200 times that the lane fills up
        assert beta.counters["ChannelDown"] < 200
        assert len(box) < 100
        assert next(row for row in beta.connections() if row.channel == "ticker").queue_messages <= 50
        assert alpha.neighbours() == ("beta",)


async def test_a_peer_that_reads_too_slowly_and_dials_again_itself_is_no_hot_loop(autojump_clock: MockClock) -> None:
    async with stuck_pair() as (alpha, beta, _), trio.open_nursery() as nursery:
        box = beta.open_mailbox("box", limit=5)

        async def trickle() -> None:
            while True:
                await trio.sleep(0.1)
                await box.receive_batch()

        nursery.start_soon(trickle)
        for number in range(60_000):
            alpha.send_nowait("beta/box", (number, bytes(40_000)), channel="ticker")
            await trio.sleep(PERIOD)
        assert 10 < alpha.counters["ChannelDown"] < 120, "in a minute: not more than two in a second"
        nursery.cancel_scope.cancel()


async def test_after_a_disconnect_messages_come_in_order_and_each_loss_is_counted(autojump_clock: MockClock) -> None:
    async with stuck_pair() as (alpha, beta, box), trio.open_nursery() as nursery:
        received: list[int] = []

        async def receive() -> None:
            while True:
                received.extend(number for number, _ in await box.receive_batch())

        await tick(beta, 0, 5000)
        nursery.start_soon(receive)
        await trio.sleep(30)
        await tick(beta, 5000, 100)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
        assert received == sorted(set(received))
        assert received[-100:] == list(range(5000, 5100)), "what is sent to a peer that reads again arrives"
        lost = beta.dropped["slow_peer"] + beta.dropped["lost_with_connection"]
        assert len(received) + lost == 5100
        assert alpha.dropped["gap"] == beta.dropped["lost_with_connection"]


async def test_real_sockets_do_the_same() -> None:
    async with opened("alpha", **CHANNELS) as alpha, opened("beta", **CHANNELS) as beta:
        await link(beta, alpha)
        box = alpha.open_mailbox("box", limit=5)
        with trio.fail_after(20):
            while not beta.counters["ChannelDown"]:
                await beta.send("alpha/box", bytes(100_000), channel="ticker")
            while beta.counters["ChannelUp"] < 3:
                await trio.sleep(0.01)
            await box.receive_batch()
            await beta.send("alpha/box", "here again", channel="ticker")
            while "here again" not in await box.receive_batch():
                """What came through before."""
        assert alpha.counters["PeerSuspected"] == beta.counters["PeerSuspected"] == 0


@pytest.mark.parametrize("policy", ["block", "drop_newest"])
async def test_other_policies_keep_the_connection_of_a_peer_that_does_not_read(
    policy: str, autojump_clock: MockClock
) -> None:
    memory, channels = Memory(), {"channels": {"ticker": {"policy": policy, "queue_messages": 50}}}
    async with memory.opened("alpha", **channels) as alpha, memory.opened("beta", **channels) as beta:
        await link(beta, alpha)
        alpha.open_mailbox("box", limit=5)
        with trio.move_on_after(60):
            while True:
                await beta.send("alpha/box", bytes(10_000), channel="ticker")
                await trio.sleep(PERIOD)
        assert beta.counters["ChannelDown"] == alpha.counters["ChannelDown"] == 0
