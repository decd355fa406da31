"""What a sender of acknowledged messages is told when they cannot be delivered, or not be acknowledged at all."""

from collections.abc import Callable

import pytest
import trio
from msgspec.structs import replace
from trio.testing import MockClock

from partisan_core import Node
from partisan_core.drops import DropReason
from partisan_core.errors import ConfigError, FrameError, NodeDown, NotAcknowledged, NotConnected, WouldBlock
from partisan_core.errors import Undelivered as UndeliveredError
from partisan_core.kernel.kernel import Kernel
from partisan_core.kernel.peer import LaneKey
from partisan_core.kernel.receipts import Receipt
from partisan_core.kinds import Wire
from partisan_core.notices import Undelivered
from partisan_core.wire.frames import Kind, encode_frame
from partisan_core.wire.messages import Hello
from tests.acked.lossy import lossy_pair, outcome
from tests.core.kernel.nodes import Memory, notice_of, pair, until
from tests.core.kernel.unconnected import strangers

SAFE = {"safe": {"ack": True}}
DATA = frozenset({int(Kind.DATA)})


async def test_when_the_peer_dies_receipts_and_a_notice_say_what_is_unknown_and_what_was_not_sent(
    autojump_clock: MockClock,
) -> None:
    bounds = {"default": {"queue_bytes": "1KiB"}}
    async with lossy_pair(1, channels=bounds) as (alpha, beta, network), alpha.open_events() as events:
        async with beta.open_mailbox("box"):
            delivered = await alpha.send("beta/box", "delivered", ack=True)
            await delivered
        network.kinds, network.drop = DATA, 1.0
        sent = await alpha.send("beta/box", b"x" * 2000, ack=True)
        await trio.sleep(1)
        waiting = await alpha.send("beta/box", "waits for room in the outbox", ack=True)
        plain = await alpha.send("beta/box", "not acknowledged, and behind")
        outcomes: dict[str, bool | None] = {}
        async with trio.open_nursery() as nursery:
            nursery.start_soon(note, outcomes, "sent, awaited", sent)
            nursery.start_soon(note, outcomes, "waiting, awaited", waiting)
            await trio.sleep(1)
            await beta.leave()
        assert plain is None
        assert outcomes == {"sent, awaited": True, "waiting, awaited": False}
        assert (await outcome(sent), await outcome(waiting)) == (True, False), "also for who asks later"
        assert await outcome(delivered) is None
        told = await notice_of(Undelivered, events)
        assert (told.peer.name, told.channel) == ("beta", "default")
        assert (told.sent_but_unknown, told.never_sent) == (1, 1)
        with pytest.raises(UndeliveredError, match="nobody knows whether it arrived"):
            _ = sent.is_delivered


async def note(outcomes: dict[str, bool | None], name: str, receipt: Receipt) -> None:
    outcomes[name] = await outcome(receipt)


async def test_who_gives_up_waiting_for_a_receipt_leaves_nothing_behind(autojump_clock: MockClock) -> None:
    async with lossy_pair(2) as (alpha, beta, network), beta.open_mailbox("box"):
        network.kinds, network.drop = DATA, 1.0
        receipt = await alpha.send("beta/box", 1, ack=True)
        with trio.move_on_after(1) as scope:
            await receipt
        assert scope.cancelled_caught
        assert not receipt._progress._waiting
        network.drop = 0.0
        assert await outcome(receipt) is None


async def test_a_peer_that_lost_the_session_and_not_its_life_is_told_about_and_no_message_comes_twice(
    autojump_clock: MockClock,
) -> None:
    async with lossy_pair(3) as (alpha, beta, network), beta.open_mailbox("box") as box:
        network.kinds, network.drop = frozenset({int(Kind.ACK)}), 1.0
        receipt = await alpha.send("beta/box", "arrives, unacknowledged", ack=True)
        assert await box.receive() == "arrives, unacknowledged"
        peer = beta._kernel.peers.table["alpha"]
        peer.drop_lanes(NodeDown("taken for down"), DropReason.NODE_UNREACHABLE)
        peer.add_lanes({"default": 1})
        network.drop = 0.0
        network.cut()
        assert await outcome(receipt) is True
        assert await outcome(await alpha.send("beta/box", "the next", ack=True)) is None
        assert await box.receive_batch() == ["the next"]
        assert alpha.counters["Undelivered"] == 1


async def test_a_message_to_oneself_is_delivered_at_once() -> None:
    async with Memory().opened("alpha") as alpha, alpha.open_mailbox("box", limit=2) as box:
        assert alpha.send_nowait("alpha/box", 1, ack=True).is_delivered
        await (await alpha.send("alpha/box", 2, ack=True))
        with pytest.raises(WouldBlock):
            alpha.send_nowait("alpha/box", 3, ack=True)
        assert await box.receive_batch() == [1, 2]


