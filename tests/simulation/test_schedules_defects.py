"""Every rule of the witness finds a defect that was planted for it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from partisan_testkit.schedules import (
    ClusterSettings,
    Witness,
    make_schedule,
    run_schedule,
    run_twice,
    settings_of,
)
from partisan_testkit.simulator import Simulation
from tests.simulation import defects

NODES = 16
SEEDS = 30


def planted(overlay: str, make: Callable[..., Any]) -> ClusterSettings:
    cluster = settings_of(overlay, NODES, servers=4)
    return replace(cluster, plugin=replace(cluster.plugin, make=make))


def violations(cluster: ClusterSettings) -> Iterator[str]:
    for seed in range(SEEDS):
        report = run_schedule(make_schedule(seed, cluster), cluster, recording=False)
        if report.violation is not None:
            yield str(report.violation)


@pytest.mark.parametrize(
    ("overlay", "make", "words"),
    [
        ("fullmesh", defects.EvictsTheCrashed, "who neither left nor was evicted"),
        ("fullmesh", defects.LeavesInSilence, "left without a word"),
        ("fullmesh", defects.IgnoresTombstones, "of whose end a living node was told"),
        ("fullmesh", defects.Resurrects, "whose end it saw"),
        ("fullmesh", defects.IgnoresUsurpers, "two living nodes have one name"),
        ("fullmesh", defects.RetiresWithoutReason, "retired as evicted, without a reason"),
        ("fullmesh", defects.LinksToHalf, "has no link to"),
        ("hyparview", defects.KeepsTheDead, "who is dead"),
        ("hyparview", defects.DropsInSilence, "who wants none"),
        ("hyparview", defects.NeverTriesAgain, "have no link to each other"),
        ("hyparview", defects.TakesEverybody, "wants 6 links, more than 5"),
        ("clientserver", defects.never_moves, "has no link to a server"),
        ("clientserver", defects.links_to_clients, "wants links to node-9"),
        ("static", defects.DialsStrangers, "that nobody drew"),
        ("static", defects.GivesUp, "has no link to its peer"),
        ("static", defects.IgnoresFarewells, "who told it that it leaves"),
    ],
)
def test_the_witness_finds_a_planted_defect(overlay: str, make: Callable[..., Any], words: str) -> None:
    assert any(re.search(words, violation) for violation in violations(planted(overlay, make)))


def test_a_wanted_link_that_does_not_work_is_objected_to() -> None:
    cluster = settings_of("static", 4)
    witness = Witness(cluster)
    simulation = Simulation(witness.make, 1, observers=[witness])
    for name in cluster.names:
        simulation.start(name, cluster.addresses[name])
    simulation.run(5.0)
    assert list(witness.objections(simulation.living)) == []
    simulation.network.partition({"node-2": 1})
    simulation.run(5.0)
    objections = list(witness.objections(simulation.living))
    assert any("node-2" in words and "wants a link to" in words and "has none" in words for words in objections)


def test_two_runs_of_a_seed_that_differ_are_a_violation() -> None:
    cluster = planted("fullmesh", defects.DependsOnHashes)
    reports = (run_twice(make_schedule(seed, cluster, 20.0), cluster) for seed in range(12))
    assert any("two runs differ" in str(report.violation) for report in reports)
