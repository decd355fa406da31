"""Certificates that are replaced on the disk under load, and what a TLS connection costs of memory.

    python -m tests.transport_tls.claims [--messages 100000] [--rounds 10] [--json]

Two nodes; one sends to the other over four lanes as fast as it takes it. In each round the certificate and key of both
are replaced in steps as an editor might do it: half a key, then a certificate that does not fit the key, then both. In
each step a newcomer joins. First connections stay, then all of them are broken in each step too. Nobody may be refused;
no message may be lost but with a broken connection, which both ends have to count, and none may come out of order.
Exits with 1 when a limit is not met.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import trio

from partisan_core import Node
from partisan_core.drops import DropReason
from partisan_core.views import ConnectionRow
from tests.integration.nodes import PATIENCE, opened, until
from tests.integration.numbered import MAILBOX, Account
from tests.memory import resident
from tests.transport_tls.authorities import Authority, Files
from tests.verdicts import Figures, Limit, at_least, at_most, conclude

LANES = 4
KEYS = 16
CHANNELS = {"default": {"parallelism": LANES}}
LINKS = {"handshake_timeout": "20s"}
"""A busy machine is no refusal."""
NAMES = ("alpha", "beta")
MANY = {f"channel-{number}": {"parallelism": 64} for number in range(3)}
"""Channels of as many lanes as may be, for the memory of a connection."""
KIB_PER_CONNECTION = 150
"""Of an end of a TLS connection. Chosen: two connections of each of 100 peers are then 30 MB, half of what a node with
so many idle peers may have altogether."""
MUCH = bytes(200 * 1024)
"""Sent over each lane once, so that all buffers have been in use."""


@dataclass
class Replacing:
    """Alpha, to whom beta sends, and the files of both."""

    authority: Authority
    files: Sequence[Files]
    alpha: Node
    beta: Node
    breaks: bool
    account: Account = field(default_factory=Account)
    sent: dict[int, int] = field(default_factory=dict)
    newcomers: int = 0
    refused: int = 0
    """Connections that one of the newcomers refused."""

    async def run(self, messages: int, rounds: int) -> Figures:
        """Send so many messages, and more until the rounds are over."""
        begun = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.account.keep, self.alpha.open_mailbox(MAILBOX))
            async with trio.open_nursery() as working:
                over = trio.Event()
                working.start_soon(self._send, messages, over)
                for _ in range(rounds):
                    for _ in self._replace():
                        await self._welcome()
                over.set()
            with trio.move_on_after(PATIENCE):
                while self.unaccounted:
                    await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
        age = trio.current_time() - begun
        return {
            "sent": float(sum(self.sent.values())),
            "arrived": float(self.account.count),
            "lost with connections": float(self._dropped(self.beta, DropReason.LOST_WITH_CONNECTION)),
            "lost and not told": float(self.lost - self._dropped(self.alpha, DropReason.GAP)),
            "unaccounted": float(self.unaccounted),
            "out of order or twice": float(self.account.disordered + self.account.repeated),
            "newcomers": float(self.newcomers),
            "refused": float(self.refused + self._count("PeerRefused")),
            "connections that stayed": float(sum((row.age or 0) > age for row in self._rows(self.beta))),
            "peers down": float(self._count("NeighbourDown") - 2 * self.newcomers),
        }

    async def _send(self, messages: int, over: trio.Event) -> None:
        number = 0
        while number * KEYS < messages or not over.is_set():
            number += 1
            for key in range(KEYS):
                await self.beta.send(f"alpha/{MAILBOX}", (key, number), key=key)
                self.sent[key] = number
            await trio.lowlevel.checkpoint()

    def _replace(self) -> Iterator[None]:
        """Replace the files, and stop wherever somebody could look at them."""
        before = [one.key.read_bytes() for one in self.files]
        for name in NAMES:
            self.authority.issue(name)
        after = [one.key.read_bytes() for one in self.files]
        for keys in ([key[:50] for key in before], before, after):
            for one, key in zip(self.files, keys, strict=True):
                one.key.write_bytes(key)
            yield

    async def _welcome(self) -> None:
        """Have a new node join, and the connections of the two others broken if they are to be."""
        self.newcomers += 1
        name = f"newcomer-{self.newcomers}"
        if self.breaks:
            one, other = (self.alpha, self.beta)[:: self.newcomers % 2 * 2 - 1]
            one.disconnect(other.name)
        async with opened_tls(name, self.authority.issue(name)) as newcomer:
            with trio.fail_after(PATIENCE):
                await newcomer.join(*self.alpha.addresses)
            await until(lambda: all(newcomer.nodes() and newcomer.is_fully_connected(peer) for peer in NAMES))
            self.refused += newcomer.counters["PeerRefused"]
        await until(lambda: self.beta.is_fully_connected("alpha"))

    @property
    def lost(self) -> int:
        """Messages that were on their way when their connection broke, by the sender's word."""
        return self._dropped(self.beta, DropReason.LOST_WITH_CONNECTION)

    @property
    def unaccounted(self) -> int:
        """Messages of which nobody knows what became of them."""
        return sum(self.sent.values()) - self.account.count - self.lost

    def _count(self, what: str) -> int:
        return self.alpha.counters[what] + self.beta.counters[what]

    def _dropped(self, node: Node, reason: DropReason) -> int:
        return sum(row.dropped.get(reason.value, 0) for row in self._rows(node))

    @staticmethod
    def _rows(node: Node) -> list[ConnectionRow]:
        """The data lanes between the two."""
        return [row for row in node.connections() if row.peer in NAMES and row.channel == "default"]


