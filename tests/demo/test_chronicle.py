"""What the conductor makes of reports: pure."""

import pytest

from partisan_cli.demo.chronicle import Chronicle
from partisan_cli.demo.reporting import Finished, Progress, Started, View

LIVES = {"alpha": 1, "beta": 1, "gamma": 1}


def others(name: str) -> dict[str, int]:
    return {other: life for other, life in LIVES.items() if other != name}


@pytest.fixture
def formed() -> Chronicle:
    """Three nodes that know each other since second 12."""
    chronicle = Chronicle(list(LIVES), 10)
    for second, name in enumerate(LIVES, start=10):
        life = chronicle.begin(name)
        life.take(Started(f"127.0.0.1:{second}", 1))
        life.take(View(second, others(name), LIVES))
    return chronicle


def test_a_cluster_has_formed_when_the_last_node_knew_everybody(formed: Chronicle) -> None:
    assert formed.formed_at() == 12
    formed.begin("gamma")
    assert formed.formed_at() is None


def test_later_changes_do_not_move_the_moment_of_formation(formed: Chronicle) -> None:
    formed.living["alpha"].take(View(99, {"beta": 1}, LIVES))
    assert formed.formed_at() == 12


def test_an_end_is_noticed_when_the_last_neighbour_has_noticed(formed: Chronicle) -> None:
    formed.end("gamma")
    formed.living["alpha"].take(View(20, {"beta": 1}, LIVES))
    assert formed.noticed_at("gamma") is None
    formed.living["beta"].take(View(21, {"alpha": 1}, {"alpha": 1, "beta": 1}))
    formed.living["alpha"].take(View(22, {"beta": 1}, {"alpha": 1, "beta": 1}))
    assert formed.noticed_at("gamma") == 21


def test_only_who_was_a_neighbour_has_to_notice(formed: Chronicle) -> None:
    formed.living["beta"].take(View(13, {"alpha": 1}, LIVES))
    formed.end("gamma")
    formed.living["alpha"].take(View(20, {"beta": 1}, LIVES))
    assert formed.noticed_at("gamma") == 20


def test_without_a_living_neighbour_everybodys_roster_counts(formed: Chronicle) -> None:
    formed.living["alpha"].take(View(13, {"beta": 1}, LIVES))
    formed.end("gamma")
    formed.end("beta")
    formed.living["alpha"].take(View(20, {}, {"alpha": 1}))
    assert formed.noticed_at("gamma") == formed.noticed_at("beta") == 20


def test_a_link_that_was_lost_before_the_kill_does_not_count(formed: Chronicle) -> None:
    formed.living["alpha"].take(View(13, {"beta": 1}, LIVES))
    formed.living["alpha"].take(View(14, others("alpha"), LIVES))
    formed.living["beta"].take(View(15, {"alpha": 1}, LIVES))
    formed.end("gamma")
    assert formed.noticed_at("gamma") is None


def test_a_node_has_rejoined_when_the_last_roster_holds_its_new_life(formed: Chronicle) -> None:
    formed.end("gamma")
    again = formed.begin("gamma")
    again.take(Started("127.0.0.1:9", 2))
    living = LIVES | {"gamma": 2}
    again.take(View(30, {"alpha": 1}, living))
    formed.living["alpha"].take(View(31, {"beta": 1, "gamma": 2}, living))
    assert formed.rejoined_at("gamma") is None
    formed.living["beta"].take(View(32, {"alpha": 1}, living))
    assert formed.rejoined_at("gamma") == 32


def test_a_victim_is_at_work_between_its_first_shared_file_and_its_last(formed: Chronicle) -> None:
    formed.living["beta"].take(Progress(left=2, shares={"beta": 1}))
    assert not formed.is_at_work("beta")
    formed.living["alpha"].take(Progress(left=3, shares={"beta": 1}))
    assert formed.is_at_work("beta")
    formed.living["beta"].take(Progress(left=0, shares={"beta": 3}))
    assert not formed.is_at_work("beta")


def test_talk_alone_is_no_milestone(formed: Chronicle) -> None:
    before = formed.milestones
    formed.living["alpha"].take(Progress(messages=7))
    assert formed.milestones == before
    formed.living["alpha"].take(Progress(messages=8, shares={"alpha": 1}))
    assert formed.milestones != before


def test_messages_of_the_killed_count_too(formed: Chronicle) -> None:
    for number, life in enumerate(formed.living.values(), start=1):
        life.take(Progress(messages=number, dropped={"gap": number}))
    formed.end("gamma")
    assert formed.messages == 6
    assert formed.dropped == {"gap": 6}


def test_nodes_agree_when_they_hold_the_same_but_for_what_is_left_out(formed: Chronicle) -> None:
    for name, life in formed.living.items():
        life.take(Finished(["aa", name]))
    assert formed.are_finished
    assert not formed.agree_but_for(set())
    assert formed.agree_but_for({1})
