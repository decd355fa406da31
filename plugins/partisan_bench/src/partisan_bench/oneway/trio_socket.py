"""trio with bare sockets: one length-prefixed record in msgpack per `send`."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter

import trio

from partisan_bench.cases import Case
from partisan_bench.framing import PREFIX, Unframer, framed
from partisan_bench.sockets import BareSocket, accepted, connected
from partisan_bench.work import LAST, NUMBER, Figures, Ready, records, throughput, warmed_async


def serve(ready: Ready) -> None:
    """Count records; answer the last one on the same connection."""
    with accepted(ready) as connection:
        trio.run(_count, connection)


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Send for `seconds` per case and wait for the acknowledgement."""
    with connected(address) as connection:
        return trio.run(_drive, connection, cases, seconds)


async def _count(connection: BareSocket) -> None:
    unframer, count = Unframer(), 0
    while data := await connection.receive():
        for record in unframer.feed(data):
            count += 1
            if record[LAST]:
                await connection.send(PREFIX.pack(count))
                count = 0


async def _drive(connection: BareSocket, cases: Sequence[Case], seconds: float) -> list[Figures]:
    return [await warmed_async(partial(_flood, connection, case.payload), seconds) for case in cases]


async def _flood(connection: BareSocket, payload: int, seconds: float) -> Figures:
    started = perf_counter()
    for record in records(payload, seconds):
        await connection.send(framed(record))
    (counted,) = PREFIX.unpack(await connection.receive())
    return throughput(record[NUMBER], counted, payload, started)
