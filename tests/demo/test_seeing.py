"""What people and programs see of a run."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from partisan_cli.demo.chronicle import Chronicle
from partisan_cli.demo.command import MOST_NODES
from partisan_cli.demo.live import draw
from partisan_cli.demo.outcome import Outcome, Remarks, as_json, as_text
from partisan_cli.demo.plan import NAMES, beside, labels_of, make_plan, overlay_options
from partisan_cli.demo.reporting import Progress, Started, View

OUTCOME = Outcome(
    nodes=3,
    overlay="fullmesh",
    files=7,
    words=1234,
    expected_words=1234,
    match=True,
    formation_s=1.5,
    killed=["beta"],
    detected_s=0.0042,
    rejoined_s=0.75,
    messages=99,
    dropped={"node_gone": 3},
)


def test_json_holds_every_figure_under_its_name() -> None:
    report = json.loads(as_json(OUTCOME))
    assert report["match"] is True
    assert report["detected_s"] == 0.0042
    assert report["dropped"] == {"node_gone": 3}


@pytest.mark.parametrize("line", ["4.20 ms after the kill", "0.75 s after the restart", "3 node_gone", "1,234 words"])
def test_the_report_tells_times_and_counts(line: str) -> None:
    assert line in as_text(OUTCOME)


def test_a_difference_is_not_overlooked() -> None:
    assert as_text(replace(OUTCOME, match=False)).endswith("THE COUNTS DIFFER")


def test_who_was_not_killed_is_told_with_the_reason() -> None:
    (left_out, spared) = Remarks({Path("log"): "changed"}, ("beta",)).lines()
    assert left_out == "left out on both sides: log: changed"
    assert "beta was not killed" in spared


def test_the_table_shows_every_node_and_its_state() -> None:
    chronicle = Chronicle(["alpha", "beta", "gamma"], 10)
    life = chronicle.begin("alpha")
    life.take(Started("127.0.0.1:1", 1))
    life.take(View(1.0, {"gamma": 1}, {"alpha": 1, "gamma": 1}))
    life.take(Progress(shares={"alpha": 3, "gamma": 4}))
    chronicle.begin("beta")
    chronicle.end("beta")
    chronicle.begin("gamma")
    console = Console(file=StringIO(), width=100)
    with console.capture() as captured:
        console.print(draw(chronicle))
    alpha, beta, gamma = [line for line in captured.get().splitlines() if "a " in line]
    assert [word in alpha for word in ("up", "gamma", "3", "7")] == [True] * 4
    assert "killed" in beta
    assert "starting" in gamma


def test_there_is_a_name_for_every_node() -> None:
    assert len(set(NAMES)) == len(NAMES) == MOST_NODES


def test_the_first_node_survives_and_the_busiest_clients_are_the_victims_before_the_second_server() -> None:
    files = [Path(f"/file/{number}") for number in range(50)]
    plan = make_plan(5, 4, "fullmesh", files, pace=5.0)
    assert set(plan.victims) == set(NAMES[1:5])
    assert plan.victims[-1] == NAMES[1]
    assert make_plan(5, 2, "fullmesh", files, pace=5.0).victims == plan.victims[:2]
    assert plan.pause == pytest.approx(0.5)
    assert [labels_of(index)["role"] for index in range(4)] == ["server", "server", "client", "client"]


def test_a_static_overlay_is_told_its_peers_and_others_are_not() -> None:
    assert make_plan(2, 0, "tests.ring_overlay.src.partisan_ring:Ring", [], pace=1.0).needs_peers
    assert not make_plan(2, 0, "fullmesh", [], pace=1.0).needs_peers
    addresses = {"alpha": "127.0.0.1:1", "beta": "127.0.0.1:2"}
    assert overlay_options("ring", "alpha", addresses) == {"use": "ring", "peers": ["beta=127.0.0.1:2"]}
    assert overlay_options("fullmesh", "alpha", {}) == {"use": "fullmesh"}


@pytest.mark.parametrize("size", range(2, 10))
def test_the_peers_make_a_ring_with_one_chord(size: int) -> None:
    names = NAMES[:size]
    peers = {name: beside(name, names) for name in names}
    assert all(name in peers[peer] for name in names for peer in peers[name])
    assert all(peers[name][0] == names[(index + 1) % size] for index, name in enumerate(names))
    degrees = sorted(map(len, peers.values()))
    assert degrees == ([2] * (size - 2) + [3, 3] if size > 3 else [size - 1] * size)
