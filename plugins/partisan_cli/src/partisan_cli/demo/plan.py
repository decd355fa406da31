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

SERIALIZER: dict[str, object] = {"use": "msgpack"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run shall be."""

    names: tuple[str, ...]
    """The first one survives, so there is always somebody to join through."""
    victims: tuple[str, ...]
    overlay: str
    needs_peers: bool
    """The overlay is told all peers beforehand: it has an option of that name."""
    files: tuple[Path, ...]
    pace: float
    """Seconds that counting shall take."""

    @property
    def pause(self) -> float:
        """Seconds from the begin of one file to that of the next, at one node."""
        return self.pace * len(self.names) / max(1, len(self.files))


def make_plan(nodes: int, kill: int, overlay: str, files: Sequence[Path], pace: float) -> Plan:
    """Choose names and victims: of all but the first the ones with the most files, who are easiest to catch at work.

    Raises:
        PluginError: there is no such overlay, or the serializer is not installed.
    """
    plugins = Plugins()
    options = plugins.overlay(overlay).config
    plugins.serializer(str(SERIALIZER["use"]))
    names = NAMES[:nodes]
    shares = Counter(Placement([os.fsencode(file) for file in files]).owners(names))
    candidates = sorted(names[1:], key=lambda name: -shares[name])
    return Plan(
        names=names,
        victims=tuple(candidates[:kill]),
        overlay=overlay,
        needs_peers=any(option.name == "peers" for option in fields(options)),
        files=tuple(files),
        pace=pace,
    )


def overlay_options(name: str, index: int, peers: Mapping[str, str]) -> dict[str, object]:
    """The table `[overlay]` of one node.

    Args:
        name: the overlay.
        index: which node, counted from 0; for overlays in which nodes have different roles.
        peers: name and address of every node, in order; none for overlays that find them by joining.
    """
    if not peers:
        return {"use": name}
    return {"use": name, "peers": [f"{peer}={address}" for peer, address in peers.items()]}


def choose_addresses(names: Sequence[str]) -> dict[str, str]:
    """An address for each node at which nobody listens at this moment: for overlays that are told all peers."""
    with ExitStack() as stack:  # all held at once, so that they differ
        held = [stack.enter_context(socket.create_server((HOST, 0))) for _ in names]
        return {name: f"{HOST}:{one.getsockname()[1]}" for name, one in zip(names, held, strict=True)}
