"""A checkpoint says whom every living node wants and knows, in the documented form."""

import json
from pathlib import Path
from random import Random

import pytest

from partisan_core.identity import NodeSpec
from partisan_hyparview import HyParView, HyParViewConfig
from partisan_testkit.simulator import Simulation
from partisan_testkit.simulator.checkpoints import checkpoint, export
from partisan_testkit.simulator.graph import Graph


def make(me: NodeSpec, rng: Random) -> HyParView:
    return HyParView(me, HyParViewConfig(active_max=2, passive_max=5), rng)


@pytest.fixture
def simulation() -> Simulation:
    simulation = Simulation(make, 2)
    for number in range(8):
        node = simulation.start(f"node-{number}")
        if number:
            simulation.join(node, lambda: simulation.nodes[0])
        simulation.run(1.0)
    simulation.run(12.0)
    return simulation


def test_the_views_of_a_node_are_apart_and_without_itself(simulation: Simulation) -> None:
    taken = checkpoint(simulation, "formed")
    assert (taken.name, taken.time) == ("formed", 20.0)
    assert list(taken.active) == list(taken.passive) == [node.name for node in simulation.living]
    for node in simulation.living:
        active, passive = taken.active[node.name], taken.passive[node.name]
        assert {node.name, *active, *passive} == set(node.view)
        assert len({node.name, *active, *passive}) == 1 + len(active) + len(passive)
    assert any(taken.passive.values())


def test_only_the_living_are_in_it(simulation: Simulation) -> None:
    simulation.crash(simulation.nodes[3])
    simulation.leave(simulation.nodes[4])
    assert not {"node-3", "node-4"} & checkpoint(simulation, "after").active.keys()


def test_the_figures_can_be_computed_from_the_file(simulation: Simulation, tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    first = checkpoint(simulation, "first")
    simulation.run(10.0)
    export(path, [first, checkpoint(simulation, "second")])
    written = json.loads(path.read_text())
    assert [(one["name"], one["time"]) for one in written["checkpoints"]] == [("first", 20.0), ("second", 30.0)]
    assert written["checkpoints"][0].keys() == {"name", "time", "active", "passive"}
    read, direct = Graph(written["checkpoints"][1]["active"]), Graph.of(simulation.living)
    assert (read.names, read.degrees(), read.clustering()) == (direct.names, direct.degrees(), direct.clustering())
    assert read.flood("node-0") == direct.flood("node-0")
