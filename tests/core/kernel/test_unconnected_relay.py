"""`[routing] unconnected = "relay"`: a message to a node without a link goes through one that has links to both."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Mailbox, Node, Ref
from partisan_core.errors import EncodeError, NodeDown, NotConnected, WouldBlock
from partisan_core.notices import DeadLetter
from partisan_core.wire.relaying import Forward, Forwarded, Letter, encode_letter
from tests.core.kernel.nodes import notice_of, until
from tests.core.kernel.parts import Greeting
from tests.core.kernel.unconnected import HUB, Book, on, star, strangers

RELAY = {"unconnected": "relay"}


def wide(parallelism: int) -> dict[str, object]:
    return {"wide": {"parallelism": parallelism}}


async def take(box: Mailbox, count: int) -> list[Any]:
    with trio.fail_after(60):
        return [await box.receive() for _ in range(count)]


def slip(node: Node, letter: Letter) -> None:
    """Let `node` send the hub a letter that no node of ours writes."""
    lane = node._kernel.peers.table[HUB].lanes["default"][0]
    lane.open_transit().put_nowait(encode_letter(letter))


async def test_members_without_links_reach_each_other_through_the_hub_in_order(autojump_clock: MockClock) -> None:
    async with star("alpha", "beta") as (network, _hub, alpha, beta):
        boxes = {node.name: node.open_mailbox("box") for node in (alpha, beta)}
        dials = len(network.dials)
        for number in range(500):
            await alpha.send("beta/box", [number, b"\xff" * (number % 50)])
            await beta.send("alpha/box", number)
        assert [number for number, _ in await take(boxes["beta"], 500)] == list(range(500))
        assert await take(boxes["alpha"], 500) == list(range(500))
        assert len(network.dials) == dials
        assert alpha.nodes() == (HUB,)
        assert alpha.neighbours() == (HUB,)


async def test_the_order_of_each_key_is_kept_over_lanes_of_any_number(autojump_clock: MockClock) -> None:
    async with (
        star(channels={"wide": {"parallelism": 4}}) as (network, hub),
        on(network, "alpha", wanted=(HUB,), hop=HUB, routing=RELAY, channels=wide(3)) as alpha,
        on(network, "beta", wanted=(HUB,), hop=HUB, routing=RELAY, channels=wide(5)) as beta,
    ):
        await until(lambda: len(hub.nodes()) == 2)
        box = beta.open_mailbox("box")
        for number in range(100):
            for key in range(8):
                await alpha.send("beta/box", [key, number], channel="wide", key=key)
        got = await take(box, 800)
        for key in range(8):
            assert [number for of, number in got if of == key] == list(range(100))


async def test_the_receiver_sees_who_sent_it(autojump_clock: MockClock) -> None:
    async with star("alpha", "beta") as (_, _hub, alpha, beta), beta.open_events() as events:
        await alpha.send("beta/nobody", 1)
        letter = await notice_of(DeadLetter, events)
        assert (letter.peer, letter.mailbox) == (alpha.spec(), "nobody")
        assert beta.dropped == {"no_mailbox": 1}


async def test_a_reference_to_a_life_reaches_that_life_alone(autojump_clock: MockClock) -> None:
    async with star("alpha", "beta") as (_, hub, alpha, beta):
        box, life = beta.open_mailbox("box"), beta.spec().incarnation
        await alpha.send(Ref("beta", "box", life - 1), "to another")
        await alpha.send(Ref("beta", "box", life), "to this one")
        assert await take(box, 1) == ["to this one"]
        assert hub.dropped == {"no_route": 1}


async def test_a_relay_without_a_link_drops_and_counts(autojump_clock: MockClock) -> None:
    async with star("alpha") as (_, hub, alpha):
        for number in range(10):
            await alpha.send("nobody/box", number)
        await until(lambda: hub.dropped["no_route"] == 10)
        assert not alpha.dropped, "success means queued"


async def test_nothing_is_relayed_twice(autojump_clock: MockClock) -> None:
    """Two hubs that know each other by their own hops: beta's message for gamma ends at the first of them."""
    async with (
        star() as (network, hub),
        on(network, "other", wanted=(HUB,), hop=HUB, routing=RELAY) as other,
        on(network, "alpha", wanted=("other",), hop="other", routing=RELAY) as alpha,
        on(network, "beta", wanted=(HUB,), hop=HUB, routing=RELAY) as beta,
    ):
        await until(lambda: alpha.is_fully_connected("other") and beta.is_fully_connected(HUB))
        await until(lambda: other.is_fully_connected(HUB) and "alpha" in other.nodes())
        box = beta.open_mailbox("box")
        await alpha.send("beta/box", 1)
        await until(lambda: other.dropped["no_route"] == 1)
        slip(beta, Forwarded("alpha", 1, 1, alpha._kernel.channels["default"].codec.encode(("box", "forged"))))
        await until(lambda: hub.dropped["no_mailbox"] == 1)
        assert len(box) == 0


