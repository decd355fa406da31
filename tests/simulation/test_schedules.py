"""Random schedules of faults on every overlay. A thousand seeds of each are run by `.ci/run`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from partisan_testkit.schedules import Outcome, make_schedule, run_seeds, settings_of
from partisan_testkit.schedules.__main__ import main

NODES = 16
SEEDS = 50
RING = "partisan_ring:Ring"
ROWS_OF_THE_LOG = 50


@pytest.fixture(autouse=True)
def _ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "ring_overlay" / "src"))


def explain(outcome: Outcome) -> str:
    return f"{outcome.violation}\nseed {outcome.seed}:\n{outcome.schedule}\n{outcome.repeat}"


@pytest.mark.parametrize("overlay", ["fullmesh", "hyparview", "clientserver", "static", "scamp_v1", "scamp_v2", RING])
def test_after_any_schedule_all_promises_are_kept(overlay: str) -> None:
    outcome = run_seeds(overlay, NODES, range(SEEDS))
    assert outcome.violation is None, explain(outcome)
    assert outcome.seeds == SEEDS


@pytest.mark.parametrize("seed", [237, 3179])
def test_two_stars_of_which_one_has_the_older_life_of_a_server_are_brought_together(seed: int) -> None:
    """Who joined through the older life was refused, and who left it for the newer one did not end it."""
    outcome = run_seeds("clientserver", NODES, range(seed, seed + 1))
    assert outcome.violation is None, explain(outcome)
    assert outcome.islands > 0


def test_nobody_asks_for_the_edge_to_a_peer_that_moved_and_was_evicted_by_who_came_back() -> None:
    seed = 4081  # the eviction was by an earlier life, which the witness forgot
    outcome = run_seeds("static", NODES, range(seed, seed + 1))
    assert outcome.violation is None, explain(outcome)


def test_a_schedule_is_made_of_its_seed_and_the_overlay_alone() -> None:
    cluster = settings_of("fullmesh", NODES)
    assert make_schedule(5, cluster) == make_schedule(5, settings_of("fullmesh", NODES))
    assert make_schedule(5, cluster) != make_schedule(6, cluster)


def test_only_what_an_overlay_can_do_is_asked_of_it() -> None:
    kinds = {
        overlay: {step.step.value for seed in range(30) for step in make_schedule(seed, settings_of(overlay, 8)).steps}
        for overlay in ("fullmesh", "hyparview", "static", RING)
    }
    assert {"evict", "reconcile", "leave", "usurp", "slow", "one-way"} <= kinds["fullmesh"]
    assert {"evict", "reconcile"}.isdisjoint(kinds["hyparview"])
    assert "evict" in kinds["static"]
    assert "leave" not in kinds[RING]


def test_the_log_does_not_depend_on_the_hash_seed_nor_on_the_number_of_jobs() -> None:
    assert len({logs_of_a_process("1", "1"), logs_of_a_process("2", "2")}) == 1


def logs_of_a_process(hash_seed: str, jobs: str) -> str:
    words = ["--overlay", "hyparview,fullmesh", "--nodes", "8", "--seeds", "8-20", "--seconds", "20", "--jobs", jobs]
    command = [sys.executable, "-m", "partisan_testkit.schedules", *words]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    logs = re.findall(r"logs ([0-9a-f]{16})", done.stdout)
    assert len(logs) == len(words[1].split(","))
    return " ".join(logs)


def test_the_command_sums_up_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--nodes", "4", "--seeds", "7", "--seconds", "10"]) == 0
    assert re.fullmatch(r"fullmesh: 1 schedules of 4 nodes, no violation; .*\n", capsys.readouterr().out)


def test_a_violation_comes_with_the_smallest_schedule_and_the_command_that_repeats_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    overlay = "tests.simulation.defects:EVICTS_THE_CRASHED"
    assert main(["--overlay", overlay, "--seeds", "2-9"]) == 1
    lines = capsys.readouterr().out.splitlines()
    seed = re.match(r"seed (\d+), as few faults as it takes", lines[0])
    assert seed is not None
    end = lines.index("the end of the log:")
    assert len(lines[1:end]) == 1, "one broken link is enough"
    command = f"python -m partisan_testkit.schedules --overlay {overlay} --nodes 16 --seeds {seed[1]}"
    assert lines[-1] == f"repeat it with: {command}"
    assert "who neither left nor was evicted" in lines[-2]
    assert len(lines) > ROWS_OF_THE_LOG
