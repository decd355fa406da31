"""The claims at scale, in small: the same measurements as `python -m tests.hyparview.claims`, a few nodes, seconds."""

import sys
from types import ModuleType

import pytest

from tests.hyparview.claims import crash, mass_join, partition, steady
from tests.hyparview.claims.__main__ import main


@pytest.mark.parametrize(("claim", "nodes"), [(mass_join, 100), (partition, 60)], ids=["mass join", "partition"])
def test_the_claim_holds_for_some_dozens_of_nodes(claim: ModuleType, nodes: int) -> None:
    seeds = [claim.measure(nodes, 1)]
    assert all(limit.is_met(seeds) for limit in claim.limits(nodes)), seeds


def test_a_network_at_rest_is_full_symmetric_and_reaches_everybody() -> None:
    seeds = [steady.measure(60, 1)]
    assert all(limit.is_met(seeds) for limit in steady.limits(60)), seeds


def test_a_crash_is_measured_in_a_copy_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crash, "SHARES", {0.5: 0.9})
    monkeypatch.setattr(crash, "SILENT_SHARES", {0.5: 0.9})
    monkeypatch.setattr(crash, "RECOVERY", {0.5: (2, 1.0)})
    seeds = [crash.measure(60, 1)]
    assert all(limit.is_met(seeds) for limit in crash.limits(60)), seeds


def test_a_claim_that_does_not_hold_is_said_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(partition, "measure", lambda nodes, seed: dict.fromkeys(FIGURES, 0.0))
    monkeypatch.setattr(sys, "argv", ["claims", "partition", "--nodes", "2", "--seeds", "7"])
    assert main() == 1
    assert "NOT MET" in capsys.readouterr().out


FIGURES = tuple(limit.figure for limit in partition.limits(2))
