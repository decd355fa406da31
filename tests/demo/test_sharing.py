"""Whose file it is, what was counted, whom to ask: pure."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from partisan_cli.demo import fetching, results
from partisan_cli.demo.fetching import Fetching
from partisan_cli.demo.messages import Part
from partisan_cli.demo.placement import Placement
from partisan_cli.demo.results import Results

names = st.sets(st.text("abcdefgh", min_size=1, max_size=4), min_size=2, max_size=6)
FILES = [b"file %d" % number for number in range(100)]


@given(names)
def test_a_node_that_goes_gives_up_only_its_own_files(living: set[str]) -> None:
    gone = min(living)
    before = Placement(FILES).owners(living)
    after = Placement(FILES).owners(living - {gone})
    assert all(old == new for old, new in zip(before, after, strict=True) if old != gone)
    assert gone not in after


@given(names, st.randoms(use_true_random=False))
def test_the_owner_does_not_depend_on_who_was_met_first(living: set[str], rng: Random) -> None:
    shuffled = sorted(living)
    rng.shuffle(shuffled)
    placement = Placement(FILES)
    for name in shuffled:
        placement.owners([name])
    assert placement.owners(shuffled) == Placement(FILES).owners(sorted(living))


def test_everybody_gets_a_fair_share() -> None:
    owners = Placement([b"%d" % number for number in range(3000)]).owners(["alpha", "beta", "gamma"])
    assert all(800 < owners.count(name) < 1200 for name in ("alpha", "beta", "gamma"))


@given(st.binary(max_size=40), st.data())
def test_the_parts_of_a_result_make_it_again_in_any_order_and_number(data: bytes, draw: st.DataObject) -> None:
    original = [results.PART_BYTES]
    results.PART_BYTES = 7
    try:
        teller, learner = Results(2), Results(2)
        teller.add(1, "alpha", data)
        parts = list(teller.parts(1))
    finally:
        results.PART_BYTES = original[0]
    order = draw.draw(st.permutations([*parts, *parts]))
    assert sum(learner.take_part(part) for part in order) == 1
    assert learner.data == {1: data}
    assert learner.fingerprints() == teller.fingerprints()
    assert learner.shares == {"alpha": 1}


def test_parts_of_two_counts_of_a_file_are_never_mixed() -> None:
    known = Results(1)
    assert not known.take_part(Part(0, "alpha", 0, 2, b"old "))
    assert not known.take_part(Part(0, "beta", 1, 2, b"new"))
    assert known.data == {}
    assert known.take_part(Part(0, "alpha", 1, 2, b"old"))
    assert known.data == {0: b"old old"}


def test_the_first_result_of_a_file_stays() -> None:
    known = Results(1)
    assert known.add(0, "alpha", b"one")
    assert not known.add(0, "beta", b"two")
    assert known.data == {0: b"one"}
    assert known.is_complete


def test_a_part_that_cannot_be_is_ignored() -> None:
    known = Results(1)
    for part in (Part(1, "x", 0, 1, b""), Part(0, "x", 1, 1, b""), Part(0, "x", 0, 1 << 40, b"")):
        assert not known.take_part(part)
    assert list(known.parts(0)) == []
    assert list(known.parts(5)) == []


def test_only_so_much_is_asked_of_one_neighbour_at_once_and_never_twice() -> None:
    asking = Fetching()
    every_file = (1 << 200) - 1
    asking.offered("alpha", every_file)
    asking.offered("beta", every_file)
    asked = dict(asking.ask(every_file))
    assert [len(files) for files in asked.values()] == [fetching.WINDOW] * 2
    assert not set(asked["alpha"]) & set(asked["beta"])
    assert dict(asking.ask(every_file)) == {}


def test_more_is_asked_when_half_of_it_has_arrived() -> None:
    asking = Fetching()
    lacking = (1 << 200) - 1
    asking.offered("alpha", lacking)
    first = dict(asking.ask(lacking))["alpha"]
    for file in first[: fetching.WINDOW // 2]:
        asking.arrived(file)
        lacking &= ~(1 << file)
    assert set(dict(asking.ask(lacking))["alpha"]).isdisjoint(first)


def test_what_is_not_answered_is_asked_again() -> None:
    asking = Fetching()
    asking.offered("alpha", 0b1)
    assert dict(asking.ask(0b1)) == {"alpha": (0,)}
    for _ in range(fetching.PATIENCE - 1):
        asking.tick()
    assert dict(asking.ask(0b1)) == {}
    asking.tick()
    assert dict(asking.ask(0b1)) == {"alpha": (0,)}


def test_what_a_lost_neighbour_owes_is_asked_of_another_at_once() -> None:
    asking = Fetching()
    asking.offered("alpha", 0b1)
    asking.offered("beta", 0b1)
    assert dict(asking.ask(0b1)) == {"alpha": (0,)}
    asking.forget("alpha")
    assert dict(asking.ask(0b1)) == {"beta": (0,)}
