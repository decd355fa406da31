"""Two sessions and a bad line, by any schedule: acknowledged messages arrive once and in order, or are told."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.acked.schedules import Deed, check_exactly_once, check_told, run

WHO = st.integers(0, 1)
DEED = st.one_of(
    st.tuples(st.just("send"), WHO, st.integers(1, 5), st.booleans()),
    st.tuples(st.just("write"), WHO, st.integers(1, 4)),
    st.tuples(st.just("read"), WHO, st.integers(1, 4)),
    st.tuples(st.sampled_from(["drop", "double", "rewind", "finish"]), WHO),
    st.tuples(st.just("connect"), WHO, st.booleans()),
)
FORGET = st.tuples(st.just("forget"), WHO)


@settings(max_examples=200, deadline=None)
@given(st.lists(DEED, max_size=60))
def test_between_two_lives_every_acknowledged_message_arrives_once_and_in_order(deeds: list[Deed]) -> None:
    check_exactly_once(run(deeds))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(DEED, FORGET), max_size=60))
def test_an_end_that_forgets_the_other_makes_no_duplicates_and_what_is_unknown_is_told(deeds: list[Deed]) -> None:
    check_told(run(deeds))