def opened_tls(name: str, files: Files) -> AbstractAsyncContextManager[Node]:
    """A node with these files."""
    return opened(name, transport=files.table, channels=CHANNELS, links=LINKS)


async def replace(messages: int, rounds: int, *, breaks: bool) -> Figures:
    """Replace the files of two nodes so often while one sends."""
    with TemporaryDirectory(prefix="partisan-tls-") as folder:
        authority = Authority(Path(folder))
        files = [authority.issue(name) for name in NAMES]
        async with opened_tls(NAMES[0], files[0]) as alpha, opened_tls(NAMES[1], files[1]) as beta:
            await beta.join(*alpha.addresses, fully=True)
            return await Replacing(authority, files, alpha, beta, breaks).run(messages, rounds)


def limits(messages: int, rounds: int, *, breaks: bool) -> list[Limit]:
    """What holds of connections that stay, or that are broken meanwhile."""
    always = [
        at_least("sent", messages),
        at_least("newcomers", 3 * rounds),
        at_most("refused", 0),
        at_most("lost and not told", 0),
        at_most("unaccounted", 0),
        at_most("out of order or twice", 0),
        at_most("peers down", 0),
    ]
    if breaks:
        return [*always, at_most("connections that stayed", 0)]
    return [*always, at_least("connections that stayed", LANES), at_most("lost with connections", 0)]


# -- memory -------------------------------------------------------------------------------------------------------


async def _resident_per_connection(transport: str, folder: str) -> tuple[float, float]:
    """KiB that each end of a connection holds, of many between two nodes of this process: unused, and after use."""
    authority = Authority(Path(folder))
    tables = [authority.issue(name).table if transport == "tls" else {"use": transport} for name in NAMES]
    async with (
        opened(NAMES[0], transport=tables[0], channels=MANY, links=LINKS) as alpha,
        opened(NAMES[1], transport=tables[1], channels=MANY, links=LINKS) as beta,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(Account().keep, alpha.open_mailbox(MAILBOX))
        before = resident()
        await beta.join(*alpha.addresses, fully=True)
        unused = resident()
        for channel, key in product(MANY, range(64 * 4)):  # each lane has several of so many keys
            await beta.send(f"alpha/{MAILBOX}", (key, 1, MUCH), channel=channel, key=key)
        await until(lambda: not any(row.queue_messages for row in beta.connections()))
        used = resident()
        nursery.cancel_scope.cancel()
        ends = 2 * len(beta.connections())
        return (unused - before) * 1024 / ends, (used - before) * 1024 / ends


def memory() -> Figures:
    """The same of plain connections and of those of TLS, each in a process of its own."""
    figures: dict[str, float] = {}
    for transport in ("tcp", "tls"):
        with (
            TemporaryDirectory(prefix="partisan-tls-") as folder,
            ProcessPoolExecutor(1, get_context("spawn")) as process,
        ):
            unused, used = process.submit(trio.run, _resident_per_connection, transport, folder).result()
        figures |= {f"KiB, {transport}, unused": unused, f"KiB, {transport}": used}
    return figures


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.transport_tls.claims", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", action="store_true", help="the figures of each part in a line, and no words")
    options = parser.parse_args(words)
    met = True
    for breaks in (False, True):
        figures = trio.run(partial(replace, options.messages, options.rounds, breaks=breaks))
        title = f"certificates replaced, connections {'broken' if breaks else 'left alone'}"
        bounds = limits(options.messages, options.rounds, breaks=breaks)
        met &= conclude(title, figures, bounds, as_json=options.json)
    bound = at_most("KiB, tls", KIB_PER_CONNECTION)
    met &= conclude("memory of an end of a connection", memory(), [bound], as_json=options.json)
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
