"""The benchmark of the simulator prints what it measured, and runs the same each time."""

import json

import pytest

from partisan_testkit.simulator.benchmark import main

SMALL = ["--nodes", "12", "--cycles", "1", "--pause", "0.05"]


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main([*SMALL, *words]) == 0
    return capsys.readouterr().out


def test_the_figures_are_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    figures = json.loads(printed(capsys, "--json"))
    assert (figures["overlay"], figures["nodes"], figures["cycles"]) == ("hyparview", 12, 1)
    assert min(figures["joins"]["events"], figures["shuffles"]["events"]) > 12
    assert figures["peak_mebibytes"] > 1
    assert figures["log"] is None


def test_the_figures_are_printed_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys).splitlines()
    assert [line.split()[0] for line in lines] == ["hyparview,", "joins", "1", "together", "peak"]
    assert lines[-1].endswith("log not kept")


def test_wire_and_log_change_the_cost_and_not_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [json.loads(printed(capsys, "--json", *words)) for words in ([], ["--wire"], ["--log"], ["--wire", "--log"])]
    assert len({(run["joins"]["events"], run["shuffles"]["events"], run["views"]) for run in runs}) == 1
    assert [run["log"] is None for run in runs] == [True, True, False, False]
    again = json.loads(printed(capsys, "--json", "--wire", "--log"))
    assert again["log"] == runs[-1]["log"]


def test_another_overlay_can_be_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "--overlay", "fullmesh").startswith("fullmesh, 12 nodes:")


@pytest.mark.parametrize(("words", "wrong"), [(["--overlay", "hyparvue"], "hyparview"), (["--nodes", "0"], "--nodes")])
def test_what_cannot_be_run_is_said(words: list[str], wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*SMALL, *words])
    assert wrong in capsys.readouterr().err
