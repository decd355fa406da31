"""Sessions between two ends with a relay between them: what it drops, doubles, delays and mixes up changes nothing."""

import pytest
import trio
from trio.testing import MockClock

from partisan_core.errors import Undelivered
from partisan_core.kernel.receipts import Receipt
from partisan_core.kernel.resending import LAST_LOOK
from tests.acked.relays import Two, two

MESSAGES = 200
A_WHILE = 600.0
SEEDS = range(16)


def send(ends: Two, number: int) -> Receipt:
    piece = ends.channel.codec.encode(("box", number))
    return ends.outbound.lane.put_acked_nowait(piece)


async def outcome(receipt: Receipt) -> bool:
    with trio.fail_after(A_WHILE):
        try:
            await receipt
        except Undelivered:
            return False
    return True


@pytest.mark.parametrize("seed", SEEDS)
async def test_all_arrives_once_and_in_order_whatever_the_relay_does(autojump_clock: MockClock, seed: int) -> None:
    async with two(seed) as ends:
        receipts = []
        for number in range(MESSAGES):
            receipts.append(send(ends, number))
            if ends.rng.random() < 0.2:
                await trio.sleep(ends.rng.uniform(0, 0.5))
        assert all([await outcome(receipt) for receipt in receipts]), f"seed {seed}"
        await trio.sleep(10)
        assert ends.got == list(range(MESSAGES)), f"seed {seed}"
        assert not ends.lost
        assert ends.outbound.is_settled


@pytest.mark.parametrize("seed", SEEDS)
async def test_when_an_end_forgets_nothing_comes_twice_or_late_and_what_is_unknown_is_told(
    autojump_clock: MockClock, seed: int
) -> None:
    async with two(seed) as ends:
        receipts = []
        for number in range(MESSAGES):
            receipts.append(send(ends, number))
            if ends.rng.random() < 0.2:
                await trio.sleep(ends.rng.uniform(0, 0.5))
            if ends.rng.random() < 0.02:
                ends.forget()
        known = {number for number, receipt in enumerate(receipts) if await outcome(receipt)}
        await trio.sleep(10)
        assert ends.got == sorted(set(ends.got)), f"seed {seed}"
        assert known <= {*ends.got}, f"seed {seed}"
        assert sum(ends.lost) >= MESSAGES - len(known), f"seed {seed}"


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_is_left_of_a_lane_that_was_given_up_disturbs_the_next_one_in_no_way(
    autojump_clock: MockClock, seed: int
) -> None:
    async with two(seed) as ends:
        for life in range(5):
            receipts = [send(ends, life * MESSAGES + number) for number in range(MESSAGES // 4)]
            await trio.sleep(ends.rng.choice((0.01, 0.1, 1)))
            if life < 4:
                ends.begin_anew()
        assert all([await outcome(receipt) for receipt in receipts]), f"seed {seed}"
        await trio.sleep(10)
        assert ends.got == sorted(set(ends.got)), f"seed {seed}"
        assert ends.got[-MESSAGES // 4 :] == [4 * MESSAGES + number for number in range(MESSAGES // 4)], f"seed {seed}"


async def test_a_relay_that_passes_on_all_is_asked_once_and_sends_nothing_twice(autojump_clock: MockClock) -> None:
    async with two(1, bad=0.0) as ends:
        await trio.sleep(LAST_LOOK)
        receipts = [send(ends, number) for number in range(MESSAGES)]
        await outcome(receipts[-1])
        assert ends.got == list(range(MESSAGES))
        assert ends.outbound.lane.session.outbox.written_again == 0
        assert not ends.refused
