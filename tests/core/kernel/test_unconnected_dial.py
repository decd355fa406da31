"""`[routing] unconnected = "dial"`: a message to a node without a link opens one, which is closed when it is idle."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Mailbox, Node, Ref
from partisan_core.errors import EncodeError, NodeDown, UnknownNode, WouldBlock
from partisan_core.events import DialFailed, Reason
from partisan_core.kernel import ending
from partisan_core.kernel.ending import end_peer
from partisan_core.kernel.peer import Peer
from partisan_core.views import MemberState
from tests.core.kernel.nodes import until
from tests.core.kernel.unconnected import Book, on, strangers

IDLE = 30.0
LINGER = 1.0


async def take(box: Mailbox, count: int) -> list[Any]:
    with trio.fail_after(60):
        return [await box.receive() for _ in range(count)]


def state_of(node: Node, name: str) -> MemberState:
    return next(row.state for row in node.member_states() if row.name == name)


async def closes(*nodes: Node) -> float:
    """When the last connection between them is gone."""
    while any(node.connections() and node.nodes() for node in nodes):
        await trio.sleep(0.25)
    return trio.current_time()


async def test_a_message_to_a_member_without_a_link_opens_one_and_makes_nobody_a_neighbour(
    autojump_clock: MockClock,
) -> None:
    async with strangers("alpha", "beta") as (_, alpha, beta), alpha.open_events() as events:
        box = beta.open_mailbox("box")
        for number in range(100):
            alpha.send_nowait("beta/box", number)
        assert await take(box, 100) == list(range(100))
        assert alpha.neighbours() == beta.neighbours() == ()
        assert alpha.nodes() == ("beta",)
        await closes(alpha, beta)
        assert [alpha.counters[name] for name in ("NeighbourUp", "NeighbourDown", "MemberLeft")] == [0, 0, 0]
        assert not alpha.dropped
        assert not beta.dropped
        assert (await events.receive()).members == alpha.members()


async def test_a_peer_is_suspected_until_its_link_is_down_and_not_in_its_next_link(autojump_clock: MockClock) -> None:
    """Nobody is told that a link on demand is down, and who is down is suspected no more: it was listed so for ever."""
    async with strangers("alpha", "beta") as (network, alpha, beta):
        box = beta.open_mailbox("box")
        await alpha.send("beta/box", 1)
        assert await take(box, 1) == [1]
        network.silence()
        await until(lambda: state_of(alpha, "beta") is MemberState.SUSPECTED)
        await until(lambda: state_of(alpha, "beta") is MemberState.DOWN)
        network.silent = False
        await until(lambda: state_of(alpha, "beta") is not MemberState.DOWN)
        await alpha.send("beta/box", 2)
        assert await take(box, 1) == [2]
        assert state_of(alpha, "beta") is MemberState.UP


async def test_the_link_is_closed_when_no_message_went_over_it_for_the_idle_timeout(autojump_clock: MockClock) -> None:
    async with strangers("alpha", "beta") as (network, alpha, beta):
        box = beta.open_mailbox("box")
        await alpha.send("beta/box", 1)
        await take(box, 1)
        start = trio.current_time()
        took = await closes(alpha, beta) - start
        assert IDLE <= took <= IDLE * 5 / 4 + LINGER + 1
        assert not alpha.links()[0].lanes
        dials = len(network.dials)
        await alpha.send("beta/box", 2)
        assert await take(box, 1) == [2]
        assert len(network.dials) == dials + 2, "the membership connection and one lane"


@pytest.mark.parametrize("sender", ["who dialled", "who was dialled"])
async def test_messages_of_either_end_keep_the_link(sender: str, autojump_clock: MockClock) -> None:
    async with strangers("alpha", "beta") as (network, alpha, beta):
        boxes = {node.name: node.open_mailbox("box") for node in (alpha, beta)}
        await alpha.send("beta/box", 0)
        await take(boxes["beta"], 1)
        source, target = (alpha, beta) if sender == "who dialled" else (beta, alpha)
        dials = len(network.dials)
        for number in range(20):
            await trio.sleep(IDLE * 0.9)
            await source.send(f"{target.name}/box", number)
        assert await take(boxes[target.name], 20) == list(range(20))
        assert len(network.dials) == dials
        assert alpha.counters["ChannelDown"] == beta.counters["ChannelDown"] == 0


@pytest.mark.parametrize("turns", range(12))
async def test_messages_sent_while_an_idle_link_ends_arrive_in_order_over_another(
    turns: int, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways, so many turns of the loop after both ends have begun to let it go."""
    async with strangers("alpha", "beta") as (_network, alpha, beta), trio.open_nursery() as nursery:
        boxes = {node.name: node.open_mailbox("box") for node in (alpha, beta)}
        ended: list[str] = []

        async def end(peer: Peer, reason: Reason, patience: float) -> None:
            nursery.start_soon(end_peer, peer, reason, patience)
            ended.append(peer.spec.name)
            if len(ended) == 1:
                for _ in range(turns):
                    await trio.lowlevel.checkpoint()
                for number in range(3):
                    alpha.send_nowait("beta/box", number)
                    beta.send_nowait("alpha/box", number)
                    await trio.lowlevel.checkpoint()

        monkeypatch.setattr(ending, "end_peer", end)
        await alpha.send("beta/box", "first")
        await take(boxes["beta"], 1)
        assert await take(boxes["alpha"], 3) == await take(boxes["beta"], 3) == [0, 1, 2]
        assert ended
        assert not alpha.dropped
        assert not beta.dropped


