"""Partisan with objects of a registered `msgspec.Struct` in place of tuples; in nodes of its own.

Where types are registered, plain data takes another way through the codec, too.
"""

from collections.abc import Sequence
from functools import partial
from time import perf_counter

import trio
from msgspec import Struct

from partisan_bench.cases import Case
from partisan_bench.nodes import open_driver, open_server
from partisan_bench.work import Figures, Ready, records, throughput, warmed_async
from partisan_core import Mailbox, Node
from partisan_core.errors import WouldBlock

_SINK, _ACKNOWLEDGEMENTS = "server/sink", "acknowledgements"
_TYPES = (f"{__name__}:Entry",)


class Entry(Struct, frozen=True):
    """A record as an application would have it."""

    number: int
    reply_to: str
    last: bool
    payload: bytes


def serve(ready: Ready) -> None:
    """Count objects; answer the last one."""
    trio.run(_receive, ready)


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Send for `seconds` per case and wait for the acknowledgement."""
    return trio.run(_drive, address, cases, seconds)


async def _receive(ready: Ready) -> None:
    async with open_server(ready, types=_TYPES) as node, node.open_mailbox("sink") as inbox:
        count = 0
        while True:
            for entry in await inbox.receive_batch():
                count += 1
                if entry.last:
                    await node.send(f"driver/{_ACKNOWLEDGEMENTS}", count)
                    count = 0


async def _drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    async with open_driver(address, types=_TYPES) as node, node.open_mailbox(_ACKNOWLEDGEMENTS) as answers:
        return [await warmed_async(partial(_flood, node, answers, case.payload), seconds) for case in cases]


async def _flood(node: Node, answers: Mailbox, payload: int, seconds: float) -> Figures:
    send, started = node.send_nowait, perf_counter()
    for record in records(payload, seconds):
        entry = Entry(*record)
        try:
            send(_SINK, entry)
        except WouldBlock:
            await node.send(_SINK, entry)
    return throughput(entry.number, await answers.receive(), payload, started)
