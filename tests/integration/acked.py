"""Acknowledged messages over TCP on which frames are dropped and doubled, and connections reset.

    python -m tests.integration.acked [--messages 100000] [--drop 0.3] [--double 0.05] [--reset-every 1]
                                      [--reconnects 1000] [--seed N] [--json]

Two runs. In `faults` one node sends to another while the given parts of all frames are dropped and doubled behind the
writer, which has numbered them, and all connections are reset again and again. In `reconnects` messages of one key go
over a channel with four lanes until all connections were reset so often. Each message must arrive once, and in order.
Exits with 1 when a limit is not met.
"""

import argparse
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import SystemRandom

import trio

from partisan_core import Mailbox, Node
from partisan_core.transports.tcp import TcpTransport
from tests.acked.lossy import CRC32_ONLY, LossyNetwork
from tests.core.kernel.nodes import link, opened, until
from tests.verdicts import Figures, Limit, at_least, at_most, conclude

CHANNEL = "lanes"
LANES = 4
QUEUE_BYTES = 256 * 1024
LINKS = {"redial_first": "5ms", "redial_limit": "50ms", "reconnect_grace": "20s"}
BATCH = "2KiB"
"""Few messages in a frame, so that there are many frames to lose."""
PACE = 0.02
"""Seconds between two resets of the run that counts them: time to connect again and send something."""


@dataclass
class Scene:
    """Alpha sends to beta."""

    alpha: Node
    beta: Node
    network: LossyNetwork
    resets: int = 0
    received: int = 0
    """The last number that arrived."""
    lost: int = 0
    repeated: int = 0
    peak: int = 0
    """Bytes in the fullest outbox."""

    def reset(self) -> None:
        self.resets += 1
        self.network.cut()

    async def reset_every(self, seconds: float) -> None:
        while True:
            await trio.sleep(seconds)
            self.reset()

    async def receive(self, box: Mailbox, last: int) -> None:
        """Take numbers in until the last one."""
        while self.received < last:
            for number in await box.receive_batch():
                self.repeated += number <= self.received
                self.lost += max(0, number - self.received - 1)
                self.received = max(number, self.received)

    async def watch_outboxes(self) -> None:
        while True:
            lanes = self.alpha._kernel.peers.table["beta"].lanes[CHANNEL]
            self.peak = max(self.peak, *(lane.session.outbox.bytes for lane in lanes))
            await trio.sleep(0.01)

    @property
    def downs(self) -> int:
        """How often one took the other for down."""
        return sum(node.counters["NeighbourDown"] for node in (self.alpha, self.beta))

    def figures(self, seconds: float, downs: int) -> Figures:
        nodes = (self.alpha, self.beta)
        return {
            "received": float(self.received),
            "lost": float(self.lost),
            "twice or out of order": float(self.repeated),
            "frames dropped": float(self.network.dropped),
            "frames doubled": float(self.network.doubled),
            "resets": float(self.resets),
            "undelivered": float(sum(node.counters["Undelivered"] for node in nodes)),
            "peers down": float(downs),
            "bytes in the fullest outbox": float(self.peak),
            "seconds": seconds,
        }


@asynccontextmanager
async def open_scene(seed: int) -> AsyncIterator[Scene]:
    """Two nodes on loopback."""
    network = LossyNetwork(TcpTransport(), seed)
    common: dict[str, object] = {
        "transport": network.section,
        "links": LINKS | CRC32_ONLY,
        "limits": {"batch": BATCH},
        "channels": {CHANNEL: {"parallelism": LANES, "queue_bytes": f"{QUEUE_BYTES}B"}},
    }
    async with opened("alpha", **common) as alpha, opened("beta", **common) as beta:
        await link(beta, alpha)
        await until(lambda: alpha.is_fully_connected("beta"))
        yield Scene(alpha, beta, network)


async def send_numbers(node: Node, last: int) -> None:
    """Of one key."""
    for number in range(1, last + 1):
        await node.send("beta/box", number, channel=CHANNEL, key="one", ack=True)


async def measure_faults(messages: int, drop: float, double: float, reset_every: float, seed: int) -> Figures:
    """So many messages over a bad line."""
    async with open_scene(seed) as scene, scene.beta.open_mailbox("box") as box, trio.open_nursery() as nursery:
        begun = trio.current_time()
        scene.network.drop, scene.network.double = drop, double
        nursery.start_soon(scene.reset_every, reset_every)
        nursery.start_soon(scene.watch_outboxes)
        nursery.start_soon(send_numbers, scene.alpha, messages)
        await scene.receive(box, messages)
        nursery.cancel_scope.cancel()
        scene.network.drop = scene.network.double = 0.0
        seconds, downs = trio.current_time() - begun, scene.downs
    return scene.figures(seconds, downs)


async def measure_reconnects(reconnects: int, seed: int) -> Figures:
    """Messages all the time, until there were so many resets; then one more."""
    async with open_scene(seed) as scene, scene.beta.open_mailbox("box") as box, trio.open_nursery() as nursery:
        begun, sent = trio.current_time(), 0
        nursery.start_soon(scene.watch_outboxes)
        while scene.resets < reconnects:
            nursery.start_soon(scene.receive, box, sent + 100)
            for _ in range(100):
                sent += 1
                receipt = await scene.alpha.send("beta/box", sent, channel=CHANNEL, key="one", ack=True)
            await trio.sleep(PACE)
            scene.reset()
            await until(lambda: scene.alpha.is_fully_connected("beta"))
        await receipt
        await until(lambda: scene.received == sent)
        nursery.cancel_scope.cancel()
        seconds, downs = trio.current_time() - begun, scene.downs
    return scene.figures(seconds, downs)


def limits(messages: int, resets: int, *, drops: bool) -> list[Limit]:
    """What is promised."""
    return [
        at_least("received", messages),
        at_most("lost", 0),
        at_most("twice or out of order", 0),
        at_most("undelivered", 0),
        at_most("peers down", 0),
        at_least("resets", resets),
        at_least("frames dropped", drops),
        at_most("bytes in the fullest outbox", 2 * QUEUE_BYTES),
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.integration.acked", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--drop", type=float, default=0.3)
    parser.add_argument("--double", type=float, default=0.05)
    parser.add_argument("--reset-every", type=float, default=1.0, help="seconds")
    parser.add_argument("--reconnects", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(2**32))
    parser.add_argument("--json", action="store_true", help="the figures of each run in a line, and no words")
    given = parser.parse_args(words)
    figures = trio.run(measure_faults, given.messages, given.drop, given.double, given.reset_every, given.seed)
    asked = limits(given.messages, 1, drops=True)
    met = conclude(f"faults, seed {given.seed}", figures, asked, as_json=given.json)
    figures = trio.run(measure_reconnects, given.reconnects, given.seed)
    asked = limits(given.reconnects, given.reconnects, drops=False)
    return int(not (conclude(f"reconnects, seed {given.seed}", figures, asked, as_json=given.json) and met))


if __name__ == "__main__":
    sys.exit(main())
