"""Acknowledged messages over TCP under rules: frames dropped and doubled both ways, connections broken by a rule.

    python -m tests.faults.claims [--messages 100000] [--drop 0.3] [--double 0.05] [--reset-every 1] [--seed N] [--json]

Each message must arrive once, and in order. Exits with 1 when a limit is not met.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from random import SystemRandom

import trio

from partisan_core import Mailbox, Node
from partisan_faults import Rule
from tests.core.kernel.nodes import link, opened, until
from tests.verdicts import Figures, at_least, at_most, conclude

KINDS = ("data", "ack", "again")
LIMITS = {"batch": "2KiB"}
"""Few messages in a frame, so that there are many frames to lose."""
LINKS = {"redial_first": "5ms", "redial_limit": "50ms"}


async def send_all(node: Node, messages: int) -> None:
    for number in range(messages):
        await node.send("beta/box", number, ack=True)


async def break_connections(node: Node, seconds: float) -> None:
    """A rule that strikes once, again and again."""
    while True:
        await trio.sleep(seconds)
        if "reset" in node.faults.names():
            node.faults.remove("reset")
        node.faults.add("reset", Rule(action="close", channels=("default",), count=1))


async def receive_all(box: Mailbox, messages: int) -> tuple[int, int]:
    """Until the last has come; returns how many were lost, and how many came twice or too late."""
    following = lost = repeated = 0
    while following < messages:
        for number in await box.receive_batch():
            repeated += number < following
            lost += max(0, number - following)
            following = max(following, number + 1)
    return lost, repeated


async def measure(messages: int, drop: float, double: float, reset_every: float, seed: int) -> Figures:
    """Two nodes on loopback, of which both inject faults."""
    faults = {"enabled": True, "seed": seed}
    async with (
        opened("alpha", faults=faults, links=LINKS, limits=LIMITS) as alpha,
        opened("beta", faults=faults, links=LINKS, limits=LIMITS) as beta,
    ):
        box = beta.open_mailbox("box")
        await link(beta, alpha)
        await until(lambda: alpha.is_fully_connected("beta"))
        for node in (alpha, beta):
            lossy = Rule(action="drop", probability=drop, direction="out", channels=("default",), kinds=KINDS)
            node.faults.add("lossy", lossy)
            node.faults.add("twice", replace(lossy, action="duplicate", probability=double))
        begun = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_all, alpha, messages)
            nursery.start_soon(break_connections, alpha, reset_every)
            lost, repeated = await receive_all(box, messages)
            nursery.cancel_scope.cancel()
        rows = {row.name: row.firings for row in alpha.faults.rows()}
        return {
            "lost": float(lost),
            "twice or out of order": float(repeated),
            "frames of alpha dropped": float(rows["lossy"]),
            "frames of alpha doubled": float(rows["twice"]),
            "connections lost": float(alpha.counters["ChannelDown"]),
            "peers down": float(alpha.counters["NeighbourDown"] + beta.counters["NeighbourDown"]),
            "seconds": trio.current_time() - begun,
        }


def main(words: Sequence[str] | None = None) -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.claims", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--drop", type=float, default=0.3)
    parser.add_argument("--double", type=float, default=0.05)
    parser.add_argument("--reset-every", type=float, default=1.0, help="seconds")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1, 2**32))
    parser.add_argument("--json", action="store_true", help="the figures in a line, and no words")
    given = parser.parse_args(words)
    figures = trio.run(measure, given.messages, given.drop, given.double, given.reset_every, given.seed)
    asked = [
        *(at_most(name, 0) for name in ("lost", "twice or out of order", "peers down")),
        *(at_least(name, 1) for name in ("frames of alpha dropped", "frames of alpha doubled")),
    ]
    return int(not conclude(f"rules, seed {given.seed}", figures, asked, as_json=given.json))


if __name__ == "__main__":
    sys.exit(main())
