"""Each action that strikes frames, on a virtual clock; the seed is `nodes.SEED`."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core.notices import ChannelDown, FaultInjected
from tests.core.kernel.nodes import notice_of, until
from tests.faults.nodes import add, faulty_pair, firings, one_by_one, received

SEALED: dict[str, Any] = {"security": {"keyed_frames": "always"}}
"""Frames whose keyed tags are counted: what is dropped must not be missed by the count."""


@pytest.mark.parametrize("sections", [{}, SEALED], ids=["checksum", "keyed"])
async def test_a_third_of_the_frames_is_dropped_and_the_connection_lives_and_every_loss_is_a_gap(
    autojump_clock: MockClock, sections: dict[str, Any]
) -> None:
    async with faulty_pair(**sections) as (alpha, beta, box), beta.open_events() as events:
        add(alpha, "lossy", "drop", direction="out", probability=0.3)
        await one_by_one(alpha, range(200))
        alpha.faults.remove("lossy")
        await one_by_one(alpha, range(200, 202))
        arrived = await received(box)
        assert arrived == sorted(set(arrived))
        assert 202 * 0.6 < len(arrived) < 202 * 0.8
        assert beta.dropped["gap"] == 202 - len(arrived)
        assert alpha.counters["ChannelDown"] == beta.counters["ChannelDown"] == 0
        assert events


async def test_the_same_seed_drops_the_same_frames(autojump_clock: MockClock) -> None:
    runs = []
    for _ in range(2):
        async with faulty_pair() as (alpha, _beta, box):
            add(alpha, "lossy", "drop", direction="out", probability=0.5)
            await one_by_one(alpha, range(50))
            runs.append(await received(box))
    assert runs[0] == runs[1] != list(range(50))


@pytest.mark.parametrize("sections", [{}, SEALED], ids=["checksum", "keyed"])
@pytest.mark.parametrize("direction", ["out", "in"])
async def test_a_delay_keeps_the_order_and_holds_up_nobody_else(
    autojump_clock: MockClock, direction: str, sections: dict[str, Any]
) -> None:
    async with faulty_pair(**sections) as (alpha, beta, box):
        sender, inbox = (alpha, box) if direction == "out" else (beta, alpha.open_mailbox("box"))
        add(alpha, "slow", "delay", direction=direction, time=2.0, jitter=1.0)
        start = trio.current_time()
        to = "beta/box" if direction == "out" else "alpha/box"
        await one_by_one(sender, range(20), to)
        assert await alpha.ping("beta") < 0.5, "the membership is not delayed"
        assert await inbox.receive() == 0
        assert 2 <= trio.current_time() - start <= 3.1
        assert await received(inbox, 4) == list(range(1, 20))


@pytest.mark.parametrize("direction", ["out", "in"])
async def test_what_comes_twice_is_delivered_once(autojump_clock: MockClock, direction: str) -> None:
    async with faulty_pair() as (alpha, beta, box):
        sender, inbox = (alpha, box) if direction == "out" else (beta, alpha.open_mailbox("box"))
        add(alpha, "twice", "duplicate", direction=direction)
        await one_by_one(sender, range(20), "beta/box" if direction == "out" else "alpha/box")
        assert await received(inbox) == list(range(20))
        assert firings(alpha, "twice") == 20
        assert alpha.counters["ChannelDown"] == 0


async def test_a_frame_that_is_overtaken_is_late_and_so_lost_without_acknowledgement(
    autojump_clock: MockClock,
) -> None:
    async with faulty_pair() as (alpha, beta, box):
        add(alpha, "overtaken", "reorder", direction="out", count=1)
        await one_by_one(alpha, range(3))
        assert await received(box) == [1, 2]
        assert beta.dropped["gap"] == 1


async def test_a_frame_that_nothing_overtakes_goes_on_in_time(autojump_clock: MockClock) -> None:
    async with faulty_pair() as (alpha, _beta, box):
        await trio.sleep(1.2)  # the first ping is over
        add(alpha, "overtaken", "reorder", direction="out", time=0.5)
        start = trio.current_time()
        alpha.send_nowait("beta/box", "alone")
        assert await box.receive() == "alone"
        assert 0.5 <= trio.current_time() - start < 0.6


@pytest.mark.parametrize("sections", [{}, SEALED], ids=["checksum", "keyed"])
@pytest.mark.parametrize("action", ["corrupt", "truncate"])
async def test_damage_is_found_by_the_other_end_by_name_and_the_session_resumes(
    autojump_clock: MockClock, action: str, sections: dict[str, Any]
) -> None:
    async with faulty_pair(**sections) as (alpha, beta, box), beta.open_events() as events:
        add(alpha, "damage", action, direction="out", count=1)
        alpha.send_nowait("beta/box", "x" * 100)
        await trio.sleep(0.1)
        alpha.send_nowait("beta/box", "y" * 100)
        assert "CorruptFrame" in (await notice_of(ChannelDown, events)).error
        await until(lambda: alpha.is_fully_connected("beta"))
        alpha.send_nowait("beta/box", "whole")
        arrived = await received(box)
        assert arrived[-1] == "whole"
        assert set(arrived) <= {"x" * 100, "y" * 100, "whole"}
        assert alpha.counters["NeighbourDown"] == 0


@pytest.mark.parametrize("direction", ["out", "in"])
async def test_a_connection_is_broken_once_and_comes_back(autojump_clock: MockClock, direction: str) -> None:
    async with faulty_pair() as (alpha, beta, box), alpha.open_events() as events:
        add(alpha, "cut", "close", direction=direction, count=1)
        sender, to = (alpha, "beta/box") if direction == "out" else (beta, "alpha/box")
        inbox = box if direction == "out" else alpha.open_mailbox("box")
        await sender.send(to, "cut")
        assert "by the fault 'cut'" in (await notice_of(ChannelDown, events)).error
        await until(lambda: alpha.is_fully_connected("beta"))
        await sender.send(to, "after")
        assert (await received(inbox))[-1] == "after"
        assert firings(alpha, "cut") == 1
        assert alpha.counters["NeighbourDown"] == beta.counters["NeighbourDown"] == 0


@pytest.mark.parametrize("direction", ["out", "in"])
async def test_a_pause_loses_nothing_and_ends_in_time(autojump_clock: MockClock, direction: str) -> None:
    async with faulty_pair() as (alpha, beta, box):
        sender, inbox = (alpha, box) if direction == "out" else (beta, alpha.open_mailbox("box"))
        add(alpha, "paused", "pause", direction=direction, time=1.5)
        start = trio.current_time()
        await one_by_one(sender, range(10), "beta/box" if direction == "out" else "alpha/box")
        assert await inbox.receive() == 0
        assert 1.5 <= trio.current_time() - start < 1.6
        assert await received(inbox) == list(range(1, 10))
        assert alpha.faults.rows() == (), "it has ended"
        assert alpha.counters["ChannelDown"] == 0


async def test_a_pause_is_backpressure(autojump_clock: MockClock) -> None:
    async with faulty_pair(channels={"default": {"queue_messages": 10}}) as (alpha, _beta, box):
        add(alpha, "paused", "pause", time=1.0)
        start = trio.current_time()
        for number in range(40):
            await alpha.send("beta/box", number)
        assert trio.current_time() - start > 0.99
        assert await received(box) == list(range(40))


async def test_a_rule_may_be_about_pings_and_then_the_silent_connection_is_given_up(
    autojump_clock: MockClock,
) -> None:
    async with faulty_pair() as (alpha, beta, _box), beta.open_events() as events:
        alpha_out = {"kinds": ("ping", "pong"), "channels": ("membership",), "direction": "out"}
        add(alpha, "mute", "drop", **alpha_out)
        assert "pings without an answer" in (await notice_of(ChannelDown, events)).error


async def test_each_firing_is_counted_and_one_in_a_second_is_told(autojump_clock: MockClock) -> None:
    async with faulty_pair() as (alpha, _beta, _box), alpha.open_events() as events:
        add(alpha, "lossy", "drop", direction="out")
        await one_by_one(alpha, range(100))
        told = await notice_of(FaultInjected, events)
        assert told == FaultInjected("lossy", "drop", "out", "beta", "default", 1)
        await trio.sleep(1)
        await one_by_one(alpha, range(1))
        assert (await notice_of(FaultInjected, events)).firings == 101 == firings(alpha, "lossy")
        assert alpha.counters["FaultInjected"] == 2


async def test_a_rule_strikes_at_most_as_often_as_it_says(autojump_clock: MockClock) -> None:
    async with faulty_pair() as (alpha, _beta, box):
        add(alpha, "three", "drop", direction="out", count=3)
        await one_by_one(alpha, range(10))
        assert await received(box) == list(range(3, 10))


async def test_a_rule_may_skip_some_first(autojump_clock: MockClock) -> None:
    async with faulty_pair() as (alpha, _beta, box):
        add(alpha, "fifth", "drop", direction="out", skip=4, count=1)
        await one_by_one(alpha, range(10))
        assert await received(box) == [0, 1, 2, 3, 5, 6, 7, 8, 9]


async def test_what_is_held_back_is_bounded_by_holding_up_the_writer(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("partisan_faults.filters.HELD_BYTES", 10_000)
    async with faulty_pair(channels={"default": {"queue_bytes": "1KiB"}}) as (alpha, _beta, box):
        add(alpha, "slow", "delay", direction="out", time=1.0)
        start = trio.current_time()
        for number in range(30):
            await alpha.send("beta/box", [number, "x" * 900])
        assert trio.current_time() - start > 0.99, "not all of it was held"
        assert [number for number, _ in await received(box, 5)] == list(range(30))


async def test_what_is_held_back_of_what_arrives_is_bounded_by_not_reading(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("partisan_faults.filters.HELD_BYTES", 1_000)
    async with faulty_pair() as (alpha, beta, _box):
        inbox = alpha.open_mailbox("box")
        add(alpha, "slow", "delay", direction="in", time=1.0)
        await one_by_one(beta, range(5), "alpha/box")
        await beta.send("alpha/box", "x" * 2_000)
        await trio.sleep(0.1)
        assert [row.waits_for for row in alpha.connections() if row.channel == "default"] == [
            "a fault holds back what has arrived"
        ]
        assert await received(inbox, 3) == [*range(5), "x" * 2_000]


@pytest.mark.parametrize("direction", ["out", "in"])
async def test_the_end_of_one_large_message_is_never_taken_for_that_of_another(
    direction: str, autojump_clock: MockClock
) -> None:
    """Of three, each in two slices, the second slice of the first and the first of the second are dropped.

    So whole nodes of HyParView did with seed 102.
    """
    async with faulty_pair(limits={"batch": "2KiB"}) as (alpha, beta, box):
        sender, to, inbox = (alpha, "beta/box", box)
        if direction == "in":
            sender, to, inbox = (beta, "alpha/box", alpha.open_mailbox("box"))
        add(alpha, "lossy", "drop", kinds=("fragment",), direction=direction, skip=1, count=2)
        messages = [letter * 9_000 for letter in "abc"]
        for message in messages:
            await sender.send(to, message)
        got = await received(inbox, 10)
        assert firings(alpha, "lossy") == 2
        assert all(message in messages for message in got)
        await sender.send(to, "d" * 9_000)
        assert await received(inbox, 10) == ["d" * 9_000], "the connection has come back"
