"""Whole nodes under random load: whoever receives, leads, gives up or is cut off, no message is lost in silence.

More seeds: `PARTISAN_STRESS_SEEDS=100:200 pytest tests/core/kernel/test_mailbox_stress.py`.
"""

import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from random import Random
from typing import Any

import pytest
import trio

from partisan_core import Mailbox, Node
from partisan_core.errors import MailboxError, WouldBlock

from .nodes import Memory, link, opened, until

SEEDS = range(*map(int, os.environ.get("PARTISAN_STRESS_SEEDS", "0:2").split(":")))
NAMES, BOXES, CHANNELS = ("alpha", "beta", "gamma"), ("one", "two"), ("default", "wide")
SECTIONS: dict[str, object] = {
    "channels": {
        "default": {"queue_messages": 7},
        "wide": {"parallelism": 2, "queue_messages": 50},
        "extra": {"policy": "drop_oldest"},
    },
    "limits": {"batch": "1KiB"},
}
ROUNDS, SENDERS, RECEIVERS = 60, 2, 2

Stream = tuple[str, int, str, str, str, int]
"""(sender's node, task; receiver's node, mailbox; channel, key): what has an order of its own."""


class Load:
    """Random senders, receivers and mishaps on three nodes, and the books on what became of each message."""

    def __init__(self, nodes: list[Node], rng: Random) -> None:
        self.nodes, self.rng = nodes, rng
        self.boxes = {
            (node.name, box): node.open_mailbox(box, limit=rng.randint(1, 20)) for node in nodes for box in BOXES
        }
        self.sent: Counter[Stream] = Counter()
        self.received: defaultdict[Stream, list[int]] = defaultdict(list)
        self.sending = 0

    @property
    def lost(self) -> int:
        """Messages told to be lost with a connection, on the lanes that this load uses."""
        lanes = (
            lane
            for node in self.nodes
            for peer in node._kernel.peers.table.values()
            for channel in CHANNELS
            for lane in peer.lanes[channel]
        )
        return sum(lane.dropped["lost_with_connection"] for lane in lanes)

    @property
    def is_settled(self) -> bool:
        arrived = sum(map(len, self.received.values()))
        return not self.sending and arrived + self.lost == self.sent.total()

    async def send(self, node: Node, task: int) -> None:
        self.sending += 1
        for _ in range(ROUNDS):
            to, box = self.rng.choice(self.nodes).name, self.rng.choice(BOXES)
            channel, key = self.rng.choice(CHANNELS), self.rng.randrange(8)
            stream = (node.name, task, to, box, channel, key)
            for _ in range(self.rng.choice((1, 1, 3, 20))):
                message = (stream, self.sent[stream], bytes(self.rng.choice((0, 10, 3000))))
                with trio.move_on_after(self.rng.choice((0.0002, 10))), suppress(WouldBlock):
                    if self.rng.random() < 0.5:
                        await node.send(f"{to}/{box}", message, channel=channel, key=key)
                    else:
                        node.send_nowait(f"{to}/{box}", message, channel=channel, key=key)
                    self.sent[stream] += 1
            if self.rng.random() < 0.3:
                await trio.sleep(self.rng.choice((0, 0.0005, 0.003)))
        self.sending -= 1

    async def receive(self, box: Mailbox) -> None:
        while True:
            with trio.move_on_after(self.rng.choice((0, 0.0001, 0.001, 0.02, 60))):
                for _ in range(self.rng.randint(1, 30)):
                    if self.rng.random() < 0.5:
                        self.note(await box.receive())
                    else:
                        for message in await box.receive_batch():
                            self.note(message)
                if self.rng.random() < 0.05:
                    await trio.sleep(0.01)

    def note(self, message: Any) -> None:
        stream, number, _ = message
        self.received[tuple(stream)].append(number)

    async def open_and_close(self, node: Node) -> None:
        """A mailbox that comes and goes, with somebody who waits for it; what is sent to it has no books."""
        while True:
            async with node.open_mailbox("fleeting", limit=1) as box, trio.open_nursery() as nursery:
                nursery.start_soon(self.receive_until_closed, box)
                for _ in range(3):
                    for other in self.nodes:
                        with suppress(WouldBlock):
                            other.send_nowait(f"{node.name}/fleeting", "hello", channel="extra")
                    await trio.sleep(self.rng.choice((0, 0.001, 0.005)))
                box.close()

    async def receive_until_closed(self, box: Mailbox) -> None:
        with suppress(MailboxError):
            async for _ in box:
                pass

    async def break_connections(self) -> None:
        while True:
            await trio.sleep(self.rng.choice((0.001, 0.02)))
            node, other = self.rng.sample(self.nodes, 2)
            peer = node._kernel.peers.table[other.name]
            connections = [peer.connections[key] for key in peer.connections if key[0] in CHANNELS]
            if connections and self.rng.random() < 0.7:
                self.rng.choice(connections).close("broken by the test")
            else:
                node.disconnect(other.name)


@asynccontextmanager
async def cluster(transport: str) -> AsyncIterator[list[Node]]:
    opener = opened if transport == "tcp" else Memory().opened
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(opener(name, **SECTIONS)) for name in NAMES]
        for index, node in enumerate(nodes):
            for other in nodes[:index]:
                await link(node, other)
        await until(lambda: all(node.is_fully_connected(other) for node in nodes for other in node.neighbours()))
        yield nodes


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("is_rough", [False, True], ids=["calm", "rough"])
@pytest.mark.parametrize("transport", ["tcp", "memory"])
async def test_each_message_is_received_once_and_in_order_or_counted_as_lost(
    transport: str, is_rough: bool, seed: int
) -> None:
    async with cluster(transport) as nodes:
        load = Load(nodes, Random(seed))
        async with trio.open_nursery() as nursery:
            for box in load.boxes.values():
                for _ in range(RECEIVERS):
                    nursery.start_soon(load.receive, box)
            for node in nodes:
                nursery.start_soon(load.open_and_close, node)
            async with trio.open_nursery() as busy:
                async with trio.open_nursery() as senders:
                    if is_rough:
                        busy.start_soon(load.break_connections)
                    for node in nodes:
                        for task in range(SENDERS):
                            senders.start_soon(load.send, node, task)
                busy.cancel_scope.cancel()
            await until(lambda: load.is_settled)
            nursery.cancel_scope.cancel()
        assert is_rough or load.lost == 0
        for stream, numbers in load.received.items():
            assert numbers == sorted(set(numbers)), stream
            assert is_rough or len(numbers) == load.sent[stream]
        assert all(len(box) <= 1000 for box in load.boxes.values())
