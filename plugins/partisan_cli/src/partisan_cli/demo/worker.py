"""One process of the demo: `python -m partisan_cli.demo.worker`, orders on standard input, reports on standard output.

The end of the orders ends it, so it cannot outlive the process that started it, however that one ended.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import trio

from partisan_cli.demo.application import Application
from partisan_cli.demo.messages import Message
from partisan_cli.demo.placement import Placement
from partisan_cli.demo.reporting import (
    Begin,
    Count,
    Failed,
    Finish,
    Finished,
    Join,
    Order,
    Progress,
    Report,
    Started,
    View,
    read_lines,
    to_line,
)
from partisan_cli.demo.tally import tally
from partisan_core.errors import PartisanError, SendError
from partisan_core.mailboxes import Mailbox
from partisan_core.node import Node
from partisan_core.notices import NeighbourDown, NeighbourUp, Snapshot
from partisan_core.opening import open_node

MAILBOX = "demo"

TICK = 0.1
"""Seconds between ticks of the application, and between reports of progress (chosen)."""

BREATH = 0.01
"""Seconds that news waits for more after a message was sent. Chosen: a link that comes up brings others with it."""


class Worker:
    """The application on a node: what the node notices goes in, what comes out is sent."""

    def __init__(self, node: Node, begin: Begin) -> None:
        paths = Path(begin.files).read_bytes().split(b"\0")[:-1]
        self._paths = [Path(os.fsdecode(path)) for path in paths]
        self._node = node
        self._pause = begin.pause
        self._application = Application(node.name, node.spec().incarnation, Placement(paths))
        self._may_count = trio.Event()
        self._stirred = trio.Event()
        self._view = (dict[str, int](), dict[str, int]())
        self._progress = Progress()
        self._messages = 0
        self._failures: Counter[str] = Counter()

    # -- orders -------------------------------------------------------------------------------------------------

    def obey(self, order: Order, nursery: trio.Nursery) -> None:
        """Carry out one order of the conductor; what takes time in the background, so that their end is noticed."""
        match order:
            case Join(contacts):
                nursery.start_soon(self._node.join, *contacts)
            case Count():
                self._may_count.set()
            case Finish(answer):
                results = self._application.results
                if answer is not None:
                    Path(answer).write_bytes(msgspec.msgpack.encode(results.data))
                self._report_progress()
                report(Finished(results.fingerprints()))

    # -- tasks --------------------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """Tell the application who its neighbours are."""
        neighbours: dict[str, int] = {}
        async with self._node.open_events() as events:
            async for notice in events:
                match notice:
                    case Snapshot(neighbours=peers):
                        neighbours = {peer.name: peer.incarnation for peer in peers}
                    case NeighbourUp(peer):
                        neighbours[peer.name] = peer.incarnation
                    case NeighbourDown(peer):
                        neighbours.pop(peer.name, None)
                    case _:
                        continue
                self._application.set_neighbours(neighbours)
                self._stir()

    async def receive(self, mailbox: Mailbox) -> None:
        """Hand arriving messages to the application."""
        while True:
            for message in await mailbox.receive_batch():
                try:
                    self._application.receive(msgspec.convert(message, Message))
                except msgspec.ValidationError:
                    self._failures["malformed"] += 1
            self._stir()

    async def send(self) -> None:
        """Send what the application has to say: at once, and in bursts as often as it may breathe."""
        while True:
            await self._stirred.wait()
            self._stirred = trio.Event()
            for neighbour, message in self._application.drain():
                try:
                    self._node.send_nowait(f"{neighbour}/{MAILBOX}", message)
                    self._messages += 1
                except SendError as error:  # nothing depends on a single message
                    self._failures[type(error).__name__] += 1
            await trio.sleep(BREATH)

    async def tick(self) -> None:
        """Keep time for the application, and report."""
        while True:
            await trio.sleep(TICK)
            self._application.tick()
            self._stir()
            self._report_progress()

    async def count(self) -> None:
        """Count file after file while there are any, at the given pace; a thread reads, so the node stays awake."""
        await self._may_count.wait()
        while True:
            file = self._application.next_file()
            if file is None:
                await trio.sleep(TICK)
                continue
            begun = trio.current_time()
            data = await trio.to_thread.run_sync(tally, self._paths[file])
            self._application.counted(file, data)
            self._stir()
            await trio.sleep_until(begun + self._pause)

    # -- reports ------------------------------------------------------------------------------------------------

    def _stir(self) -> None:
        self._stirred.set()
        roster = self._application.roster
        view = (roster.own.neighbours, dict(roster.living))
        if view != self._view:
            self._view = view
            report(View(time.monotonic(), *view))

    def _report_progress(self) -> None:
        application = self._application
        dropped = dict(self._node.dropped + self._failures)
        progress = Progress(application.left, dict(application.results.shares), self._messages, dropped)
        if progress != self._progress:
            self._progress = progress
            report(progress)


def report(what: Report) -> None:
    """Write a line to the conductor. Short lines to a reader that always reads: this does not block."""
    os.write(1, to_line(what))


async def work(begin: Begin, orders: AsyncIterator[Order]) -> None:
    """Run a node, and the application on it, until the orders end."""
    async with open_node(
        node={
            "name": begin.name,
            "cluster": begin.cluster,
            "data_dir": begin.data_dir,
            "listen": [begin.listen],
            "labels": begin.labels,
        },
        overlay=begin.overlay,
        serializer=begin.serializer,
    ) as node:
        worker = Worker(node, begin)
        async with node.open_mailbox(MAILBOX) as mailbox:
            report(Started(str(node.addresses[0]), node.spec().incarnation))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(worker.watch)
                nursery.start_soon(worker.receive, mailbox)
                nursery.start_soon(worker.send)
                nursery.start_soon(worker.tick)
                nursery.start_soon(worker.count)
                async for order in orders:
                    worker.obey(order, nursery)
                nursery.cancel_scope.cancel()


async def main() -> None:
    """Take the first order, then work until the orders end."""
    async with trio.lowlevel.FdStream(os.dup(0)) as stream:
        orders = read_lines(stream, msgspec.json.Decoder(Order))
        begin = await anext(orders, None)
        if isinstance(begin, Begin):
            await work(begin, orders)


if __name__ == "__main__":
    try:
        trio.run(main)
    except PartisanError as failure:
        report(Failed(str(failure)))
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)  # nobody is left to report to