async def test_an_idle_link_is_not_ended_under_a_mailbox_that_nobody_reads(autojump_clock: MockClock) -> None:
    async with strangers("alpha", "beta") as (_, alpha, beta):
        box = beta.open_mailbox("box", limit=5)
        for number in range(50):
            await alpha.send("beta/box", number)
            await trio.sleep(0.01)  # each in a frame of its own
        assert all(row.queue_messages == 0 for row in alpha.connections()), "they are all in the hands of the system"
        await trio.sleep(10 * IDLE)
        assert await take(box, 50) == list(range(50))
        await closes(alpha, beta)


async def test_both_may_send_first_at_once(autojump_clock: MockClock) -> None:
    async with strangers("alpha", "beta") as (_, alpha, beta):
        boxes = {node.name: node.open_mailbox("box") for node in (alpha, beta)}
        for round_ in range(10):
            for number in range(50):
                alpha.send_nowait("beta/box", number)
                beta.send_nowait("alpha/box", number)
            assert await take(boxes["alpha"], 50) == await take(boxes["beta"], 50) == list(range(50)), round_
            await closes(alpha, beta)
        assert not alpha.dropped
        assert not beta.dropped


@pytest.mark.parametrize("end", ["close", "leave"])
async def test_what_was_sent_just_before_the_end_goes_over_the_link_that_it_opens(
    end: str, autojump_clock: MockClock
) -> None:
    async with strangers("beta") as (network, beta):
        box = beta.open_mailbox("box")
        async with on(network, "alpha") as alpha:
            for number in range(100):
                alpha.send_nowait("beta/box", number)
            if end == "leave":
                await alpha.leave()
        assert await take(box, 100) == list(range(100))


async def test_the_end_waits_for_no_link_to_somebody_silent(autojump_clock: MockClock) -> None:
    async with strangers("beta") as (network, _):
        network.silence()
        async with on(network, "alpha") as alpha:
            alpha.send_nowait("beta/box", 1)
            start = trio.current_time()
        assert 1 <= trio.current_time() - start <= 3, "half of the time of the flush for the dial, all for the rest"


async def test_what_waits_for_a_link_that_cannot_be_made_is_dropped_with_its_reason(autojump_clock: MockClock) -> None:
    Book.heard.clear()
    async with strangers("alpha") as (network, alpha):
        async with on(network, "beta"):
            pass
        await alpha.send("beta/box", 1)
        await alpha.send("beta/box", 2)
        await until(lambda: alpha.dropped)
        assert alpha.dropped == {"node_gone": 2}
        with pytest.raises(NodeDown, match=r"beta is known and down: .*nobody listens .*; nothing was sent"):
            await alpha.send("beta/box", 3)
        assert not any(isinstance(event, DialFailed) for event in Book.heard), "the overlay asked for no link"
        await trio.sleep(IDLE * 1.5)
        assert len(network.dials) < 60, "nobody wants it any more"
        dials = len(network.dials)
        await trio.sleep(IDLE)
        assert len(network.dials) == dials


async def test_a_node_that_comes_back_is_reached_again_at_its_new_address(autojump_clock: MockClock) -> None:
    async with strangers("alpha") as (network, alpha):
        async with on(network, "beta"):
            pass
        await alpha.send("beta/box", "lost")
        await until(lambda: alpha.dropped)
        async with on(network, "beta") as beta:
            box = beta.open_mailbox("box")
            await alpha.send("beta/box", "found")
            assert await take(box, 1) == ["found"]


async def test_a_restart_while_messages_wait_loses_those_for_the_old_life_alone(autojump_clock: MockClock) -> None:
    async with strangers("alpha") as (network, alpha):
        async with on(network, "beta", node={"listen": ["beta:1"]}) as beta:
            old = beta.spec()
        known = dict(Book.books[network.name])
        async with on(network, "beta", node={"listen": ["beta:1"]}) as beta:
            box = beta.open_mailbox("box")
            Book.books[network.name] = known  # the restart has not become known
            await alpha.send("beta/box", "by name")
            assert await take(box, 1) == ["by name"]
            await closes(alpha, beta)
            Book.books[network.name] = known | {}
            alpha.send_nowait(Ref("beta", "box", old.incarnation), "by life")
            await until(lambda: alpha.dropped)
            assert alpha.dropped == {"node_restarted": 1}
            await alpha.send("beta/box", "next")
            assert await take(box, 1) == ["next"]


