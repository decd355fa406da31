"""Who waits for bytes: the reader of a connection, or a receiver that leads in its place."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from partisan_core.errors import FrameError, MailboxError
from partisan_core.identity import Address
from partisan_core.kernel.lane import Lane
from partisan_core.kernel.queue import Limits
from partisan_core.kernel.reader import READ_BYTES, Reader
from partisan_core.kinds import Transport, Wire
from partisan_core.mailboxes import Mailbox
from partisan_core.policies.block import Block
from partisan_core.transports.memory import MemoryNetwork
from partisan_core.transports.tcp import TcpTransport
from partisan_core.wire.frames import Frame, FrameReader, Kind, encode_frame

from .nodes import PATIENCE


@dataclass
class Fed:
    """A mailbox, the reader that feeds it, and the far end of its connection."""

    box: Mailbox
    reader: Reader
    far: Wire
    lane: Lane
    failures: list[Exception]
    taken_by: list[trio.lowlevel.Task]

    def arrive(self, text: bytes) -> None:
        frame = encode_frame(Kind.DATA, text)
        assert self.far.try_send(frame) == len(frame)


@asynccontextmanager
async def feeding(transport: Transport, address: Address, box: Mailbox) -> AsyncIterator[Fed]:
    listener = await transport.listen(address)
    far = await transport.dial(listener.address)
    near = await listener.accept()
    failures: list[Exception] = []
    taken_by: list[trio.lowlevel.Task] = []
    lane = Lane("default", 0, Block(), Limits(10, 1000, 1000))

    def take_in(frames: list[Frame]) -> Mailbox | None:
        for frame in frames:
            taken_by.append(trio.lowlevel.current_task())
            box.put(bytes(frame.body))
        box.feeder = reader
        return box if box.is_full else None

    async def run() -> None:
        try:
            await reader.run()
        except (OSError, trio.ClosedResourceError, FrameError) as error:
            failures.append(error)

    reader = Reader(near, lane, take_in, buffer=memoryview(bytearray(READ_BYTES)), frames=FrameReader(1000))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        fed = Fed(box, reader, far, lane, failures, taken_by)
        fed.arrive(b"first")
        assert await receive(box) == b"first"
        yield fed
        nursery.cancel_scope.cancel()
    for closing in (near, far, listener):
        closing.close()


@pytest.fixture(params=["tcp", "memory"])
async def fed(request: pytest.FixtureRequest) -> AsyncIterator[Fed]:
    transport, host = (TcpTransport(), "127.0.0.1") if request.param == "tcp" else (MemoryNetwork(), "here")
    async with feeding(transport, Address(host, 0), Mailbox("inbox", 3, lambda box: None)) as fed:
        yield fed


async def receive(box: Mailbox) -> object:
    with trio.fail_after(PATIENCE):
        return await box.receive()


async def test_a_receiver_with_an_empty_mailbox_takes_its_message_in_itself(fed: Fed) -> None:
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fed.box.receive)
            await wait_all_tasks_blocked()
            (receiver,) = nursery.child_tasks
            fed.arrive(b"hello")
    assert fed.taken_by[-1] is receiver
    assert len(fed.box) == 0


async def test_messages_are_read_when_nobody_receives_any_more(fed: Fed) -> None:
    for number in range(3):
        fed.arrive(b"%d" % number)
        assert await receive(fed.box) == b"%d" % number
    fed.arrive(b"later")
    await until_held(fed, 1)
    assert fed.box.receive_nowait() == b"later"


async def until_held(fed: Fed, count: int) -> None:
    with trio.fail_after(PATIENCE):
        while len(fed.box) < count:
            await trio.lowlevel.checkpoint()


async def test_a_receiver_that_gives_up_gives_the_reading_back(fed: Fed) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fed.box.receive)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    fed.arrive(b"hello")
    await until_held(fed, 1)
    assert fed.box.receive_nowait() == b"hello"


async def test_a_message_from_elsewhere_wakes_a_receiver_that_leads(fed: Fed) -> None:
    received: list[object] = []

    async def receive_one() -> None:
        received.append(await receive(fed.box))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive_one)
        await wait_all_tasks_blocked()
        fed.box.put(b"from elsewhere")
    assert received == [b"from elsewhere"]
    fed.arrive(b"and on")
    assert await receive(fed.box) == b"and on"


class Counting:
    """A wire that counts who asks, and which receivers wait."""

    def __init__(self, fed: Fed) -> None:
        self._wire = fed.reader._wire
        self.reads = self.waits = 0
        fed.reader._wire = self  # type: ignore[assignment] # the rest is the wire's
        self.interrupt = self._wire.interrupt

    def try_recv_into(self, buffer: memoryview) -> int:
        self.reads += 1
        return self._wire.try_recv_into(buffer)

    async def wait_readable(self) -> None:
        self.waits += not trio.lowlevel.current_task().name.endswith("run")  # which is the reader's own
        await self._wire.wait_readable()


async def test_in_a_conversation_an_answer_that_comes_soon_is_read_without_waiting(fed: Fed) -> None:
    wire = Counting(fed)
    for _ in range(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive, fed.box)
            await trio.lowlevel.checkpoint()
            fed.arrive(b"soon")
    assert wire.waits == 0


async def test_who_only_gets_late_answers_stops_looking(fed: Fed) -> None:
    wire = Counting(fed)
    for _ in range(100):
        before = wire.reads
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive, fed.box)
            await wait_all_tasks_blocked()
            fed.arrive(b"late")
    assert wire.reads - before < 8


async def test_a_message_from_elsewhere_reaches_a_receiver_that_looks(fed: Fed) -> None:
    wire = Counting(fed)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive, fed.box)
        await trio.lowlevel.checkpoint()
        assert not fed.reader._leader_waits
        fed.box.put(b"from elsewhere")
    assert (len(fed.box), wire.waits) == (0, 0)


async def test_only_one_of_several_receivers_leads_and_each_message_goes_to_one(fed: Fed) -> None:
    received: list[object] = []

    async def receive_one() -> None:
        received.append(await receive(fed.box))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(receive_one)
        await wait_all_tasks_blocked()
        for number in range(3):
            fed.arrive(b"%d" % number)
    assert sorted(received, key=str) == [b"0", b"1", b"2"]


async def test_a_message_that_a_cancelled_leader_left_wakes_another_receiver(fed: Fed) -> None:
    received: list[object] = []

    async def receive_one() -> None:
        received.append(await receive(fed.box))

    async def give_up(scope: trio.CancelScope) -> None:
        with scope:
            await fed.box.receive()

    scope = trio.CancelScope()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(give_up, scope)
        await wait_all_tasks_blocked()
        nursery.start_soon(receive_one)
        await wait_all_tasks_blocked()
        scope.cancel()
        fed.box.put(b"from elsewhere")
    assert received == [b"from elsewhere"]


async def test_a_mailbox_closed_under_a_receiver_that_leads_says_so(fed: Fed) -> None:
    async def receive_in_vain() -> None:
        with pytest.raises(MailboxError):
            await receive(fed.box)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive_in_vain)
        await wait_all_tasks_blocked()
        fed.box.close()


def close_far_end(fed: Fed) -> None:
    fed.far.close()


def send_garbage(fed: Fed) -> None:
    fed.far.try_send(b"GET / HTTP/1.1\r\nHost: example\r\n\r\n")


@pytest.mark.parametrize("harm", [close_far_end, send_garbage])
async def test_what_breaks_under_a_receiver_that_leads_is_the_readers_and_not_the_receivers_affair(
    fed: Fed, harm: Callable[[Fed], None]
) -> None:
    received: list[object] = []

    async def receive_one() -> None:
        received.append(await receive(fed.box))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive_one)
        await wait_all_tasks_blocked()
        harm(fed)
        with trio.fail_after(PATIENCE):
            while fed.reader.may_be_led:
                await trio.lowlevel.checkpoint()
            while harm is send_garbage and not fed.failures:
                await trio.lowlevel.checkpoint()
        await wait_all_tasks_blocked()
        assert received == []
        fed.box.put(b"from another connection")
    assert received == [b"from another connection"]
    assert [type(failure).__mro__[1] for failure in fed.failures] == ([FrameError] if harm is send_garbage else [])


async def test_a_full_mailbox_pauses_the_reading_and_a_receiver_resumes_it(fed: Fed) -> None:
    for number in range(3):
        fed.arrive(b"%d" % number)
        await until_held(fed, number + 1)
    await wait_all_tasks_blocked()
    assert fed.reader.paused
    assert not fed.reader.may_be_led
    fed.arrive(b"behind")
    assert [await receive(fed.box) for _ in range(4)] == [b"0", b"1", b"2", b"behind"]
    assert not fed.reader.paused


async def test_a_full_mailbox_pauses_the_reading_also_while_the_receiver_of_another_leads(fed: Fed) -> None:
    """Who leads again at once, whenever the reader's own task could run, does not keep it from pausing."""
    fed.arrive(b"1")
    await until_held(fed, 1)
    other = Mailbox("other", 3, lambda box: None)
    other.feeder = fed.reader
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive, other)
        await wait_all_tasks_blocked()
        fed.arrive(b"2")
        fed.arrive(b"3")
        fed.arrive(b"4")
        await until_held(fed, 3)
        held = len(fed.box)
        fed.arrive(b"behind")
        await wait_all_tasks_blocked()
        assert len(fed.box) == held
        assert fed.reader.paused
        nursery.cancel_scope.cancel()
