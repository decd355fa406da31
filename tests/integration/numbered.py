"""Numbered messages of many streams, and the account of what arrives.

A stream is what one task sends to one mailbox over one channel with one key: its messages `(stream, number, ...)` have
ascending numbers. As a process of its own, `python -m tests.integration.numbered SECTIONS` is a node that says its
address, takes nothing from its mailbox before the line "read", and answers each line with its account.
"""

import os
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import msgspec
import trio
from msgspec import Struct

from partisan_core import Mailbox
from tests.integration.nodes import opened
from tests.integration.processes import Victim, running

MAILBOX = "numbered"

MAILBOX_LIMIT = 10
"""Messages in the mailbox of a process: what the sender cannot get rid of does not hide here."""


class Account(Struct):
    """What arrived."""

    count: int = 0
    last: dict[int, int] = {}
    """The number of the last message, by stream."""
    disordered: int = 0
    """Messages that came after one of their stream with a greater number."""
    repeated: int = 0
    """Messages that came after one of their stream with the same number."""

    def take(self, messages: Iterable[Any]) -> None:
        """These have arrived."""
        last = self.last
        for stream, number, *_ in messages:
            before = last.get(stream, 0)
            self.count += 1
            if number > before:
                last[stream] = number
            elif number == before:
                self.repeated += 1
            else:
                self.disordered += 1

    async def keep(self, inbox: Mailbox) -> NoReturn:
        """Take what arrives, for ever."""
        while True:
            self.take(await inbox.receive_batch())


class Counting:
    """A process that keeps an account, and where it listens."""

    def __init__(self, process: Victim, address: str) -> None:
        self.process, self.address = process, address

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self.process.process.pid

    async def read(self) -> None:
        """Let it begin to take from its mailbox."""
        await self._ask("read")

    async def account(self) -> Account:
        """Its account now."""
        return await self._ask("account")

    async def until_arrived(self, last: dict[int, int], seconds: float) -> Account:
        """Wait at most so long until it has got these numbers; its account then."""
        deadline = trio.current_time() + seconds
        while (account := await self.account()).last != last and trio.current_time() < deadline:
            await trio.sleep(0.02)
        return account

    async def _ask(self, line: str) -> Account:
        await self.process.say(line)
        return msgspec.json.decode(await self.process.hear(), type=Account)


@asynccontextmanager
async def counting(**sections: object) -> AsyncIterator[Counting]:
    """Run a node in such a process."""
    async with running("tests.integration.numbered", msgspec.json.encode(sections).decode()) as process:
        yield Counting(process, await process.hear())


async def _main(sections: dict[str, Any]) -> None:
    async with (
        opened(**sections) as node,
        node.open_mailbox(MAILBOX, limit=MAILBOX_LIMIT) as inbox,
    ):
        print(node.addresses[0], flush=True)
        account = Account()
        async with trio.lowlevel.FdStream(os.dup(sys.stdin.fileno())) as lines, trio.open_nursery() as nursery:
            async for line in lines:
                if line == b"read\n":
                    nursery.start_soon(account.keep, inbox)
                print(msgspec.json.encode(account).decode(), flush=True)
            nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(_main, msgspec.json.decode(sys.argv[1]))
