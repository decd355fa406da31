"""A node in a process of its own that does what it is told: `python -m tests.integration.agent SECTIONS`.

Reads orders, one JSON line each, `{"verb": ..., "arguments": {...}}`, and answers each with a line. Its own first line
tells that it listens. Ends at the end of its input.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import trio
from msgspec import Struct

from partisan_core import Node, Ref, open_node
from partisan_core.errors import PartisanError
from partisan_core.notices import MemberJoined, MemberLeft, NeighbourDown, NeighbourUp
from partisan_core.views import ConnectionRow

MAILBOXES = ("a", "b", "c")


class Order(Struct):
    """What the agent shall do."""

    verb: str
    arguments: dict[str, Any] = {}


class Answer(Struct, omit_defaults=True):
    """What came of it: a value, or the class and the text of an error."""

    value: Any = None
    error: str = ""
    text: str = ""


class Look(Struct):
    """How things stand at one node."""

    incarnation: int
    addresses: tuple[str, ...]
    members: dict[str, int]
    """Incarnations by name."""
    neighbours: tuple[str, ...]
    lanes: tuple[ConnectionRow, ...]
    dropped: dict[str, int]
    notices: dict[str, int]
    """How often each kind was reported."""


class Agent:
    """The verbs are its public methods."""

    def __init__(self, node: Node, nursery: trio.Nursery) -> None:
        self._node = node
        for mailbox in MAILBOXES:
            nursery.start_soon(self.receive, mailbox)
        nursery.start_soon(self.reply)
        nursery.start_soon(self.watch)
        self._received: dict[str, list[Any]] = {}
        self._news: list[tuple[str, str, str]] = []
        self._kept: dict[str, Ref] = {}

    async def join(self, contacts: list[str]) -> None:
        await self._node.join(*contacts)

    async def leave(self) -> None:
        await self._node.leave()

    async def evict(self, name: str) -> None:
        self._node.evict(name)

    async def send(self, to: str, messages: list[Any], channel: str = "default", key: int | str | None = None) -> None:
        for message in messages:
            await self._node.send(to, message, channel=channel, key=key)

    async def ask(self, whom: str, question: str) -> None:
        """Send a question with a reference to where its answer is expected."""
        await self._node.send(f"{whom}/questions", [question, self._node.ref("a")])

    async def answer_again(self, whom: str, text: str) -> None:
        """Send a text by the reference that came with a question of that node."""
        await self._node.send(self._kept[whom], text)

    async def received(self) -> dict[str, list[Any]]:
        """What arrived since this was last asked, by mailbox."""
        received, self._received = self._received, {}
        return received

    async def news(self) -> list[tuple[str, str, str]]:
        """What was noticed since this was last asked: kind, name of the peer, reason."""
        news, self._news = self._news, []
        return news

    async def look(self) -> Look:
        status = self._node.status()
        return Look(
            status.incarnation,
            status.addresses,
            {spec.name: spec.incarnation for spec in self._node.members()},
            self._node.neighbours(),
            self._node.connections(),
            self._node.dropped,
            self._node.counters,
        )

    async def obey(self, line: bytes) -> Answer:
        order = msgspec.json.decode(line, type=Order)
        try:
            return Answer(await getattr(self, order.verb)(**order.arguments))
        except PartisanError as error:
            return Answer(error=type(error).__name__, text=str(error))

    async def receive(self, mailbox: str) -> None:
        async with self._node.open_mailbox(mailbox) as box:
            async for message in box:
                self._received.setdefault(mailbox, []).append(message)

    async def reply(self) -> None:
        async with self._node.open_mailbox("questions") as box:
            async for question, ref in box:
                self._kept[ref.node] = ref
                await self._node.send(ref, f"{self._node.name} was asked {question}")

    async def watch(self) -> None:
        async with self._node.open_events() as events:
            async for notice in events:
                if isinstance(notice, MemberJoined | MemberLeft | NeighbourUp | NeighbourDown):
                    self._news.append((type(notice).__name__, notice.peer.name, str(getattr(notice, "reason", ""))))


async def main(sections: dict[str, Any], make: Callable[[Node, trio.Nursery], Agent] = Agent) -> None:
    """Open a node, and obey."""
    async with open_node(None, **sections) as node, trio.open_nursery() as nursery:
        agent = make(node, nursery)
        said = trio.lowlevel.FdStream(os.dup(sys.stdout.fileno()))
        async with trio.lowlevel.FdStream(os.dup(sys.stdin.fileno())) as orders, said:
            await said.send_all(msgspec.json.encode(Answer(await agent.look())) + b"\n")
            heard = b""
            async for data in orders:
                *lines, heard = (heard + data).split(b"\n")
                for line in lines:
                    await said.send_all(msgspec.json.encode(await agent.obey(line)) + b"\n")
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, msgspec.json.decode(sys.argv[1]))
