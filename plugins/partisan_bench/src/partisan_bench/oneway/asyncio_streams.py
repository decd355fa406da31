"""asyncio streams: one length-prefixed record in msgpack per `write`, then `drain`."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Sequence
from functools import partial
from time import perf_counter

from partisan_bench.cases import Case
from partisan_bench.framing import PREFIX, Unframer, framed
from partisan_bench.streams import READ, opened_streams, serve_streams
from partisan_bench.work import LAST, NUMBER, Figures, Ready, records, throughput, warmed_async


def serve(ready: Ready) -> None:
    """Count records; answer the last one on the same connection."""
    asyncio.run(serve_streams(ready, _count))


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Send for `seconds` per case and wait for the acknowledgement."""
    return asyncio.run(_drive(address, cases, seconds))


async def _count(reader: StreamReader, writer: StreamWriter) -> None:
    unframer, count = Unframer(), 0
    while data := await reader.read(READ):
        for record in unframer.feed(data):
            count += 1
            if record[LAST]:
                writer.write(PREFIX.pack(count))
                count = 0


async def _drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    async with opened_streams(address) as (reader, writer):
        return [await warmed_async(partial(_flood, reader, writer, case.payload), seconds) for case in cases]


async def _flood(reader: StreamReader, writer: StreamWriter, payload: int, seconds: float) -> Figures:
    started = perf_counter()
    for record in records(payload, seconds):
        writer.write(framed(record))
        await writer.drain()
    (counted,) = PREFIX.unpack(await reader.readexactly(PREFIX.size))
    return throughput(record[NUMBER], counted, payload, started)
