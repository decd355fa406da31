"""Over what the two Partisan nodes of a run are connected: TCP, or TLS beside it with certificates made for the run."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Final

from partisan_bench.cases import PARTISAN, Case

NAMES: Final = ("tcp", "tls")

_NODES: Final = {"serve": "server", "drive": "driver"}
"""The name of the node that plays each role of a run: what its certificate has to say."""

_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc"


@dataclass(frozen=True, slots=True)
class Transport:
    """One of them."""

    name: str
    settings: Mapping[str, dict[str, str]]
    """What the environment of each role says of it."""

    def over(self, case: Case) -> Case:
        """Return the same work over this transport, to be compared with that over TCP."""
        if self is TCP:
            return case
        return replace(case, name=f"{case.name} {self.name}", subjects=(PARTISAN,), against=case.name)


TCP: Final = Transport("tcp", {role: {} for role in _NODES})


def lacking(name: str) -> str:
    """Say what has to be installed before a transport can be measured; nothing when it can."""
    if name == TCP.name or (find_spec("partisan_transport_tls") and which("openssl")):
        return ""
    return "pip install partisan-transport-tls, and have OpenSSL 3 on the PATH"


@contextmanager
def transports(name: str) -> Iterator[tuple[Transport, ...]]:
    """Hand over TCP, and beside it the other one, if it is another, for as long as its certificates are there."""
    with TemporaryDirectory(prefix="partisan-bench-") as folder:
        yield (TCP,) if name == TCP.name else (TCP, _tls(Path(folder)))


def _tls(folder: Path) -> Transport:
    _openssl(folder, f"req -x509 {_KEY} -subj /CN=bench -keyout ca.key -out ca.pem")
    return Transport("tls", {role: _certified(folder, node) for role, node in _NODES.items()})


def _certified(folder: Path, node: str) -> dict[str, str]:
    """Make the certificate of a node, for a day; return its settings."""
    names = f"-subj /CN={node} -addext subjectAltName=DNS:{node}"
    _openssl(folder, f"req -new {_KEY} {names} -keyout {node}.key -out {node}.csr")
    signed = f"-CA ca.pem -CAkey ca.key -days 1 -copy_extensions copy -out {node}.pem"
    _openssl(folder, f"x509 -req -in {node}.csr {signed}")
    table = {
        "use": "tls",
        "certificate": folder / f"{node}.pem",
        "key": folder / f"{node}.key",
        "ca": folder / "ca.pem",
    }
    return {f"PARTISAN__TRANSPORT__{key.upper()}": str(value) for key, value in table.items()}


def _openssl(folder: Path, words: str) -> None:
    command = ["openssl", *words.split()]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)  # noqa: S603 - our own words
