from collections.abc import Callable
from random import Random

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from partisan_core.drops import DropReason
from partisan_core.errors import NodeDown, WouldBlock
from partisan_core.kernel.lane import Lane
from partisan_core.kernel.queue import Limits, Queue
from partisan_core.kinds import ChannelPolicy
from partisan_core.policies.block import Block
from partisan_core.policies.disconnect import Disconnect
from partisan_core.policies.drop_newest import DropNewest
from partisan_core.policies.drop_oldest import DropOldest


class Carrier:
    """Notes why it was closed."""

    dialled = True

    def __init__(self) -> None:
        self.closed: list[str] = []

    def close(self, why: str) -> None:
        self.closed.append(why)

    def give_up(self, why: str) -> None:
        self.close(why)

    def wake(self) -> None:
        raise AssertionError("nothing is in transit")

    def ping(self, answered: Callable[[float], None]) -> None:
        raise AssertionError("nobody asks whether it arrived")

    def replace(self) -> None:
        self.close("replaced")


def make_lane(policy: ChannelPolicy | None = None, *, messages: int = 3, size: int = 100, batch: int = 50) -> Lane:
    return Lane("default", 0, policy or Block(), Limits(messages, size, batch))


def make_queue(*, messages: int = 3, size: int = 100, batch: int = 50) -> Queue:
    return Queue("lane 0 of channel 'default'", Block(), Limits(messages, size, batch))


def full_lane(policy: ChannelPolicy | None = None) -> Lane:
    lane = make_lane(policy)
    for piece in (b"1", b"2", b"3"):
        lane.put_nowait(piece)
    return lane


async def start_senders(nursery: trio.Nursery, lane: Lane, *pieces: bytes) -> None:
    """One waiting sender after the other."""
    for piece in pieces:
        nursery.start_soon(lane.put, piece)
        await wait_all_tasks_blocked()


def test_a_lane_is_bounded_in_messages() -> None:
    lane = full_lane()
    with pytest.raises(WouldBlock, match=r"lane 0 of channel 'default' is full \(3 messages, 3 bytes\)"):
        lane.put_nowait(b"4")
    assert lane.take() == [b"1", b"2", b"3"]


def test_a_lane_is_bounded_in_bytes() -> None:
    lane = make_lane()
    lane.put_nowait(b"x" * 60)
    with pytest.raises(WouldBlock):
        lane.put_nowait(b"x" * 41)
    lane.put_nowait(b"x" * 40)


def test_an_empty_queue_takes_any_one_message() -> None:
    lane = make_queue()
    lane.put_nowait(b"x" * 1000)
    with pytest.raises(WouldBlock):
        lane.put_nowait(b"x")


def test_drop_newest_drops_the_new_message_and_counts_it() -> None:
    lane = full_lane(DropNewest())
    lane.put_nowait(b"4")
    assert lane.take() == [b"1", b"2", b"3"]
    assert lane.dropped == {"queue_full": 1}


def test_drop_oldest_drops_the_oldest_message_and_counts_it() -> None:
    lane = full_lane(DropOldest())
    lane.put_nowait(b"4")
    assert lane.take() == [b"2", b"3", b"4"]
    assert lane.dropped == {"queue_full": 1}


def test_disconnect_closes_the_connection_of_a_full_lane_drops_what_waits_and_queues_the_new_message() -> None:
    lane = full_lane(Disconnect())
    lane.carrier = carrier = Carrier()
    told: list[tuple[DropReason, int]] = []
    lane.on_dropped = lambda reason, count: told.append((reason, count))
    lane.put_nowait(b"45")
    assert carrier.closed == ["the peer is too slow: lane 0 of channel 'default' is full"]
    assert (lane.take(), lane.bytes) == ([b"45"], 0)
    assert lane.dropped == {"slow_peer": 3}
    assert told == [(DropReason.SLOW_PEER, 3)]


def test_disconnect_keeps_a_lane_that_is_not_connected_bounded() -> None:
    lane = full_lane(Disconnect())
    for _ in range(100):
        lane.put_nowait(b"4")
        assert lane.messages <= 3
    assert lane.messages + lane.dropped["slow_peer"] == 103


async def test_waiting_senders_are_served_in_their_order() -> None:
    lane = full_lane()
    async with trio.open_nursery() as nursery:
        await start_senders(nursery, lane, b"4", b"5", b"6")
        assert lane.take() == [b"1", b"2", b"3"]
    assert lane.take() == [b"4", b"5", b"6"]


async def test_a_small_message_does_not_overtake_a_waiting_large_one() -> None:
    lane = make_lane()
    lane.put_nowait(b"x" * 60)
    async with trio.open_nursery() as nursery:
        await start_senders(nursery, lane, b"y" * 50, b"z")
        with pytest.raises(WouldBlock):
            lane.put_nowait(b"!")
        lane.take()
    assert lane.take() == [b"y" * 50]
    assert lane.take() == [b"z"]


