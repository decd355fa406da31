"""The virtual network by itself: what TCP promises, and how it fails."""

import errno
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest
import trio

from partisan_core import Address, open_node
from partisan_core.errors import AddressInUse, StartError
from partisan_core.kinds import Wire
from partisan_testkit.simulator import Faults
from partisan_testkit.simulator.log import Log
from partisan_testkit.wholenodes.network import Endpoint, VirtualNetwork

DOOR = Address("there", 10_000)


class Two:
    """Two hosts, `here` and `there`, which listens."""

    def __init__(self, seed: int) -> None:
        self.network = VirtualNetwork(Random(seed), Log())
        self.here, self.there = (self.network.endpoint(name, f"{name}/0") for name in ("here", "there"))

    async def connect(self) -> tuple[Wire, Wire]:
        near = await self.here.dial(DOOR)
        return near, await self.listener.accept()

    async def listen(self) -> None:
        self.listener = await self.there.listen(DOOR)


@asynccontextmanager
async def two(seed: int = 0) -> AsyncIterator[Two]:
    hosts = Two(seed)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hosts.network.run)
        await hosts.listen()
        yield hosts
        nursery.cancel_scope.cancel()


async def send_all(wire: Wire, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[wire.try_send(view) :]
        except BlockingIOError:
            await wire.wait_writable()
    wire.close()


async def receive_all(wire: Wire, pause: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint) -> bytes:
    received, buffer = bytearray(), bytearray(10_000)
    while True:
        try:
            count = wire.try_recv_into(buffer)
        except BlockingIOError:
            await wire.wait_readable()
            continue
        if count == 0:
            return bytes(received)
        received += buffer[:count]
        await pause()


@pytest.mark.parametrize("seed", range(5))
async def test_what_is_sent_arrives_whole_and_in_order_however_much_is_lost_on_the_way(
    autojump_clock: trio.testing.MockClock, seed: int
) -> None:
    data = Random(seed).randbytes(1_000_000)
    async with two(seed) as hosts, trio.open_nursery() as nursery:
        hosts.network.faults = Faults(loss=0.3)
        near, far = await hosts.connect()
        nursery.start_soon(send_all, near, data)
        assert await receive_all(far) == data, f"seed {seed}"


async def test_a_reader_that_is_slow_holds_the_writer_up(autojump_clock: trio.testing.MockClock) -> None:
    async with two() as hosts:
        near, _ = await hosts.connect()
        taken = near.try_send(bytes(1_000_000))
        assert taken < 300_000
        with pytest.raises(BlockingIOError):
            near.try_send(b"more")
        await trio.sleep(10)
        with pytest.raises(BlockingIOError):  # it has arrived, and nobody reads it
            near.try_send(b"more")


async def test_a_lost_segment_is_a_stall(autojump_clock: trio.testing.MockClock) -> None:
    async with two() as hosts:
        near, far = await hosts.connect()
        hosts.network.cut("here", "there")
        near.try_send(b"late")
        begin = trio.current_time()
        await trio.sleep(1)
        hosts.network.heal()
        await far.wait_readable()
        assert 1 < trio.current_time() - begin < 2
        assert far.try_recv_into(bytearray(10)) == 4


async def test_a_stall_without_end_breaks_the_connection_for_the_sender_alone(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with two() as hosts:
        near, far = await hosts.connect()
        hosts.network.cut("here", "there")
        near.try_send(b"never")
        await trio.sleep(100)
        with pytest.raises(TimeoutError):
            near.try_send(b"again")
        with pytest.raises(BlockingIOError):
            far.try_recv_into(bytearray(10))


async def test_after_the_end_comes_the_end_and_what_is_sent_to_it_is_reset(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with two() as hosts:
        near, far = await hosts.connect()
        near.try_send(b"last words")
        near.close()
        near.close()
        await trio.sleep(1)
        assert await receive_all(far) == b"last words"
        far.try_send(b"too late")
        await trio.sleep(1)
        with pytest.raises(ConnectionResetError):
            far.try_send(b"still")


async def test_a_reset_is_seen_at_both_ends_and_what_has_arrived_can_be_read(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with two() as hosts:
        near, far = await hosts.connect()
        near.try_send(b"before")
        await trio.sleep(1)
        assert hosts.network.reset("there", "here") == 1
        assert far.try_recv_into(bytearray(10)) == 6
        for wire in (near, far):
            with pytest.raises(ConnectionResetError):
                wire.try_recv_into(bytearray(10))


async def test_a_flipped_bit_is_one_bit(autojump_clock: trio.testing.MockClock) -> None:
    async with two() as hosts:
        near, far = await hosts.connect()
        hosts.network.faults = Faults(flips=1.0)
        near.try_send(bytes(100))
        near.close()
        received = await receive_all(far)
        assert len(received) == 100
        assert sum(byte.bit_count() for byte in received) == 1


async def test_who_listens_nowhere_refuses_and_a_machine_that_is_gone_does_not_answer(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with two() as hosts:
        with pytest.raises(ConnectionRefusedError, match="nobody listens on there:1 in this virtual network"):
            await hosts.here.dial(Address("there", 1))
        _, far = await hosts.connect()
        hosts.here.darken()
        hosts.there.darken()
        another = hosts.network.endpoint("elsewhere", "elsewhere/0")
        with trio.move_on_after(60) as scope:
            await another.dial(DOOR)
        assert scope.cancelled_caught
        with pytest.raises(OSError, match="down") as caught:
            far.try_send(b"words")
        assert caught.value.errno == errno.ENETDOWN


async def test_a_dial_knocks_until_the_cut_is_healed(autojump_clock: trio.testing.MockClock) -> None:
    async with two() as hosts, trio.open_nursery() as nursery:
        hosts.network.cut("there", "here")
        dialled: list[Wire] = []

        async def dial(endpoint: Endpoint) -> None:
            dialled.append(await endpoint.dial(DOOR))

        nursery.start_soon(dial, hosts.here)
        await trio.sleep(2)
        assert not dialled
        hosts.network.heal()
        await trio.sleep(2)
        assert dialled


async def test_one_address_has_one_listener(autojump_clock: trio.testing.MockClock) -> None:
    async with two() as hosts:
        with pytest.raises(AddressInUse, match="another node of this virtual network listens on there:10000"):
            await hosts.here.listen(DOOR)
        hosts.listener.close()
        again = await hosts.here.listen(Address("there", 0))
        assert again.address.port != 0


async def test_a_node_that_is_not_simulated_cannot_use_the_transport() -> None:
    with pytest.raises(StartError, match=r"for nodes of a simulated cluster; open one: partisan_testkit.cluster"):
        async with open_node(transport={"use": "virtual"}):
            raise AssertionError("it started")
