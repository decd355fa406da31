"""Agents (see `agent`) as the test holds them: started, told, asked, ended. Blocking: one cluster serves many tests."""

import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from tests.integration.agent import Answer, Look, Order
from tests.integration.nodes import PATIENCE
from tests.workspace import ROOT

T = TypeVar("T")


def eventually(holds: Callable[[], object], what: str) -> None:
    """Wait until something outside this process has come true."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"not within {PATIENCE:g} s: {what}"
        select.select([], [], [], 0.02)


class Refused(Exception):
    """The agent's node raised: the class of its error, and the text."""

    def __init__(self, error: str, text: str) -> None:
        super().__init__(f"{error}: {text}")
        self.error = error


class Agent:
    """A node in a process of its own, which a command `within` starts: in another namespace, say."""

    module = "tests.integration.agent"

    def __init__(self, name: str, *, within: Sequence[str] = (), **sections: object) -> None:
        node = sections.pop("node", {})
        assert isinstance(node, dict)
        arguments = msgspec.json.encode(sections | {"node": {"name": name, "strict": True} | node}).decode()
        command = [*within, sys.executable, "-m", self.module, arguments]
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)

    @property
    def lives(self) -> bool:
        """Its process has not ended."""
        return self.process.poll() is None

    def started(self) -> Look:
        """Wait until it listens. Comes before the first order."""
        return self.answer(Look)

    def tell(self, verb: str, **arguments: object) -> None:
        """Give an order; its answer is to be taken before the next one."""
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(Order(verb, arguments)) + b"\n")
        self.process.stdin.flush()

    def answer(self, kind: type[T]) -> T:
        """The answer to the last order; raises `Refused` when the node did."""
        output = self.process.stdout
        assert output is not None
        readable, _, _ = select.select([output], [], [], PATIENCE)
        assert readable, f"{self.name} does not answer"
        line = output.readline()
        assert line, f"{self.name} has ended with {self.process.wait(PATIENCE)}"
        answer = msgspec.json.decode(line, type=Answer)
        if answer.error:
            raise Refused(answer.error, answer.text)
        return msgspec.convert(answer.value, kind)

    def do(self, verb: str, **arguments: object) -> None:
        """Give an order and wait until it is done."""
        self.tell(verb, **arguments)
        self.answer(type(None))

    def look(self) -> Look:
        """How things stand there."""
        self.tell("look")
        return self.answer(Look)

    def received(self) -> dict[str, list[Any]]:
        """What arrived there since this was last asked, by mailbox."""
        self.tell("received")
        return self.answer(dict[str, list[Any]])

    def news(self) -> list[tuple[str, str, str]]:
        """What was noticed there since this was last asked: kind, name of the peer, reason."""
        self.tell("news")
        return self.answer(list[tuple[str, str, str]])

    def close(self) -> int:
        """Let it end; its exit code."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return code

    def kill(self) -> None:
        """End it at once. Idempotent."""
        self.process.send_signal(signal.SIGKILL)
        with self.process:
            """Its pipes are closed, its end is waited for."""


class Inbox:
    """Collects what one agent receives until enough is there."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self.messages: dict[str, list[Any]] = {}

    def count(self) -> int:
        """How many messages there are by now."""
        for mailbox, messages in self._agent.received().items():
            self.messages.setdefault(mailbox, []).extend(messages)
        return sum(map(len, self.messages.values()))

    def wait(self, count: int) -> dict[str, list[Any]]:
        """Wait for so many messages; all of them by mailbox."""
        eventually(lambda: self.count() >= count, f"{count} messages at {self._agent.name}")
        return self.messages
