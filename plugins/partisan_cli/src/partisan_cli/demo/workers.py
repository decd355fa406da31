"""Worker processes, seen from outside: started, given orders, killed."""

import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from pathlib import Path

import msgspec
import trio

from partisan_cli.demo.reporting import Order, Report, read_lines, to_line

_FAREWELL = 3.0
"""Seconds that a worker has to end by itself: its node flushes for at most two. Chosen."""

_LAST_WORDS = 2000
"""Characters shown of what a failed worker said on standard error."""


class WorkerProcess:
    """One worker process. It is killed when the nursery that it was started in is cancelled."""

    def __init__(self, name: str, process: trio.Process, log: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.name = name
        self.is_expected_to_end = False
        self._process, self._log = process, log
        self._stdin, self._stdout = process.stdin, process.stdout

    @classmethod
    async def start(cls, nursery: trio.Nursery, name: str, log: Path) -> "WorkerProcess":
        """Start a process. In a group of its own, so that Ctrl-C reaches the conductor alone."""
        with log.open("ab") as stderr:
            run = partial(
                trio.run_process,
                # -P: modules come from where they are installed, not from the folder that the user is in.
                [sys.executable, "-P", "-m", "partisan_cli.demo.worker"],
                env=_environment(log.parent),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                check=False,
                process_group=0,
                deliver_cancel=_kill,
            )
            return cls(name, await nursery.start(run), log)

    async def order(self, order: Order) -> None:
        """Give an order; one that ended is past orders, as its reader finds out."""
        try:
            await self._stdin.send_all(to_line(order))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def reports(self) -> AsyncGenerator[Report, None]:
        """What it reports, until it ends."""
        async with self._stdout, aclosing(read_lines(self._stdout, msgspec.json.Decoder(Report))) as lines:
            async for line in lines:
                yield line

    def kill(self) -> None:
        """End it with SIGKILL: it gets no chance to say anything to anybody."""
        self.is_expected_to_end = True
        self._process.kill()

    async def wait(self) -> None:
        """Wait for its end: the system has closed its ports and released its locks."""
        await self._process.wait()

    async def dismiss(self) -> None:
        """End its orders, which ends it; kill it when it does not."""
        self.is_expected_to_end = True
        await self._stdin.aclose()
        with trio.move_on_after(_FAREWELL):
            await self._process.wait()
            return
        self._process.kill()

    def last_words(self) -> str:
        """What it said on standard error."""
        return self._log.read_text(errors="replace")[-_LAST_WORDS:].strip()


def _environment(folder: Path) -> dict[str, str]:
    """Without the settings and the secrets of the user's own nodes: those of the demo are the demo's alone."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PARTISAN__")}
    return ours | {"XDG_STATE_HOME": str(folder)}


async def _kill(process: trio.Process) -> None:
    process.kill()
