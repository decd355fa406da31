"""Who takes part in a run, how, and who is to be killed."""

import os
import socket
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path

from partisan_cli.demo.placement import Placement
from partisan_core.plugins import Plugins

NAMES = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu",
    "nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
)  # fmt: skip
"""What the nodes are called; there are no more nodes than names."""

HOST = "127.0.0.1"

SERVERS = 2
"""How many of the first nodes are servers, on overlays with roles: one may die."""

SERIALIZER: dict[str, object] = {"use": "msgpack"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run shall be."""

    names: tuple[str, ...]
    """The first one survives, so there is always somebody to join through; the first two are servers, by label."""
    victims: tuple[str, ...]
    overlay: str
    needs_peers: bool
    """The overlay is told beforehand whom to be linked to: it has an option of that name. Nobody joins then."""
    files: tuple[Path, ...]
    pace: float
    """Seconds that counting shall take."""

    @property
    def pause(self) -> float:
        """Seconds from the begin of one file to that of the next, at one node."""
        return self.pace * len(self.names) / max(1, len(self.files))


def make_plan(nodes: int, kill: int, overlay: str, files: Sequence[Path], pace: float) -> Plan:
    """Choose names and victims: clients before servers, and first the ones with the most files: easy to catch at work.

    Raises:
        PluginError: there is no such overlay, or the serializer is not installed.
    """
    plugins = Plugins()
    options = plugins.overlay(overlay).config
    plugins.serializer(str(SERIALIZER["use"]))
    names = NAMES[:nodes]
    shares = Counter(Placement([os.fsencode(file) for file in files]).owners(names))
    candidates = sorted(names[1:], key=lambda name: (name in names[:SERVERS], -shares[name]))
    return Plan(
        names=names,
        victims=tuple(candidates[:kill]),
        overlay=overlay,
        needs_peers=any(option.name == "peers" for option in fields(options)),
        files=tuple(files),
        pace=pace,
    )


def labels_of(index: int) -> dict[str, str]:
    """The labels of the node with this number. Overlays without roles do not mind that it has one."""
    return {"role": "server" if index < SERVERS else "client"}


def overlay_options(overlay: str, name: str, addresses: Mapping[str, str]) -> dict[str, object]:
    """The table `[overlay]` of one node.

    Args:
        overlay: its name.
        name: of the node.
        addresses: of every node by name, in order; none for overlays that find each other by joining.
    """
    if not addresses:
        return {"use": overlay}
    return {"use": overlay, "peers": [f"{peer}={addresses[peer]}" for peer in beside(name, list(addresses))]}


def beside(name: str, names: Sequence[str]) -> list[str]:
    """Whom a node is linked to in a ring with one chord, in the order of the ring: the next one first, itself left out.

    The chord leads from the first node across the ring; of fewer than four everybody is a neighbour anyway.
    """
    ring, size, across = [*names], len(names), len(names) // 2
    here = ring.index(name)
    distances = {1, size - 1} | ({across} if here == 0 else {size - across} if here == across else set())
    return [ring[(here + distance) % size] for distance in sorted(distances) if 0 < distance < size]


def choose_addresses(names: Sequence[str]) -> dict[str, str]:
    """An address for each node at which nobody listens at this moment: for overlays that are told all peers."""
    with ExitStack() as stack:  # all held at once, so that they differ
        held = [stack.enter_context(socket.create_server((HOST, 0))) for _ in names]
        return {name: f"{HOST}:{one.getsockname()[1]}" for name, one in zip(names, held, strict=True)}
