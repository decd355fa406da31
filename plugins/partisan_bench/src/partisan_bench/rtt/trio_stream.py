"""A bare trio `SocketStream` ping-pong without a codec: what trio itself costs."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter

import trio

from partisan_bench.cases import Case
from partisan_bench.work import Figures, Ready, latency, warmed_async


def serve(ready: Ready) -> None:
    """Send back what comes."""
    trio.run(_serve, ready)


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Play ping-pong for `seconds` per case."""
    return trio.run(_drive, int(address), cases, seconds)


async def _serve(ready: Ready) -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        ready(str(listener.socket.getsockname()[1]))
        stream = await listener.accept()
    async with stream:
        while data := await stream.receive_some(1 << 16):
            await stream.send_all(data)


async def _drive(port: int, cases: Sequence[Case], seconds: float) -> list[Figures]:
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        return [await warmed_async(partial(_play, stream, bytes(case.payload)), seconds) for case in cases]


async def _play(stream: trio.SocketStream, ball: bytes, seconds: float) -> Figures:
    times: list[float] = []
    now = started = perf_counter()
    while now < started + seconds:
        await stream.send_all(ball)
        await stream.receive_some(len(ball))
        before, now = now, perf_counter()
        times.append(now - before)
    return latency(times, started)
