"""What the steps of a scenario do."""

from collections.abc import Mapping
from typing import Any

import pytest

from partisan_core.config import Selection
from partisan_testkit.simulate.planning import Impossible, plan
from partisan_testkit.simulate.reading import prepare
from partisan_testkit.simulate.running import Report, run
from partisan_testkit.simulate.scenario import Deed, FaultTable, Scenario, Step
from partisan_testkit.simulator.graph import Graph


def scenario(*steps: Mapping[str, Any], use: str = "fullmesh", nodes: int = 6, **others: Any) -> Scenario:
    made = tuple(Step(**step) for step in steps)
    return Scenario(overlay=Selection(use=use), nodes=nodes, end=others.pop("end", 20.0), steps=made, **others)


def outcome(*steps: Mapping[str, Any], **others: Any) -> Report:
    made = scenario(*steps, **others)
    return run(made, *prepare(made))


def look(at: float, name: str = "then") -> Mapping[str, Any]:
    return {"at": at, "do": Deed.CHECKPOINT, "name": name}


def test_steps_are_done_in_the_order_of_their_time_and_not_of_the_file() -> None:
    late, early = {"at": 9.0, "do": Deed.HEAL}, {"at": 3.0, "do": Deed.HEAL}
    moments = [action.moment for action in plan(scenario(late, early)).actions]
    assert moments == sorted(moments)


def test_who_is_drawn_follows_from_the_seed() -> None:
    steps = {"at": 5.0, "do": Deed.CRASH, "share": 0.5}
    drawn = [plan(scenario(steps, seed=seed, nodes=40)).actions[-1].names for seed in (1, 1, 2)]
    assert len(drawn[0]) == 20
    assert drawn[0] == drawn[1] != drawn[2]


def test_only_the_crashed_can_be_restarted() -> None:
    crash = {"at": 5.0, "do": Deed.CRASH, "count": 2}
    restart = {"at": 6.0, "do": Deed.RESTART, "share": 1.0}
    crashed, restarted = plan(scenario(crash, restart)).actions[-2:]
    assert crashed.names == restarted.names
    with pytest.raises(Impossible, match="only 2 nodes are crashed then"):
        plan(scenario(crash, {"at": 6.0, "do": Deed.RESTART, "count": 3}))


@pytest.mark.parametrize("memory", [True, False])
def test_the_crashed_are_gone_and_come_back_with_memory_or_without(memory: bool) -> None:
    report = outcome(
        {"at": 5.0, "do": Deed.CRASH, "nodes": ("node-0", "node-4")},
        look(6.0),
        {"at": 7.0, "do": Deed.RESTART, "share": 1.0, "memory": memory},
        look(19.0),
    )
    assert report.violation is None
    assert [phase.nodes for phase in report.phases] == [4, 6]
    assert report.phases[1].degree_min == 5


@pytest.mark.parametrize("memory", [True, False])
def test_only_who_has_memory_knows_others_before_it_meets_them(memory: bool) -> None:
    crash = {"at": 5.0, "do": Deed.CRASH, "share": 1.0}
    restart = {"at": 6.0, "do": Deed.RESTART, "nodes": ("node-3",), "memory": memory}
    [checkpoint] = outcome(crash, restart, look(7.0), end=8.0).checkpoints
    assert len(checkpoint.active["node-3"]) == (5 if memory else 0)


def test_who_leaves_is_gone_and_who_joins_late_is_there() -> None:
    leave, join = {"at": 5.0, "do": Deed.LEAVE, "count": 1}, {"at": 6.0, "do": Deed.JOIN, "count": 3}
    report = outcome(leave, join, look(15.0))
    assert (report.phases[0].nodes, report.phases[0].degree_mean) == (8, 7)


