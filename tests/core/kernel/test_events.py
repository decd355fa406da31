"""Events and counters that no other test emits; `tests/test_events_page.py` knows which test emits which."""

import contextlib
import socket
import struct

import pytest
import trio
from msgspec.structs import replace
from trio.testing import MockClock

from partisan_core import Node
from partisan_core.effects import Effect
from partisan_core.events import Event, Join, Reason
from partisan_core.kernel.journal import STREAM_LIMIT
from partisan_core.notices import DialRefused, MemberJoined, MemberLeft, PeerRefused, Snapshot
from partisan_core.views import ChannelRow
from partisan_core.wire.messages import Hello
from tests.core.kernel.nodes import PATIENCE, Memory, link, notice_of, opened, pair, until
from tests.core.kernel.parts import Acquaintances
from tests.core.kernel.stranger import DATA_HELLO, HELLO, stranger_at


async def test_who_misses_events_is_told_how_things_stand() -> None:
    async with pair() as (alpha, beta), alpha.open_events() as events:
        first = await events.receive()
        assert isinstance(first, Snapshot)
        assert [peer.name for peer in first.neighbours] == ["beta"]
        for number in range(STREAM_LIMIT + 1):
            await beta.send(f"alpha/nobody-{number}", 1)
        await until(lambda: events.missed)
        assert isinstance(await events.receive(), Snapshot)


async def test_members_that_come_and_go_are_told() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha, alpha.open_events() as events, memory.opened("beta") as beta:
        await link(beta, alpha)
        assert (await notice_of(MemberJoined, events)).peer.name == "beta"
        await beta.leave()
        left = await notice_of(MemberLeft, events)
        assert (left.peer.name, left.reason) == ("beta", Reason.LEFT)


async def test_each_try_to_connect_is_a_dial(autojump_clock: MockClock) -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha:
        async with memory.opened("beta") as beta:
            await link(beta, alpha)
            await until(lambda: beta.counters["dials"] == 2)
            assert alpha.counters["dials"] == 0, "it was dialled: the membership connection and one lane"
        async with alpha.open_events() as events:
            await notice_of(DialRefused, events)
        assert alpha.counters["dials"] == 1


@pytest.mark.parametrize(
    ("code", "hello"),
    [
        ("cluster", replace(HELLO, cluster="shop")),
        ("overlay", replace(HELLO, overlay="other")),
        ("version", replace(HELLO, versions=(99, 99))),
        ("channel", replace(DATA_HELLO, channel="bulk")),
        ("malformed", replace(HELLO, lane=-1)),
        ("garbage", None),
    ],
)
async def test_who_is_turned_away_is_counted_by_the_reason(code: str, hello: Hello | None) -> None:
    async with opened("alpha") as alpha, stranger_at(alpha.addresses[0]) as stranger:
        if hello is None:
            await stranger.stream.send_all(b"GET / HTTP/1.1\r\n\r\n" * 10)
        else:
            with contextlib.suppress(AssertionError, trio.BrokenResourceError):
                await stranger.shake(hello)
        await until(lambda: alpha.counters["PeerRefused"] == 1)
        assert {name: count for name, count in alpha.counters.items() if name.startswith("refused_")} == {
            f"refused_{code}": 1
        }


@pytest.mark.parametrize("resets", [False, True])
async def test_who_hangs_up_in_the_middle_of_a_handshake_has_sent_no_garbage(resets: bool) -> None:
    async with opened("alpha") as alpha, alpha.open_events() as events:
        async with stranger_at(alpha.addresses[0]) as stranger:
            stranger.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", resets, 0))
        assert (await notice_of(PeerRefused, events)).code == "hung_up"
        assert alpha.counters["refused_hung_up"] == 1


async def test_what_a_policy_drops_is_counted_as_queue_full() -> None:
    async with pair(channels={"narrow": {"queue_messages": 2, "policy": "drop_newest"}}) as (alpha, beta):
        alpha.open_mailbox("greeter")
        for number in range(50):
            beta.send_nowait("alpha/greeter", number, channel="narrow")
        assert {*beta.dropped} == {"queue_full"}
        assert beta.dropped["queue_full"] > 0


class Talkative(Acquaintances):
    """Greets 5,000 times whom it joins."""

    def handle(self, event: Event, now: float) -> list[Effect]:
        return super().handle(event, now) * (5000 if isinstance(event, Join) else 1)


async def test_an_overlay_that_says_more_than_its_lane_holds_is_counted() -> None:
    talkative = {"use": f"{Talkative.__module__}:{Talkative.__name__}"}
    async with pair(overlay=talkative) as (_, beta):
        assert 0 < beta.dropped["membership_full"] < 5000


# What connections carried.


def totals(node: Node, channel: str) -> ChannelRow:
    return next(row for row in node.channels() if row.channel == channel)


async def test_the_totals_of_a_channel_outlive_its_connections() -> None:
    async with pair(channels={"bulk": {"parallelism": 2}}) as (alpha, beta):
        box = alpha.open_mailbox("greeter")
        await until(lambda: totals(beta, "bulk").connections == 2)
        for key in range(20):
            await beta.send("alpha/greeter", key, channel="bulk", key=key)
        with trio.fail_after(PATIENCE):
            for _ in range(20):
                await box.receive()
        before = totals(beta, "bulk")
        assert (before.messages_out, before.messages_in, totals(alpha, "bulk").messages_in) == (20, 0, 20)
        assert before.bytes_out == totals(alpha, "bulk").bytes_in > 20
        await beta.leave()
        await until(lambda: totals(beta, "bulk").connections == totals(alpha, "bulk").connections == 0)
        after = totals(beta, "bulk")
        assert (after.opened, after.messages_out) == (2, 20)
        assert after.bytes_out >= before.bytes_out


async def test_the_lanes_of_a_channel_count_for_it_alone() -> None:
    async with pair(channels={"bulk": {}}) as (alpha, _):
        await until(lambda: all(row.connections == 1 for row in alpha.channels()))
        assert [row.channel for row in alpha.channels()] == ["bulk", "default", "membership"]
        assert totals(alpha, "membership").messages_in > 0
        assert totals(alpha, "bulk").messages_in == 0