async def test_what_waits_for_a_link_is_bounded_as_a_lane_is(autojump_clock: MockClock) -> None:
    channels = {"default": {"queue_messages": 5}}
    async with strangers("alpha", "beta", channels=channels) as (_network, alpha, beta), trio.open_nursery() as nursery:
        box = beta.open_mailbox("box")
        for number in range(5):
            alpha.send_nowait("beta/box", number)
        with pytest.raises(WouldBlock):
            alpha.send_nowait("beta/box", "too many")
        for number in range(5, 20):
            nursery.start_soon(alpha.send, "beta/box", number)
            await trio.lowlevel.checkpoint()
        assert sorted(await take(box, 20)) == list(range(20))
        assert not alpha.dropped


async def test_a_sender_that_waits_for_a_link_in_vain_is_told(autojump_clock: MockClock) -> None:
    async with strangers("alpha", channels={"default": {"queue_messages": 1}}) as (network, alpha):
        async with on(network, "beta"):
            pass
        await alpha.send("beta/box", 1)
        with pytest.raises(NodeDown, match=r"beta@.* cannot be reached"):
            await alpha.send("beta/box", 2)


async def test_lanes_of_fewer_kinds_at_the_other_end_keep_the_order_of_each_key(autojump_clock: MockClock) -> None:
    async with (
        strangers("alpha", channels={"wide": {"parallelism": 5, "queue_messages": 30}}) as (network, alpha),
        on(network, "beta", channels={"wide": {"parallelism": 3}}) as beta,
        trio.open_nursery() as nursery,
    ):
        box = beta.open_mailbox("box")

        async def stream(key: int) -> None:
            for number in range(100):
                await alpha.send("beta/box", (key, number), channel="wide", key=key)

        for key in range(10):
            nursery.start_soon(stream, key)
        got = await take(box, 1000)
        for key in range(10):
            assert [number for of, number in got if of == key] == list(range(100))
        sent = [row.sent for row in alpha.connections() if row.channel == "wide"]
        assert [count % 100 for count in sent] == [0, 0, 0], "each key has one lane, before and after the link is up"


async def test_a_cancelled_sender_leaves_the_queue_that_it_was_moved_to(autojump_clock: MockClock) -> None:
    channels = {"wide": {"parallelism": 2, "queue_messages": 1}}
    async with (
        strangers("alpha", channels=channels) as (network, alpha),
        on(network, "beta", channels={"wide": {}}) as beta,
    ):
        box = beta.open_mailbox("box", limit=1)
        sent: list[int] = []

        async def send(number: int) -> None:
            await alpha.send("beta/box", (number, bytes(70_000)), channel="wide", key=number)
            sent.append(number)

        async with trio.open_nursery() as nursery:
            for number in range(40):
                nursery.start_soon(send, number)
            await trio.sleep(5)
            assert 0 < len(sent) < 40
            nursery.cancel_scope.cancel()
        assert sorted(number for number, _ in await take(box, len(sent))) == sorted(sent)
        await trio.sleep(1)
        assert not len(box)


async def test_what_the_other_end_cannot_take_is_dropped_with_its_reason(autojump_clock: MockClock) -> None:
    async with strangers("alpha", channels={"bulk": {}}) as (network, alpha):
        async with on(network, "beta", limits={"message": "1KiB"}) as beta:
            box = beta.open_mailbox("box")
            await alpha.send("beta/box", 1, channel="bulk")
            await alpha.send("beta/box", bytes(5000))
            await alpha.send("beta/box", 2)
            assert await take(box, 1) == [2]
            assert alpha.dropped == {"no_channel": 1, "too_large": 1}
            with pytest.raises(EncodeError, match=r"5[0-9]* bytes, more than limits.message = 1024"):
                await alpha.send("beta/box", bytes(5000))
        assert not beta.dropped


async def test_a_link_that_the_overlay_wants_takes_messages_from_the_first_moment(autojump_clock: MockClock) -> None:
    async with (
        strangers() as (network,),
        on(network, "beta") as beta,
        on(network, "alpha", wanted=("beta",), routing={"unconnected": "refuse"}) as alpha,
    ):
        box = beta.open_mailbox("box")
        await alpha.send("beta/box", 1)
        assert await take(box, 1) == [1]


async def test_nobody_dials_who_is_unknown(autojump_clock: MockClock) -> None:
    async with strangers("alpha", "beta") as (network, alpha, _):
        with pytest.raises(UnknownNode, match=r"no node 'beto' is known here.*beta"):
            await alpha.send("beto/box", 1)
        assert not network.dials


async def test_leaving_while_messages_wait_ends_the_dial(autojump_clock: MockClock) -> None:
    async with strangers("alpha", "beta") as (network, alpha, _):
        network.silence()
        await alpha.send("beta/box", 1)
        await until(lambda: network.dials)
        await alpha.leave()
        await trio.sleep(10)
        assert len(network.dials) == 1
        assert alpha.dropped.total() == 1
        network.silent = False
