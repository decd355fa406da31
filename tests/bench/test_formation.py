"""`partisan bench formation` on small clusters of real processes: complete or failed, and never left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from partisan_bench.formation import measure, system
from partisan_bench.formation.processes import Member, ending
from partisan_bench.formation.shapes import Shape, contact_of, evenly, shape_of
from partisan_bench.formation.views import LANES, View, disagreement, lacking, scattering
from partisan_bench.harness import WorkerFailed
from partisan_core.views import ConnectionRow, LaneState, MemberRow, MemberState

PATIENCE = 30
PAIR, THREE = (Shape(peers, is_full=True) for peers in (1, 2))
MESH = evenly("fullmesh", 2)
COMMAND = [sys.executable, "-m", "partisan_bench", "formation"]


def view(me: str, *others: str) -> View:
    """What `me` sees of a complete cluster."""
    members = [MemberRow(name, MemberState.UP, name != me, name == me, 1, (), {}, "") for name in (me, *others)]
    unsaid: dict[str, Any] = dict.fromkeys(ConnectionRow.__struct_fields__)
    connections = [
        ConnectionRow(**unsaid | {"peer": peer, "channel": channel, "lane": 0, "state": LaneState.CONNECTED})
        for peer in others
        for channel in ("membership", "default")
    ]
    return View(tuple(members), tuple(connections))


def complete() -> dict[str, View]:
    return {"a": view("a", "b", "c"), "b": view("b", "a", "c"), "c": view("c", "a", "b")}


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_rows_of_a_formation_have_the_published_case_and_units() -> None:
    options = ["--overlay", "fullmesh", "--nodes", "3", "--rounds", "1", "--idle", "0.1", "--json"]
    finished = subprocess.run([*COMMAND, *options], capture_output=True, text=True, check=True, timeout=PATIENCE)
    rows = json.loads(finished.stdout)
    assert {(row["benchmark"], row["case"], row["subject"]) for row in rows} == {
        ("formation", "fullmesh/3", "partisan")
    }
    assert [(row["metric"], row["unit"]) for row in rows] == list(measure.UNITS.items())
    figures = {row["metric"]: row["median"] for row in rows}
    assert [row["metric"] for row in rows if row["unit"] == "s"] == ["seconds"]
    assert figures["sockets"] == 2 * LANES
    assert 0 < figures["after ready"] / 1000 < figures["seconds"] < PATIENCE
    assert 0 < figures["uss"] <= figures["pss"] <= figures["rss"]


@pytest.mark.parametrize(("overlay", "most"), [("hyparview", 7), ("scamp_v2", 8), ("static", 2)])
def test_partial_views_of_several_nodes_in_each_process_become_one_cluster(overlay: str, most: int) -> None:
    ((sample,),) = measure.run((overlay,), (8,), rounds=1, idle=0.1, per_process=4)
    assert sample.case.name == f"{overlay}/8, 4 per process"
    assert 0 < sample.figures["seconds"] < PATIENCE
    assert LANES <= sample.figures["sockets"] <= most * LANES
    assert sample.figures["idle traffic"] >= 0


def test_a_node_that_cannot_start_is_named_with_its_reason() -> None:
    with pytest.raises(WorkerFailed, match=r"no_such/2: node-01 has ended: .*'no_such' is not installed"):
        list(measure.run(("no_such",), (2,), rounds=1, idle=0.1))


def test_a_socket_too_many_fails_the_check(tmp_path: Path) -> None:
    with ending() as members:
        measure.form(members, tmp_path, MESH)
        measure.check(members, PAIR)
        address = members[0].views()["node-01"].members[0].addresses[0]
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port))):
            until(lambda: system.sockets(members[0].process) == LANES + 1)
            with pytest.raises(WorkerFailed, match=rf"node-01 holds {LANES + 1} sockets, not {LANES}"):
                measure.check(members, PAIR, settling=0)


def test_a_killed_node_is_found_missing_and_none_outlives_the_block(tmp_path: Path) -> None:
    with ending() as members:
        measure.form(members, tmp_path, MESH)
        processes = [member.process for member in members]
        members[1].kill()
        with pytest.raises(WorkerFailed, match="node-0"):
            measure.check(members, PAIR)
    assert not any(Path(f"/proc/{process}").exists() for process in processes)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_node_outlives_a_bench_that_is_interrupted_or_killed(how: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "--nodes", "3", "--idle", "600"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    ) as bench:
        until(lambda: len(children(bench.pid)) == 3)
        members = children(bench.pid)
        bench.send_signal(how)
        assert bench.wait(PATIENCE) != 0
    until(lambda: not any(Path(f"/proc/{process}").exists() for process in members))


def test_a_complete_cluster_has_no_fault() -> None:
    assert disagreement(complete()) == ""


def test_a_node_that_sees_another_life_is_named() -> None:
    views = complete()
    older = replace(views["b"].members[0], incarnation=0)
    views["b"] = replace(views["b"], members=(older, *views["b"].members[1:]))
    assert "b sees other members" in disagreement(views)


def test_a_node_that_takes_another_for_down_is_named() -> None:
    views = complete()
    down = replace(views["c"].members[1], state=MemberState.DOWN)
    views["c"] = replace(views["c"], members=(views["c"].members[0], down, views["c"].members[2]))
    assert disagreement(views) == "c is linked to c, b only"


def test_a_lane_without_a_connection_and_a_lane_that_is_not_there_are_told() -> None:
    connections = view("a", "b", "c").connections
    dialling = replace(connections[0], state=LaneState.DIALLING)
    assert lacking((dialling, *connections[1:]), THREE) == "3 lanes connected of 4 known and 4 expected"
    assert lacking(connections[1:], THREE) == "3 lanes connected of 3 known and 4 expected"
    views = complete()
    views["a"] = replace(views["a"], connections=connections[1:])
    assert disagreement(views).startswith("a has 3 lanes")


def test_one_sided_links_islands_and_few_neighbours_of_partial_views_are_told() -> None:
    shape = Shape(1, is_full=False)
    assert scattering(complete(), shape) == ""
    assert scattering(complete(), Shape(3, is_full=False)) == "a has 2 neighbours of 3 expected"
    assert scattering({"a": view("a", "b"), "b": view("b", "c"), "c": view("c", "b")}, shape).startswith(
        "a has a neigh"
    )
    one_sided = {"a": view("a", "b"), "b": view("b", "c"), "c": view("c", "b")}
    assert scattering(one_sided, replace(shape, is_mutual=False)) == ""
    pairs = {"a": view("a", "b"), "b": view("b", "a"), "c": view("c", "d"), "d": view("d", "c")}
    for islands in (shape, replace(shape, is_mutual=False)):
        assert scattering(pairs, islands) == "only 2 of 4 are reached from a"


def test_in_a_ring_each_process_joins_the_one_before_and_elsewhere_all_join_the_first_node() -> None:
    ends = [("a", "b"), ("c", "d"), ("e", "f")]
    ring, star = shape_of("static", {"evict"}, 6), shape_of("hyparview", (), 6)
    assert [contact_of(index, ends, ring) for index in range(3)] == ["f", "b", "d"]
    assert [contact_of(index, ends, star) for index in range(3)] == ["", "a", "a"]
    assert (ring.neighbours, star.neighbours, shape_of("fullmesh", {"full_view"}, 6).neighbours) == (2, 3, 5)


def test_a_member_that_was_killed_is_named(tmp_path: Path) -> None:
    with ending() as members:
        members.append(Member(tmp_path, MESH, range(1, 2)))
        members[0].hear()
        members[0].kill()
        with pytest.raises(WorkerFailed, match="node-01 has ended: it was killed"):
            members[0].hear()


def test_a_member_that_waits_in_vain_says_what_it_lacks(tmp_path: Path) -> None:
    with ending() as members:
        members.append(Member(tmp_path, MESH, range(1, 2), patience=0.1))
        members[0].hear()
        members[0].tell("")
        with pytest.raises(WorkerFailed, match=r"not complete after 0.1 s: node-01 has 0 lanes .* and 2 expected"):
            members[0].hear()
