"""`trio.SocketStream`, one length-prefixed record in msgpack per `send_all`; large ones on a second stream, or not."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from time import perf_counter

import trio

from partisan_bench.cases import Case
from partisan_bench.framing import Unframer, framed
from partisan_bench.hol.traffic import BULK, IN_FLIGHT, PAUSE, PING, Tally, answer, record
from partisan_bench.work import REPLY_TO, Figures, Ready, Record, warmed_async

_READ = 1 << 20


def serve(ready: Ready) -> None:
    """Answer each record on its connection."""
    trio.run(_serve, ready)


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Ping for `seconds` per case, while large messages stream."""
    return trio.run(_drive, int(address.rpartition(":")[2]), cases, seconds)


class _Records:
    """Records over a stream; senders take turns."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream, self._turn = stream, trio.Lock()

    async def send(self, record: Record) -> None:
        async with self._turn:
            await self._stream.send_all(framed(record))

    async def received(self) -> AsyncIterator[Record]:
        unframer = Unframer()
        while data := await self._stream.receive_some(_READ):
            for received in unframer.feed(data):
                yield received


async def _serve(ready: Ready) -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    ready("{}:{}".format(*listeners[0].socket.getsockname()))
    await trio.serve_listeners(_answer, listeners)


async def _answer(stream: trio.SocketStream) -> None:
    records = _Records(stream)
    async for received in records.received():
        await records.send(answer(received))


async def _drive(port: int, cases: Sequence[Case], seconds: float) -> list[Figures]:
    async with (
        await trio.open_tcp_stream("127.0.0.1", port) as first,
        await trio.open_tcp_stream("127.0.0.1", port) as second,
    ):
        driver = _Driver(first, second)
        async with trio.open_nursery() as nursery:
            for records in driver.connections:
                nursery.start_soon(driver.listen, records)
            figures = [await warmed_async(partial(driver.run, case), seconds) for case in cases]
            nursery.cancel_scope.cancel()
    return figures


class _Driver:
    def __init__(self, *streams: trio.SocketStream) -> None:
        self.connections = [_Records(stream) for stream in streams]
        self._answers = {kind: trio.Semaphore(0) for kind in (PING, BULK)}

    async def listen(self, records: _Records) -> None:
        """Tell who waits for the answers of one connection."""
        async for received in records.received():
            self._answers[received[REPLY_TO]].release()

    async def run(self, case: Case, seconds: float) -> Figures:
        tally = Tally(perf_counter(), seconds)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ping, bytes(case.payload), tally)
            if case.bulk:
                nursery.start_soon(self._stream, case, tally)
        return tally.figures(case.bulk, perf_counter())

    async def _ping(self, payload: bytes, tally: Tally) -> None:
        ping = record(PING, payload)
        while tally.wants_ping(started := perf_counter()):
            await self.connections[0].send(ping)
            await self._answers[PING].acquire()
            tally.times.append(perf_counter() - started)
            await trio.sleep(PAUSE)

    async def _stream(self, case: Case, tally: Tally) -> None:
        message, sent = record(BULK, bytes(case.bulk)), 0
        while (goes_on := tally.wants_bulk(perf_counter(), sent)) or tally.acknowledged < sent:
            if goes_on and sent - tally.acknowledged < IN_FLIGHT:
                await self.connections[case.is_apart].send(message)
                sent += 1
            else:
                await self._answers[BULK].acquire()
                tally.acknowledged += 1
