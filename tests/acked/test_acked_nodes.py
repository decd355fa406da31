"""Acknowledged messages between nodes: exactly once and in order, whatever becomes of frames and connections."""

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Node
from partisan_core.wire.frames import Kind
from tests.acked.lossy import CRC32_ONLY, cut_every, lossy_pair

MESSAGES = 2_000
A_WHILE = 600.0
"""Virtual seconds in which all must have arrived."""

LARGE = b"x" * 700_000
"""It goes in slices."""

SEEDS = range(3)


async def test_a_receipt_is_there_when_the_message_has_arrived(autojump_clock: MockClock) -> None:
    async with lossy_pair(1) as (alpha, beta, _), beta.open_mailbox("box") as box:
        receipt = await alpha.send("beta/box", "hello", ack=True)
        assert not receipt.is_delivered
        with trio.fail_after(A_WHILE):
            await receipt
        assert receipt.is_delivered
        assert await box.receive() == "hello"
        (row,) = (row for row in alpha.connections() if row.channel == "default")
        assert (row.unacknowledged, row.unacknowledged_bytes, row.resent) == (0, 0, 0)


@pytest.mark.parametrize("seed", SEEDS)
async def test_messages_arrive_once_and_in_order_over_dropped_and_doubled_frames_and_resets(
    autojump_clock: MockClock, seed: int
) -> None:
    async with (
        lossy_pair(seed) as (alpha, beta, network),
        beta.open_mailbox("box") as box,
        trio.open_nursery() as nursery,
    ):
        network.drop, network.double = 0.3, 0.05
        nursery.start_soon(cut_every, network, 1.0)
        nursery.start_soon(send_all, alpha)
        with trio.fail_after(A_WHILE):
            assert [await box.receive() for _ in range(MESSAGES)] == list(range(MESSAGES)), f"seed {seed}"
        assert network.dropped
        assert network.doubled
        nursery.cancel_scope.cancel()


async def send_all(node: Node) -> None:
    for number in range(MESSAGES):
        receipt = await node.send("beta/box", number, ack=True)
        if number % 50 == 0:
            await trio.sleep(0.1)
    await receipt


async def test_large_messages_among_small_ones_arrive_once_and_in_order_over_resets(autojump_clock: MockClock) -> None:
    """Each on a key of its own, as a large one may be overtaken by others."""
    async with (
        lossy_pair(4) as (alpha, beta, network),
        beta.open_mailbox("box") as box,
        trio.open_nursery() as nursery,
    ):
        network.drop, network.double = 0.2, 0.05
        nursery.start_soon(cut_every, network, 1.0)
        nursery.start_soon(send_large, alpha)
        with trio.fail_after(A_WHILE):
            got = [await box.receive() for _ in range(200)]
        assert [number for key, number, _ in got if key == "large"] == list(range(100))
        assert [number for key, number, _ in got if key == "small"] == list(range(100))
        assert all(content == LARGE for key, number, content in got if key == "large" and number % 10 == 0)
        nursery.cancel_scope.cancel()


async def send_large(node: Node) -> None:
    for number in range(100):
        content = LARGE if number % 10 == 0 else b""
        await node.send("beta/box", ("large", number, content), key="large", ack=True)
        await node.send("beta/box", ("small", number, b""), key="small", ack=True)
        await trio.sleep(0.05)


async def test_unacknowledged_neighbours_keep_their_order_and_what_is_lost_of_them_is_counted(
    autojump_clock: MockClock,
) -> None:
    async with lossy_pair(5) as (alpha, beta, network), beta.open_mailbox("box") as box:
        network.drop = 0.3
        for number in range(MESSAGES):
            await alpha.send("beta/box", number, ack=number % 10 == 0)
            if number % 20 == 0:
                await trio.sleep(0.01)
        network.drop = 0.0
        with trio.fail_after(A_WHILE):
            await (await alpha.send("beta/box", MESSAGES, ack=True))
        got = await box.receive_batch()
        assert got == sorted(set(got))
        assert {*range(0, MESSAGES + 1, 10)} <= {*got}
        assert MESSAGES + 1 - len(got) == beta.dropped["gap"] > 0


async def test_what_the_accepter_sends_survives_a_welcome_that_is_lost(autojump_clock: MockClock) -> None:
    """The dialler never learns of the first session; were something sent in it, nobody could say if it was read."""
    async with lossy_pair(6, lost_welcomes=2) as (alpha, beta, _):
        async with alpha.open_mailbox("box") as for_alpha, beta.open_mailbox("box") as for_beta:
            receipts = []
            for number in range(10):
                receipts.append(await alpha.send("beta/box", number, ack=True))
                receipts.append(await beta.send("alpha/box", number, ack=True))
                await trio.sleep(0.5)
            with trio.fail_after(A_WHILE):
                for receipt in receipts:
                    await receipt
            assert await for_alpha.receive_batch() == await for_beta.receive_batch() == list(range(10))
        assert not alpha.counters["Undelivered"] + beta.counters["Undelivered"]


