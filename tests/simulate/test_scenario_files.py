"""Scenario files: the examples run, and what cannot be is refused before anything runs."""

import json
from pathlib import Path

import pytest

from partisan_core.errors import ConfigError
from partisan_testkit.simulate.reading import prepare, read_scenario
from partisan_testkit.simulate.scenario import FaultTable, LinkTable, Scenario
from partisan_testkit.simulator import CALM, LinkTimes
from tests.simulate.commands import command
from tests.workspace import ROOT

EXAMPLES = sorted((ROOT / "docs/how-to/scenarios").glob("*.toml"))

TOP = """
nodes = 4
end = "10s"
"""
OVERLAY = """
[overlay]
use = "fullmesh"
"""


def scenario(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    return path


def step(text: str) -> str:
    return f"{TOP}{OVERLAY}[[steps]]\n{text}"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_without_a_violation_and_twice_the_same(path: Path) -> None:
    first, second = command(str(path), "--json"), command(str(path), "--json")
    assert first.exit_code == 0, first.output
    assert first.stdout == second.stdout
    report = json.loads(first.stdout)
    assert report["violation"] is None
    assert report["phases"]


def test_another_seed_is_another_run() -> None:
    one, other = (json.loads(command(str(EXAMPLES[0]), "--seed", seed, "--json").stdout) for seed in ("1", "2"))
    assert (one["seed"], other["seed"]) == (1, 2)
    assert one["events"] != other["events"]


def test_the_defaults_of_the_tables_are_those_of_the_simulator() -> None:
    assert FaultTable().faults == CALM
    assert LinkTable().times == LinkTimes()


WRONG = {
    "a share above one": (step('at = "5s"\ndo = "crash"\nshare = 1.5'), "steps[0].share = 1.5: expected a share"),
    "a negative loss": (f"{TOP}{OVERLAY}[faults]\nloss = -0.1", "faults.loss = -0.1: expected a share from 0 to 1"),
    "a bare duration": (f"nodes = 4\nend = 10\n{OVERLAY}", 'end = 10: expected a duration with its unit: "10ms"'),
    "no end": (f"nodes = 4\n{OVERLAY}", "end: this key is required"),
    "a latency of one": (f'{TOP}{OVERLAY}[faults]\nlatency = "5ms"', "expected the shortest and the longest, for exa"),
    "a latency backwards": (f'{TOP}{OVERLAY}[faults]\nlatency = ["5ms", "1ms"]', "the shortest before the longest"),
    "too many nodes": (f'nodes = 100001\nend = "10s"\n{OVERLAY}', "nodes = 100001: expected a whole number from 1 to"),
    "too many with joiners": (
        f'nodes = 100000\npause = 0\nend = "10s"\n{OVERLAY}[[steps]]\nat = "5s"\ndo = "join"\ncount = 1',
        "nodes = 100000: with 1 more that join later these are more than 100000",
    ),
    "an unknown key": (f"{TOP}sede = 4\n{OVERLAY}", "sede = 4: unknown key (did you mean 'seed'?)"),
    "an unknown overlay": (f'{TOP}[overlay]\nuse = "fulmesh"', "did you mean 'fullmesh'?"),
    "an option of no overlay": (
        f"{TOP}{OVERLAY}fanuot = 4",
        "overlay.fanuot = 4: unknown key (did you mean 'fanout'?)",
    ),
    "an unknown deed": (
        step('at = "5s"\ndo = "explode"'),
        "steps[0].do = \"explode\": expected one of 'join'",
    ),
    "a step after the end": (step('at = "11s"\ndo = "heal"'), 'steps[0].at = "11s": after the end of the scenario'),
    "messages after the end": (
        step('at = "9s"\ndo = "flood"\nmessages = 20'),
        'steps[0].at = "9s": after the end of the scenario, which is at 10s',
    ),
    "an end before the last start": (f'nodes = 200\nend = "10s"\n{OVERLAY}', 'end = "10s": expected at least 19900ms'),
    "a restart of the living": (
        step('at = "5s"\ndo = "restart"\nnodes = ["node-1"]'),
        'steps[0].nodes[0] = "node-1": that node is alive then',
    ),
    "a crash before the start": (
        step('at = "10ms"\ndo = "crash"\nnodes = ["node-3"]'),
        'steps[0].nodes[0] = "node-3": that node has not started yet then',
    ),
    "a crash of a stranger": (
        step('at = "5s"\ndo = "crash"\nnodes = ["nod-1"]'),
        "steps[0].nodes[0] = \"nod-1\": no such node (did you mean 'node-1'?)",
    ),
    "more than there are": (step('at = "5s"\ndo = "crash"\ncount = 5'), "only 4 nodes are living then"),
    "nobody said who": (step('at = "5s"\ndo = "crash"'), "expected one of share, count, nodes to say which nodes"),
    "who said twice": (step('at = "5s"\ndo = "crash"\nshare = 0.5\ncount = 1'), "expected one of share, count, nodes"),
    "a key of another step": (
        step('at = "5s"\ndo = "heal"\nshare = 0.5'),
        "steps[0].share = 0.5: expected no such key here: the step 'heal' takes no other key than `at`",
    ),
    "a lack": (step('at = "5s"\ndo = "slow"\ncount = 1'), "steps[0].do = \"slow\": expected a step with the key 'by'"),
    "no toml": ("nodes = ", "not TOML"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_is_refused_with_file_key_value_and_what_was_expected(
    tmp_path: Path, text: str, said: str
) -> None:
    path = scenario(tmp_path, text)
    done = command(str(path))
    assert done.exit_code == 2
    assert done.stdout == ""
    assert [line for line in done.stderr.splitlines() if not line.startswith(f"Error: {path}: ")] == []
    assert said in done.stderr


def test_everything_wrong_with_the_values_is_told_at_once(tmp_path: Path) -> None:
    path = scenario(tmp_path, f'{TOP}{OVERLAY}[faults]\nloss = 2\n[[steps]]\nat = "1s"\ndo = "crash"\nshare = -1')
    assert len(command(str(path)).stderr.splitlines()) == 2


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = command(str(tmp_path / "nothing.toml"))
    assert done.exit_code == 2
    assert "nothing.toml: no such file; nothing was run" in done.stderr


def test_options_of_the_overlay_reach_every_node(tmp_path: Path) -> None:
    text = f'{TOP}[overlay]\nuse = "hyparview"\nactive_max = 2\n'
    _, cluster = prepare(read_scenario(scenario(tmp_path, text)))
    assert {cluster.config(name).active_max for name in cluster.names} == {2}  # type: ignore[attr-defined]


def test_a_scenario_made_in_code_obeys_the_same_bounds() -> None:
    with pytest.raises(ConfigError, match=r"nodes=0.*a whole number"):
        Scenario(overlay=None, nodes=0, end=1.0)  # type: ignore[arg-type]
