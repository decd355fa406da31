"""Grace, redial, pings and name probes on a virtual clock, over a network that can be cut and silenced."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Address, Node, NodeSpec
from partisan_core.events import Reason
from partisan_core.kernel.journal import NoticeStream
from partisan_core.notices import ChannelDown, ChannelUp, DialRefused, NeighbourDown, PeerSuspected, PeerTrusted
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.nodes import link, notice_of, opened, until


def on(network: FrailNetwork, name: str, **sections: object) -> AbstractAsyncContextManager[Node]:
    transport = {"use": "tests.core.kernel.frail:frail", "network": network.name}
    return opened(name, transport=transport, **sections)


@asynccontextmanager
async def frail_pair(**sections: object) -> AsyncIterator[tuple[FrailNetwork, Node, Node, NoticeStream]]:
    """Alpha, and beta joined to it; alpha's notices."""
    network = FrailNetwork()
    async with on(network, "alpha", **sections) as alpha, on(network, "beta", **sections) as beta:
        await link(beta, alpha)
        async with alpha.open_events() as events:
            await events.receive()
            yield network, alpha, beta, events
        network.silent = False


async def test_a_cut_connection_is_redialled_at_once_and_nobody_is_down(autojump_clock: MockClock) -> None:
    async with frail_pair() as (network, alpha, beta, events):
        await trio.sleep(1)
        for _ in range(20):
            network.cut()
            start = trio.current_time()
            assert await notice_of(PeerSuspected, events)
            assert await notice_of(PeerTrusted, events)
            assert trio.current_time() - start < 0.5
        assert alpha.counters["NeighbourDown"] == beta.counters["NeighbourDown"] == 0
        assert alpha.neighbours() == ("beta",)


async def test_a_cut_lane_is_a_channel_event_and_order_and_messages_are_kept(autojump_clock: MockClock) -> None:
    async with frail_pair() as (network, alpha, beta, events):
        box = alpha.open_mailbox("box")
        received: list[int] = []
        for number in range(50):
            await beta.send("alpha/box", number)
            if number % 10 == 9:
                await trio.sleep(0.1)
                received += await box.receive_batch()
                network.cut()
                await notice_of(ChannelDown, events)
                await notice_of(ChannelUp, events)
        assert received == list(range(50))


async def test_an_idle_peer_that_went_silent_is_found_by_pings_and_down_after_the_grace(
    autojump_clock: MockClock,
) -> None:
    async with frail_pair() as (network, _alpha, beta, events):
        await trio.sleep(30)
        start = trio.current_time()
        network.silence()
        assert await notice_of(PeerSuspected, events)
        assert 2 <= trio.current_time() - start <= 4.5, "what is left of the interval, two pings"
        down = await notice_of(NeighbourDown, events)
        took = trio.current_time() - start
        assert down.reason is Reason.UNREACHABLE
        assert 2 + 3 <= took <= 4.5 + 3, "the grace"
        await until(lambda: not beta.neighbours())


async def test_the_grace_can_be_shortened(autojump_clock: MockClock) -> None:
    links = {"ping_interval": "100ms", "ping_timeout": "100ms", "reconnect_grace": "200ms"}
    async with frail_pair(links=links) as (network, _alpha, _beta, events):
        start = trio.current_time()
        network.silence()
        assert (await notice_of(NeighbourDown, events)).reason is Reason.UNREACHABLE
        assert trio.current_time() - start < 1


async def test_a_quiet_healthy_link_is_pinged_and_never_down(autojump_clock: MockClock) -> None:
    async with frail_pair() as (_network, alpha, beta, _events):
        await trio.sleep(600)
        assert alpha.counters["PeerSuspected"] == beta.counters["PeerSuspected"] == 0
        assert alpha.neighbours() == ("beta",)


async def test_a_message_sent_in_the_moment_its_connection_breaks_goes_over_the_next(autojump_clock: MockClock) -> None:
    async with frail_pair() as (_, alpha, beta, _events):
        box = beta.open_mailbox("box")
        await until(lambda: ("default", 0) in alpha._kernel.peers.table["beta"].connections)
        await trio.sleep(5)
        alpha._kernel.peers.table["beta"].connections["default", 0].close("a test says so")
        alpha.send_nowait("beta/box", "not written to it")
        with trio.fail_after(10):
            assert await box.receive() == "not written to it"