async def test_a_full_way_through_a_relay_loses_messages_and_stops_nobody_else(autojump_clock: MockClock) -> None:
    limits = {"default": {"queue_messages": 20}}
    async with star("alpha", "beta", "gamma", channels=limits) as (_, hub, alpha, beta, gamma):
        stuck, read = beta.open_mailbox("box", limit=5), gamma.open_mailbox("box")
        for number in range(3000):
            await alpha.send("beta/box", (number, bytes(3000)))
            await alpha.send("gamma/box", number)
            if number % 10 == 0:
                await trio.sleep(0.01)
        assert hub.dropped["relay_full"] > 0
        assert await take(read, 3000) == list(range(3000))
        await hub.send("beta/box", ("own", b""))
        got: list[Any] = []
        while not got or got[-1] != "own":
            got.append((await stuck.receive())[0])
        numbers = [number for number in got if number != "own"]
        assert numbers == sorted(numbers)
        assert not alpha.dropped


async def test_own_messages_and_relayed_ones_take_turns(autojump_clock: MockClock) -> None:
    async with star("alpha", "beta") as (_, hub, alpha, beta), trio.open_nursery() as nursery:
        box, mine = beta.open_mailbox("box"), beta.open_mailbox("mine")

        async def flood() -> None:
            while True:
                await hub.send("beta/mine", bytes(1000))

        nursery.start_soon(flood)
        await until(lambda: len(mine) > 100)
        await alpha.send("beta/box", 1)
        for _ in range(1000):
            await mine.receive_batch()
            if len(box):
                break
        assert await take(box, 1) == [1]
        nursery.cancel_scope.cancel()


async def test_the_way_to_the_relay_is_bounded_too(autojump_clock: MockClock) -> None:
    narrow = {"default": {"queue_messages": 5}}
    async with (
        star("beta") as (network, _hub, beta),
        on(network, "alpha", wanted=(HUB,), hop=HUB, routing=RELAY, channels=narrow) as alpha,
    ):
        await until(lambda: alpha.is_fully_connected(HUB))
        box = beta.open_mailbox("box")
        for number in range(5):
            alpha.send_nowait("beta/box", number)
        with pytest.raises(WouldBlock):
            alpha.send_nowait("beta/box", "too many")
        await alpha.send("beta/box", "after")
        got = await take(box, 1)
        while got[-1] != "after":
            got += await take(box, 1)
        assert len(got) < 20


async def test_when_the_relay_dies_what_waits_for_it_is_counted_and_later_messages_are_refused(
    autojump_clock: MockClock,
) -> None:
    async with star("alpha", "beta") as (network, _hub, alpha, _beta):
        network.silence()
        await until(lambda: alpha.counters["PeerSuspected"])
        for number in range(10):
            await alpha.send("beta/box", number)
        await until(lambda: alpha.dropped.total() == 10)
        assert alpha.dropped == {"node_unreachable": 10}
        with pytest.raises(NotConnected, match="beta is a member, but this node has no link to it"):
            await alpha.send("beta/box", 11)
        network.silent = False


async def test_another_relay_takes_over(autojump_clock: MockClock) -> None:
    async with (
        star("alpha", "beta") as (network, _hub, alpha, beta),
        on(network, "second", wanted=("alpha", "beta"), routing=RELAY) as second,
    ):
        await until(lambda: second.is_fully_connected("alpha") and second.is_fully_connected("beta"))
        box = beta.open_mailbox("box")
        await alpha.send("beta/box", 1)
        assert await take(box, 1) == [1]
        strategy = alpha._kernel.strategy
        assert isinstance(strategy, Book)
        object.__setattr__(strategy.config, "hop", "second")
        alpha._kernel.peers.routes_changed()
        await alpha.send("beta/box", 2)
        assert await take(box, 1) == [2]


async def test_what_the_destination_cannot_take_is_dropped_by_the_relay(autojump_clock: MockClock) -> None:
    async with (
        star("alpha", channels={"bulk": {}}) as (network, hub, alpha),
        on(network, "beta", wanted=(HUB,), hop=HUB, routing=RELAY, limits={"message": "1KiB"}) as beta,
    ):
        await until(lambda: hub.is_connected("beta", "default"))
        box = beta.open_mailbox("box")
        await alpha.send("beta/box", 1, channel="bulk")
        await alpha.send("beta/box", bytes(5000))
        await alpha.send("beta/box", 2)
        assert await take(box, 1) == [2]
        assert hub.dropped == {"no_channel": 1, "too_large": 1}
        with pytest.raises(EncodeError):
            await beta.send("alpha/box", bytes(5000))


