"""Order is kept when messages go over another channel for a while, and when they come back."""

import contextlib
from random import Random

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Mailbox
from partisan_core.errors import NodeDown
from tests.core.kernel.lanes import A_WHILE, LaneNetwork, couple, is_connected, lose, mend, received, sent_over
from tests.core.kernel.nodes import link, opened, until
from tests.core.kernel.unconnected import on

KEYS = 6


async def test_messages_wait_for_the_lane_while_what_it_sent_may_still_be_read(autojump_clock: MockClock) -> None:
    async with couple() as (network, alpha, beta):
        box = alpha.open_mailbox("box")
        (wire,) = network.lanes("orders")
        wire.silent = True
        beta.send_nowait("alpha/box", "under way", channel="orders")
        await trio.sleep(0.1)
        await lose(network, alpha, beta)
        beta.send_nowait("alpha/box", "behind it", channel="orders")
        await trio.sleep(A_WHILE)
        assert len(box) == 0, "nobody knows yet whether the first one will be read"
        await mend(network, alpha, beta)
        assert await received(box, 1) == ["behind it"]
        assert sent_over(beta, "default") == 0


async def test_what_goes_over_the_lane_again_overtakes_nothing_that_went_over_default(
    autojump_clock: MockClock,
) -> None:
    async with couple(shut=True) as (network, alpha, beta):
        box = alpha.open_mailbox("box")
        (slow,) = network.lanes("default")
        slow.pace = 1000
        for number in range(20):
            beta.send_nowait("alpha/box", (number, bytes(500)), channel="orders")
        await mend(network, beta)
        for number in range(20, 40):
            beta.send_nowait("alpha/box", (number, b""), channel="orders")
        assert [number for number, _ in await received(box, 40)] == list(range(40))
        assert sent_over(beta, "orders") == 20


async def test_a_sender_that_waits_for_room_in_default_is_not_overtaken(autojump_clock: MockClock) -> None:
    async with couple(shut=True) as (network, alpha, beta), trio.open_nursery() as nursery:
        box = alpha.open_mailbox("box")
        (slow,) = network.lanes("default")
        slow.pace = 200_000
        sent = 0

        async def send() -> None:
            nonlocal sent
            for number in range(40):
                await beta.send("alpha/box", (number, bytes(1024 * 1024)), channel="orders")
                sent = number + 1

        nursery.start_soon(send)
        await until(lambda: sent == 8)
        await mend(network, beta)
        beta.send_nowait("alpha/box", (100, b""), channel="orders")
        slow.pace = None
        numbers = [number for number, _ in await received(box, 41)]
        assert numbers[:9] == list(range(9)), "the ninth waited for room"
        assert sorted(numbers[9:]) == [*range(9, 40), 100]


async def test_a_lane_that_is_lost_again_waits_for_what_went_over_default_meanwhile(autojump_clock: MockClock) -> None:
    async with couple(shut=True) as (network, alpha, beta):
        box = alpha.open_mailbox("box")
        (slow,) = network.lanes("default")
        slow.pace = 1000
        for number in range(20):
            beta.send_nowait("alpha/box", (number, bytes(500)), channel="orders")
        await mend(network, beta)
        await trio.sleep(A_WHILE)  # until a ping is written behind these, which will be answered
        await lose(network, alpha, beta)
        for number in range(20, 40):
            beta.send_nowait("alpha/box", (number, bytes(500)), channel="orders")
        await mend(network, beta)
        beta.send_nowait("alpha/box", (40, b""), channel="orders")
        assert [number for number, _ in await received(box, 41)] == list(range(41))
        assert (sent_over(beta, "default"), sent_over(beta, "orders")) == (40, 1)


