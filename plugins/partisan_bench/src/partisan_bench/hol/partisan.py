"""Partisan: pings on the channel `default`; large messages to another mailbox on it, or on the channel `bulk`."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter

import trio

from partisan_bench.cases import Case
from partisan_bench.hol.traffic import BULK, IN_FLIGHT, PAUSE, PING, Tally, answer, record
from partisan_bench.nodes import open_driver, open_server
from partisan_bench.work import Figures, Ready, warmed_async
from partisan_core import Node

_OWN = {BULK: {"parallelism": 1}}


def serve(ready: Ready) -> None:
    """Answer each message on the channel of its kind."""
    trio.run(_serve, ready)


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Ping for `seconds` per case, while large messages stream."""
    return trio.run(_drive, address, cases, seconds)


async def _serve(ready: Ready) -> None:
    async with open_server(ready, channels=_OWN) as node, trio.open_nursery() as nursery:
        for mailbox, channel in ((PING, "default"), ("here", "default"), ("apart", BULK)):
            nursery.start_soon(_answer, node, mailbox, channel)


async def _answer(node: Node, mailbox: str, channel: str) -> None:
    async with node.open_mailbox(mailbox) as inbox:
        while True:
            for message in await inbox.receive_batch():
                reply = answer(message)
                await node.send(f"driver/{reply[1]}", reply, channel=channel)


async def _drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    async with open_driver(address, channels=_OWN) as node:
        return [await warmed_async(partial(_run, node, case), seconds) for case in cases]


async def _run(node: Node, case: Case, seconds: float) -> Figures:
    tally = Tally(perf_counter(), seconds)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_ping, node, bytes(case.payload), tally)
        if case.bulk:
            nursery.start_soon(_stream, node, case, tally)
    return tally.figures(case.bulk, perf_counter())


async def _ping(node: Node, payload: bytes, tally: Tally) -> None:
    ping = record(PING, payload)
    async with node.open_mailbox(PING) as answers:
        while tally.wants_ping(started := perf_counter()):
            await node.send(f"server/{PING}", ping)
            await answers.receive()
            tally.times.append(perf_counter() - started)
            await trio.sleep(PAUSE)


async def _stream(node: Node, case: Case, tally: Tally) -> None:
    message, sent = record(BULK, bytes(case.bulk)), 0
    to, channel = ("server/apart", BULK) if case.is_apart else ("server/here", "default")
    async with node.open_mailbox(BULK) as answers:
        while (goes_on := tally.wants_bulk(perf_counter(), sent)) or tally.acknowledged < sent:
            if goes_on and sent - tally.acknowledged < IN_FLIGHT:
                await node.send(to, message, channel=channel)
                sent += 1
            else:
                await answers.receive()
                tally.acknowledged += 1