async def test_a_cancelled_sender_sends_nothing_and_nobody_loses_a_place() -> None:
    lane = full_lane()
    async with trio.open_nursery() as nursery:
        await start_senders(nursery, lane, b"4")
        given_up = trio.CancelScope()

        async def give_up() -> None:
            with given_up:
                await lane.put(b"cancelled")

        nursery.start_soon(give_up)
        await wait_all_tasks_blocked()
        await start_senders(nursery, lane, b"5")
        given_up.cancel()
        await wait_all_tasks_blocked()
        lane.take()
    assert lane.take() == [b"4", b"5"]


async def test_when_the_sender_in_front_is_cancelled_those_who_fit_behind_it_go_on() -> None:
    lane = make_lane()
    lane.put_nowait(b"x" * 60)
    async with trio.open_nursery() as nursery:
        given_up = trio.CancelScope()

        async def give_up() -> None:
            with given_up:
                await lane.put(b"y" * 90)

        nursery.start_soon(give_up)
        await wait_all_tasks_blocked()
        await start_senders(nursery, lane, b"z")
        given_up.cancel()
    lane.put_nowait(b"!")
    assert lane.messages == 3


async def test_a_lane_that_is_made_larger_serves_who_waits_and_one_made_smaller_keeps_what_it_has() -> None:
    lane = full_lane()
    lane.open_transit()
    async with trio.open_nursery() as nursery:
        await start_senders(nursery, lane, b"4", b"5", b"6")
        lane.resize(5, 200)
        assert lane.transit is not None
        assert (lane.pieces, lane.senders, lane.open_bytes) == ([b"1", b"2", b"3", b"4", b"5"], 1, 0)
        assert (lane.transit.max_messages, lane.transit.max_bytes) == (5, 200)
        lane.resize(6, 50)
        await wait_all_tasks_blocked()
        assert (lane.senders, lane.open_bytes) == (0, 50)
    lane.resize(2, 50)
    assert lane.messages == 6
    with pytest.raises(WouldBlock):
        lane.put_nowait(b"7")


async def test_a_failed_lane_tells_waiting_and_later_senders_and_counts_what_it_dropped() -> None:
    lane = full_lane()
    told: list[str] = []

    async def send() -> None:
        with pytest.raises(NodeDown) as raised:
            await lane.put(b"4")
        told.append(str(raised.value))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        lane.fail(NodeDown("beta is down"), DropReason.NODE_GONE)
    assert lane.dropped == {"node_gone": 3}
    assert told == ["beta is down"] * 2
    with pytest.raises(NodeDown):
        lane.put_nowait(b"5")
    assert lane.messages == lane.bytes == 0


def test_a_resting_writer_is_woken_by_a_message() -> None:
    lane, kicks = make_lane(), []
    lane.kick = lambda: kicks.append(lane.messages)
    lane.put_nowait(b"1")
    assert kicks == [1]


@pytest.mark.parametrize("where", [0, 5, 9])
def test_a_huge_message_among_small_ones_travels_with_few_of_them(where: int) -> None:
    lane = make_queue(messages=100, size=10_000, batch=50)
    pieces = [b"s" * 5] * 10
    pieces[where] = b"H" * 5000
    for piece in pieces:
        lane.put_nowait(piece)
    taken = []
    while lane.messages:
        taken.append(lane.take())
    assert [piece for batch in taken for piece in batch] == pieces
    assert all(len(batch) == 1 or sum(map(len, batch)) <= 100 for batch in taken)


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=60),
    st.integers(10, 200),
    st.integers(),
)
def test_take_gives_everything_in_order_and_in_bounded_batches(sizes: list[int], batch: int, seed: int) -> None:
    lane = make_queue(messages=10, size=1000, batch=batch)
    waiting = [bytes([number % 256]) * size for number, size in enumerate(sizes)]
    rng = Random(seed)
    taken: list[bytes] = []
    put: list[bytes] = []
    while waiting or lane.messages:
        if waiting and lane.fits(len(waiting[0])) and rng.random() < 0.7:
            put.append(waiting[0])
            lane.put_nowait(waiting.pop(0))
        elif lane.messages:
            pieces = lane.take()
            assert pieces
            assert len(pieces) == 1 or sum(map(len, pieces)) <= 2 * batch
            taken += pieces
        assert lane.bytes == sum(map(len, lane.pieces))
    assert taken == put


def failing() -> list[Callable[[Lane], object]]:
    return [lambda lane: lane.take(), lambda lane: lane.fail(NodeDown("down"), DropReason.NODE_GONE)]


@pytest.mark.parametrize("end", failing())
async def test_a_sender_that_was_served_before_its_cancellation_arrives_has_sent(
    end: Callable[[Lane], object],
) -> None:
    """Success and cancellation in one instant: told as one of them, and told truly."""
    lane = full_lane()
    outcomes: list[str] = []

    async def send(scope: trio.CancelScope) -> None:
        with scope:
            try:
                await lane.put(b"4")
            except NodeDown:
                outcomes.append("down")
            else:
                outcomes.append("sent")

    scope = trio.CancelScope()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(send, scope)
        await wait_all_tasks_blocked()
        end(lane)
        scope.cancel()
    assert outcomes == (["sent"] if lane.messages else ["down"])
