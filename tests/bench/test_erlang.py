"""Distributed Erlang as a baseline: small runs where an `erl` is on the PATH."""

import pytest
from click.testing import CliRunner

from partisan_bench import harness
from partisan_bench.cases import CASES, ERLANG
from partisan_bench.command import bench

with_erlang = pytest.mark.skipif(not ERLANG.is_installed, reason="no erl on the PATH")


@with_erlang
@pytest.mark.parametrize("containing", ["oneway", "rtt", "hol", "20ms 1KiB 16 actors", "1ms 8MiB 1 actors"])
def test_an_erlang_node_measures_what_the_others_do(containing: str) -> None:
    benchmark, words = (containing, "") if containing in ("oneway", "rtt", "hol") else ("echo", containing)
    (samples,) = harness.run(benchmark, [ERLANG], pairs=1, seconds=0.05, containing=words)
    assert [sample.case for sample in samples] == [
        case for case in CASES if case.benchmark == benchmark and words in case.name and ERLANG in case.subjects
    ]
    for sample in samples:
        assert all(sample.figures[metric] > 0 for metric in sample.case.units)


@with_erlang
def test_its_one_connection_goes_through_the_proxy() -> None:
    (samples,) = harness.run("hol", [ERLANG], pairs=1, seconds=0.05, containing="20ms")
    assert [sample.case.name for sample in samples] == ["20ms alone", "20ms same channel"]
    assert all(sample.figures["p50"] >= 20 for sample in samples)


def test_without_an_erl_on_the_path_it_is_left_out_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    result = CliRunner().invoke(bench, ["oneway", "--subject", "erlang"])
    assert "erlang is not installed and is left out; to measure it: install Erlang/OTP 25 or newer" in result.stderr