async def test_a_message_for_a_peer_that_is_forgotten_before_it_is_reached_is_counted(
    autojump_clock: MockClock,
) -> None:
    network, slow = FrailNetwork(), {"links": {"redial_first": "10s", "redial_limit": "10s"}}
    async with on(network, "alpha", **slow) as alpha:
        async with on(network, "beta", **slow) as beta:
            await link(beta, alpha)
            (spec,) = alpha.members()
        await until(lambda: not alpha.neighbours())
        await trio.sleep(5)
        alpha.dropped.clear()
        alpha._kernel.peers.send(spec, b"of the overlay")
        alpha.evict("beta")
        await until(lambda: not alpha.connections())
        assert alpha.dropped == {"node_released": 1}


STEADY = {"links": {"redial_first": "2s", "redial_limit": "2s"}}
"""Pauses of exactly 2 s: a second chain of dials, left over from an earlier loss, would show."""


async def test_an_unreachable_peer_is_dialled_in_one_chain_and_found_again(autojump_clock: MockClock) -> None:
    async with frail_pair(**STEADY) as (network, alpha, beta, _events):
        network.silence()
        await until(lambda: not alpha.neighbours() and not beta.neighbours())
        await trio.sleep(10)
        network.dials.clear()
        await trio.sleep(300)
        assert 2 * 97 <= len(network.dials) <= 2 * 103, "two nodes: each 1 s without an answer, then 2 s of pause"
        network.silent = False
        await until(lambda: alpha.neighbours() and beta.neighbours())


async def test_a_peer_that_is_gone_is_dialled_in_one_chain(autojump_clock: MockClock) -> None:
    network = FrailNetwork()
    async with on(network, "alpha", **STEADY) as alpha:
        async with on(network, "beta", **STEADY) as beta:
            await link(beta, alpha)
        await until(lambda: not alpha.neighbours())
        await trio.sleep(10)
        network.dials.clear()
        await trio.sleep(300)
        assert 147 <= len(network.dials) <= 153


async def test_messages_sent_within_the_grace_arrive_after_it_healed(autojump_clock: MockClock) -> None:
    async with frail_pair() as (network, alpha, beta, events):
        box = beta.open_mailbox("box")
        await trio.sleep(1)
        network.silent = True
        network.cut()
        await notice_of(PeerSuspected, events)
        await alpha.send("beta/box", "queued")
        await trio.sleep(1)
        network.silent = False
        assert await box.receive() == "queued"
        assert alpha.counters["NeighbourDown"] == 0


async def test_senders_that_wait_are_told_when_the_peer_is_down(autojump_clock: MockClock) -> None:
    narrow = {"channels": {"narrow": {"queue_messages": 1}}}
    async with frail_pair(**narrow) as (network, alpha, _beta, events):
        network.silence()
        network.silent = True
        errors: list[str] = []

        async def send() -> None:
            try:
                while True:
                    await alpha.send("beta/box", bytes(100_000), channel="narrow")
            except Exception as error:  # noqa: BLE001 - its type is what is asserted
                errors.append(type(error).__name__)

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(send)
            await notice_of(NeighbourDown, events)
        assert errors == ["NodeDown"] * 3
        assert alpha.dropped["node_unreachable"] >= 1


async def test_joins_from_both_sides_at_once_end_in_one_connection_per_lane(autojump_clock: MockClock) -> None:
    for _ in range(30):
        network = FrailNetwork()
        async with on(network, "alpha") as alpha, on(network, "beta") as beta:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(alpha.join, *beta.addresses)
                nursery.start_soon(beta.join, *alpha.addresses)
                nursery.start_soon(beta.join, *alpha.addresses)
            await trio.sleep(5)
            open_wires = [wire for wire in network.wires if not wire.closed]
            assert len(open_wires) == 2, "membership and the one lane of the default channel"
            assert alpha.counters["NeighbourDown"] == beta.counters["NeighbourDown"] == 0
            assert {len(node.connections()) for node in (alpha, beta)} == {2}


@pytest.mark.parametrize("hosts", [("nobody", "silent"), ("silent", "nobody")])
async def test_one_address_that_is_silent_tells_more_than_one_that_refuses(
    hosts: tuple[str, str], autojump_clock: MockClock
) -> None:
    network = FrailNetwork()
    async with on(network, "alpha") as alpha, alpha.open_events() as events:
        await network.listen(Address("silent", 1))
        spec = NodeSpec("beta", 1, 1, tuple(Address(host, 1) for host in hosts))
        alpha._kernel.peers.send(spec, b"of the overlay")
        refused = await notice_of(DialRefused, events)
        assert (refused.reason, refused.error[:8]) == (Reason.UNREACHABLE, "silent:1")