@pytest.mark.parametrize("deed", [Deed.PARTITION, Deed.ONE_WAY])
def test_a_partition_lasts_until_it_heals(deed: Deed) -> None:
    apart: Mapping[str, Any] = {"at": 5.0, "do": deed, "nodes": ("node-4", "node-5")}
    flood = {"at": 10.0, "do": Deed.FLOOD, "messages": 1}
    healed = {"at": 25.0, "do": Deed.HEAL}
    again = {"at": 39.0, "do": Deed.FLOOD, "messages": 1}
    during, after = outcome(apart, flood, healed, again, end=40.0).floods
    assert during.reliability == pytest.approx((1 if during.source in apart["nodes"] else 2) / 3, abs=1e-4)
    assert after.reliability == 1


def test_who_is_cut_off_one_way_is_heard_and_hears_nothing_until_its_links_break() -> None:
    deaf: Mapping[str, Any] = {"at": 5.0, "do": Deed.ONE_WAY, "nodes": ("node-4", "node-5")}
    floods = outcome(deaf, {"at": 5.1, "do": Deed.FLOOD, "messages": 20}, end=10.0).floods
    assert {told.source for told in floods} == {f"node-{number}" for number in range(6)}
    for told in floods:
        assert told.reliability == pytest.approx(1 if told.source in deaf["nodes"] else 2 / 3, abs=1e-4)


def test_faults_begin_and_end() -> None:
    lossy = {"at": 5.0, "do": Deed.FAULTS, "faults": FaultTable(loss=1.0)}
    calm = {"at": 7.0, "do": Deed.FAULTS, "faults": FaultTable()}
    floods = ({"at": at, "do": Deed.FLOOD} for at in (6.0, 8.0))
    during, after = outcome(lossy, calm, *floods).floods
    assert during.reliability == pytest.approx(1 / 6, abs=1e-4)
    assert after.reliability == 1


def test_who_is_slow_holds_a_broadcast_up_until_the_network_heals() -> None:
    slow = {"at": 5.0, "do": Deed.SLOW, "share": 1.0, "by": 4.0}
    first, second = {"at": 5.5, "do": Deed.FLOOD}, {"at": 19.9, "do": Deed.FLOOD}
    assert [told.reliability for told in outcome(slow, first, second).floods][1] < 1
    heal = {"at": 6.0, "do": Deed.HEAL}
    report = outcome(slow, heal, {"at": 15.0, "do": Deed.FLOOD}, end=16.0)
    assert [told.reliability for told in report.floods] == [1]


def test_each_broadcast_of_a_flood_is_told_of_by_itself() -> None:
    flood = {"at": 5.0, "do": Deed.FLOOD, "messages": 7, "every": 0.2}
    floods = outcome(flood).floods
    assert [told.time for told in floods] == [pytest.approx(5 + 0.2 * number) for number in range(7)]


def test_views_grow_while_nodes_join() -> None:
    samples = outcome(use="hyparview", nodes=50, end=10.0).samples
    assert len(samples) == 100
    assert samples[0].members < samples[25].members < samples[-1].members
    assert samples[-1].nodes == 50


@pytest.mark.parametrize("use", ["fullmesh", "hyparview", "static", "clientserver", "scamp_v1", "scamp_v2"])
def test_every_overlay_is_set_up_so_that_it_is_connected(use: str) -> None:
    report = outcome(look(15.0), use=use, nodes=12)
    assert report.violation is None
    assert report.phases[0].components == 1
    [checkpoint] = report.checkpoints
    assert Graph(checkpoint.active).component_sizes() == [12]


def test_the_rules_are_asked_after_the_end_until_they_hold() -> None:
    apart = {"at": 10.0, "do": Deed.PARTITION, "nodes": ("node-0", "node-1")}
    report = outcome(apart)
    assert report.violation is None
    assert report.settled is not None
    assert report.settled > 0


def test_who_is_not_well_in_time_is_a_violation_with_the_end_of_the_log() -> None:
    apart = {"at": 10.0, "do": Deed.PARTITION, "nodes": ("node-0", "node-1")}
    report = outcome(apart, settle=0.0)
    assert report.violation is not None
    assert "0 s after the end of all faults: node-0" in report.violation
    assert " wants a link to node-" in report.violation
    assert len(report.last_lines) == 50
