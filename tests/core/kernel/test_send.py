"""What `send` promises (design, section 8)."""

import msgspec
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from partisan_core import Ref
from partisan_core.errors import (
    EncodeError,
    InvalidName,
    NodeClosed,
    NodeDown,
    UnknownChannel,
    UnknownNode,
    WouldBlock,
)
from partisan_core.notices import DeadLetter, DialRefused
from tests.core.kernel.nodes import PARTS, PATIENCE, Memory, link, notice_of, pair, until


async def test_a_message_reaches_a_mailbox_over_the_wire() -> None:
    async with pair() as (alpha, beta):
        box = alpha.open_mailbox("greeter")
        await beta.send("alpha/greeter", {"hello": [1, None, b"x"]})
        assert await box.receive() == {"hello": [1, None, b"x"]}


async def test_order_is_kept() -> None:
    async with pair() as (alpha, beta):
        box = alpha.open_mailbox("greeter")
        for number in range(5000):
            await beta.send("alpha/greeter", number)
        received: list[int] = []
        while len(received) < 5000:
            received += await box.receive_batch()
        assert received == list(range(5000))


async def test_an_unknown_node_is_an_error_with_the_nearest_name() -> None:
    async with pair() as (alpha, _):
        with pytest.raises(UnknownNode, match=r"no node 'beto' is known here.*beta"):
            await alpha.send("beto/greeter", 1)


async def test_a_malformed_destination_is_an_error() -> None:
    async with pair() as (alpha, _):
        with pytest.raises(InvalidName):
            await alpha.send("beta", 1)


async def test_a_node_that_is_known_and_down_is_an_error_at_once() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha:
        async with memory.opened("beta") as beta:
            await link(beta, alpha)
        await until(lambda: not alpha.neighbours())
        with pytest.raises(NodeDown, match="beta is known and down"):
            await alpha.send("beta/greeter", 1)


async def test_an_unknown_channel_is_an_error_with_the_nearest_name() -> None:
    async with pair(channels={"bulk": {}}) as (alpha, _):
        with pytest.raises(UnknownChannel, match=r"no channel 'bulc' is configured.*bulk"):
            await alpha.send("beta/greeter", 1, channel="bulc")


async def test_the_channel_of_the_core_is_not_for_applications() -> None:
    async with pair() as (alpha, _):
        with pytest.raises(UnknownChannel):
            await alpha.send("beta/greeter", 1, channel="membership")


async def test_a_channel_that_only_one_end_has_is_an_error() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha, memory.opened("beta", channels={"bulk": {}}) as beta:
        await link(beta, alpha)
        with pytest.raises(UnknownChannel, match=r"node alpha has no channel 'bulk'"):
            await beta.send("alpha/greeter", 1, channel="bulk")


async def test_what_cannot_be_encoded_is_not_sent_and_the_next_message_arrives() -> None:
    async with pair() as (alpha, beta):
        box = alpha.open_mailbox("greeter")
        with pytest.raises(EncodeError, match="cannot be encoded"):
            await beta.send("alpha/greeter", object())
        with pytest.raises(EncodeError):
            beta.send_nowait("alpha/greeter", {"deep": [object()]})
        await beta.send("alpha/greeter", "next")
        assert await box.receive() == "next"


async def test_a_message_above_the_limit_is_not_sent_and_one_at_the_limit_arrives() -> None:
    async with pair(limits={"message": "1MiB"}) as (alpha, beta):
        box = alpha.open_mailbox("greeter")
        with pytest.raises(EncodeError, match=r"more than limits.message = 1048576"):
            await beta.send("alpha/greeter", b"x" * 1024 * 1024)
        largest = b"x" * (1024 * 1024 - 32)
        await beta.send("alpha/greeter", largest)
        with trio.fail_after(PATIENCE):
            assert await box.receive() == largest


async def test_a_message_above_the_peers_limit_is_an_error_at_the_sender() -> None:
    memory = Memory()
    async with (
        memory.opened("alpha", limits={"message": "64KiB"}) as alpha,
        memory.opened("beta") as beta,
    ):
        box = alpha.open_mailbox("greeter")
        await link(beta, alpha)
        with pytest.raises(EncodeError, match="65536"):
            await beta.send("alpha/greeter", b"x" * 200_000)
        await beta.send("alpha/greeter", "next")
        with trio.fail_after(PATIENCE):
            assert await box.receive() == "next"


async def test_many_messages_below_a_small_limit_all_arrive() -> None:
    """A frame joins several messages: it may not become larger than the peer takes."""
    async with pair(limits={"message": "1KiB"}) as (alpha, beta):
        box = alpha.open_mailbox("greeter")
        async with trio.open_nursery() as nursery:

            async def send() -> None:
                for _ in range(2000):
                    await beta.send("alpha/greeter", b"x" * 900)

            nursery.start_soon(send)
            received = 0
            with trio.fail_after(PATIENCE):
                while received < 2000:
                    received += len(await box.receive_batch())
        assert not alpha.dropped
        assert not beta.dropped


