"""A monotonic channel under a producer that is ten times faster than the link, beside a plain channel.

    python -m tests.policy_monotonic.claims [--states N] [--json]

Two processes, and a proxy in a third between them that carries at most a window per round trip. First all states go
over a plain channel, as fast as the link takes them: that tells the link's rate. Then they go over a monotonic channel
at ten times that rate. Exits with 1 when a limit is not met; takes about a minute.
"""

import argparse
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import trio

from partisan_bench.delay.process import opened_delay
from partisan_core import Node
from tests.integration.apart import free_address
from tests.integration.nodes import opened, until
from tests.integration.numbered import MAILBOX, Counting, counting
from tests.memory import resident
from tests.verdicts import Figures, at_least, at_most, conclude

ROUND_TRIP, WINDOW = 0.04, 160 * 1024
"""Seconds and bytes: a link of 4 MB/s."""
KEYS = 16
STATE_BYTES = 8 * 1024
FASTER = 10.0
CHANNELS = {"plain": {"policy": "block"}, "states": {"policy": "monotonic"}}
PATIENCE = 120.0
"""Seconds until the last states have arrived, at most: the buffers of the system hold some."""

LIMITS = (
    at_least("producer/link", 0.9 * FASTER),
    at_least("bytes plain/monotonic", 5),
    at_most("keys without their last state", 0),
    at_most("states out of order", 0),
    at_most("MiB the sender grew", 4),
    at_most("MiB the receiver grew", 4),
)


@dataclass
class Growth:
    """How much the memory of two processes grew since the beginning, at most."""

    sender: float = 0.0
    receiver: float = 0.0

    async def watch(self, receiver: int) -> None:
        """Look ten times a second, for ever."""
        before = resident(), resident(receiver)
        while True:
            await trio.sleep(0.1)
            self.sender = max(self.sender, resident() - before[0])
            self.receiver = max(self.receiver, resident(receiver) - before[1])


async def produce(node: Node, channel: str, states: int, rate: float = float("inf")) -> dict[int, int]:
    """Send so many states of all keys in turn, at so many a second; the last number of each key."""
    padding, begun = bytes(STATE_BYTES), trio.current_time()
    for number in range(1, states // KEYS + 1):
        for key in range(KEYS):
            await node.send(f"keeper/{MAILBOX}", (key, number, padding), channel=channel, key=key)
        await trio.sleep_until(begun + number * KEYS / rate)
    return dict.fromkeys(range(KEYS), states // KEYS)


def written(node: Node, channel: str) -> int:
    """Bytes that went over a channel."""
    return next(row.bytes_out for row in node.channels() if row.channel == channel)


@asynccontextmanager
async def far_apart() -> AsyncIterator[tuple[Node, Counting]]:
    """A node here and one in another process, with the proxy between them."""
    with opened_delay(ROUND_TRIP, WINDOW) as delay:
        listening = str(free_address())
        reached = {"listen": [listening], "advertise": [delay.address]}
        async with (
            counting(name="keeper", node=reached, channels=CHANNELS) as keeper,
            opened("producer", node={"listen": []}, channels=CHANNELS) as node,
        ):
            delay.forward_to(listening)
            with trio.fail_after(PATIENCE):
                await node.join(keeper.address)
            await until(lambda: node.is_fully_connected("keeper"))
            await keeper.read()
            yield node, keeper


async def timed(work: Callable[[], Awaitable[dict[int, int]]]) -> tuple[dict[int, int], float]:
    """What the work returns, and the seconds that it took."""
    begun = trio.current_time()
    return await work(), trio.current_time() - begun


async def measure(states: int) -> Figures:
    """Do the one, then the other."""
    async with far_apart() as (node, keeper):
        last, seconds = await timed(partial(produce, node, "plain", states))
        plain = written(node, "plain")
        link = plain / seconds
        await keeper.until_arrived(last, PATIENCE)
    async with far_apart() as (node, keeper), trio.open_nursery() as nursery:
        await produce(node, "states", KEYS * 100, FASTER * link / STATE_BYTES)  # whatever is made once is made
        growth = Growth()
        nursery.start_soon(growth.watch, keeper.pid)
        already = written(node, "states")
        last, seconds = await timed(partial(produce, node, "states", states, FASTER * link / STATE_BYTES))
        account = await keeper.until_arrived(last, PATIENCE)
        nursery.cancel_scope.cancel()
        return {
            "states": float(states),
            "link MB/s": link / 1e6,
            "producer/link": states * STATE_BYTES / seconds / link,
            "bytes plain/monotonic": plain / (written(node, "states") - already),
            "states that arrived": float(account.count),
            "keys without their last state": float(sum(account.last.get(key) != last[key] for key in last)),
            "states out of order": float(account.disordered),
            "MiB the sender grew": growth.sender,
            "MiB the receiver grew": growth.receiver,
        }


def main() -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.policy_monotonic.claims", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--states", type=int, default=25_600, help="200 MiB by default")
    parser.add_argument("--json", action="store_true", help="the figures in a line, and no words")
    options = parser.parse_args()
    figures = trio.run(measure, options.states)
    return int(not conclude("monotonic", figures, LIMITS, as_json=options.json))


if __name__ == "__main__":
    sys.exit(main())
