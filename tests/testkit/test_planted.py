"""The promises of whole nodes are looked at: each planted mistake is found within a few seeds."""

import re

import pytest

from partisan_testkit.schedules import settings_of
from partisan_testkit.schedules.violation import Violation
from partisan_testkit.wholenodes.run import make_whole_schedule, run_whole
from partisan_testkit.wholenodes.workloads import WORKLOADS
from tests.testkit.planted import HELD, PLANTED, Planted
from tests.workspace import ROOT

NODES, SECONDS = 4, 12.0
SEEDS = 12


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_mistake_is_found(monkeypatch: pytest.MonkeyPatch, planted: Planted) -> None:
    monkeypatch.setattr(planted.where, planted.name, planted.defect)
    violations = (run(planted.seen_by, seed) for seed in range(planted.seed, planted.seed + SEEDS))
    assert re.search(planted.words, str(next(filter(None, violations), "")))


def run(workload: str, seed: int) -> Violation | None:
    """One seed, with frames that get lost."""
    HELD.clear()
    cluster = settings_of("fullmesh", NODES)
    workloads = [WORKLOADS[name] for name in (workload, "meddling")]
    return run_whole(make_whole_schedule(seed, cluster, SECONDS), cluster, workloads=workloads).violation


def test_each_workload_that_promises_something_has_a_mistake_that_it_sees() -> None:
    assert {planted.seen_by for planted in PLANTED.values()} == WORKLOADS.keys() - {"meddling"}


def test_mistakes_of_partisans_are_named_in_the_readme() -> None:
    readme = (ROOT / "plugins" / "partisan_testkit" / "README.md").read_text()
    named = set(re.findall(r'"([a-z ]+)"', readme.partition("### That they see")[2]))
    assert named == {name for name, planted in PLANTED.items() if planted.partisan}
