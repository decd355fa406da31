"""`partisan simulate`: what it prints, writes and refuses, and how it ends."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import pytest

from partisan_testkit.simulate import plotting
from partisan_testkit.simulate.progress import shown_progress
from tests.simulate.commands import command

SELFISH = "tests.conformance.planted_overlays:LinkedToItself"
PLAIN = ("--overlay", "hyparview", "--nodes", "40", "--crash", "0.5")


def test_a_plain_run_shows_each_phase() -> None:
    done = command(*PLAIN)
    assert done.exit_code == 0, done.output
    lines = {line[:19].strip(): line[19:].split() for line in done.stdout.splitlines()}
    assert done.stdout.splitlines()[0] == "hyparview, 40 nodes, seed 1"
    assert lines[""] == ["joined", "rested", "crashed", "healed"]
    assert lines["living nodes"] == ["40", "40", "20", "20"]
    assert lines["flood reliability"][1] == "100.0%"
    assert "invariants: no violation" in done.stdout


def test_the_same_seed_prints_the_same_json_whatever_the_hash_seed() -> None:
    program = "from partisan_cli import main; main()"
    words = [sys.executable, "-c", program, "simulate", *PLAIN, "--json"]
    one, other = (
        subprocess.run(words, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    )
    assert one == other
    assert [phase["name"] for phase in json.loads(one)["phases"]] == ["joined", "rested", "crashed", "healed"]


def test_several_seeds_run_one_after_the_other() -> None:
    done = command("--overlay", "static", "--nodes", "5", "--seeds", "3-5")
    assert [line for line in done.stdout.splitlines() if "seed" in line] == [
        f"static, 5 nodes, seed {seed}" for seed in (3, 4, 5)
    ]


@pytest.mark.parametrize("overlay", ["hyparview", "scamp_v2"])
def test_figures_can_be_computed_anew_from_the_export(tmp_path: Path, overlay: str) -> None:
    path = tmp_path / "graph.json"
    done = command("--overlay", overlay, "--nodes", "30", "--crash", "0.5", "--json", "--export", str(path))
    phases = json.loads(done.stdout)["phases"]
    checkpoints = json.loads(path.read_text())["checkpoints"]
    assert [one["name"] for one in checkpoints] == [phase["name"] for phase in phases]
    for phase, checkpoint in zip(phases, checkpoints, strict=True):
        active = checkpoint["active"]
        living = {node: [peer for peer in peers if peer in active] for node, peers in active.items()}
        degrees = [len(peers) for peers in living.values()]
        assert phase["time"] == checkpoint["time"]
        assert phase["degree_mean"] == pytest.approx(sum(degrees) / len(degrees), abs=1e-4)
        assert phase["one_sided"] == sum(node not in living[peer] for node in living for peer in living[node])
        assert phase["clustering"] == pytest.approx(clustering(living), abs=1e-4)
        assert phase["largest"] == pytest.approx(largest_component(living) / len(living), abs=1e-4)


def undirected(living: dict[str, list[str]]) -> dict[str, set[str]]:
    return {node: set(living[node]) | {other for other in living if node in living[other]} for node in living}


def clustering(living: dict[str, list[str]]) -> float:
    linked = undirected(living)
    shares = []
    for others in linked.values():
        pairs = [(one, other) for one in others for other in others if one < other]
        shares.append(sum(other in linked[one] for one, other in pairs) / len(pairs) if pairs else 0.0)
    return sum(shares) / len(shares)


def largest_component(living: dict[str, list[str]]) -> int:
    linked, sizes, unseen = undirected(living), [0], set(living)
    while unseen:
        group, front = set[str](), {next(iter(unseen))}
        while front:
            group |= front
            front = {other for node in front for other in linked[node]} - group
        sizes.append(len(group))
        unseen -= group
    return max(sizes)


def test_a_violation_ends_with_one_and_the_command_that_repeats_it() -> None:
    done = command("--overlay", SELFISH, "--nodes", "4", "--seeds", "6-9")
    assert done.exit_code == 1
    last = done.stdout.splitlines()[-2:]
    assert last[0].startswith("violation with seed 6, at 0 s: node-0")
    assert last[0].endswith("wants a link to itself")
    assert last[1] == f"repeat it with: partisan simulate --overlay {SELFISH} --nodes 4 --seed 6"
    again = command(*last[1].removeprefix("repeat it with: partisan simulate ").split())
    assert again.stdout.splitlines()[-2:] == last


def test_chaos_runs_schedules_and_says_that_nothing_was_violated() -> None:
    done = command("--overlay", "fullmesh", "--nodes", "4", "--chaos", "--seeds", "1-2")
    assert done.exit_code == 0
    assert done.stdout.startswith("fullmesh: 2 schedules of 4 nodes, no violation")


def test_chaos_shows_seed_schedule_and_repeating_command_of_a_violation() -> None:
    words = ("--overlay", SELFISH, "--nodes", "4", "--chaos", "--seeds", "5-9")
    done = command(*words)
    assert done.exit_code == 1
    assert done.stdout.startswith("seed 5, as few faults as it takes:")
    repeat = f"partisan simulate --overlay {SELFISH} --nodes 4 --chaos --seeds 5"
    assert done.stdout.splitlines()[-1] == f"repeat it with: {repeat}"
    as_json = json.loads(command(*words, "--json").stdout)
    assert (as_json["seed"], as_json["repeat"]) == (5, repeat)
    assert as_json["violation"].endswith("wants a link to itself")


REFUSED = {
    "nothing": ([], "say what to simulate: either a SCENARIO, or --overlay, or --compare"),
    "two subjects": (["x.toml", "--overlay", "static"], "say what to simulate"),
    "chaos of nothing": (["x.toml", "--chaos"], "--chaos draws schedules for an --overlay: name it"),
    "nodes of a scenario": (["x.toml", "--nodes", "9"], "--nodes has no meaning with a SCENARIO"),
    "a crash in chaos": (["--overlay", "static", "--chaos", "--crash", "0"], "--crash has no meaning with --chaos"),
    "a picture of a table": (["--compare", "static", "--plot", "x.png"], "--plot has no meaning with --compare"),
    "two ways to seed": (["--overlay", "static", "--seed", "1", "--seeds", "1-2"], "give one of the two"),
    "no seeds": (["--overlay", "static", "--seeds", "9-1"], "'9-1' are no seeds"),
    "one export of many": (["--overlay", "static", "--seeds", "1-2", "--export", "x"], "are of one run"),
    "a share": (["--overlay", "static", "--crash", "1.5"], "1.5 is not in the range"),
    "a number of nodes": (["--overlay", "static", "--nodes", "100001"], "100001 is not in the range"),
    "an overlay": (["--overlay", "hyperview"], "did you mean 'hyparview'?"),
    "an overlay in chaos": (["--overlay", "hyperview", "--chaos"], "did you mean 'hyparview'?"),
    "an overlay of several": (["--compare", "static,hyperview"], "did you mean 'hyparview'?"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_makes_no_sense_ends_with_two_and_one_line_that_says_why(words: list[str], said: str) -> None:
    done = command(*words)
    assert done.exit_code == 2
    assert done.stdout == ""
    [error] = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert said in error
    assert "Traceback" not in done.stderr


def test_an_export_that_cannot_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    done = command("--overlay", "static", "--nodes", "3", "--export", str(tmp_path / "nowhere" / "graph.json"))
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "nowhere" in done.stderr


def test_without_matplotlib_a_plot_is_refused_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(plotting, "find_spec", lambda name: None)
    done = command("--overlay", "static", "--nodes", "3", "--plot", str(tmp_path / "x.png"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "pip install 'partisan-testkit[plot]'" in done.stderr


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for stderr in (Terminal(), StringIO()):
        monkeypatch.setattr(sys, "stderr", stderr)
        with shown_progress("static, 5 nodes", 10.0) as progress:
            progress(5.0)
        assert ("static, 5 nodes" in stderr.getvalue()) is stderr.isatty()


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib is an optional extra")
@pytest.mark.filterwarnings("default")
def test_a_plot_is_a_png(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    assert command(*PLAIN, "--plot", str(path)).exit_code == 0
    assert path.read_bytes().startswith(b"\x89PNG")