async def test_a_full_mailbox_holds_up_the_sender_within_the_bounds_of_its_queue(autojump_clock: MockClock) -> None:
    bounds = {"default": {"queue_bytes": "64KiB"}}
    async with lossy_pair(7, channels=bounds, mailboxes={"messages": 10}) as (alpha, beta, network):
        async with beta.open_mailbox("box") as box, trio.open_nursery() as nursery:
            nursery.start_soon(send_kilobytes, alpha)
            await trio.sleep(10)
            written = network.written[Kind.DATA]
            await trio.sleep(60)
            assert network.written[Kind.DATA] == written, "who is slow to read is not sent the same again"
            (lane,) = alpha._kernel.peers.table["beta"].lanes["default"]
            assert lane.session.outbox.bytes <= 3 * 64 * 1024, "the bound, and one more frame"
            assert lane.all_senders == 1
            (row,) = (row for row in alpha.connections() if row.channel == "default")
            assert row.unacknowledged_bytes == lane.session.outbox.bytes >= row.queue_bytes_limit
            assert row.unacknowledged * 1024 <= row.unacknowledged_bytes
            assert row.waits_for == "the peer to acknowledge what was sent"
            with trio.fail_after(A_WHILE):
                assert [(await box.receive())[0] for _ in range(MESSAGES)] == list(range(MESSAGES))
        assert not alpha.counters["ChannelDown"]


async def send_kilobytes(node: Node) -> None:
    for number in range(MESSAGES):
        await node.send("beta/box", (number, b"x" * 1024), ack=True)


async def test_who_leaves_is_gone_when_all_that_it_sent_is_acknowledged(autojump_clock: MockClock) -> None:
    patient = CRC32_ONLY | {"flush_timeout": f"{A_WHILE}s"}
    async with lossy_pair(8, links=patient) as (alpha, beta, network), beta.open_mailbox("box") as box:
        network.drop = 0.3
        receipts = [await alpha.send("beta/box", number, ack=True) for number in range(100)]
        await alpha.leave()
        assert all(receipt.is_delivered for receipt in receipts)
        assert await box.receive_batch() == list(range(100))


async def test_any_one_frame_may_be_lost(autojump_clock: MockClock) -> None:
    """Of a scenario of acknowledged sends both ways each frame is left out once, in turn."""
    lost, frames = 0, 1
    while lost < frames:
        async with lossy_pair(9) as (alpha, beta, network), alpha.open_mailbox("box") as one, beta.open_mailbox("box"):
            network.lose_only = lost
            for number in range(4):
                there = await alpha.send("beta/box", number, ack=True)
                back = await beta.send("alpha/box", number, ack=True)
                await trio.sleep(0.01)
            with trio.fail_after(A_WHILE):
                await there
                await back
            assert await one.receive_batch() == list(range(4)), f"without frame {lost}"
            assert not alpha.counters["ChannelDown"]
            frames = network.meddled
        lost += 1
    assert frames > 8, "each way, each message and its acknowledgement"


async def test_on_a_good_line_nothing_is_written_twice(autojump_clock: MockClock) -> None:
    async with lossy_pair(10) as (alpha, beta, _), beta.open_mailbox("box") as box:
        for number in range(500):
            receipt = await alpha.send("beta/box", number, ack=True)
            if number % 50 == 0:
                await trio.lowlevel.checkpoint()
        with trio.fail_after(A_WHILE):
            await receipt
        assert await box.receive_batch() == list(range(500))
        (row,) = (row for row in alpha.connections() if row.channel == "default")
        assert (row.unacknowledged, row.unacknowledged_bytes, row.resent) == (0, 0, 0)


async def test_who_accepts_a_connection_is_not_held_up_when_the_first_word_of_the_other_end_is_lost(
    autojump_clock: MockClock,
) -> None:
    async with (
        lossy_pair(11, always_lost=frozenset({int(Kind.ACK)})) as (alpha, beta, _),
        alpha.open_mailbox("box") as for_alpha,
        beta.open_mailbox("box") as for_beta,
    ):
        await alpha.send("beta/box", 1)
        await beta.send("alpha/box", 1)
        with trio.fail_after(A_WHILE):
            assert await for_alpha.receive() == await for_beta.receive() == 1
