"""Acknowledged messages to nodes without a link: once and in order, whatever becomes of frames, links and relays."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Mailbox, Node, Ref
from partisan_core.config.model import ChannelConfig
from partisan_core.errors import NotAcknowledged, NotConnected, UnknownChannel, UnknownNode, WouldBlock
from partisan_core.kernel.receipts import Receipt
from partisan_core.notices import Undelivered
from partisan_core.transports.memory import MemoryNetwork
from partisan_core.wire.frames import Kind
from tests.acked.lossy import CRC32_ONLY, LossyNetwork, cut_every, outcome
from tests.core.kernel.nodes import notice_of, until
from tests.core.kernel.unconnected import HUB, Book, on, star

MESSAGES = 500
A_WHILE = 600.0
RELAY = {"unconnected": "relay"}
SEEDS = range(3)
GRACES = 9.0
"""Seconds after which a node is down that no relay has a link to."""


@asynccontextmanager
async def lossy_star(seed: int, *names: str, **sections: Any) -> AsyncIterator[tuple[Any, ...]]:
    """A star whose wires drop and double frames."""
    network = LossyNetwork(MemoryNetwork(), seed)
    common = {"transport": network.section, "links": CRC32_ONLY} | sections
    async with star(*names, **common) as (_, hub, *rays):
        yield network, hub, *rays


async def take(box: Mailbox, count: int) -> list[Any]:
    with trio.fail_after(A_WHILE):
        return [await box.receive() for _ in range(count)]


def relay_through(node: Node, hop: str) -> None:
    strategy = node._kernel.strategy
    assert isinstance(strategy, Book)
    object.__setattr__(strategy.config, "hop", hop)
    node._kernel.peers.routes_changed()


@pytest.mark.parametrize("seed", SEEDS)
async def test_messages_arrive_once_and_in_order_over_dropped_and_doubled_frames_and_resets(
    autojump_clock: MockClock, seed: int
) -> None:
    async with (
        lossy_star(seed, "alpha", "beta") as (network, hub, alpha, beta),
        alpha.open_mailbox("box") as for_alpha,
        beta.open_mailbox("box") as for_beta,
        trio.open_nursery() as nursery,
    ):
        network.drop, network.double = 0.3, 0.05
        nursery.start_soon(cut_every, network, 1.0)
        nursery.start_soon(send_all, alpha, "beta/box")
        nursery.start_soon(send_all, beta, "alpha/box")
        assert await take(for_beta, MESSAGES) == list(range(MESSAGES)), f"seed {seed}"
        assert await take(for_alpha, MESSAGES) == list(range(MESSAGES)), f"seed {seed}"
        assert network.dropped
        assert not alpha.counters["Undelivered"] + beta.counters["Undelivered"]
        assert not hub.counters["Undelivered"], "a relay has nothing of its own to lose"
        nursery.cancel_scope.cancel()


async def send_all(node: Node, to: str) -> None:
    for number in range(MESSAGES):
        receipt = await node.send(to, number, ack=True)
        if number % 50 == 0:
            await trio.sleep(0.1)
    await receipt


async def test_a_receipt_is_there_when_the_message_is_in_the_mailbox(autojump_clock: MockClock) -> None:
    async with star("alpha", "beta") as (_, hub, alpha, beta), beta.open_mailbox("box") as box:
        first, second = alpha.send_nowait("beta/box", 1, ack=True), await alpha.send("beta/box", 2, ack=True)
        assert not first.is_delivered
        assert await outcome(second) is None
        assert first.is_delivered
        assert await box.receive_batch() == [1, 2]
        assert not alpha.dropped + beta.dropped + hub.dropped


async def test_any_one_frame_may_be_lost(autojump_clock: MockClock) -> None:
    """Of a scenario of acknowledged sends both ways each frame that holds letters is left out once, in turn."""
    lost, frames = 0, 1
    while lost < frames:
        async with (
            lossy_star(9, "alpha", "beta") as (network, _, alpha, beta),
            alpha.open_mailbox("box") as one,
            beta.open_mailbox("box") as other,
        ):
            network.kinds, network.lose_only = frozenset({int(Kind.RELAY)}), lost
            for number in range(3):
                there = await alpha.send("beta/box", number, ack=True)
                back = await beta.send("alpha/box", number, ack=True)
                await trio.sleep(0.01)
            assert (await outcome(there), await outcome(back)) == (None, None), f"without frame {lost}"
            assert await one.receive_batch() == await other.receive_batch() == [0, 1, 2], f"without frame {lost}"
            frames = network.meddled
        lost += 1
    assert frames > 12, "each way, over two links: question, answer, messages and acknowledgements"


async def test_messages_without_ack_keep_their_place_among_those_with(autojump_clock: MockClock) -> None:
    async with (
        lossy_star(3, "alpha", "beta", channels={"default": {"parallelism": 2}}) as (network, _, alpha, beta),
        beta.open_mailbox("box") as box,
    ):
        network.drop = 0.3
        for number in range(MESSAGES):
            await alpha.send("beta/box", number, ack=number % 10 == 5)
            if number % 20 == 0:
                await trio.sleep(0.01)
        network.drop = 0.0
        assert await outcome(await alpha.send("beta/box", MESSAGES, ack=True)) is None
        got = await box.receive_batch()
        assert got == sorted(set(got))
        assert {*range(5, MESSAGES, 10)} <= {*got}


async def test_large_messages_arrive_too_and_what_the_other_end_does_not_take_is_told(
    autojump_clock: MockClock,
) -> None:
    async with (
        star("alpha") as (network, hub, alpha),
        on(network, "beta", wanted=(HUB,), hop=HUB, routing=RELAY, limits={"message": "600KiB"}) as beta,
        beta.open_mailbox("box") as box,
    ):
        await until(lambda: hub.is_fully_connected("beta"))
        early = [await alpha.send("beta/box", bytes(size), ack=True) for size in (1, 500_000, 700_000, 2)]
        assert [await outcome(receipt) for receipt in early] == [None, None, False, None]
        exact = 600 * 1024 - 20  # of the name of the mailbox, and more
        late = [await alpha.send("beta/box", bytes(size), ack=True) for size in (3, exact, 4)]
        assert [await outcome(receipt) for receipt in late] == [None, None, None]
        assert [len(message) for message in await take(box, 6)] == [1, 500_000, 2, 3, exact, 4]


async def test_a_full_mailbox_holds_up_the_sender_within_the_bounds_of_its_queue(autojump_clock: MockClock) -> None:
    bounds = {"default": {"queue_bytes": "64KiB"}}
    async with (
        lossy_star(7, "alpha", "beta", channels=bounds, mailboxes={"messages": 10}) as (_, _hub, alpha, beta),
        beta.open_mailbox("box") as box,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(send_kilobytes, alpha)
        await trio.sleep(10)
        lane = alpha._kernel.remotes._table["beta"].lanes["default", 0].lane
        again = lane.session.outbox.written_again
        await trio.sleep(60)
        assert lane.session.outbox.written_again == again, "who is slow to read is not sent the same again and again"
        assert lane.session.outbox.bytes <= 3 * 64 * 1024
        assert lane.senders == 1
        assert [number for number, _ in await take(box, MESSAGES)] == list(range(MESSAGES))
        assert not alpha.counters["Undelivered"]
        nursery.cancel_scope.cancel()


async def send_kilobytes(node: Node) -> None:
    for number in range(MESSAGES):
        await node.send("beta/box", (number, b"x" * 1024), ack=True)


async def test_new_bounds_of_a_channel_are_those_of_its_lanes_through_relays_too(autojump_clock: MockClock) -> None:
    def sections(messages: int) -> dict[str, Any]:
        return {"channels": {"default": {"queue_messages": messages}}}

    async with star("alpha", "beta", **sections(2)) as (network, _, alpha, _beta):
        network.silence()
        for number in range(2):
            await alpha.send("beta/box", number, ack=True)
        with pytest.raises(WouldBlock):
            alpha.send_nowait("beta/box", 2, ack=True)
        await alpha.reload(replace(alpha._kernel.config, channels=config_of(alpha, queue_messages=3)))
        alpha.send_nowait("beta/box", 2, ack=True)
        with pytest.raises(WouldBlock):
            alpha.send_nowait("beta/box", 3, ack=True)
        network.silent = False


def config_of(node: Node, **changes: Any) -> dict[str, ChannelConfig]:
    channels = node._kernel.config.channels
    return {**channels, "default": replace(channels["default"], **changes)}


async def test_another_relay_takes_over_and_nothing_is_lost_or_comes_twice(autojump_clock: MockClock) -> None:
    async with (
        star("alpha", "beta") as (network, _, alpha, beta),
        on(network, "second", wanted=("alpha", "beta"), routing=RELAY) as second,
        beta.open_mailbox("box") as box,
        trio.open_nursery() as nursery,
    ):
        await until(lambda: second.is_fully_connected("alpha") and second.is_fully_connected("beta"))
        nursery.start_soon(send_all, alpha, "beta/box")
        for hop in ("second", HUB) * 5:
            await trio.sleep(0.15)
            relay_through(alpha, hop)
        assert await take(box, MESSAGES) == list(range(MESSAGES))
        assert not alpha.counters["Undelivered"]


async def test_what_is_sent_while_there_is_no_relay_waits_for_the_next_one(autojump_clock: MockClock) -> None:
    async with star("alpha", "beta") as (network, _, alpha, beta), beta.open_mailbox("box") as box:
        receipts = [await alpha.send("beta/box", 0, ack=True)]
        assert await outcome(receipts[0]) is None
        network.silence()
        await until(lambda: not alpha._kernel.peers.table[HUB].is_up)
        receipts += [await alpha.send("beta/box", number, ack=True) for number in range(1, 50)]
        with pytest.raises(UnknownNode):
            await alpha.send("nobody/box", 1, ack=True)
        network.silent = False
        assert [await outcome(receipt) for receipt in receipts] == [None] * 50
        assert await box.receive_batch() == list(range(50))


async def test_a_link_that_comes_later_takes_the_session_over(autojump_clock: MockClock) -> None:
    async with star("alpha", "beta") as (_, hub, alpha, beta), beta.open_mailbox("box", limit=1) as box:
        receipts = [await alpha.send("beta/box", 0, ack=True)]
        assert await outcome(receipts[0]) is None
        receipts += [await alpha.send("beta/box", number, ack=True) for number in range(1, 50)]
        await trio.sleep(1)
        assert not receipts[-1].is_delivered, "the mailbox is full"
        peer = alpha._kernel.peers.get(beta.spec())
        alpha._kernel.peers.pins.hold(peer)
        await until(lambda: alpha.is_fully_connected("beta"))
        receipts += [await alpha.send("beta/box", number, ack=True) for number in range(50, 100)]
        assert await take(box, 100) == list(range(100))
        assert [await outcome(receipt) for receipt in receipts] == [None] * 100
        await hub.leave()
        assert await outcome(await alpha.send("beta/box", 100, ack=True)) is None


async def test_when_the_relay_loses_the_other_node_the_sender_is_told(autojump_clock: MockClock) -> None:
    async with star("alpha") as (network, hub, alpha), alpha.open_events() as events:
        async with on(network, "beta", wanted=(HUB,), hop=HUB, routing=RELAY) as beta, beta.open_mailbox("box"):
            await until(lambda: hub.is_fully_connected("beta"))
            delivered = await alpha.send("beta/box", 1, ack=True)
            assert await outcome(delivered) is None
        sent = await alpha.send("beta/box", 2, ack=True)
        begun = trio.current_time()
        assert await outcome(sent) is True
        assert trio.current_time() - begun <= GRACES + 2
        told = await notice_of(Undelivered, events)
        assert (told.peer.name, told.channel, told.sent_but_unknown, told.never_sent) == ("beta", "default", 1, 0)
        assert await outcome(delivered) is None
        assert not alpha._kernel.remotes._table


async def test_a_name_that_no_relay_knows_is_told_as_not_sent(autojump_clock: MockClock) -> None:
    async with star("alpha") as (_, _hub, alpha):
        receipt = await alpha.send("betta/box", 1, ack=True)
        assert await outcome(receipt) is False
        assert not alpha._kernel.remotes._table


async def test_what_was_meant_for_one_life_does_not_reach_the_next(autojump_clock: MockClock) -> None:
    async with star("alpha") as (network, hub, alpha):
        async with on(network, "beta", wanted=(HUB,), hop=HUB, routing=RELAY) as beta, beta.open_mailbox("box"):
            await until(lambda: hub.is_fully_connected("beta"))
            assert await outcome(await alpha.send("beta/box", 1, ack=True)) is None
        sent = await alpha.send("beta/box", 2, ack=True)
        await trio.sleep(1)
        async with (
            on(network, "beta", wanted=(HUB,), hop=HUB, routing=RELAY) as beta,
            beta.open_mailbox("box") as box,
        ):
            await until(lambda: hub.is_fully_connected("beta"))
            assert await outcome(sent) is True
            assert await outcome(await alpha.send("beta/box", 3, ack=True)) is None
            assert await box.receive_batch() == [3]


async def test_a_reference_to_a_life_is_heeded(autojump_clock: MockClock) -> None:
    async with star("alpha", "beta") as (_, _hub, alpha, beta), beta.open_mailbox("box") as box:
        incarnation = beta.spec().incarnation
        assert await outcome(await alpha.send(f"beta@{incarnation - 1}/box", 1, ack=True)) is not None
        assert await outcome(await alpha.send(f"beta@{incarnation}/box", 2, ack=True)) is None
        assert await outcome(await alpha.send("beta/box", 3, ack=True)) is None
        assert await box.receive_batch() == [2, 3]


async def test_what_is_unused_is_let_go_and_made_again(autojump_clock: MockClock) -> None:
    async with star("alpha", "beta") as (_, _hub, alpha, beta), beta.open_mailbox("box") as box:
        for number in range(3):
            assert await outcome(await alpha.send("beta/box", number, ack=True)) is None
            await trio.sleep(100)
            assert not alpha._kernel.remotes._table
        assert await box.receive_batch() == [0, 1, 2]
        assert not alpha.counters["Undelivered"]


async def test_who_leaves_waits_for_its_acknowledgements(autojump_clock: MockClock) -> None:
    patient = CRC32_ONLY | {"flush_timeout": f"{A_WHILE}s"}
    async with (
        lossy_star(8, "alpha", "beta", links=patient) as (network, _, alpha, beta),
        beta.open_mailbox("box") as box,
    ):
        network.drop = 0.3
        receipts = [await alpha.send("beta/box", number, ack=True) for number in range(100)]
        await alpha.leave()
        assert all(receipt.is_delivered for receipt in receipts)
        assert await box.receive_batch() == list(range(100))


async def test_who_ends_in_the_middle_tells_those_who_wait(autojump_clock: MockClock) -> None:
    outcomes: list[bool | None] = []

    async def note(receipt: Receipt) -> None:
        outcomes.append(await outcome(receipt))

    async with (
        trio.open_nursery() as nursery,
        star("alpha", "beta", links={"flush_timeout": "1s"}) as (network, _, alpha, _beta),
    ):
        network.silence()
        nursery.start_soon(note, await alpha.send("beta/box", 1, ack=True))
        await trio.sleep(0.1)
        await alpha.leave()
    assert outcomes == [False]


async def test_a_channel_that_refuses_without_a_connection_does_so_for_the_relay(autojump_clock: MockClock) -> None:
    strict = {"strict": {"fallback": "refuse"}}
    async with star("alpha", "beta", channels=strict) as (network, _, alpha, beta), beta.open_mailbox("box") as box:
        assert await outcome(await alpha.send("beta/box", 1, channel="strict", ack=True)) is None
        assert await box.receive() == 1
        network.silent = True
        network.cut()
        await until(lambda: not alpha.is_connected(HUB, "strict"))
        with pytest.raises(NotConnected):
            await alpha.send("beta/box", 2, channel="strict", ack=True)
        network.silent = False


async def test_what_goes_with_no_relay_is_said(autojump_clock: MockClock) -> None:
    async with (
        star() as (network, hub),
        on(network, "alpha", wanted=(HUB,), hop=HUB, routing=RELAY, channels={"own": {}}) as alpha,
    ):
        await until(lambda: hub.is_fully_connected("alpha"))
        with pytest.raises(UnknownChannel, match="node hub has no channel 'own'"):
            await alpha.send("beta/box", 1, channel="own", ack=True)
        with pytest.raises(NotAcknowledged, match=r"are relayed by hub, and kept in causal order only"):
            await alpha._kernel.ordering._post(Ref("beta", "box"), "note", 1, "default", None)