async def test_a_letter_that_cannot_be_read_costs_nobody_a_connection(autojump_clock: MockClock) -> None:
    async with star("alpha", "beta") as (_, hub, alpha, beta):
        box = beta.open_mailbox("box")
        nested = encode_letter(Forward("alpha", None, 0, b"\xc1"))
        for piece in (b"", b"\xc1", b"\x92\xa3box\x01\x92\xa3box\x02", nested, b"\x91" * 5000):
            slip(alpha, Forward("beta", None, 2**32 - 1, piece))
        await alpha.send("beta/box", "good")
        assert await take(box, 1) == ["good"]
        assert beta.dropped["undecodable"] == 5
        assert hub.counters["ChannelDown"] == beta.counters["ChannelDown"] == 0


async def test_a_node_whose_rule_is_another_neither_relays_nor_takes_what_was_relayed(
    autojump_clock: MockClock,
) -> None:
    async with (
        star("alpha", "beta") as (network, hub, alpha, _beta),
        on(network, "gamma", wanted=(HUB,), routing={"unconnected": "refuse"}) as gamma,
    ):
        await until(lambda: hub.is_fully_connected("gamma"))
        await alpha.send("gamma/box", 1)
        await until(lambda: gamma.dropped == {"relay_refused": 1})
        slip(gamma, Forward("alpha", None, 0, b""))
        await until(lambda: alpha.dropped == {"undecodable": 1})
    async with (
        strangers("hub", routing={"unconnected": "dial"}) as (network, hub),
        on(network, "alpha", wanted=(HUB,), hop=HUB, routing=RELAY) as alpha,
    ):
        await until(lambda: alpha.is_fully_connected(HUB))
        await alpha.send("beta/box", 1)
        await until(lambda: hub.dropped == {"relay_refused": 1})


async def test_letters_on_the_membership_connection_reach_no_mailbox(autojump_clock: MockClock) -> None:
    async with star("alpha") as (_, hub, alpha):
        box, membership = hub.open_mailbox("box"), alpha._kernel.channels["membership"]
        piece = membership.codec.encode(("box", Greeting()))
        transit = alpha._kernel.peers.table[HUB].membership.open_transit()
        transit.put_nowait(encode_letter(Forwarded("alpha", 1, 1, piece)))
        await until(lambda: hub.dropped)
        assert hub.dropped == {"relay_refused": 1}
        assert not len(box)


async def test_a_relay_is_no_way_around_the_deny_list(autojump_clock: MockClock) -> None:
    async with (
        star("alpha") as (network, hub, alpha),
        on(network, "beta", wanted=(HUB,), routing=RELAY, security={"deny": ["alpha"]}) as beta,
    ):
        await until(lambda: hub.is_fully_connected("beta"))
        box = beta.open_mailbox("box")
        await alpha.send("beta/box", 1)
        await until(lambda: beta.dropped == {"relay_refused": 1})
        assert not len(box)


async def test_a_frame_of_letters_that_is_none_ends_the_connection_by_name(autojump_clock: MockClock) -> None:
    async with star("alpha") as (_, hub, alpha):
        lane = alpha._kernel.peers.table[HUB].lanes["default"][0]
        lane.open_transit().put_nowait(b"\xc0")
        await until(lambda: hub.counters["ChannelDown"])
        assert hub.dropped == {"undecodable": 1}
        await until(lambda: alpha.is_fully_connected(HUB))


async def test_refusing_names_the_rule_the_neighbours_and_the_key(autojump_clock: MockClock) -> None:
    async with (
        star("alpha") as (network, _hub, _alpha),
        on(network, "gamma", wanted=(HUB,), routing={"unconnected": "refuse"}) as gamma,
    ):
        await until(lambda: gamma.neighbours() == (HUB,))
        with pytest.raises(NotConnected) as refused:
            await gamma.send("alpha/box", 1)
        for word in ("alpha is a member", "its neighbours are hub", "tests.core.kernel.unconnected:book"):
            assert word in str(refused.value)
        assert "routing.unconnected = 'refuse'" in str(refused.value)
        assert len(gamma.links()) == 2


async def test_a_link_that_the_overlay_wants_is_not_replaced_by_a_relay(autojump_clock: MockClock) -> None:
    async with star() as (network, _hub):
        async with on(network, "beta"):
            pass
        async with on(network, "alpha", wanted=(HUB, "beta"), hop=HUB, routing=RELAY) as alpha:
            await until(lambda: alpha.counters["DialRefused"])
            with pytest.raises(NodeDown, match="beta is known and down"):
                await alpha.send("beta/box", 1)
