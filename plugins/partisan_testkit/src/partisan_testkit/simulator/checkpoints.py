"""How an overlay stood at a moment, as data that anybody can compute figures from."""

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct
from msgspec.json import encode

from partisan_testkit.simulator.simulation import Simulation


class Checkpoint(Struct, frozen=True):
    """The views of all living nodes at one moment."""

    name: str
    time: float
    """Simulated seconds since the start."""
    active: dict[str, tuple[str, ...]]
    """Whom each node wants a link to."""
    passive: dict[str, tuple[str, ...]]
    """Whom else it knows, itself left out."""


def checkpoint(simulation: Simulation, name: str) -> Checkpoint:
    """Take down the views of all living nodes."""
    active: dict[str, tuple[str, ...]] = {}
    passive: dict[str, tuple[str, ...]] = {}
    for node in simulation.living:
        links = node.strategy.links()
        active[node.name] = tuple(links)
        passive[node.name] = tuple(known for known in node.view if known != node.name and known not in links)
    return Checkpoint(name, simulation.timeline.seconds, active, passive)


def export(path: str | Path, checkpoints: Iterable[Checkpoint]) -> None:
    """Write checkpoints as JSON: `{"checkpoints": [{"name", "time", "active": {node: [neighbours]}, "passive"}]}`.

    Raises:
        OSError: the file cannot be written.
    """
    Path(path).write_bytes(encode({"checkpoints": list(checkpoints)}) + b"\n")
