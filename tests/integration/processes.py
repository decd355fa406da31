"""Processes that tests start, stop and kill."""

import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import trio

from partisan_core import Address
from tests.integration.nodes import PATIENCE
from tests.integration.victim import Life

VICTIM = "tests.integration.victim"

_ROOT = Path(__file__).parents[2]


class Victim:
    """A node in a process of its own."""

    def __init__(self, process: trio.Process) -> None:
        self.process = process
        self._said = b""

    @property
    def _output(self) -> trio.abc.ReceiveStream:
        assert self.process.stdout is not None
        return self.process.stdout

    async def start(self) -> Address:
        """Wait until it has joined; its address."""
        address = Address.parse(await self.hear())
        assert await self.hear() == "joined"
        return address

    async def live(self, life: Life) -> None:
        """Tell one that waits who it is."""
        await self.say(msgspec.json.encode(life).decode())

    async def hear(self) -> str:
        """Its next line."""
        with trio.fail_after(PATIENCE):
            while b"\n" not in self._said:
                data = await self._output.receive_some()
                assert data, f"it ended with {await self.process.wait()}"
                self._said += data
        line, _, self._said = self._said.partition(b"\n")
        return line.decode()

    async def say(self, line: str) -> None:
        """Send a line."""
        assert self.process.stdin is not None
        await self.process.stdin.send_all(f"{line}\n".encode())

    async def close(self) -> int:
        """End its input, so that it closes; its exit code."""
        assert self.process.stdin is not None
        await self.process.stdin.aclose()
        return await self.wait()

    async def wait(self) -> int:
        """Its exit code."""
        with trio.fail_after(PATIENCE):
            return await self.process.wait()

    def pause(self) -> None:
        """It does nothing any more, but its sockets live."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on."""
        self.process.send_signal(signal.SIGCONT)


@asynccontextmanager
async def victim(name: str, *contacts: Address) -> AsyncIterator[Victim]:
    """Start one; it does not outlive the block."""
    async with running(VICTIM, name, *map(str, contacts)) as process:
        yield process


@asynccontextmanager
async def standby() -> AsyncIterator[Victim]:
    """Start one that has imported all it needs and waits for `live`: it begins to listen within milliseconds."""
    async with running(VICTIM) as process:
        assert await process.hear() == "waiting"
        yield process


@asynccontextmanager
async def running(module: str, *arguments: str) -> AsyncIterator[Victim]:
    """Run a module in a process that does not outlive the block."""
    command = [sys.executable, "-m", module, *arguments]
    process = await trio.lowlevel.open_process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT)
    try:
        yield Victim(process)
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    await stream.aclose()
