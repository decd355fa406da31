"""`partisan simulate --compare`: one table of several overlays."""

import json

import pytest

from partisan_testkit.simulator.wire import FRAME_OVERHEAD
from tests.simulate.commands import command

STRANGER = "tests.conformance.planted_overlays:Mesh"


def test_a_table_has_a_column_for_each_overlay_in_the_order_asked_for() -> None:
    done = command("--compare", "static,clientserver", "--nodes", "8")
    assert done.exit_code == 0, done.output
    heads = done.stdout.splitlines()[1].split()
    assert heads == ["static", "clientserver"]


def test_a_stranger_with_the_same_protocol_has_the_same_figures() -> None:
    done = command("--compare", f"fullmesh,{STRANGER}", "--nodes", "8", "--json")
    assert done.exit_code == 0, done.output
    mesh, stranger = json.loads(done.stdout)["overlays"]
    assert (mesh.pop("overlay"), stranger.pop("overlay")) == ("fullmesh", STRANGER)
    assert mesh == stranger


def test_the_figures_of_a_mesh_and_a_ring_are_those_that_follow_from_their_shape() -> None:
    mesh, ring = json.loads(command("--compare", "fullmesh,static", "--nodes", "10", "--json").stdout)["overlays"]
    assert (mesh["connections_mean"], mesh["connections_max"]) == (9, 9)
    assert (mesh["hops"], mesh["redundancy"]) == (1, pytest.approx(8))
    assert {survival["reliability"] for survival in mesh["survival"]} == {1}
    assert (ring["connections_mean"], ring["connections_max"]) == (pytest.approx(2.2), 3)
    assert mesh["messages"] > ring["messages"]
    assert mesh["bytes"] > FRAME_OVERHEAD * mesh["messages"]
    assert ring["survival"][0]["reliability"] > ring["survival"][4]["reliability"]
    assert [survival["crashed"] for survival in ring["survival"]] == [10, 20, 30, 40, 50, 60, 70, 80, 90]
    assert ring["healed"]["reliability"] < mesh["healed"]["reliability"] == 1


def test_the_same_seed_gives_the_same_table() -> None:
    words = ("--compare", "hyparview,scamp_v2", "--nodes", "20", "--seed", "3", "--json")
    assert command(*words).stdout == command(*words).stdout
