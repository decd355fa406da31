"""`partisan conformance`: what it prints, what it refuses, how it ends."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from partisan_cli.group import partisan

PLANTED = "tests.conformance.planted_overlays"


def command(*words: str) -> Result:
    return CliRunner().invoke(partisan, ["conformance", *words])


def test_a_row_for_each_rule_says_ok_or_why_it_was_skipped() -> None:
    done = command("static", "--seed", "0")
    assert done.exit_code == 0
    rows = [line.split() for line in done.output.splitlines()]
    verdicts = {row[1]: row[0] for row in rows}
    assert verdicts["overlay.evict"] == verdicts["overlay.joins"] == "ok"
    assert verdicts["overlay.full-view"] == "skipped"
    assert "it does not claim 'full_view'" in done.output


def test_a_broken_rule_ends_with_one_and_names_rule_seed_and_command() -> None:
    done = command(f"{PLANTED}:LinkedToItself", "--rule", "overlay.never-itself", "--seed", "4")
    assert done.exit_code == 1
    assert done.output.startswith("FAILED  overlay.never-itself")
    assert f"{PLANTED}:LinkedToItself breaks overlay.never-itself (seed 4): after Started() it wants" in done.output
    repeat = f"partisan conformance {PLANTED}:LinkedToItself --rule overlay.never-itself --seed 4"
    assert done.output.rstrip().endswith(repeat)


def test_the_repeating_command_finds_the_same_again() -> None:
    rule = "overlay.rough-network"
    first = json.loads(command(f"{PLANTED}:AskingOnce", "--rule", rule, "--json").output)["rules"][0]
    words = first["repeat"].split()[2:]
    again = json.loads(command(*words, "--json").output)["rules"][0]
    assert (again["seed"], again["found"]) == (first["seed"], first["found"])


def test_json_tells_each_rule_its_verdict_and_what_was_found() -> None:
    done = command(f"{PLANTED}:RoutingThroughAnybody", "--seeds", "0-1", "--json")
    assert done.exit_code == 1
    said = json.loads(done.output)
    assert (said["ok"], said["seeds"]) == (False, [0, 1])
    assert {row["verdict"] for row in said["rules"]} == {"ok", "FAILED", "skipped"}
    [failed] = [row for row in said["rules"] if row["verdict"] == "FAILED"]
    assert failed["rule"] == "overlay.next-hop"
    assert set(failed) == {"rule", "sentence", "needs", "verdict", "seed", "found", "repeat"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hyperview"], "did you mean 'hyparview'?"),
        (["fullmesh", "--kind", "serializer"], "the serializer 'fullmesh' is not installed"),
        (["fullmesh", "--rule", "overlay.same-objekt"], "did you mean 'overlay.same-object'?"),
        (["fullmesh", "--seeds", "9-3"], "'9-3' are no seeds"),
        (["fullmesh", "--seeds", "all"], "'all' are no seeds"),
        (["fullmesh", "--seed", "1", "--seeds", "2-3"], "give one of the two"),
        (["fullmesh", "--set", "fanout"], "'fanout' is no option: write KEY=VALUE"),
        (["fullmesh", "--set", "fanuot=3", "--rule", "overlay.joins"], "did you mean 'fanout'?"),
        (["fullmesh", "--label", "role"], "'role' is no label"),
        (["no_such_module:Thing"], "is its folder in PYTHONPATH?"),
    ],
    ids=" ".join,
)
def test_a_slip_is_answered_with_what_was_meant(words: list[str], said: str) -> None:
    done = command(*words)
    assert done.exit_code in {1, 2}
    assert said in done.output
    assert "Traceback" not in done.output


def test_options_and_labels_set_the_nodes_up_and_are_repeated() -> None:
    done = command("clientserver", "--label", "role=server,server,client", "--seed", "2", "--rule", "overlay.joins")
    assert done.exit_code == 0
    done = command("clientserver", "--label", "role=server,pawn", "--set", "fanout=2", "--rule", "overlay.joins")
    assert done.exit_code == 1
    assert (
        "conformance clientserver --set fanout=2 --label role=server,pawn --rule overlay.joins --seed 0" in done.output
    )


def test_a_serializer_may_be_an_object_in_a_module(tmp_path: Path) -> None:
    done = command("tests.conformance.planted_serializers:TrustingWhatArrivesPlugin", "--rule", "serializer.garbage")
    assert done.exit_code == 1
    assert "raised TypeError" in done.output
    assert "--kind serializer --rule serializer.garbage --seed 0" in done.output
