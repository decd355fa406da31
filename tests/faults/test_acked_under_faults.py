"""Acknowledged messages under rules: exactly once and in order, whatever happens to frames."""

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Node
from partisan_core.errors import FaultError
from partisan_faults import Delay, Rule
from partisan_faults.messages import Twice
from tests.faults.nodes import add, faulty_pair, firings, received

MESSAGES = 1000


async def send_all(node: Node) -> None:
    for number in range(MESSAGES):
        await node.send("beta/box", number, ack=True)
        await trio.sleep(0.004)


@pytest.mark.parametrize("keyed", ["off_loopback", "always"])
async def test_a_third_of_all_frames_dropped_some_doubled_and_a_reset_each_second_lose_and_double_nothing(
    autojump_clock: MockClock, keyed: str
) -> None:
    kinds = ("data", "fragment", "ack", "again")
    async with faulty_pair(security={"keyed_frames": keyed}) as (alpha, beta, box):
        add(alpha, "lossy", "drop", kinds=kinds, probability=0.3)
        add(alpha, "twice", "duplicate", kinds=kinds, probability=0.05)
        add(alpha, "late", "reorder", kinds=kinds, probability=0.05)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_all, alpha)
            for reset in range(4):
                await trio.sleep(1)
                alpha.faults.add(f"reset-{reset}", Rule(action="close", channels=("default",), count=1))
        assert await received(box, 60) == list(range(MESSAGES))
        assert min(firings(alpha, name) for name in ("lossy", "twice", "late")) > 10
        assert sum(firings(alpha, f"reset-{reset}") for reset in range(4)) == 4
        assert alpha.counters["NeighbourDown"] == beta.counters["NeighbourDown"] == 0


async def test_a_receipt_comes_when_a_partition_has_healed_in_time(autojump_clock: MockClock) -> None:
    async with faulty_pair() as (alpha, _beta, box):
        alpha.faults.inject_partition(["beta"])
        receipt = await alpha.send("beta/box", "kept", ack=True)
        with trio.move_on_after(2) as scope:
            await receipt
        assert scope.cancelled_caught
        alpha.faults.heal()
        with trio.fail_after(10):
            await receipt
        assert await box.receive() == "kept"


@pytest.mark.parametrize("outcome", [None, Delay(1.0, "x"), Twice("x")], ids=["dropped", "delayed", "doubled"])
async def test_a_function_of_the_sender_may_change_an_acknowledged_message_and_no_more(
    autojump_clock: MockClock, outcome: object
) -> None:
    async with faulty_pair() as (alpha, _beta, box):
        alpha.faults.interpose("changed", lambda passing: f"{passing.message}!")
        receipt = alpha.send_nowait("beta/box", "a", ack=True)
        await (await alpha.send("beta/box", "b", ack=True))
        await receipt
        assert await box.receive_batch() == ["a!", "b!"]
        alpha.faults.interpose("other", lambda passing: outcome, direction="out")
        with pytest.raises(FaultError, match="to be acknowledged cannot be dropped, held back or doubled"):
            alpha.send_nowait("beta/box", "c", ack=True)
        with pytest.raises(FaultError, match="nothing was sent"):
            await alpha.send("beta/box", "c", ack=True)
        alpha.faults.remove("other")
        await (await alpha.send("beta/box", "d", ack=True))
        assert await received(box, 0.1) == ["d!"]


async def test_the_same_holds_on_a_channel_that_acknowledges_all_messages(autojump_clock: MockClock) -> None:
    async with faulty_pair(channels={"safe": {"ack": True}}) as (alpha, _beta, box):
        alpha.faults.interpose("lose", lambda passing: passing.message or None, direction="out")
        with pytest.raises(FaultError, match="nothing was sent"):
            await alpha.send("beta/box", 0, channel="safe")
        with pytest.raises(FaultError, match="nothing was sent"):
            alpha.send_nowait("beta/box", 0, channel="safe")
        await alpha.send("beta/box", 1, channel="safe")
        assert await received(box, 0.1) == [1]
