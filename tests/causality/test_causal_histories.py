"""Random histories keep causal order and leave nothing behind; each planted mistake is found by them."""

import pytest

from partisan_testkit.happens_before import Delivered, Event, Sent, violations
from tests.causality.defects import DEFECTS, HeldIsLost, OwnTripleReplacesAll
from tests.causality.histories import History, Make, first_fault
from tests.causality.lives import A, B, C

SEEDS = range(200)
RARE: dict[Make, range] = {HeldIsLost: range(5300, 5301), OwnTripleReplacesAll: range(439, 440)}
"""Mistakes that take several faults together, with seeds that have them."""


def test_whatever_happens_causal_order_holds_and_buffers_are_empty_afterwards() -> None:
    outcome = first_fault(SEEDS)
    assert outcome is None, outcome


def test_where_too_much_is_known_messages_are_refused_and_nobody_waits_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("partisan_causal.order.MOST_KNOWN", 6)
    outcome = first_fault(SEEDS)
    assert outcome is None, outcome
    assert sum(History(seed).run().too_much for seed in range(20))


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_mistake_is_found(defect: Make) -> None:
    assert first_fault(RARE.get(defect, SEEDS), defect) is not None


def test_a_history_is_made_of_its_seed_alone() -> None:
    assert History(5).run() == History(5).run()
    assert History(5).run() != History(6).run()


def test_histories_have_all_that_they_are_for() -> None:
    outcomes = [History(seed).run() for seed in SEEDS]
    assert sum(outcome.refused for outcome in outcomes)
    assert sum(outcome.probes for outcome in outcomes)
    assert max(outcome.most_held for outcome in outcomes) > 3


TRIANGLE: list[Event] = [Sent(A, 1, C), Sent(A, 2, B), Delivered(B, 2), Sent(B, 3, C)]


def test_the_checker_sees_what_came_after_what_it_led_to() -> None:
    assert violations([*TRIANGLE, Delivered(C, 1), Delivered(C, 3)]) == []
    assert "after 3" in violations([*TRIANGLE, Delivered(C, 3), Delivered(C, 1)])[0]


def test_the_checker_sees_a_chain_of_which_a_part_never_came() -> None:
    chain: list[Event] = [*TRIANGLE, Sent(B, 4, A), Delivered(A, 4), Sent(A, 5, C)]
    assert violations([*chain, Delivered(C, 5), Delivered(C, 1)])
    assert not violations([*chain, Delivered(C, 5)])


def test_the_checker_sees_duplicates_and_strays() -> None:
    sent = Sent(A, 1, B)
    assert "twice" in violations([sent, Delivered(B, 1), Delivered(B, 1)])[0]
    assert "not sent to it" in violations([sent, Delivered(C, 1)])[0]
