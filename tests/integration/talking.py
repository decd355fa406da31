"""Nodes that send each other numbered messages without end, and keep account of what arrives.

As a process of its own: `python -m tests.integration.talking NAME CONTACT...` says its address and "joined", sends to
all of its neighbours, and answers each line of input with its account as a line of JSON.
"""

import os
import sys
from functools import partial
from typing import NoReturn

import msgspec
import trio
from msgspec import Struct

from partisan_core import Mailbox, Node
from partisan_core.errors import SendError
from partisan_core.notices import Gap, NeighbourDown, NeighbourUp
from tests.integration.nodes import opened

MAILBOX = "numbers"

PAUSE = 0.01
"""Seconds between two messages to one node."""


class Account(Struct):
    """What one node got of the others."""

    last: dict[str, int] = {}
    """The number of the last message, by sender."""
    disordered: list[str] = []
    """Messages that came after one with a higher number, or a second time."""
    missing: dict[str, int] = {}
    """Numbers that were left out, by sender."""
    gaps: dict[str, int] = {}
    """`Gap` notices of the channel, by sender."""
    events: list[str] = []
    """Ups and downs of others."""

    def take(self, sender: str, number: int) -> None:
        """A message has arrived."""
        last = self.last.get(sender, 0)
        if number <= last:
            self.disordered.append(f"{number} of {sender} after {last}")
            return
        if number > last + 1:
            self.missing[sender] = self.missing.get(sender, 0) + number - last - 1
        self.last[sender] = number

    def unexplained(self) -> list[str]:
        """Who left out numbers, and neither a gap nor a down was told of it."""
        downs = {name for name, kind, *_ in map(str.split, self.events) if kind == "down"}
        return [sender for sender in self.missing if sender not in self.gaps.keys() | downs]


class Talker:
    """A node that talks."""

    def __init__(self, node: Node, padding: int = 0) -> None:
        """Each message carries so many bytes of `padding`."""
        self.account = Account()
        self._node, self._padding = node, bytes(padding)

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Talk and listen for ever; begin before the node has neighbours, so that no message comes too early."""
        async with (
            self._node.open_mailbox(MAILBOX) as inbox,
            self._node.open_events() as events,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(self._listen, inbox)
            task_status.started()
            talking: set[str] = set()
            async for notice in events:
                match notice:
                    case NeighbourUp(peer=peer):
                        self.account.events.append(f"{peer.name} up")
                        if peer.name not in talking:
                            talking.add(peer.name)
                            nursery.start_soon(self._talk, peer.name)
                    case NeighbourDown(peer=peer, reason=reason):
                        self.account.events.append(f"{peer.name} down {reason}")
                    case Gap(peer=peer, channel="default"):
                        self.account.gaps[peer.name] = self.account.gaps.get(peer.name, 0) + 1
                    case _:
                        pass

    async def _talk(self, peer: str) -> NoReturn:
        """A number is used when its message was queued: what is refused is tried again under the same one."""
        number = 1
        while True:
            try:
                await self._node.send(f"{peer}/{MAILBOX}", [self._node.name, number, self._padding])
                number += 1
            except SendError:
                pass
            await trio.sleep(PAUSE)

    async def _listen(self, inbox: Mailbox) -> NoReturn:
        while True:
            for sender, number, _ in await inbox.receive_batch():
                self.account.take(sender, number)


async def main(name: str, *contacts: str) -> None:
    async with opened(name) as node, trio.open_nursery() as nursery:
        talker = Talker(node)
        await nursery.start(talker.run)
        print(node.addresses[0], flush=True)
        await node.join(*contacts)
        print("joined", flush=True)
        async with trio.lowlevel.FdStream(os.dup(sys.stdin.fileno())) as questions:
            async for _ in questions:
                print(msgspec.json.encode(talker.account).decode(), flush=True)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(partial(main, *sys.argv[1:]))
