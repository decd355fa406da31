"""Random schedules of faults on full mesh, and the witness that judges them. 1,000 seeds are run by the command."""

import os
import re
import subprocess
import sys
from random import Random

import pytest

from partisan_core.identity import NodeSpec
from partisan_fullmesh import FullMesh, FullMeshConfig
from partisan_testkit.schedules import Report, Violation, make_schedule, run_twice
from partisan_testkit.schedules.__main__ import main
from tests.simulation.defects import DependsOnHashes, EvictsTheCrashed, IgnoresTombstones, LeavesInSilence

NODES = 16
SEEDS = 60
SEEDS_PER_TEST = 10
ROWS_OF_THE_LOG = 50


def run_seed(seed: int, kind: type[FullMesh] = FullMesh) -> Report:
    def make(me: NodeSpec, rng: Random) -> FullMesh:
        return kind(me, FullMeshConfig(), rng)

    return run_twice(seed, NODES, make)


def first_violation(kind: type[FullMesh], seeds: int = 12) -> Violation | None:
    violations = (run_seed(seed, kind).violation for seed in range(seeds))
    return next((violation for violation in violations if violation is not None), None)


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_PER_TEST))
def test_after_any_schedule_all_agree_and_nobody_is_lost_or_resurrected(first: int) -> None:
    for seed in range(first, first + SEEDS_PER_TEST):
        violation = run_seed(seed).violation
        assert violation is None, f"seed {seed}: {violation}"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (EvictsTheCrashed, "who neither left nor was evicted"),
        (LeavesInSilence, "left without a word"),
        (IgnoresTombstones, "of whose end a living node was told|left without a word"),
        (DependsOnHashes, "two runs differ"),
    ],
)
def test_the_witness_finds_a_planted_defect(kind: type[FullMesh], words: str) -> None:
    violation = first_violation(kind)
    assert violation is not None
    assert re.search(words, str(violation))


def test_a_schedule_is_made_of_its_seed_alone() -> None:
    assert make_schedule(5, NODES) == make_schedule(5, NODES)
    assert make_schedule(5, NODES) != make_schedule(6, NODES)


def test_the_log_does_not_depend_on_the_hash_seed() -> None:
    logs = {logs_of_a_process(hash_seed) for hash_seed in ("1", "2")}
    assert len(logs) == 1


def logs_of_a_process(hash_seed: str) -> str:
    command = [sys.executable, "-m", "partisan_testkit.schedules", "--nodes", "8", "--seeds", "3-5"]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    match = re.search(r"logs ([0-9a-f]{16})", done.stdout)
    assert match is not None
    return match[1]


def test_the_command_sums_up_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--nodes", "4", "--seeds", "7"]) == 0
    assert re.fullmatch(r"fullmesh: 1 schedules of 4 nodes, .*no violation.*\n", capsys.readouterr().out)


def test_the_command_shows_how_to_repeat_a_violation(capsys: pytest.CaptureFixture[str]) -> None:
    overlay = "tests.simulation.defects:EVICTS_THE_CRASHED"
    assert main(["--overlay", overlay, "--seeds", "2-9"]) == 1
    lines = capsys.readouterr().out.splitlines()
    seed = re.match(r"seed (\d+): Faults", lines[0])
    assert seed is not None
    command = f"python -m partisan_testkit.schedules --overlay {overlay} --nodes 16 --seeds {seed[1]}"
    assert lines[-1] == f"repeat it with: {command}"
    assert "who neither left nor was evicted" in lines[-2]
    assert len(lines) > ROWS_OF_THE_LOG
