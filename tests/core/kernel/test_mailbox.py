import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from partisan_core.errors import MailboxError
from partisan_core.mailboxes import Mailbox


def make_box(limit: int = 3) -> Mailbox:
    return Mailbox("greeter", limit, lambda box: None)


def full_box() -> Mailbox:
    box = make_box()
    for number in range(3):
        box.put(number)
    return box


async def test_messages_come_out_in_order() -> None:
    box = full_box()
    assert [await box.receive(), await box.receive()] == [0, 1]
    assert box.receive_nowait() == 2
    with pytest.raises(trio.WouldBlock):
        box.receive_nowait()


async def test_a_batch_is_all_there_is() -> None:
    box = full_box()
    assert await box.receive_batch() == [0, 1, 2]
    assert len(box) == 0


async def test_a_full_mailbox_makes_its_feeder_wait_until_something_is_taken() -> None:
    box = full_box()
    assert box.is_full
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.wait_room)
        await wait_all_tasks_blocked()
        assert nursery.child_tasks
        await box.receive()
    assert not box.is_full


async def test_each_message_goes_to_one_of_several_receivers() -> None:
    box, received = make_box(), []

    async def receive() -> None:
        received.append(await box.receive())

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        for number in range(3):
            box.put(number)
    assert sorted(received) == [0, 1, 2]


async def test_a_message_is_never_lost_to_a_receiver_that_is_cancelled() -> None:
    """Cancelled in the instant of arrival, it has either received the message or left it."""
    box, received = make_box(), []

    async def receive(scope: trio.CancelScope) -> None:
        with scope:
            received.append(await box.receive())

    for cancel_first in (True, False):
        scope = trio.CancelScope()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive, scope)
            await wait_all_tasks_blocked()
            if cancel_first:
                scope.cancel()
                box.put("message")
            else:
                box.put("message")
                scope.cancel()
        left = len(box)
        assert len(received) + left == 1
        received.clear()
        if left:
            box.receive_nowait()


async def test_a_message_that_a_cancelled_receiver_left_wakes_another() -> None:
    box, received = make_box(), []
    scope = trio.CancelScope()

    async def give_up() -> None:
        with scope:
            await box.receive()

    async def receive() -> None:
        received.append(await box.receive())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(give_up)
        await wait_all_tasks_blocked()
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        scope.cancel()
        box.put("message")
    assert received == ["message"]


async def test_a_batch_taken_by_another_leaves_a_woken_receiver_waiting() -> None:
    box, received = make_box(), []

    async def receive() -> None:
        received.append(await box.receive())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        box.put("first")
        assert box.receive_nowait() == "first"
        await wait_all_tasks_blocked()
        assert received == []
        box.put("second")
    assert received == ["second"]


async def test_receive_is_always_a_checkpoint() -> None:
    box = full_box()
    with trio.CancelScope() as scope:
        scope.cancel()
        await box.receive()
    assert scope.cancelled_caught
    assert len(box) == 3


async def test_closing_tells_receivers_and_lets_feeders_go() -> None:
    box = make_box()

    async def receive() -> None:
        with pytest.raises(MailboxError, match="'greeter' is closed"):
            await box.receive()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        box.close()
    box = full_box()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.wait_room)
        await wait_all_tasks_blocked()
        box.close()
    box.close()


async def test_a_closed_mailbox_discards_and_refuses() -> None:
    box = full_box()
    box.close()
    with pytest.raises(MailboxError):
        box.receive_nowait()
    with pytest.raises(MailboxError):
        await box.receive_batch()


async def test_leaving_an_iteration_early_leaves_nothing_behind() -> None:
    box = full_box()
    async for message in box:
        assert message == 0
        break
    assert box.receive_nowait() == 1


async def test_the_end_of_a_with_block_closes() -> None:
    async with full_box() as box:
        pass
    with pytest.raises(MailboxError):
        box.receive_nowait()