async def test_on_a_channel_with_ack_every_message_is_acknowledged_and_who_asks_gets_a_receipt(
    autojump_clock: MockClock,
) -> None:
    async with (
        lossy_pair(4, channels=SAFE) as (alpha, beta, network),
        beta.open_mailbox("box") as box,
    ):
        network.drop = 0.5
        for number in range(100):
            assert await alpha.send("beta/box", number, channel="safe") is None
            alpha.send_nowait("beta/box", number, channel="safe", key=number)
        receipt = await alpha.send("beta/box", 100, channel="safe", ack=True)
        assert await outcome(receipt) is None
        assert sorted(await box.receive_batch()) == sorted([*range(100), *range(100), 100])


@pytest.mark.parametrize("policy", ["drop_newest", "drop_oldest", "disconnect", "monotonic"])
async def test_a_policy_that_may_drop_messages_does_not_go_with_acknowledgements(policy: str) -> None:
    async with pair(channels={"lossy": {"policy": policy}}) as (alpha, beta):
        del beta
        with pytest.raises(NotAcknowledged, match=f"channel 'lossy' cannot be acknowledged: its policy '{policy}' may"):
            await alpha.send("beta/box", 1, channel="lossy", ack=True)
    with pytest.raises(ConfigError, match=r"channels\.lossy\.ack = true: .*policy '" + policy):
        async with Memory().opened("alpha", channels={"lossy": {"policy": policy, "ack": True}}):
            pass


async def test_a_channel_that_may_fall_back_on_another_does_not_go_with_acknowledgements() -> None:
    async with pair(channels={"side": {"fallback": "default"}}) as (alpha, _):
        with pytest.raises(NotAcknowledged, match="may go over another channel"):
            alpha.send_nowait("beta/box", 1, channel="side", ack=True)


async def test_a_channel_that_refuses_without_a_connection_does_so_with_acknowledgements(
    autojump_clock: MockClock,
) -> None:
    async with lossy_pair(5, channels={"strict": {"fallback": "refuse"}}) as (alpha, beta, network):
        async with beta.open_mailbox("box") as box:
            receipt = await alpha.send("beta/box", 1, channel="strict", ack=True)
            assert await outcome(receipt) is None
            alpha.send_nowait("beta/box", 2, channel="strict", ack=True)
            assert [await box.receive(), await box.receive()] == [1, 2]
        network.cut()
        await until(lambda: not alpha.is_connected("beta", "strict"))
        with pytest.raises(NotConnected):
            await alpha.send("beta/box", 3, channel="strict", ack=True)


def acknowledge_too_much(node: Node) -> bytes:
    return encode_frame(Kind.ACK, b"", 10**6)


def ask_for_too_much(node: Node) -> bytes:
    return encode_frame(Kind.AGAIN, b"", 10**6)


def come_after_itself(node: Node) -> bytes:
    return encode_frame(Kind.DATA, (1).to_bytes(8, "little") + b"\1\0\0\0\x91\x92\xa3box\1", 1, 8)


def say_too_little(node: Node) -> bytes:
    return encode_frame(Kind.DATA, b"\1\0\0", 1, 8)


@pytest.mark.parametrize("lie", [acknowledge_too_much, ask_for_too_much, come_after_itself, say_too_little])
async def test_a_lie_about_numbers_costs_the_connection_and_changes_nothing(
    autojump_clock: MockClock, lie: Callable[[Node], bytes]
) -> None:
    async with lossy_pair(6) as (alpha, beta, network), beta.open_mailbox("box") as box:
        network.kinds, network.drop = DATA, 1.0
        receipt = await alpha.send("beta/box", 1, ack=True)
        await trio.sleep(0.01)
        assert not receipt.is_delivered
        network.drop = 0.0
        beta._kernel.peers.table["alpha"].connections["default", 0].writer.put_control(lie(beta))
        await until(lambda: alpha.counters["ChannelDown"])
        (row,) = (row for row in alpha.connections() if row.channel == "default")
        assert FrameError.__name__ in row.last_error
        assert await outcome(receipt) is None
        assert await box.receive_batch() == [1]


async def test_a_node_of_an_earlier_version_gets_its_messages_and_no_receipt_is_promised(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    introduce = Kernel._introduce

    def as_before(kernel: Kernel, key: LaneKey, wire: Wire) -> Hello:
        return replace(introduce(kernel, key, wire), acknowledges=kernel.me.name != "beta")

    monkeypatch.setattr(Kernel, "_introduce", as_before)
    async with strangers("alpha", "beta") as (_, alpha, beta), beta.open_mailbox("box") as box:
        early = [await alpha.send("beta/box", number, ack=True) for number in range(3)]
        assert [await box.receive() for _ in range(3)] == [0, 1, 2]
        assert [await outcome(receipt) for receipt in early] == [True] * 3
        with pytest.raises(NotAcknowledged, match="node beta runs a version that acknowledges nothing"):
            alpha.send_nowait("beta/box", 3, ack=True)
        assert await alpha.send("beta/box", 4) is None
        assert await box.receive() == 4
        assert not alpha.counters["ChannelDown"]
