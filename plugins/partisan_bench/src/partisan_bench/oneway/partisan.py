"""Partisan: two nodes of a full mesh, a mailbox that is read in batches."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter

import trio

from partisan_bench.cases import Case
from partisan_bench.nodes import open_driver, open_server
from partisan_bench.work import LAST, NUMBER, Figures, Ready, records, throughput, warmed_async
from partisan_core import Mailbox, Node
from partisan_core.errors import WouldBlock

_SINK, _ACKNOWLEDGEMENTS = "server/sink", "acknowledgements"


def serve(ready: Ready) -> None:
    """Count records; answer the last one to the mailbox it names."""
    trio.run(_receive, ready)


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Send for `seconds` per case and wait for the acknowledgement."""
    return trio.run(_drive, address, cases, seconds)


async def _receive(ready: Ready) -> None:
    async with open_server(ready) as node, node.open_mailbox("sink") as inbox:
        count = 0
        while True:
            for message in await inbox.receive_batch():
                count += 1
                if message[LAST]:
                    await node.send(f"driver/{_ACKNOWLEDGEMENTS}", count)
                    count = 0


async def _drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    async with open_driver(address) as node, node.open_mailbox(_ACKNOWLEDGEMENTS) as answers:
        return [
            await warmed_async(
                partial(_flood_awaiting if case.awaits else _flood, node, answers, case.payload), seconds
            )
            for case in cases
        ]


async def _flood_awaiting(node: Node, answers: Mailbox, payload: int, seconds: float) -> Figures:
    send, started = node.send, perf_counter()
    for record in records(payload, seconds):
        await send(_SINK, record)
    return throughput(record[NUMBER], await answers.receive(), payload, started)


async def _flood(node: Node, answers: Mailbox, payload: int, seconds: float) -> Figures:
    send, started = node.send_nowait, perf_counter()
    for record in records(payload, seconds):
        try:
            send(_SINK, record)
        except WouldBlock:
            await node.send(_SINK, record)
    return throughput(record[NUMBER], await answers.receive(), payload, started)
