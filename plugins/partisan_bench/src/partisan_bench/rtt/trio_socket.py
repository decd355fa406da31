"""A ping-pong over bare sockets in trio, without a codec: what waiting in trio costs."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter

import trio

from partisan_bench.cases import Case
from partisan_bench.sockets import BareSocket, accepted, connected
from partisan_bench.work import Figures, Ready, latency, warmed_async


def serve(ready: Ready) -> None:
    """Send back what comes."""
    with accepted(ready) as connection:
        trio.run(_echo, connection)


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Play ping-pong for `seconds` per case."""
    with connected(address) as connection:
        return trio.run(_drive, connection, cases, seconds)


async def _echo(connection: BareSocket) -> None:
    while data := await connection.receive():
        await connection.send(data)


async def _drive(connection: BareSocket, cases: Sequence[Case], seconds: float) -> list[Figures]:
    return [await warmed_async(partial(_play, connection, bytes(case.payload)), seconds) for case in cases]


async def _play(connection: BareSocket, ball: bytes, seconds: float) -> Figures:
    times: list[float] = []
    now = started = perf_counter()
    while now < started + seconds:
        await connection.send(ball)
        await connection.receive()
        before, now = now, perf_counter()
        times.append(now - before)
    return latency(times, started)
