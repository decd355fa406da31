"""Real processes of `partisan run`, and the command called in this process to ask them."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from partisan_cli.group import partisan

DEADLINE = 20.0
"""Seconds for anything to come true on a machine with other work."""

_POLL = 0.02


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until something outside this process has come true."""
    end = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < end, f"not within {DEADLINE:g} s: {what}"
        select.select([], [], [], _POLL)


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


class NodeProcess:
    """One `partisan run`."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process = process
        self._log = log
        self.where: dict[str, Any] = json.loads(self._first_line())

    @property
    def address(self) -> str:
        return str(self.where["addresses"][0])

    @property
    def data_dir(self) -> str:
        return str(self.where["data_dir"])

    @property
    def log(self) -> str:
        return self._log.read_text()

    def end(self, number: int) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    def _first_line(self) -> str:
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], DEADLINE)
        assert readable, f"no start line; {self.log}"
        line = self.process.stdout.readline()
        assert line, self.log
        return line


class Machine:
    """A machine of its own: its runtime directory knows only the nodes of one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runtime = folder / "runtime"
        self.runtime.mkdir()
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("PARTISAN__")}
        self.environ["XDG_RUNTIME_DIR"] = str(self.runtime)

    @contextmanager
    def run(self, *arguments: str) -> Iterator[NodeProcess]:
        """Start a node; killed at the end if it has not ended."""
        log = self.folder / f"log-{time.monotonic_ns()}"
        command = [sys.executable, "-m", "partisan_cli", "run", "--json", *arguments]
        with (
            log.open("w") as stderr,
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=self.environ, cwd=self.folder
            ) as process,
        ):
            try:
                yield NodeProcess(process, log)
            finally:
                if process.poll() is None:
                    process.kill()

    def call(self, *arguments: str) -> Result:
        """Call the command in this process."""
        return CliRunner().invoke(partisan, arguments, env={"XDG_RUNTIME_DIR": str(self.runtime)})

    def ask(self, *arguments: str) -> Any:
        """Call a listing with `--json` and return what it says; a node that is not healthy has a status too."""
        result = self.call(*arguments, "--json")
        assert result.exit_code == 0 or "is not healthy" in result.stderr, result.output
        return json.loads(result.stdout)

    def fail(self, *arguments: str) -> str:
        """Call what has to fail, in plain lines; returns these."""
        result = self.call(*arguments)
        assert result.exit_code == 1, result.output
        assert result.stderr.startswith("Error: ")
        assert "Traceback" not in result.stderr
        return result.stderr
