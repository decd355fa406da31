"""`partisan bench overhead`: clusters that do nothing, and one node with many peers."""

from collections.abc import Sequence

import pytest
from click.testing import CliRunner

from partisan_bench.command import bench
from partisan_bench.formation import costs
from partisan_bench.formation.processes import Member
from partisan_bench.formation.shapes import around_one, evenly, shape_of
from partisan_bench.formation.views import LANES
from partisan_bench.harness import WorkerFailed
from partisan_bench.overhead import measure
from partisan_bench.work import Figures
from partisan_core.plugins import Plugins


@pytest.fixture
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "REST", 0.0)


def test_all_sizes_of_an_overlay_come_before_the_one_node_with_many_peers() -> None:
    planned = measure.plans(["fullmesh", "static"], (2, 4), peers=3)
    assert [name for name, _ in planned] == ["fullmesh/2", "fullmesh/4", "static/2", "static/4", "static, 3 peers"]
    assert "static, 0 peers" not in dict(measure.plans(["static"], (2,), peers=0))


def test_the_one_node_is_alone_in_its_process_and_its_peers_share_others() -> None:
    plan = around_one("static", peers=7, per_process=3)
    assert plan.shares == (range(1, 2), range(2, 5), range(5, 8), range(8, 9))
    assert plan.nodes == 8
    assert evenly("static", 5, per_process=2).shares == (range(1, 3), range(3, 5), range(5, 6))
    assert shape_of("fullmesh", {"full_view"}, 8, is_star=True).neighbours == 1


@pytest.mark.parametrize("overlay", measure.STARS)
@pytest.mark.usefixtures("_hurried")
def test_only_the_one_node_with_a_socket_for_each_peer_and_lane_is_weighed(
    overlay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weighed, measured = list[str](), costs.measured

    def listening(members: Sequence[Member], idle: float) -> Figures:
        weighed.extend(name for member in members for name in member.names)
        return measured(members, idle)

    monkeypatch.setattr(costs, "measured", listening)
    ((sample,),) = measure.run([("star", around_one(overlay, peers=4, per_process=2))], rounds=1, idle=0.5)
    assert weighed == ["node-01"]
    assert sample.case.benchmark == "overhead"
    assert list(sample.figures) == list(costs.UNITS)
    assert sample.figures["sockets"] == 4 * LANES
    assert 0 < sample.figures["uss"] <= sample.figures["rss"]


@pytest.mark.usefixtures("_hurried")
def test_every_node_of_a_cluster_is_weighed_on_any_overlay() -> None:
    ((sample,),) = measure.run(measure.plans(["clientserver"], (3,), peers=0), rounds=1, idle=0.1)
    assert sample.case.name == "clientserver/3"
    assert sample.figures["sockets"] >= LANES


def test_an_overlay_that_is_not_installed_is_named() -> None:
    with pytest.raises(WorkerFailed, match="'no_such' is not installed"):
        next(measure.run(measure.plans(["no_such"], (2,), peers=0), rounds=1, idle=0.1))


def test_all_stands_for_every_overlay_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()

    def plans(overlays: list[str], *_: object) -> list[object]:
        asked.extend(overlays)
        return []

    monkeypatch.setattr(measure, "plans", plans)
    CliRunner().invoke(bench, ["overhead", "--overlay", "all"])
    assert asked == Plugins().names("overlay")
    assert {"clientserver", "fullmesh", "hyparview", "static"} <= set(asked)
