"""Who lives, as neighbours see it: pure."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from partisan_cli.demo.messages import Record
from partisan_cli.demo.roster import Roster

NAMES = ("alpha", "beta", "gamma", "delta", "epsilon")

lives = st.integers(1, 3)
records = st.builds(
    Record,
    name=st.sampled_from(NAMES),
    incarnation=lives,
    sequence=st.integers(0, 5),
    neighbours=st.dictionaries(st.sampled_from(NAMES), lives, max_size=3),
)


def one_per_version(found: list[Record]) -> list[Record]:
    """Only the node itself writes its records, so a version has one content."""
    return list({(record.name, record.version): record for record in found}.values())


def ring(*names: str) -> dict[str, Roster]:
    rosters = {name: Roster(name, 1) for name in names}
    for index, name in enumerate(names):
        rosters[name].set_neighbours({names[index - 1]: 1, names[(index + 1) % len(names)]: 1})
    tell_everybody(rosters)
    return rosters


def tell_everybody(rosters: dict[str, Roster]) -> None:
    for speaker in rosters.values():
        for listener in rosters.values():
            listener.merge(speaker.records)


def test_a_node_alone_knows_itself() -> None:
    assert Roster("alpha", 7).living == {"alpha": 7}


def test_with_views_of_two_everybody_is_known_to_live() -> None:
    for roster in ring(*NAMES).values():
        assert set(roster.living) == set(NAMES)


def test_a_node_that_its_neighbours_have_lost_is_down_whatever_it_said_last() -> None:
    rosters = ring(*NAMES)
    del rosters["beta"]
    rosters["alpha"].set_neighbours({"epsilon": 1})
    rosters["gamma"].set_neighbours({"delta": 1})
    tell_everybody(rosters)
    for roster in rosters.values():
        assert set(roster.living) == set(NAMES) - {"beta"}


def test_two_that_died_together_do_not_keep_each_other_alive() -> None:
    rosters = ring(*NAMES)
    del rosters["beta"], rosters["gamma"]
    rosters["alpha"].set_neighbours({"epsilon": 1})
    rosters["delta"].set_neighbours({"epsilon": 1})
    tell_everybody(rosters)
    for roster in rosters.values():
        assert set(roster.living) == {"alpha", "delta", "epsilon"}


def test_a_node_that_changes_its_neighbours_stays_up() -> None:
    rosters = ring(*NAMES)
    rosters["beta"].set_neighbours({"delta": 1})
    rosters["delta"].set_neighbours({"beta": 1, "gamma": 1, "epsilon": 1})
    rosters["alpha"].set_neighbours({"epsilon": 1})
    rosters["gamma"].set_neighbours({"delta": 1})
    tell_everybody(rosters)
    for roster in rosters.values():
        assert set(roster.living) == set(NAMES)


def test_a_newer_life_is_up_as_soon_as_a_neighbour_has_it_and_replaces_the_older() -> None:
    rosters = ring(*NAMES)
    rosters["beta"] = Roster("beta", 2)
    rosters["beta"].set_neighbours({"alpha": 1})
    rosters["alpha"].set_neighbours({"epsilon": 1, "beta": 2})
    tell_everybody(rosters)
    for name in ("alpha", "delta", "epsilon"):
        assert rosters[name].living["beta"] == 2


def test_nobody_else_speaks_for_a_node() -> None:
    roster = Roster("alpha", 1)
    assert roster.merge([Record("alpha", 9, 9, {})]) == []
    assert roster.living == {"alpha": 1}


@given(st.lists(records).map(one_per_version), st.randoms(use_true_random=False))
def test_any_order_and_repetition_of_records_ends_in_the_same_roster(found: list[Record], rng: Random) -> None:
    first, second = Roster("zeta", 1), Roster("zeta", 1)
    first.merge(found)
    again = [*found, *found]
    rng.shuffle(again)
    for record in again:
        second.merge([record])
    assert first.digest == second.digest
    assert first.living == second.living


@given(st.lists(records).map(one_per_version))
def test_what_is_no_news_changes_nothing(found: list[Record]) -> None:
    roster = Roster("zeta", 1)
    roster.merge(found)
    before = roster.digest
    assert roster.merge(found) == []
    assert roster.digest == before