async def test_what_waited_for_the_link_itself_is_not_overtaken(autojump_clock: MockClock) -> None:
    network = LaneNetwork()
    channels = {"orders": {"fallback": "default"}}
    network.shut.add("default")
    async with (
        on(network, "alpha", channels=channels) as alpha,
        on(network, "beta", channels=channels) as beta,
    ):
        box = alpha.open_mailbox("box")
        beta.send_nowait("alpha/box", 1, channel="orders")
        await until(lambda: is_connected(beta))
        beta.send_nowait("alpha/box", 2, channel="orders")
        await trio.sleep(1)
        network.shut.clear()
        assert await received(box, 2) == [1, 2]
        assert (sent_over(beta, "default"), sent_over(beta, "orders")) == (1, 1)


async def test_a_lane_that_ends_on_purpose_sends_what_it_held(autojump_clock: MockClock) -> None:
    async with couple(shut=True) as (network, alpha, beta):
        box = alpha.open_mailbox("box")
        (slow,) = network.lanes("default")
        slow.pace = 1000
        beta.send_nowait("alpha/box", "over default", channel="orders")
        await trio.lowlevel.checkpoint()
        await mend(network, beta)
        beta.send_nowait("alpha/box", "held", channel="orders")
        await beta.leave()
        assert await received(box, 2) == ["over default", "held"]


@pytest.mark.parametrize("seed", range(12))
async def test_order_holds_for_each_key_whatever_is_cut_and_mended(seed: int, autojump_clock: MockClock) -> None:
    rng = Random(seed)
    lanes, theirs, spare, other_spare = (rng.randint(1, 4) for _ in range(4))
    network = LaneNetwork()
    transport = {"use": "tests.core.kernel.frail:frail", "network": network.name}
    ours = {"orders": {"fallback": "default", "parallelism": lanes}, "default": {"parallelism": spare}}
    beyond = {"orders": {"fallback": "default", "parallelism": theirs}, "default": {"parallelism": other_spare}}
    network.shut = {"orders"}
    latest: dict[int, int] = {}
    async with (
        opened("alpha", transport=transport, channels=beyond) as alpha,
        opened("beta", transport=transport, channels=ours) as beta,
        trio.open_nursery() as nursery,
    ):
        box = alpha.open_mailbox("box", limit=rng.choice([3, 10_000]))
        nursery.start_soon(read, box, rng, latest, seed)
        await link(beta, alpha)
        async with trio.open_nursery() as meddling:
            meddling.start_soon(meddle, network, rng)
            for number in range(3000):
                key = rng.randrange(KEYS)
                with contextlib.suppress(NodeDown):
                    await beta.send("alpha/box", (key, number, bytes(rng.choice([0, 400]))), channel="orders", key=key)
                if rng.random() < 0.3:
                    await trio.sleep(rng.choice([0, 0.001, 0.02, 0.1]))
            meddling.cancel_scope.cancel()
        network.calm()
        await trio.sleep(A_WHILE)
        for key in range(KEYS):
            await beta.send("alpha/box", (key, 3000, b""), channel="orders", key=key)
        await until(lambda: latest == dict.fromkeys(range(KEYS), 3000))
        assert min(sent_over(beta, channel) for channel in ("default", "orders")) > 0, f"seed {seed}: one way only"
        nursery.cancel_scope.cancel()


async def read(box: Mailbox, rng: Random, latest: dict[int, int], seed: int) -> None:
    """Note the last number of each key; fail when an older one follows."""
    async for key, number, _ in box:
        assert number > latest.get(key, -1), f"seed {seed}: {number} of key {key} after {latest[key]}"
        latest[key] = number
        await trio.sleep(rng.choice([0, 0, 0.001]))


async def meddle(network: LaneNetwork, rng: Random) -> None:
    """Cut, shut, open, slow down and silence the lanes of either channel, each for a while."""
    while True:
        await trio.sleep(rng.uniform(0, 0.3))
        channel = rng.choice(["orders", "orders", "default"])
        match rng.randrange(4):
            case 0:
                network.cut_lanes(channel)
            case 1:
                network.shut ^= {channel}
            case 2:
                for wire in network.lanes(channel):
                    wire.pace = rng.choice([None, 20_000])
            case 3:
                for wire in network.lanes(channel):
                    wire.silent = not wire.silent
