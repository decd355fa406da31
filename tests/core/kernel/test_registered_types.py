"""Objects of registered types between nodes: each arrives as what it was, or is a dead letter that says why."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Mailbox, Node, Ref
from partisan_core.drops import Unreadable
from partisan_core.errors import ConfigError, EncodeError
from partisan_core.identity import NodeSpec
from partisan_core.kernel.journal import Journal
from partisan_core.kernel.postoffice import PostOffice
from partisan_core.notices import DeadLetter, Notice, Snapshot
from tests.codec_msgpack.shop import Line, Order, Sample
from tests.core.kernel.nodes import Memory, link, notice_of, until
from tests.core.kernel.unconnected import HUB, on, star

SHOP = "tests.codec_msgpack.shop"
RELAY = {"unconnected": "relay"}


def types(*names: str) -> dict[str, Any]:
    """A serializer that has types of the shop."""
    return {"use": "msgpack", "types": [f"{SHOP}:{name}" for name in names]}


async def take(box: Mailbox, count: int) -> list[Any]:
    with trio.fail_after(60):
        return [await box.receive() for _ in range(count)]


async def test_objects_and_plain_data_of_one_lane_arrive_in_their_order_as_they_were_sent() -> None:
    memory, known = Memory(), types("Line", "Order", "Sample")
    async with memory.opened("alpha", serializer=known) as alpha, memory.opened("beta", serializer=known) as beta:
        await link(beta, alpha)
        box = alpha.open_mailbox("box")
        sent: list[Any] = []
        for number in range(300):
            sent += Order(number, (Line("tea"),), reply_to=Ref("beta", "m", 7)), number, Sample(number, "x", b"\0")
        for message in sent:
            await beta.send("alpha/box", message)
        assert await take(box, len(sent)) == sent
        assert not alpha.dropped


async def test_what_is_sent_to_oneself_arrives_as_what_it_was() -> None:
    async with Memory().opened("alpha", serializer=types("Line")) as alpha:
        box = alpha.open_mailbox("box")
        await alpha.send("alpha/box", Line("tea"))
        assert await take(box, 1) == [Line("tea")]


async def test_an_object_of_another_type_is_refused_at_the_sender_and_nothing_is_sent() -> None:
    async with Memory().opened("alpha", serializer=types("Line")) as alpha:
        with pytest.raises(EncodeError, match=r"shop\.Order is not registered here.*Nothing was sent"):
            await alpha.send("alpha/box", Order(1))


async def test_a_wrong_type_in_the_configuration_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match=r"has no class 'Lin' \(did you mean 'Line'\?\)"):
        async with Memory().opened("alpha", serializer=types("Lin")):
            raise AssertionError


async def send_all(sender: Node, *messages: Any) -> None:
    for message in messages:
        await sender.send("alpha/box", message)


@pytest.mark.parametrize(
    ("serializer", "why"),
    [
        ({"use": "msgpack"}, "type 'Line' is not registered here"),
        (types("Order"), "type 'Line' is not registered here"),
        ({"use": "msgpack", "types": [f"Line={SHOP}:PricedLine"]}, "type 'Line' has other fields here"),
    ],
    ids=["none", "others", "other fields"],
)
async def test_an_unknown_type_costs_its_own_messages_alone(
    serializer: Any, why: str, autojump_clock: MockClock
) -> None:
    memory = Memory()
    async with (
        memory.opened("alpha", serializer=serializer) as alpha,
        memory.opened("beta", serializer=types("Line")) as beta,
        alpha.open_events() as events,
    ):
        await link(beta, alpha)
        box = alpha.open_mailbox("box")
        await send_all(beta, 1, Line("tea"), 2, Line("oil"), 3)
        assert await take(box, 3) == [1, 2, 3]
        letter = await notice_of(DeadLetter, events)
        assert letter == DeadLetter(beta.spec(), "box", why)
        assert alpha.dropped == {"unreadable": 2}
        assert alpha.counters["DeadLetter"] == 1, "one notice per reason and second"
        assert alpha.counters["ChannelDown"] == 0


async def test_a_value_that_does_not_fit_costs_its_own_message_alone(autojump_clock: MockClock) -> None:
    memory, known = Memory(), types("Line")
    wrong: Any = "many"
    async with memory.opened("alpha", serializer=known) as alpha, memory.opened("beta", serializer=known) as beta:
        await link(beta, alpha)
        box = alpha.open_mailbox("box")
        async with alpha.open_events() as events:
            await send_all(beta, Line("tea"), Line("tea", wrong), Line("oil"))
            letter = await notice_of(DeadLetter, events)
        assert await take(box, 2) == [Line("tea"), Line("oil")]
        assert letter.unreadable is not None
        assert "Expected `int`, got `str` - at `$.count`" in letter.unreadable
        assert alpha.counters["ChannelDown"] == 0


async def test_a_relay_needs_no_types_and_the_reason_at_the_end_names_the_sender(autojump_clock: MockClock) -> None:
    async with (
        star(serializer=types()) as (network, hub),
        on(network, "alpha", wanted=(HUB,), hop=HUB, routing=RELAY, serializer=types("Line")) as alpha,
        on(network, "beta", wanted=(HUB,), hop=HUB, routing=RELAY, serializer=types("Line", "Order")) as beta,
    ):
        await until(lambda: all(node.is_fully_connected(HUB) for node in (alpha, beta)) and len(hub.nodes()) == 2)
        box = alpha.open_mailbox("box")
        async with alpha.open_events() as events:
            await send_all(beta, Line("tea"), Order(1), 5, Line("oil"))
            assert await take(box, 3) == [Line("tea"), 5, Line("oil")]
            letter = await notice_of(DeadLetter, events)
        assert letter == DeadLetter(beta.spec(), "box", "type 'Order' is not registered here")
        assert not hub.dropped


async def test_reasons_are_told_apart_from_each_other_and_from_a_missing_mailbox(autojump_clock: MockClock) -> None:
    """And cut: a peer writes part of them."""
    told: list[Notice] = []
    journal = Journal("alpha", lambda: Snapshot((), ()))
    journal.observe(told.append)
    office, peer = PostOffice(10, journal), NodeSpec("beta", 1, 1, ())
    box = office.open("box")
    for _ in range(2):
        batch = [("box", 1), (Unreadable("box", "why"), None), ("no", 1), (Unreadable("no", "x" * 9000), None)]
        office.deliver(peer, [*batch, ("box", 2)])
    assert [box.receive_nowait() for _ in range(4)] == [1, 2, 1, 2]
    assert told == [
        DeadLetter(peer, "box", "why"),
        DeadLetter(peer, "no", None),
        DeadLetter(peer, "no", "x" * 500),
    ]
    assert journal.dropped == {"unreadable": 4, "no_mailbox": 2}
