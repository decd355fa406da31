"""The claims about the views, at sizes that take seconds; and that the command would notice."""

import json

import pytest

from tests.overlay_scamp import claims
from tests.overlay_scamp.claims import Views, judge, measure, slope


@pytest.mark.parametrize("version", [1, 2])
def test_views_grow_with_the_logarithm_and_nobody_is_in_none(version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "seeds_for", lambda size: 1)
    measured = measure(version, [30, 90])
    assert 3.5 <= slope(measured) <= 6.5, measured
    assert max(views.worst_in_means for views in measured) < 2.3, measured
    assert min(views.least_in_degree for views in measured) > 0, measured


def views(nodes: int, mean: float, largest: float = 1.8, least: int = 1) -> Views:
    return Views(nodes, 1, mean, largest, largest, least)


@pytest.mark.parametrize(
    ("measured", "met"),
    [
        ([views(100, 16.0), views(1000, 27.5), views(10_000, 39.0)], [True, True, True]),
        ([views(100, 16.0), views(1000, 26.0), views(10_000, 36.0)], [False, True, True]),
        ([views(100, 16.0), views(1000, 27.5, largest=2.1)], [True, False, True]),
        ([views(100, 16.0), views(1000, 27.5, least=0)], [True, True, False]),
    ],
    ids=["all", "slope", "largest", "in-degree"],
)
def test_a_limit_that_is_missed_is_found(measured: list[Views], met: list[bool]) -> None:
    assert [verdict.met for verdict in judge(measured)] == met


def test_the_command_prints_figures_limits_and_verdicts_and_fails_when_one_is_not_met(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "measure", lambda version, sizes: [views(size, 20.0) for size in sizes])
    assert claims.main(["--version", "1", "--nodes", "10,20"]) == 1
    assert "slope of the mean view over ln n: 0.00 (4.5 to 5.5): NOT MET" in capsys.readouterr().out
    assert claims.main(["--nodes", "10,20", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert [report["overlay"] for report in said] == ["scamp_v1", "scamp_v2"]
    assert [claim["met"] for claim in said[0]["claims"]] == [False, True, True]
