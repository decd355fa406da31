"""Partisan: each actor has a partner of its own at the other node; a channel with one lane, and one with 16."""

from collections.abc import Sequence
from functools import partial
from random import Random
from time import perf_counter

import trio

from partisan_bench.cases import MANY_LANES, Case, Way
from partisan_bench.nodes import Channels, open_driver, open_server
from partisan_bench.work import NUMBER, REPLY_TO, Figures, Ready, latency, warmed_async
from partisan_core import Node

_ACTORS = 128
"""Actors at most, and partners."""

_CHANNELS: Channels = {
    Way.ONE_LANE: {"parallelism": 1},
    Way.RANDOM: {"parallelism": MANY_LANES},
    Way.BY_KEY: {"parallelism": MANY_LANES},
}


def serve(ready: Ready) -> None:
    """Be the partner of every actor."""
    trio.run(_serve, ready)


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Let all actors of each case call for `seconds`."""
    return trio.run(_drive, address, cases, seconds)


async def _serve(ready: Ready) -> None:
    async with open_server(ready, _CHANNELS) as node, trio.open_nursery() as nursery:
        for number in range(_ACTORS):
            nursery.start_soon(_echo, node, number)


async def _echo(node: Node, number: int) -> None:
    """Send each record back to its actor, the way that it names."""
    random = Random(number)
    async with node.open_mailbox(f"partner-{number}") as inbox:
        while True:
            record = await inbox.receive()
            await _send(node, f"driver/actor-{number}", record, random)


async def _send(node: Node, to: str, record: tuple[int, str, bool, bytes], random: Random) -> None:
    way = record[REPLY_TO]
    key = random.getrandbits(32) if way == Way.RANDOM else record[NUMBER]
    await node.send(to, record, channel=way, key=key)


async def _drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    async with open_driver(address, _CHANNELS) as node:
        return [await warmed_async(partial(_run, node, case), seconds) for case in cases]


async def _run(node: Node, case: Case, seconds: float) -> Figures:
    times: list[float] = []
    started = perf_counter()
    async with trio.open_nursery() as actors:
        for number in range(case.callers):
            actors.start_soon(_call, node, number, case, started + seconds, times)
    return latency(times, started)


async def _call(node: Node, number: int, case: Case, deadline: float, times: list[float]) -> None:
    random, record = Random(number), (number, str(case.way), False, bytes(case.payload))
    async with node.open_mailbox(f"actor-{number}") as answers:
        now = perf_counter()
        while now < deadline or not times:
            await _send(node, f"server/partner-{number}", record, random)
            await answers.receive()
            before, now = now, perf_counter()
            times.append(now - before)
