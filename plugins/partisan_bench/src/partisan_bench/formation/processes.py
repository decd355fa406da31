"""The processes of a formation, seen from outside: started, heard, ended."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from partisan_bench.formation.views import View
from partisan_bench.harness import WorkerFailed
from partisan_control.client import ask
from partisan_core.errors import ControlError
from partisan_core.views import ConnectionRow, MemberRow

_T = TypeVar("_T")


class Member:
    """One node process."""

    def __init__(
        self, name: str, folder: Path, overlay: str, nodes: int, contacts: Sequence[str], patience: float = 120
    ) -> None:
        """Start it. Seconds of `patience` after which it gives up, chosen: far beyond any figure worth publishing."""
        self.name = name
        self._folder, self._log = folder / name, folder / f"{name}.log"
        command = [sys.executable, "-P", "-m", "partisan_bench.formation.member"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [*command, name, str(self._folder), overlay, str(nodes), f"{patience:g}", *contacts],
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

    def view(self) -> View:
        """Ask it over its control socket whom it knows and what connections it has; raises as `hear`."""
        return View(self._ask("members", tuple[MemberRow, ...]), self.connections())

    def connections(self) -> tuple[ConnectionRow, ...]:
        """Ask it for its connections; raises as `hear`."""
        return self._ask("connections", tuple[ConnectionRow, ...])

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def wait(self) -> None:
        """Wait until it has ended; close its pipes."""
        with self._process:
            pass

    def _ask(self, command: str, result: type[_T]) -> _T:
        try:
            return ask(self._folder, command, result)
        except ControlError as error:
            raise WorkerFailed(f"{self.name}: {error}") from error


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
