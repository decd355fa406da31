"""Every connection is pinged while it is idle; none is broken because somebody does not read it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from partisan_core import Address, Node
from partisan_core.config.model import LinkConfig
from partisan_core.kernel.channels import Channel
from partisan_core.kernel.connection import Connection
from partisan_core.kernel.heartbeat import Heartbeat
from partisan_core.kernel.lane import Carrier, Lane
from partisan_core.kernel.pings import Pings
from partisan_core.kernel.queue import Limits
from partisan_core.kernel.writer import Writer
from partisan_core.kinds import Wire
from partisan_core.notices import ChannelDown, ChannelUp
from partisan_core.policies.block import Block
from partisan_core.transports.memory import MemoryNetwork
from partisan_core.views import ConnectionRow, LaneState
from partisan_core.wire.packing import Packing
from tests.core.kernel.nodes import Memory, link, notice_of, opened, pair, until
from tests.core.kernel.test_virtual_time import frail_pair

IDLE = 600.0
"""Seconds of virtual time that would break whatever can be broken by silence."""


@asynccontextmanager
async def resting() -> AsyncIterator[tuple[Writer, Wire, Wire]]:
    """A writer with nothing to write, its wire, and the other end of that."""
    network = MemoryNetwork()
    listener = await network.listen(Address("here", 0))
    near, far = await network.dial(listener.address), await listener.accept()
    listener.close()
    lane = Lane("default", 0, Block(), Limits(10, 1000, 1000))
    writer = Writer(near, lane, cast("Channel", None), cast("Carrier", None), None, Packing())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        await wait_all_tasks_blocked()
        yield writer, near, far
        nursery.cancel_scope.cancel()


class Line:
    """A connection as the heartbeat sees it."""

    paused = False
    wire = None

    def __init__(self) -> None:
        self.heard = False
        self.pings = self.signs = 0
        self.closed: list[str] = []

    def was_heard(self) -> bool:
        heard, self.heard = self.heard, False
        return heard

    def ping(self, answered: object) -> None:
        self.pings += 1

    def say_alive(self) -> None:
        self.signs += 1

    def abort(self, why: str) -> None:
        self.closed.append(why)


def beats(line: Line, *, until: float, heard_every: float | None = None) -> None:
    """Beat twice a second, from 0 on."""
    heart = Heartbeat(lambda: LinkConfig(ping_interval=2.0, ping_timeout=1.0, ping_attempts=3))
    for half in range(int(until * 2) + 1):
        now = half / 2
        if heard_every is not None and now % heard_every == 0:
            line.heard = True
        if not line.closed:
            heart.beat([cast("Connection", line)], now)


def lane(node: Node, channel: str = "default") -> ConnectionRow:
    return next(row for row in node.connections() if row.channel == channel)


def test_a_new_connection_is_pinged_at_once_so_that_its_round_trip_is_known() -> None:
    line = Line()
    beats(line, until=0)
    assert line.pings == 1


def test_a_connection_that_is_heard_within_the_interval_is_not_pinged() -> None:
    line = Line()
    beats(line, until=100, heard_every=1.5)
    assert (line.pings, line.closed) == (1, [])


def test_a_silent_connection_is_pinged_as_often_as_configured_and_then_broken_by_name() -> None:
    line = Line()
    beats(line, until=100)
    assert line.pings == 1 + 3
    assert line.closed == ["silent for 5.0 s, 3 pings without an answer"]


def test_a_connection_that_this_node_does_not_read_is_never_broken_and_its_peer_hears_why() -> None:
    line = Line()
    line.paused = True
    beats(line, until=100)
    assert (line.pings, line.closed) == (1, [])
    assert line.signs == 200


def test_unanswered_pings_are_forgotten_one_day() -> None:
    async def main() -> None:
        pings = Pings()
        answered: list[float] = []
        for _ in range(10_000):
            last = pings.begin(answered.append)
        pings.end(1)
        assert not answered
        pings.end(last)
        assert len(answered) == 1
        assert len(pings._sent) < 200

    trio.run(main)


async def test_a_writer_that_is_woken_for_a_receiver_that_leads_has_not_heard_of_its_peer() -> None:
    """The interrupt wakes all who wait for the wire, though it took nothing: a dead peer would seem to live."""
    async with resting() as (writer, near, far):
        writer.put_control(bytes(1_000_000))
        await wait_all_tasks_blocked()
        near.interrupt()
        await wait_all_tasks_blocked()
        assert writer.is_blocked
        assert not writer.drained
        far.try_recv_into(bytearray(1000))
        await wait_all_tasks_blocked()
        assert writer.drained


async def test_a_ping_is_written_at_once_by_a_writer_that_rests_and_the_second_of_a_burst_by_its_task(
    autojump_clock: MockClock,
) -> None:
    async with resting() as (writer, _, far):
        buffer = bytearray(100)
        writer.put_control(b"first")
        assert buffer[: far.try_recv_into(buffer)] == b"first"
        writer.put_control(b"second")
        writer.put_control(b"third")
        with pytest.raises(BlockingIOError):
            far.try_recv_into(buffer)
        await wait_all_tasks_blocked()
        assert buffer[: far.try_recv_into(buffer)] == b"secondthird"
        assert writer.bytes_out == len("firstsecondthird")


async def test_a_ping_over_a_broken_wire_raises_where_the_writer_runs_and_not_where_it_was_sent() -> None:
    survived: list[str] = []

    async def ping_nobody() -> None:
        async with resting() as (writer, _, far):
            far.close()
            writer.put_control(b"ping")
            survived.append("the ping")
            await wait_all_tasks_blocked()

    with pytest.raises(ExceptionGroup) as raised:
        await ping_nobody()
    assert survived
    assert [type(error) for error in raised.value.exceptions] == [BrokenPipeError]


def test_a_node_that_hardly_runs_gives_each_ping_its_time_all_the_same() -> None:
    """Answers may wait unread here: after a sleep of ten seconds nobody is broken within the next second."""
    line, heart = Line(), Heartbeat(lambda: LinkConfig(ping_interval=2.0, ping_timeout=1.0, ping_attempts=1))
    for now in (0.0, 10.0, 10.1, 10.9):
        heart.beat([cast("Connection", line)], now)
    assert (line.pings, line.closed) == (2, [])
    heart.beat([cast("Connection", line)], 11.0)
    assert line.closed == ["silent for 11.0 s, 1 pings without an answer"]


async def test_every_lane_knows_its_round_trip_at_both_ends(autojump_clock: MockClock) -> None:
    async with pair(channels={"bulk": {"parallelism": 3}}) as (alpha, beta):
        rows = [*alpha.connections(), *beta.connections()]
        assert len(rows) == 2 * 5
        await until(lambda: all(row.rtt is not None for row in (*alpha.connections(), *beta.connections())))


async def test_a_data_lane_that_alone_went_silent_is_broken_by_name_and_dialled_again(
    autojump_clock: MockClock,
) -> None:
    async with frail_pair() as (network, alpha, beta, events):
        await trio.sleep(10)
        membership, default = network.wires
        assert not membership.closed
        start = trio.current_time()
        default.silent = True
        down = await notice_of(ChannelDown, events)
        assert (down.peer.name, down.channel) == ("beta", "default")
        assert "pings without an answer" in down.error or "closed" in down.error
        await notice_of(ChannelUp, events)
        assert trio.current_time() - start <= 2 + 3 + 1
        box = alpha.open_mailbox("box")
        await until(lambda: lane(beta).state is LaneState.CONNECTED)
        await beta.send("alpha/box", "here again")
        assert await box.receive() == "here again"
        assert alpha.counters["PeerSuspected"] == beta.counters["PeerSuspected"] == 0


async def fill(node: Node, destination: str, channel: str = "default") -> None:
    """Send until nobody takes any more."""
    with trio.move_on_after(5):
        while True:
            await node.send(destination, bytes(10_000), channel=channel)


async def test_a_lane_whose_peer_has_a_full_mailbox_is_not_broken(autojump_clock: MockClock) -> None:
    async with pair() as (alpha, beta):
        box = alpha.open_mailbox("box", limit=5)
        await fill(beta, "alpha/box")
        assert lane(alpha).state is LaneState.PAUSED
        assert lane(beta).waits_for == "the peer does not read"
        await trio.sleep(IDLE)
        assert lane(alpha).waits_for == "mailbox box is full"
        assert alpha.counters["ChannelDown"] == beta.counters["ChannelDown"] == 0
        waiting = lane(beta).queue_messages
        with trio.fail_after(IDLE):
            while lane(beta).queue_messages or len(box):
                await box.receive_batch()
        assert waiting
        assert not alpha.dropped
        assert not beta.dropped


async def test_a_lane_that_neither_end_reads_is_not_broken(autojump_clock: MockClock) -> None:
    async with pair() as (alpha, beta):
        alpha.open_mailbox("box", limit=5)
        beta.open_mailbox("box", limit=5)
        await fill(beta, "alpha/box")
        await fill(alpha, "beta/box")
        await trio.sleep(IDLE)
        assert lane(alpha).state is LaneState.PAUSED
        assert lane(beta).state is LaneState.PAUSED
        assert alpha.counters["ChannelDown"] == beta.counters["ChannelDown"] == 0


async def test_a_slow_receiver_that_reads_now_and_then_is_not_broken(autojump_clock: MockClock) -> None:
    async with pair() as (alpha, beta), trio.open_nursery() as nursery:
        box = alpha.open_mailbox("box", limit=5)

        async def trickle() -> None:
            while True:
                await trio.sleep(3)
                await box.receive()

        nursery.start_soon(trickle)
        await fill(beta, "alpha/box")
        await trio.sleep(IDLE)
        assert alpha.counters["ChannelDown"] == beta.counters["ChannelDown"] == 0
        nursery.cancel_scope.cancel()


async def test_a_slow_network_that_takes_bytes_is_not_taken_for_silence(autojump_clock: MockClock) -> None:
    async with frail_pair() as (network, alpha, beta, _):
        box = alpha.open_mailbox("box")
        await until(lambda: len(network.wires) == 2)
        network.wires[1].pace = 1000
        await beta.send("alpha/box", bytes(100_000))
        with trio.fail_after(200):
            assert len(await box.receive()) == 100_000
        assert trio.current_time() > 90
        assert alpha.counters["ChannelDown"] == beta.counters["ChannelDown"] == 0


async def test_membership_is_not_starved_by_full_lanes_large_messages_and_paused_mailboxes(
    autojump_clock: MockClock,
) -> None:
    """For ten minutes every data lane of both nodes is full in both directions."""
    channels = {"default": {}, "bulk": {"parallelism": 4}, "jobs": {"queue_bytes": "64KiB"}}
    memory = Memory()
    async with (
        memory.opened("alpha", channels=channels) as alpha,
        memory.opened("beta", channels=channels) as beta,
        trio.open_nursery() as nursery,
    ):
        await link(beta, alpha)
        for node, other in ((alpha, "beta"), (beta, "alpha")):
            node.open_mailbox("box", limit=1)
            for channel in channels:
                for key in range(8):
                    nursery.start_soon(flood, node, f"{other}/box", channel, key)
        await until(lambda: all(row.senders for row in beta.connections() if row.channel != "membership"))
        for _ in range(60):
            await trio.sleep(10)
            with trio.fail_after(0.1):
                await alpha.ping("beta")
                await beta.ping("alpha")
        for node in (alpha, beta):
            assert node.counters["PeerSuspected"] == node.counters["ChannelDown"] == 0
            assert lane(node, "membership").queue_messages == 0
            assert not node.dropped
        async with memory.opened("gamma", channels=channels) as gamma:
            await link(gamma, alpha)
        nursery.cancel_scope.cancel()


async def flood(node: Node, destination: str, channel: str, key: int) -> None:
    while True:
        await node.send(destination, bytes(1_000_000), channel=channel, key=key)


async def test_membership_is_not_starved_while_lanes_carry_all_that_sockets_take() -> None:
    """Both directions, real sockets, receivers that read: pings are answered in between."""
    channels = {"default": {}, "bulk": {"parallelism": 4}}
    async with (
        opened("alpha", channels=channels) as alpha,
        opened("beta", channels=channels) as beta,
        trio.open_nursery() as nursery,
    ):
        await link(beta, alpha)
        received = 0

        async def receive(node: Node) -> None:
            nonlocal received
            box = node.open_mailbox("box")
            while True:
                received += len(await box.receive_batch())

        for node, other in ((alpha, "beta"), (beta, "alpha")):
            nursery.start_soon(receive, node)
            for channel in channels:
                for key in range(4):
                    nursery.start_soon(flood, node, f"{other}/box", channel, key)
        for _ in range(20):
            before = received
            while received < before + 5:
                await trio.lowlevel.checkpoint()
            with trio.fail_after(2):
                await alpha.ping("beta")
                await beta.ping("alpha")
        assert alpha.counters["PeerSuspected"] == beta.counters["PeerSuspected"] == 0
        nursery.cancel_scope.cancel()
