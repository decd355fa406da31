"""The claims about nodes far apart and cut apart, at a smaller size."""

import json

import pytest

from tests.testkit.claims import main


@pytest.mark.parametrize("overlay", ["fullmesh", "hyparview", "static"])
def test_far_apart_nobody_is_taken_for_dead(overlay: str) -> None:
    assert main(["wide", "--nodes", "4", "--minutes", "0.5", "--overlay", overlay]) == 0


@pytest.mark.parametrize("overlay", ["fullmesh", "clientserver", "scamp_v2"])
def test_after_a_cut_all_links_are_back(overlay: str) -> None:
    assert main(["apart", "--nodes", "4", "--cuts", "2", "--overlay", overlay]) == 0


def test_a_limit_that_is_not_met_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.testkit.claims.ROUND_TRIP", 0.01)
    assert main(["wide", "--nodes", "2", "--minutes", "0.1", "--json"]) == 1
    figures = json.loads(capsys.readouterr().out)
    assert figures["formation_round_trips"] > 10
