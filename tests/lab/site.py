"""The lab: namespaces that reach each other over the wire only, and the processes that inhabit them.

Everything in it ends when the input of its processes does, so nothing outlives the process that built it, however that
ended: namespaces without a name go with their last process. Only who is killed leaves a folder with a secret of nobody.
"""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from tests.integration.agents import Agent
from tests.lab.inhabitant import Account, Sight, Size
from tests.lab.packets import Weather
from tests.lab.wire import Change, Tally, address_of
from tests.workspace import ROOT

_HOLD = ("unshare", "--net", "sh", "-c", "echo ready; exec cat")


def why_not() -> str:
    """Why there can be no lab here; empty when there can."""
    missing = [command for command in ("ip", "nsenter", "unshare") if shutil.which(command) is None]
    if missing:
        return f"there is no command {' or '.join(missing)}"
    if os.geteuid():
        return "only root may make network namespaces and devices"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "there is no /dev/net/tun"
    made = subprocess.run([*_HOLD[:2], "true"], capture_output=True, text=True, check=False)
    return made.stderr.strip() if made.returncode else ""


class Resident(Agent):
    """An inhabitant, as the lab holds it."""

    module = "tests.lab.inhabitant"
    addresses: tuple[str, ...] = ()
    """Where it listens, once somebody has asked."""

    def account(self) -> Account:
        """What flowed to it."""
        self.tell("account")
        return self.answer(Account)

    def firings(self) -> int:
        """How often its rules for faults have struck."""
        self.tell("firings")
        return self.answer(int)

    def sights(self) -> list[Sight]:
        """What it noticed since this was last asked."""
        self.tell("sights")
        return self.answer(list[Sight])

    def neighbours(self) -> list[str]:
        """To whom a wanted link of it works."""
        self.tell("neighbours")
        return self.answer(list[str])

    def wall_clock(self) -> float:
        """What it believes to be the time."""
        self.tell("wall_clock")
        return self.answer(float)

    def size(self) -> Size:
        """What its process holds."""
        self.tell("size")
        return self.answer(Size)

    def flow(self, to: str, size: int, rate: float | None = None) -> None:
        """Let messages flow to another one."""
        self.do("flow", to=to, size=size, rate=rate)

    def stem(self, to: str) -> tuple[int, int]:
        """End that; how many messages were sent, and how many refused."""
        self.tell("stem", to=to)
        return self.answer(tuple[int, int])


class Piped:
    """A process of the lab that says "ready" and ends with its input."""

    def __init__(self, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said == b"ready\n", f"{command} said {said!r} and ended with {self.process.wait()}"

    def ask(self, line: bytes) -> bytes:
        """Write a line; the line that answers it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def __enter__(self) -> "Piped":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        with self.process:
            """Its pipes are closed, its end is waited for."""


class Lab:
    """So many sites, numbered from 0."""

    def __init__(self, holders: Sequence[Piped], wire: Piped, folder: Path) -> None:
        self._holders, self._wire = holders, wire
        self._secret = folder / "lab.secret"
        self._secret.touch(0o600)
        self._secret.write_text(secrets.token_hex(32))
        self.residents: dict[str, Resident] = {}

    @property
    def processes(self) -> list[int]:
        """The ids of those that make the lab, without its residents."""
        return [piped.process.pid for piped in (*self._holders, self._wire)]

    def weather(
        self, weather: Weather, origins: Collection[int] | None = None, targets: Collection[int] | None = None
    ) -> Tally:
        """Change the weather of some directions or of all; the tally of the wire by then."""
        places = (None if sites is None else [*sites] for sites in (origins, targets))
        return msgspec.json.decode(self._wire.ask(msgspec.json.encode(Change(weather, *places))), type=Tally)

    def settle(
        self, site: int, name: str, *, keyed: bool = True, node: Mapping[str, Any] = {}, **sections: Any
    ) -> Resident:
        """Start a node in a site; not `keyed`, its frames have checksums only."""
        within = ["nsenter", f"--net=/proc/{self._holders[site].process.pid}/ns/net"]
        security = {"secret_files": [str(self._secret)]} if keyed else {"allow_insecure": True}
        there = {"listen": [f"{address_of(site)}:0"], **node}
        self.residents[name] = Resident(name, within=within, node=there, security=security, **sections)
        return self.residents[name]

    def clear(self) -> None:
        """Kill all residents."""
        for resident in self.residents.values():
            resident.kill()


@contextmanager
def opened_lab(sites: int, seed: int) -> Iterator[Lab]:
    """Build a lab; nothing of it is left afterwards.

    Raises:
        AssertionError: the system does not allow it, see `why_not`.
    """
    with ExitStack() as stack:
        holders = [stack.enter_context(Piped(_HOLD)) for _ in range(sites)]
        processes = [str(holder.process.pid) for holder in holders]
        wire = stack.enter_context(Piped([sys.executable, "-m", "tests.lab.wire", str(seed), *processes]))
        lab = Lab(holders, wire, Path(stack.enter_context(TemporaryDirectory(prefix="partisan-lab-"))))
        stack.callback(lab.clear)
        yield lab
