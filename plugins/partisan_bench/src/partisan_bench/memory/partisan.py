"""Partisan: each message is answered before the next one is sent."""

from collections.abc import Sequence

import trio

from partisan_bench.cases import Case
from partisan_bench.memory.meter import Meter, large, shares
from partisan_bench.nodes import open_driver, open_server
from partisan_bench.work import Figures, Ready
from partisan_core import Mailbox, Node


def serve(ready: Ready) -> None:
    """Answer each record with the memory that was taken so far."""
    trio.run(_serve, ready)


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Send for `seconds` per case, one message at a time."""
    return trio.run(_drive, address, cases, seconds)


async def _serve(ready: Ready) -> None:
    meter = Meter()
    async with open_server(ready) as node, node.open_mailbox("sink") as inbox:
        while True:
            await node.send("driver/answers", meter.taken(await inbox.receive()))


async def _drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    meter = Meter()
    async with open_driver(address) as node, node.open_mailbox("answers") as answers:
        return [await _send(node, answers, meter, case.payload, seconds) for case in cases]


async def _send(node: Node, answers: Mailbox, meter: Meter, size: int, seconds: float) -> Figures:
    for record in large(size, seconds):
        meter.taken(record)
        await node.send("server/sink", record)
        theirs = await answers.receive()
    return shares(meter.taken(record), theirs, size)
