"""Large messages between nodes: in fragments, which hold up nobody else, neither the lane nor the receiver's memory."""

from contextlib import AsyncExitStack
from typing import Any

import pytest
import trio
from msgspec.structs import replace
from trio.testing import MockClock, wait_all_tasks_blocked

from partisan_core import Mailbox, Node
from partisan_core.errors import EncodeError
from partisan_core.views import LaneState
from partisan_core.wire.fragments import Place, encode_fragment
from partisan_core.wire.frames import Kind
from partisan_core.wire.messages import Welcome
from tests.core.kernel.nodes import PATIENCE, opened, until
from tests.core.kernel.stranger import DATA_HELLO, HELLO, Stranger, stranger_at
from tests.core.kernel.test_hostile_bytes import CODEC, data_frame
from tests.core.kernel.test_virtual_time import frail_pair
from tests.core.kernel.unconnected import star

MIB = 1024 * 1024


async def received(box: Mailbox, count: int) -> list[Any]:
    with trio.fail_after(600):
        return [await box.receive() for _ in range(count)]


async def test_a_small_message_overtakes_a_large_one_for_somebody_else_and_none_for_the_same_mailbox(
    autojump_clock: MockClock,
) -> None:
    async with frail_pair() as (network, alpha, beta, _):
        order: list[str] = []

        async def note(name: str, count: int) -> None:
            async with alpha.open_mailbox(name) as box:
                for _ in range(count):
                    message = await box.receive()
                    order.append(f"{name} {message[0]}")

        for wire in network.wires:
            wire.pace = 200_000
        async with trio.open_nursery() as nursery:
            nursery.start_soon(note, "bulk", 3)
            nursery.start_soon(note, "ping", 2)
            await wait_all_tasks_blocked()
            await beta.send("alpha/bulk", (1, b""))
            await beta.send("alpha/bulk", (2, bytes(5 * MIB)))
            await beta.send("alpha/bulk", (3, b""))
            for number in (4, 5):
                await beta.send("alpha/ping", (number, b""))
                await trio.sleep(5)
        assert order == ["bulk 1", "ping 4", "ping 5", "bulk 2", "bulk 3"]


async def test_a_large_message_that_broke_off_with_its_connection_arrives_once_over_the_next(
    autojump_clock: MockClock,
) -> None:
    async with frail_pair() as (network, alpha, beta, _):
        box = alpha.open_mailbox("box")
        for wire in network.wires:
            wire.pace = 500_000
        for number in range(3):
            await beta.send("alpha/box", (number, bytes(3 * MIB)))
        await trio.sleep(3)
        network.cut()
        assert [message[0] for message in await received(box, 3)] == [0, 1, 2]
        assert len(box) == 0
        assert (alpha.counters["Gap"], dict(beta.dropped)) == (0, {})


async def test_a_large_message_goes_through_a_relay_and_small_ones_beside_it(autojump_clock: MockClock) -> None:
    async with star("alpha", "beta") as (_, _hub, alpha, beta):
        box = beta.open_mailbox("box")
        content = bytes(range(256)) * 8192
        for number in range(3):
            await alpha.send("beta/box", (number, content))
            await alpha.send("beta/box", (number, b"small"))
        assert await received(box, 6) == [[number, part] for number in range(3) for part in (content, b"small")]


async def test_what_the_peer_does_not_take_is_refused_at_send_and_the_largest_it_takes_arrives(
    autojump_clock: MockClock,
) -> None:
    async with frail_pair(limits={"message": "1MiB"}) as (_, alpha, beta, _events):
        box = alpha.open_mailbox("box")
        with pytest.raises(EncodeError, match=r"limits\.message = 1048576 here or there"):
            await beta.send("alpha/box", bytes(MIB))
        await beta.send("alpha/box", bytes(MIB - 100))
        assert await received(box, 1) == [bytes(MIB - 100)]


class TwoLanes:
    """A stranger with its membership connection and two data lanes to alpha, whose budget is 1 MiB."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.lanes: list[Stranger] = []

    async def open(self, alpha: Node) -> None:
        channels = {"default": 2, "membership": 1}
        membership = await self._stack.enter_async_context(stranger_at(alpha.addresses[0]))
        assert isinstance(await membership.shake(replace(HELLO, channels=channels)), Welcome)
        for lane in range(2):
            data = await self._stack.enter_async_context(stranger_at(alpha.addresses[0]))
            hello = replace(DATA_HELLO, channels=channels, lane=lane)
            assert isinstance(await data.shake(hello), Welcome)
            self.lanes.append(data)

    async def say(self, lane: int, frame: bytes) -> None:
        with trio.fail_after(PATIENCE):
            await self.lanes[lane].stream.send_all(frame)


BODY = CODEC.join([CODEC.encode(("box", bytes(700_000)))])
HALF = 400_000


def half(second: bool) -> bytes:
    """The first or the second fragment of a message of 700,000 bytes."""
    if second:
        return encode_fragment(Place(Kind.DATA, 1, len(BODY), HALF), BODY[HALF:], 1)
    return encode_fragment(Place(Kind.DATA, 1, len(BODY), 0), BODY[:HALF], 0)


def data_lane(alpha: Node, index: int) -> tuple[LaneState, str]:
    """What is said of a lane of the stranger's."""
    (row,) = [row for row in alpha.connections() if (row.channel, row.lane) == ("default", index)]
    return row.state, row.waits_for


TWO = {
    "channels": {"default": {"parallelism": 2}},
    "limits": {"unfinished": "1MiB"},
    "links": {"linger": "60s"},  # nobody wants the stranger, who does not answer either
}


async def over_budget(stack: AsyncExitStack, alpha: Node) -> TwoLanes:
    """Half of a message has arrived on the first lane; the second waits with its own."""
    peer = TwoLanes(stack)
    await peer.open(alpha)
    await peer.say(0, half(second=False))
    await until(lambda: alpha._kernel.peers.table["stranger"].budget._used == len(BODY))
    await peer.say(1, half(second=False))  # what comes with it in one read is taken
    await until(lambda: data_lane(alpha, 1)[0] is LaneState.PAUSED)
    await peer.say(1, half(second=True))
    return peer


async def test_a_peer_over_its_budget_waits_with_that_lane_alone_until_another_message_is_complete() -> None:
    async with opened("alpha", **TWO) as alpha, AsyncExitStack() as stack:
        box, small = alpha.open_mailbox("box"), alpha.open_mailbox("small")
        peer = await over_budget(stack, alpha)
        assert data_lane(alpha, 1)[1] == "unfinished messages fill limits.unfinished, 1048576 bytes"
        await peer.say(0, data_frame(1, "meanwhile", mailbox="small"))
        assert await received(small, 1) == ["meanwhile"]
        assert len(box) == 0
        last = encode_fragment(Place(Kind.DATA, 1, len(BODY), HALF), BODY[HALF:], 2)
        await peer.say(0, last)
        assert await received(box, 2) == [bytes(700_000)] * 2
        await until(lambda: data_lane(alpha, 1)[0] is LaneState.CONNECTED)
        assert alpha._kernel.peers.table["stranger"].budget._used == 0


async def test_of_a_large_message_that_never_ends_nothing_is_kept_when_its_connection_is_over() -> None:
    async with opened("alpha", **TWO) as alpha, AsyncExitStack() as stack:
        box = alpha.open_mailbox("box")
        peer = await over_budget(stack, alpha)
        await peer.lanes[0].stream.aclose()
        assert await received(box, 1) == [bytes(700_000)]
        await until(lambda: alpha._kernel.peers.table["stranger"].budget._used == 0)