async def test_a_message_to_oneself_is_delivered_under_the_same_rules() -> None:
    async with Memory().opened("alpha") as alpha:
        box = alpha.open_mailbox("greeter", limit=2)
        message = {"tuple": (1, 2)}
        await alpha.send("alpha/greeter", message)
        assert await box.receive() == {"tuple": [1, 2]}
        with pytest.raises(EncodeError):
            await alpha.send("alpha/greeter", object())
        alpha.send_nowait("alpha/greeter", 1)
        alpha.send_nowait("alpha/greeter", 2)
        with pytest.raises(WouldBlock):
            alpha.send_nowait("alpha/greeter", 3)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(alpha.send, "alpha/greeter", 3)
            await wait_all_tasks_blocked()
            assert len(box) == 2
            assert await box.receive_batch() == [1, 2]
        assert await box.receive() == 3


async def test_a_full_lane_refuses_send_nowait_and_lets_send_wait() -> None:
    async with pair(channels={"narrow": {"queue_messages": 2}}) as (alpha, beta):
        box = alpha.open_mailbox("greeter", limit=1)
        sent = 0

        def send_until_full() -> None:
            nonlocal sent
            while True:
                beta.send_nowait("alpha/greeter", sent, channel="narrow")
                sent += 1

        with pytest.raises(WouldBlock, match="channel 'narrow' is full"):
            send_until_full()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: beta.send("alpha/greeter", sent, channel="narrow"))
            received = [await box.receive() for _ in range(sent + 1)]
        assert received == list(range(sent + 1))


@pytest.mark.parametrize("policy", ["drop_newest", "drop_oldest"])
async def test_what_a_channel_policy_drops_is_counted_on_the_node(policy: str) -> None:
    async with pair(channels={"narrow": {"queue_messages": 2, "policy": policy}}) as (alpha, beta):
        box = alpha.open_mailbox("greeter")
        for number in range(50):
            beta.send_nowait("alpha/greeter", number, channel="narrow")
        await until(lambda: len(box) + beta.dropped.total() == 50)
        assert beta.dropped.total() > 0


async def test_a_reference_by_name_follows_a_restart() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha:
        async with memory.opened("beta") as beta:
            await link(beta, alpha)
            ref = beta.ref("greeter")
        await until(lambda: not alpha.neighbours())
        async with memory.opened("beta") as beta:
            box = beta.open_mailbox("greeter")
            await link(beta, alpha)
            await alpha.send(ref, "again")
            assert await box.receive() == "again"


async def test_a_reference_by_life_dies_with_it() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha:
        async with memory.opened("beta") as beta:
            box = beta.open_mailbox("greeter")
            await link(beta, alpha)
            ref = Ref("beta", "greeter", beta.spec().incarnation)
            await alpha.send(ref, "now")
            assert await box.receive() == "now"
        await until(lambda: not alpha.neighbours())
        async with memory.opened("beta") as beta:
            await link(beta, alpha)
            with pytest.raises(NodeDown, match="another life of beta"):
                await alpha.send(ref, "later")


async def test_a_message_for_a_missing_mailbox_is_a_counted_and_noticed_dead_letter() -> None:
    async with pair() as (alpha, beta), alpha.open_events() as events:
        for _ in range(3):
            await beta.send("alpha/nobody", 1)
        letter = await notice_of(DeadLetter, events)
        assert (letter.peer.name, letter.mailbox) == ("beta", "nobody")
        await until(lambda: alpha.dropped["no_mailbox"] == 3)
        assert alpha.counters["DeadLetter"] == 1


async def test_send_checks_for_cancellation_each_time() -> None:
    async with pair() as (alpha, beta):
        box = alpha.open_mailbox("greeter")
        with trio.CancelScope() as scope:
            scope.cancel()
            await beta.send("alpha/greeter", 1)
        assert scope.cancelled_caught
        await beta.send("alpha/greeter", 2)
        assert await box.receive() == 2


async def test_lanes_keep_the_order_of_each_key() -> None:
    async with pair(channels={"bulk": {"parallelism": 3}}) as (alpha, beta):
        box = alpha.open_mailbox("greeter")
        for number in range(300):
            await beta.send("alpha/greeter", [number % 7, number], channel="bulk", key=number % 7)
        received: list[list[int]] = []
        with trio.fail_after(PATIENCE):
            while len(received) < 300:
                received += await box.receive_batch()
        for key in range(7):
            numbers = [number for its_key, number in received if its_key == key]
            assert numbers == sorted(numbers)


async def test_a_node_that_has_left_or_closed_sends_no_more() -> None:
    async with pair() as (alpha, beta):
        await beta.leave()
        with pytest.raises(NodeClosed):
            await beta.send("alpha/greeter", 1)
    with pytest.raises(NodeClosed):
        alpha.send_nowait("beta/greeter", 1)


async def test_a_lane_that_is_refused_is_noticed_and_dialled_with_growing_pauses() -> None:
    memory = Memory()
    theirs = {"bulk": {"serializer": f"{PARTS}:other"}}
    async with (
        memory.opened("alpha", channels=theirs) as alpha,
        memory.opened("beta", channels={"bulk": {}}) as beta,
        beta.open_events() as events,
    ):
        await link(beta, alpha)
        assert "channel bulk uses serializer" in (await notice_of(DialRefused, events)).error
        with trio.move_on_after(0.5):
            await until(lambda: alpha.counters["PeerRefused"] > 8)
        assert alpha.counters["PeerRefused"] <= 8


async def test_a_message_to_oneself_that_could_not_be_decoded_is_the_senders_error() -> None:
    async with pair() as (alpha, _):
        alpha.open_mailbox("greeter")
        with pytest.raises(EncodeError, match="could be encoded, but not decoded"):
            await alpha.send("alpha/greeter", msgspec.Raw(b"\xc1"))
