"""Receipts of messages that move to another queue, or whose node closes."""

import pytest
import trio
from trio.testing import MockClock

from partisan_core.drops import DropReason
from partisan_core.errors import NodeDown, Undelivered
from partisan_core.kernel.lane import Lane
from partisan_core.kernel.queue import Limits
from partisan_core.kernel.receipts import Receipt
from partisan_core.policies.block import Block
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.unconnected import on


def make_lane() -> Lane:
    lane = Lane("default", 0, Block(), Limits(100, 10_000, 1_000))
    lane.session.is_shared = True
    return lane


def write(lane: Lane) -> int:
    """Let the lane's messages go; returns the number of the last."""
    pieces = lane.take()
    first, _ = lane.number(lane, len(pieces), b"".join(pieces))
    return first + len(pieces) - 1


def sent(receipt: Receipt) -> bool | None:
    """None: delivered."""
    try:
        assert receipt.is_delivered
    except Undelivered as error:
        return error.is_sent
    return None


def test_messages_that_move_to_a_lane_made_anew_are_kept_there_and_their_receipts_follow() -> None:
    old, new = make_lane(), make_lane()
    new.put_nowait(b"was there")
    first = old.put_acked_nowait(b"first")
    too_large = old.put_acked_nowait(b"x" * 50)
    last = old.put_acked_nowait(b"last")
    old.put_nowait(b"y" * 50)
    new.take_over(old, 20)
    assert not first.is_delivered
    assert sent(too_large) is False
    number = write(new)
    assert (new.session.outbox.last, number) == (3, 3), "and the frame is kept"
    new.confirm(number)
    assert (sent(first), sent(last)) == (None, None)
    assert not old.count_acked()[1]


def test_a_large_message_that_broke_off_halfway_moves_with_those_behind_it() -> None:
    old, new, large = make_lane(), make_lane(), b"x" * 3_000
    receipt = old.put_acked_nowait(large)
    behind = old.put_acked_nowait(large)
    assert old.large is not None
    assert old.large.take() == [large]  # some of its slices are written, and then the link is let go
    old.lose_sent("let go")
    new.take_over(old, 10_000)
    assert not receipt.is_delivered
    for arrived in (receipt, behind):
        assert new.large is not None
        assert new.large.take() == [large]
        number, _ = new.number(new.large, 1, large, is_large=True)
        new.large.finish()
        assert not arrived.is_delivered
        new.confirm(number)
        assert sent(arrived) is None
    assert not new.messages


def test_what_was_sent_in_a_forgotten_session_is_lost_and_what_waits_is_not() -> None:
    lane = make_lane()
    arrived, unknown = lane.put_acked_nowait(b"1"), None
    lane.confirm(write(lane))
    unknown = lane.put_acked_nowait(b"2")
    write(lane)
    waiting = lane.put_acked_nowait(b"3")
    lane.lose_sent("forgotten")
    assert (sent(arrived), sent(unknown)) == (None, True)
    assert not waiting.is_delivered
    lane.confirm(write(lane))
    assert (sent(arrived), sent(unknown), sent(waiting)) == (None, True, None)


def test_a_lane_that_fails_loses_everything_and_one_that_lives_again_begins_with_nothing() -> None:
    lane = make_lane()
    unknown = lane.put_acked_nowait(b"1")
    write(lane)
    never = lane.put_acked_nowait(b"2")
    assert lane.count_acked() == (1, 1)
    lane.fail(NodeDown("gone"), DropReason.NODE_GONE)
    assert lane.count_acked() == (0, 0)
    assert (sent(unknown), sent(never)) == (True, False)
    lane.revive()
    again = lane.put_acked_nowait(b"3")
    lane.confirm(write(lane))
    assert (sent(unknown), sent(never), sent(again)) == (True, False, None)


def test_frames_without_acknowledged_messages_are_not_kept_and_say_nothing() -> None:
    lane = make_lane()
    lane.put_nowait(b"1")
    pieces = lane.take()
    assert lane.number(lane, len(pieces), b"1") == (1, None)
    lane.put_acked_nowait(b"2")
    assert lane.number(lane, len(lane.take()), b"2") == (2, 0)
    lane.put_nowait(b"3")
    assert lane.number(lane, len(lane.take()), b"3") == (3, 2)
    assert len(lane.session.outbox) == 1


@pytest.mark.parametrize("silent", [False, True])
async def test_who_awaits_a_receipt_when_the_own_node_closes_is_told(autojump_clock: MockClock, silent: bool) -> None:
    """Silent: while the link for it is still being dialled."""
    network = FrailNetwork()
    told = []

    async def wait(receipt: Receipt) -> None:
        with trio.fail_after(60), pytest.raises(Undelivered):
            await receipt
        told.append(receipt)

    async with trio.open_nursery() as nursery, on(network, "beta") as beta:
        async with on(network, "alpha") as alpha:
            if silent:
                network.silence()
            receipt = await alpha.send("beta/box", 1, ack=True)
            if not silent:
                await receipt
                network.silence()
                receipt = await alpha.send("beta/box", 2, ack=True)
            nursery.start_soon(wait, receipt)
            await trio.sleep(0.1)
        await trio.sleep(61)
        assert told
        del beta
