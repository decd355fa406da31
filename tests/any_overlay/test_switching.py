"""The overlay is one line of the configuration; the program does not change."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Node, open_node
from tests.any_overlay.cluster import until
from tests.any_overlay.settings import SETTINGS, Setting

CONFIGURATION = """
[node]
name = "{name}"
listen = ["{name}.memory:9090"]
labels = {{ role = "{role}" }}

[overlay]
use = "{overlay}"

[transport]
use = "memory"
network = "switching"
"""

ROLES = {"alpha": "server", "beta": "server", "gamma": "client", "delta": "client"}
CONTACT = "alpha.memory:9090"


async def gossip(node: Node, known: set[str]) -> None:
    """Pass on to the neighbours, again and again, which names are known."""
    async with node.open_mailbox("names") as inbox:
        if CONTACT not in map(str, node.addresses):
            await node.join(CONTACT)
        while True:
            for neighbour in node.neighbours():
                await node.send(f"{neighbour}/names", [node.name, *known])
            with trio.move_on_after(0.5):
                while True:
                    known.update(await inbox.receive())


async def run(file: Path, known: set[str]) -> None:
    async with open_node(file) as node:
        await gossip(node, known)


def written(folder: Path, overlay: str, name: str) -> Path:
    file = folder / f"{name}.toml"
    file.write_text(CONFIGURATION.format(name=name, role=ROLES[name], overlay=overlay))
    return file


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.overlay)
async def test_one_program_runs_on_each_overlay_by_one_line_of_its_configuration(
    setting: Setting, tmp_path: Path, autojump_clock: MockClock
) -> None:
    known: dict[str, set[str]] = {name: set() for name in ROLES}
    async with trio.open_nursery() as nursery:
        for name in ROLES:
            nursery.start_soon(run, written(tmp_path, setting.overlay, name), known[name])
        await until(lambda: all(names == {*ROLES} for names in known.values()), "all names everywhere")
        nursery.cancel_scope.cancel()
