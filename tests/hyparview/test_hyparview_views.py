"""The invariants of the views hold whatever is done to them."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from partisan_core.identity import Address, NodeSpec
from partisan_hyparview._backoff import Backoff
from partisan_hyparview._reserved import Reserved
from partisan_hyparview._views import Views

DOOR = (Address("10.0.0.1", 1),)


def known(name: str, incarnation: int = 1) -> NodeSpec:
    return NodeSpec(name, incarnation, 0, DOOR)


peers = st.builds(known, st.sampled_from([f"n{number}" for number in range(12)]), st.integers(1, 3))
steps = st.one_of(
    st.tuples(st.just("activate"), peers),
    st.tuples(st.just("deactivate"), peers),
    st.tuples(st.just("forget"), peers),
    st.tuples(st.just("hear"), peers),
)


@given(st.lists(steps, max_size=60), st.integers(0, 1000))
def test_views_are_bounded_and_disjoint_and_without_the_node_itself(
    script: list[tuple[str, NodeSpec]], seed: int
) -> None:
    views = Views(NodeSpec("n0", 1, 1), 3, 4, Random(seed), Reserved({}, 2))
    for action, peer in script:
        match action:
            case "activate":
                evicted = views.activate(peer)
                assert evicted is None or evicted.name in views.passive
            case "deactivate":
                views.deactivate(peer.name)
            case "forget":
                views.forget(peer.name)
            case "hear":
                views.hear([peer])
        assert len(views.active) <= 3
        assert len(views.passive) <= 4
        assert not views.active.keys() & views.passive.keys()
        assert "n0" not in {**views.active, **views.passive}


@given(st.integers(0, 1000))
def test_a_full_passive_view_gives_up_first_what_was_sent(seed: int) -> None:
    views = Views(NodeSpec("me", 1, 1), 3, 4, Random(seed), Reserved({}, 2))
    views.hear([known(name) for name in "abcd"])
    views.hear([known(name) for name in "ef"], sent=["b", "d"])
    assert set(views.passive) == set("acef")


def test_a_view_that_learns_nothing_stays_the_same_object() -> None:
    views = Views(NodeSpec("me", 1, 1), 3, 4, Random(0), Reserved({}, 2))
    views.hear([known("a", 2)])
    before = views.everybody()
    views.hear([known("a", 1), known("me", 9)])
    views.forget("b")
    assert views.everybody() is before


def test_a_pause_doubles_up_to_the_longest_and_can_be_cleared() -> None:
    backoff = Backoff(5.0, 12.0, 10)
    ends = []
    for _ in range(3):
        backoff.pause("a", 0.0)
        ends.append(next(now for now in range(100) if backoff.is_over("a", now)))
    assert ends == [5, 10, 12]
    backoff.clear("a")
    assert backoff.is_over("a", 0.0)


def test_pauses_of_invented_names_do_not_fill_a_node() -> None:
    backoff = Backoff(5.0, 60.0, 2)
    for name in "abc":
        backoff.pause(name, 0.0)
    assert [backoff.is_over(name, 0.0) for name in "abc"] == [True, False, False]
