"""Partisan: from mailbox to mailbox and back, every caller with a mailbox of its own."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter

import trio

from partisan_bench.cases import Case
from partisan_bench.nodes import open_driver, open_server
from partisan_bench.work import REPLY_TO, Figures, Ready, latency, warmed_async
from partisan_core import Node


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
        return [await warmed_async(partial(_run, node, case), seconds) for case in cases]


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
