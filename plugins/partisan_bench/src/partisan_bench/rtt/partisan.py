"""Partisan: from mailbox to mailbox and back, every caller with a mailbox of its own; and monitors beside that."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from statistics import median
from time import perf_counter

import trio

from partisan_bench.cases import Case
from partisan_bench.nodes import open_driver, open_server
from partisan_bench.work import REPLY_TO, Figures, Ready, latency, warmed_async
from partisan_core import Node

_AT_ONCE = 500
"""Monitors that are set before they are cancelled together. Chosen: far below what a node takes of another."""

_PAUSE = 0.05
"""Seconds in which they are cancelled at the server, too, with nothing to be measured beside it (chosen)."""


def serve(ready: Ready) -> None:
    """Send each record back to the mailbox it names."""
    trio.run(_echo, ready)


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Run all callers of each case for `seconds`."""
    return trio.run(_drive, address, cases, seconds)


async def _echo(ready: Ready) -> None:
    async with open_server(ready) as node, node.open_mailbox("echo") as inbox:
        while True:
            for message in await inbox.receive_batch():
                await node.send(message[REPLY_TO], message)


async def _drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    async with open_driver(address) as node:
        return [
            await warmed_async(partial(_set_monitors if case.monitors else _run, node, case), seconds) for case in cases
        ]


async def _run(node: Node, case: Case, seconds: float) -> Figures:
    times: list[float] = []
    started = perf_counter()
    async with trio.open_nursery() as callers:
        for number in range(case.callers):
            callers.start_soon(_call, node, f"caller-{number}", bytes(case.payload), started + seconds, times)
    return latency(times, started)


async def _call(node: Node, mailbox: str, payload: bytes, deadline: float, times: list[float]) -> None:
    record = (0, f"driver/{mailbox}", False, payload)
    async with node.open_mailbox(mailbox) as answers:
        now = perf_counter()
        while now < deadline:
            await node.send("server/echo", record)
            await answers.receive()
            before, now = now, perf_counter()
            times.append(now - before)


async def _set_monitors(node: Node, case: Case, seconds: float) -> Figures:
    """One beside each round trip, before it and behind it in turn: either meets what the other has left."""
    times, ratios = list[float](), list[float]()
    record, started = (0, "driver/caller", False, bytes(case.payload)), perf_counter()
    async with node.open_mailbox("caller") as answers:
        while perf_counter() < started + seconds:
            with ExitStack() as monitors:
                for number in range(_AT_ONCE):
                    took = dict[bool, float]()
                    for is_monitor in (number % 2 > 0, number % 2 == 0):
                        begun = perf_counter()
                        if is_monitor:
                            monitors.enter_context(await node.monitor("server/echo"))
                        else:
                            await node.send("server/echo", record)
                            await answers.receive()
                        took[is_monitor] = perf_counter() - begun
                    times.append(took[True])
                    ratios.append(took[True] / took[False])
            await trio.sleep(_PAUSE)
    return latency(times, started) | {"round_trips": median(ratios)}
