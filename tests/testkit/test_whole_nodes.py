"""Random schedules of faults on whole nodes. Fifty seeds are run by `.ci/run`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import SystemRandom

import pytest
import trio
from click.testing import CliRunner

from partisan_core.notices import Notice
from partisan_testkit.schedules import Outcome, Schedule, run_seeds, settings_of
from partisan_testkit.schedules.plan import Planned, Step
from partisan_testkit.schedules.run import run_twice
from partisan_testkit.schedules.violation import Violation
from partisan_testkit.wholenodes.__main__ import main
from partisan_testkit.wholenodes.process import Process
from partisan_testkit.wholenodes.replay import replay
from partisan_testkit.wholenodes.run import WHOLE_NODES, make_whole_schedule, run_whole
from partisan_testkit.wholenodes.workloads import WORKLOADS

NODES, SECONDS = 4, 12.0
OVERLAYS = ("fullmesh", "hyparview", "clientserver", "static", "scamp_v2")


def run(overlay: str, seed: int) -> Outcome:
    return run_seeds(overlay, NODES, range(seed, seed + 1), seconds=SECONDS, theatre=WHOLE_NODES)


@pytest.mark.parametrize(("seed", "overlay"), [*enumerate(OVERLAYS)])
def test_after_any_schedule_whole_nodes_keep_all_promises_twice_with_one_log(seed: int, overlay: str) -> None:
    outcome = run(overlay, seed)
    assert outcome.violation is None, f"{outcome.violation}\n{outcome.schedule}\n{outcome.repeat}"
    assert outcome.events > 500


def test_what_takes_longer_than_the_schedule_has_left_ends_with_it() -> None:
    """Seed 13 of HyParView with five nodes: one left at the last moment, which took it 58 ms."""
    cluster = settings_of("hyparview", 2)
    steps = tuple(Planned(SECONDS - 0.001, step, 1, 0) for step in (Step.LEAVE, Step.CRASH))
    schedule = Schedule(seed=0, nodes=2, seconds=SECONDS, phases=(), steps=steps)
    assert run_whole(schedule, cluster, workloads=[]).violation is None


# What is found is shown.


class Chance:
    """A workload that nobody can repeat."""

    sections: Mapping[str, Mapping[str, object]] = {}

    def __init__(self, seed: int) -> None:
        self._rng = SystemRandom()

    async def live(self, process: Process) -> None:
        """Sleep for a while that does not follow from the seed."""
        while True:
            await trio.sleep(self._rng.uniform(0.1, 1))
            process.endpoint.network.record("tick")

    def on_notice(self, process: Process, notice: Notice) -> None:
        """Fail when somebody has been killed: see the test about shrinking."""

    async def conclude(self, living: list[Process]) -> Iterator[str]:
        return iter(())


class NoCrash(Chance):
    """A workload that holds a crash against its node."""

    async def live(self, process: Process) -> None:
        try:
            await trio.sleep_forever()
        finally:
            if not process.alive and trio.current_time() < SECONDS:
                raise Violation("somebody was killed")


def test_chance_that_does_not_follow_from_the_seed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WORKLOADS, "chance", Chance)
    cluster = settings_of("fullmesh", 2)
    report = run_twice(Schedule(1, 2, 5.0, (), ()), cluster, run_whole)
    assert str(report.violation).startswith("two runs differ")


def test_a_failing_seed_is_made_as_small_as_it_gets_and_can_be_traced_and_replayed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [*WORKLOADS]:
        monkeypatch.delitem(WORKLOADS, name)
    monkeypatch.setitem(WORKLOADS, "no crash", NoCrash)
    cluster = settings_of("fullmesh", 3)
    seed = next(seed for seed in range(500) if is_worth_shrinking(make_whole_schedule(seed, cluster, SECONDS)))
    words = ["--nodes", "3", "--seconds", f"{SECONDS:g}", "--seeds", str(seed)]
    assert main(words) == 1
    told = capsys.readouterr().out
    assert "violation: somebody was killed" in told
    assert f"python -m partisan_testkit.wholenodes --overlay fullmesh --nodes 3 --seeds {seed} --seconds 12" in told
    steps = [line for line in told.splitlines() if " s  " in line]
    assert [step.split()[2] for step in steps] == ["crash"]

    trace = tmp_path / "seed.trace"
    assert main([*words, "--trace", str(trace)]) == 1
    lines = trace.read_text().splitlines()
    assert [line.strip() for line in json.loads(lines[0])["schedule"]] == [steps[0].strip()]
    shown = CliRunner().invoke(replay, [str(trace), "--node", steps[0].split()[3]])
    assert shown.exit_code == 0
    assert f"3 nodes of fullmesh, seed {seed}" in shown.output
    assert shown.output.splitlines()[-1].split()[2:4] == ["kill", f"{steps[0].split()[3]}/0"]


def is_worth_shrinking(schedule: Schedule) -> bool:
    """One crash of a living node, among steps that kill nobody."""
    harmless = {Step.CRASH, Step.RESTART, Step.SLOW, Step.PARTITION, Step.ONE_WAY, Step.HEAL}
    kinds = [step.step for step in schedule.steps]
    return kinds.count(Step.CRASH) == 1 and len(kinds) == 3 and set(kinds) <= harmless


def test_a_file_that_is_no_trace_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("dear diary\n")
    shown = CliRunner().invoke(replay, [str(file)])
    assert shown.exit_code == 1
    assert f"{file} is no trace of a simulation" in shown.output
    file.write_text('{"overlay": "fullmesh", "nodes": 1, "seed": 1, "schedule": []}\n[0.5, "kill", "node-0/0"]\n{}\n')
    shown = CliRunner().invoke(replay, [str(file)])
    assert shown.exit_code == 1
    assert "0.500 s  kill node-0/0" in shown.output
    assert f"{file}, line 3: " in shown.output


def test_a_trace_is_of_one_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--seeds", "0-3", "--trace", str(tmp_path / "x")])
    assert "--trace is of one seed of one overlay" in capsys.readouterr().err
