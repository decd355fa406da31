"""The harness on real processes: small runs of the baselines that need no library."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from partisan_bench import harness
from partisan_bench.cases import (
    ASYNCIO,
    BLOCKING,
    BLOCKING_CRC32,
    CASES,
    PARTISAN,
    PARTISAN_STRUCTS,
    TRIO_SOCKET,
    TRIO_STREAM,
    Subject,
)
from partisan_bench.command import bench
from partisan_bench.rows import summarise

PARTNER = Subject("partner", BLOCKING.module)

ROW_KEYS = ["benchmark", "case", "subject", "metric", "unit", "values", "median"]


def test_subjects_take_turns_and_run_all_their_cases_each_time() -> None:
    turns = list(harness.run("oneway", [BLOCKING, PARTNER], pairs=2, seconds=0.02))
    assert [[(sample.subject, sample.case.name) for sample in turn] for turn in turns] == [
        [("blocking", "64B"), ("blocking", "1KiB"), ("blocking", "512KiB")],
        [("partner", "64B"), ("partner", "1KiB"), ("partner", "512KiB")],
    ] * 2
    assert all(sample.figures["rate"] > 0 for turn in turns for sample in turn)


def test_registered_structs_are_compared_with_tuples_pair_by_pair() -> None:
    turns = harness.run("oneway", [PARTISAN, PARTISAN_STRUCTS], pairs=1, seconds=0.02, containing="64B")
    samples = [sample for turn in turns for sample in turn]
    assert all(sample.figures["rate"] > 0 for sample in samples)
    assert "64B Structs vs 64B" in {row.case for row in summarise(samples) if row.metric == "ratio"}


@pytest.mark.parametrize("subject", [BLOCKING_CRC32, TRIO_SOCKET, ASYNCIO], ids=lambda subject: subject.name)
def test_a_baseline_counts_what_it_receives_and_reports_messages_and_megabytes(subject: Subject) -> None:
    for sample in next(harness.run("oneway", [subject], pairs=1, seconds=0.02)):
        volume = sample.figures["rate"] * sample.case.payload / 1e6
        assert 0 < sample.figures["volume"] == pytest.approx(volume)


@pytest.mark.parametrize("subject", [TRIO_STREAM, TRIO_SOCKET, ASYNCIO], ids=lambda subject: subject.name)
def test_a_baseline_reports_its_round_trips(subject: Subject) -> None:
    for sample in next(harness.run("rtt", [subject], pairs=1, seconds=0.02)):
        assert 0 < sample.figures["p50"] <= sample.figures["p99"]
        assert sample.figures["rate"] > 0


def test_a_monitor_is_compared_with_a_round_trip_of_the_same_run() -> None:
    ((sample,),) = harness.run("rtt", [PARTISAN], pairs=1, seconds=0.02, containing="monitor")
    assert 0 < sample.figures["p50"] <= sample.figures["p99"]
    assert sample.figures["round_trips"] > 0
    assert [row.metric for row in summarise([sample])] == ["p50", "p99", "round_trips"]


def test_a_failing_worker_is_named_with_its_reason_and_the_run_ends() -> None:
    nobody = Subject("nobody", "no_such_module")
    with pytest.raises(harness.WorkerFailed, match=r"oneway, subject nobody: .*no_such_module"):
        list(harness.run("oneway", [nobody], pairs=1, seconds=0.02))


def test_json_is_one_array_of_rows_on_standard_output() -> None:
    command = [sys.executable, "-m", "partisan_bench", "oneway", "--json", "--subject", "blocking"]
    command += ["--pairs", "1", "--seconds", "0.02"]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = json.loads(finished.stdout)
    assert [row["case"] for row in rows] == ["64B", "1KiB", "512KiB"]
    assert all(list(row) == ROW_KEYS for row in rows)
    assert "trio" in finished.stderr


def test_a_subject_that_the_benchmark_does_not_have_is_refused() -> None:
    result = CliRunner().invoke(bench, ["oneway", "--subject", "trio-stream"])
    assert result.exit_code == 2
    assert "nothing to measure" in result.output


def test_only_the_cases_with_the_wanted_words_in_their_names_are_measured() -> None:
    ((sample,),) = harness.run("oneway", [BLOCKING], pairs=1, seconds=0.02, containing="1KiB")
    assert sample.case.name == "1KiB"


def test_words_that_no_case_has_are_refused() -> None:
    result = CliRunner().invoke(bench, ["oneway", "--case", "3KiB"])
    assert result.exit_code == 2
    assert "nothing to measure" in result.output


def test_a_missing_library_leaves_its_subject_out_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zmq", None)
    result = CliRunner().invoke(bench, ["oneway", "--subject", "pyzmq"])
    assert "pyzmq is not installed and is left out; to measure it: pip install pyzmq" in result.stderr


def test_a_case_is_compared_with_one_that_comes_before_it() -> None:
    seen = set[str]()
    for case in CASES:
        assert case.against is None or case.against in seen
        seen.add(case.name)


def test_every_case_is_known_by_its_benchmark_and_name() -> None:
    keys = [(case.benchmark, case.name) for case in CASES]
    assert len(set(keys)) == len(keys)
