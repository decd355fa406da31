"""The processes of a formation, seen from outside: started, heard, ended."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from partisan_bench.formation.shapes import Plan, name_of
from partisan_bench.formation.views import View
from partisan_bench.harness import WorkerFailed
from partisan_control.client import ask
from partisan_core.errors import ControlError
from partisan_core.views import ConnectionRow, Counters, MemberRow

_T = TypeVar("_T")


class Member:
    """One process, of one node or more."""

    def __init__(self, folder: Path, plan: Plan, numbers: range, patience: float = 120) -> None:
        """Start the nodes with these numbers, which are a share of the plan.

        Seconds of `patience` after which it gives up, chosen: far beyond any figure worth publishing.
        """
        self.names = [name_of(number) for number in numbers]
        self._folder, self._log = folder, folder / f"{self.names[0]}.log"
        cluster = [plan.overlay, str(plan.nodes), "star" if plan.is_star else "spread"]
        arguments = [str(folder), *cluster, f"{patience:g}", str(numbers[0]), str(numbers[-1])]
        command = [sys.executable, "-P", "-m", "partisan_bench.formation.member"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [*command, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_environment(folder),
                process_group=0,  # so that Ctrl-C reaches the bench alone
                text=True,
            )

    @property
    def process(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def name(self) -> str:
        """Of its first node."""
        return self.names[0]

    def tell(self, contact: str) -> None:
        """Let its nodes join; one that has ended is heard of when it is listened to."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{contact}\n")
            self._process.stdin.flush()

    def hear(self) -> tuple[float, str]:
        """Wait for its next line: a moment and a word.

        Raises:
            WorkerFailed: it has ended.
        """
        assert self._process.stdout is not None
        moment, _, word = self._process.stdout.readline().partition(" ")
        if not word:
            reason = self._log.read_text(errors="replace").strip().rpartition("\n")[2] or "it was killed"
            raise WorkerFailed(f"{self.name} has ended: {reason}")
        return float(moment), word.strip()

    def views(self) -> dict[str, View]:
        """Ask its nodes over their control sockets whom they know and what connections they have; raises as `hear`."""
        return {
            name: View(
                self._ask(name, "members", tuple[MemberRow, ...]),
                self._ask(name, "connections", tuple[ConnectionRow, ...]),
            )
            for name in self.names
        }

    def bytes_out(self) -> int:
        """Ask its nodes what they have sent since their start; raises as `hear`."""
        counted = [self._ask(name, "counters", Counters) for name in self.names]
        return sum(row.bytes_out for counters in counted for row in counters.channels)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def wait(self) -> None:
        """Wait until it has ended; close its pipes."""
        with self._process:
            pass

    def _ask(self, name: str, command: str, result: type[_T]) -> _T:
        try:
            return ask(self._folder / name, command, result)
        except ControlError as error:
            raise WorkerFailed(f"{name}: {error}") from error


@contextmanager
def ending() -> Iterator[list[Member]]:
    """Yield a list for members; at the end of the block, however it comes, all in it are killed."""
    members: list[Member] = []
    try:
        yield members
    finally:
        for member in members:
            member.kill()
        for member in members:
            member.wait()


def _environment(folder: Path) -> dict[str, str]:
    """Without the settings of the user's own nodes, and with compiled modules as an installation has them.

    The first process of a formation compiles them, before the clock starts.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PARTISAN_")}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    return inherited | {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
