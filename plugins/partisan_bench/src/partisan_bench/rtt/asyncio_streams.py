"""asyncio streams, one length-prefixed record in msgpack per `write`; several callers are a window of requests."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections import deque
from collections.abc import Sequence
from functools import partial
from time import perf_counter

from partisan_bench.cases import Case
from partisan_bench.framing import Unframer, framed
from partisan_bench.streams import READ, opened_streams, serve_streams
from partisan_bench.work import Figures, Ready, latency, warmed_async


def serve(ready: Ready) -> None:
    """Decode each record and send it back."""
    asyncio.run(serve_streams(ready, _echo))


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Keep as many requests under way as each case has callers, for `seconds`."""
    return asyncio.run(_drive(address, cases, seconds))


async def _echo(reader: StreamReader, writer: StreamWriter) -> None:
    unframer = Unframer()
    while data := await reader.read(READ):
        for record in unframer.feed(data):
            writer.write(framed(record))
        await writer.drain()


async def _drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    async with opened_streams(address) as (reader, writer):
        return [await warmed_async(partial(_call, reader, writer, case), seconds) for case in cases]


async def _call(reader: StreamReader, writer: StreamWriter, case: Case, seconds: float) -> Figures:
    record, unframer, times = (0, "", False, bytes(case.payload)), Unframer(), list[float]()
    now = started = perf_counter()
    sent = deque([now] * case.callers)
    for _ in range(case.callers):
        writer.write(framed(record))
    while sent:
        for answer in unframer.feed(await reader.read(READ)):
            now = perf_counter()
            times.append(now - sent.popleft())
            if now < started + seconds:
                sent.append(now)
                writer.write(framed(answer))
        await writer.drain()
    return latency(times, started)
