"""Partisan: two nodes of a full mesh, a mailbox that is read in batches."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import perf_counter

import trio

from partisan_bench.cases import Case
from partisan_bench.nodes import open_driver, open_server
from partisan_bench.work import LAST, NUMBER, Figures, Ready, Record, records, throughput, warmed_async
from partisan_core import Mailbox, Node
from partisan_core.errors import WouldBlock

_SINK, _ONE_BY_ONE, _ACKNOWLEDGEMENTS = "sink", "one-by-one", "acknowledgements"


def serve(ready: Ready) -> None:
    """Count records; answer the last one to the mailbox it names."""
    trio.run(_receive, ready)


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Send for `seconds` per case and wait for the acknowledgement."""
    return trio.run(_drive, address, cases, seconds)


async def _receive(ready: Ready) -> None:
    async with open_server(ready) as node, trio.open_nursery() as nursery:
        nursery.start_soon(_count, node, _SINK, Mailbox.receive_batch)
        nursery.start_soon(_count, node, _ONE_BY_ONE, _receive_one)


async def _receive_one(inbox: Mailbox) -> list[Record]:
    return [await inbox.receive()]


async def _count(node: Node, mailbox: str, receive: Callable[[Mailbox], Awaitable[list[Record]]]) -> None:
    async with node.open_mailbox(mailbox) as inbox:
        count = 0
        while True:
            for message in await receive(inbox):
                count += 1
                if message[LAST]:
                    await node.send(f"driver/{_ACKNOWLEDGEMENTS}", count)
                    count = 0


async def _drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    async with open_driver(address) as node, node.open_mailbox(_ACKNOWLEDGEMENTS) as answers:
        return [await warmed_async(partial(_way_to_flood(case), node, answers, case), seconds) for case in cases]


def _way_to_flood(case: Case) -> Callable[[Node, Mailbox, Case, float], Awaitable[Figures]]:
    if case.acks:
        return _flood_acked
    return _flood_awaiting if case.awaits else _flood


async def _flood_acked(node: Node, answers: Mailbox, case: Case, seconds: float) -> Figures:
    send, sink, started = node.send_nowait, _sink(case), perf_counter()
    for record in records(case.payload, seconds):
        try:
            send(sink, record, ack=True)
        except WouldBlock:
            await node.send(sink, record, ack=True)
    return throughput(record[NUMBER], await answers.receive(), case.payload, started)


async def _flood_awaiting(node: Node, answers: Mailbox, case: Case, seconds: float) -> Figures:
    send, sink, started = node.send, _sink(case), perf_counter()
    for record in records(case.payload, seconds):
        await send(sink, record)
    return throughput(record[NUMBER], await answers.receive(), case.payload, started)


async def _flood(node: Node, answers: Mailbox, case: Case, seconds: float) -> Figures:
    send, sink, started = node.send_nowait, _sink(case), perf_counter()
    for record in records(case.payload, seconds):
        try:
            send(sink, record)
        except WouldBlock:
            await node.send(sink, record)
    return throughput(record[NUMBER], await answers.receive(), case.payload, started)


def _sink(case: Case) -> str:
    return f"server/{_ONE_BY_ONE if case.receives else _SINK}"
