"""One node in each role of an exchange, and what it answers: each rule by itself."""

import pytest

from partisan_core.effects import Note
from partisan_core.events import DialFailed, LinkDown, Reason, Received
from partisan_core.identity import NodeSpec
from partisan_hyparview import HyParViewConfig, XbotConfig
from partisan_hyparview.messages import (
    Cause,
    Disconnect,
    DisconnectWait,
    ExchangeReply,
    Neighbour,
    Optimization,
    Refuse,
    Replace,
    Switch,
)
from tests.hyparview.one_xbot_node import ME, NO, YES, A, B, C, One, X, Y, Z, spec

# The initiator.


def initiator() -> tuple[One, int]:
    """It has asked x to take the place of b."""
    one = One(A, B, C, knows=(X,))
    [(asked, message)] = one.tries()
    assert asked == "x"
    assert isinstance(message, Optimization)
    assert message.old == B
    return one, message.number


def test_a_try_asks_a_cheaper_candidate_in_place_of_the_most_expensive_link_but_the_unbiased_one() -> None:
    one, _ = initiator()
    assert one.neighbours == {"a", "b", "c"}
    assert one.is_busy


def test_the_most_expensive_link_is_kept_though_every_candidate_is_cheaper() -> None:
    assert One(A, B, C, knows=(Z,)).tries() == []


def test_a_candidate_that_is_hardly_cheaper_is_not_worth_an_exchange() -> None:
    assert One(A, B, C, knows=(Y,)).tries() == []
    config = HyParViewConfig(active_max=3, xbot=XbotConfig(hysteresis=5))
    assert len(One(A, B, C, knows=(Y,), config=config).tries()) == 1


def test_a_view_with_room_is_filled_and_not_optimised() -> None:
    assert [type(message) for _, message in One(A, B, knows=(X,)).tries()] == []


def test_a_node_begins_no_second_exchange_while_it_is_in_one() -> None:
    one, _ = initiator()
    assert one.tries() == []


def test_the_place_of_the_old_neighbour_is_kept_until_the_candidate_comes() -> None:
    one, number = initiator()
    assert one.hears(B, DisconnectWait(number)) == []
    assert one.neighbours == {"a", "c"}
    assert ("z", Refuse()) in one.hears(Z, Neighbour(False))
    assert one.hears(X, ExchangeReply(number, accepted=True)) == []
    assert one.neighbours == {"a", "c", "x"}
    assert "b" in one.node.members()
    assert not one.is_busy


def test_a_candidate_that_had_room_leaves_it_to_the_initiator_to_tell_the_old_neighbour() -> None:
    one, number = initiator()
    [(told, message)] = one.hears(X, ExchangeReply(number, accepted=True))
    assert told == "b"
    assert isinstance(message, Disconnect)
    assert message.cause is Cause.EVICTED
    assert one.neighbours == {"a", "c", "x"}


def test_a_refusal_changes_nothing() -> None:
    one, number = initiator()
    assert one.hears(X, ExchangeReply(number, accepted=False)) == []
    assert one.neighbours == {"a", "b", "c"}
    assert not one.is_busy


def test_a_refusal_after_the_old_neighbour_has_gone_frees_its_place_and_repairs() -> None:
    one, number = initiator()
    one.hears(B, DisconnectWait(number))
    [(asked, message)] = one.hears(X, ExchangeReply(number, accepted=False))
    assert asked in {"b", "x"}
    assert message == Neighbour(False)


@pytest.mark.parametrize("has_gone", [False, True], ids=["before", "after the old neighbour has gone"])
def test_an_initiator_that_gets_no_answer_tells_the_candidate_that_they_are_none(has_gone: bool) -> None:
    one, number = initiator()
    if has_gone:
        one.hears(B, DisconnectWait(number))
    said = one.waits_in_vain()
    assert said[0] == ("x", Disconnect(Cause.ASYMMETRIC))
    assert not one.is_busy
    assert said[1:] == ([("b", Neighbour(False))] if has_gone else [])


def test_a_candidate_that_cannot_be_reached_ends_the_exchange_and_its_place_is_free() -> None:
    one, number = initiator()
    one.hears(B, DisconnectWait(number))
    assert one.feed(DialFailed(X, Reason.GONE)) == [("b", Neighbour(False))]
    assert not one.is_busy


def test_out_of_an_exchange_the_old_neighbours_word_is_a_disconnect() -> None:
    one = One(A, B, C)
    effects = one.effects(Received(B, DisconnectWait(7)))
    assert Note(B, Reason.DEMOTED) in effects
    assert one.neighbours == {"a", "c"}
    assert one.node.ignored["DisconnectWait"] == 1


def test_who_is_no_neighbour_has_no_place_to_give_up() -> None:
    one, number = initiator()
    one.hears(Z, DisconnectWait(number))
    assert one.neighbours == {"a", "b", "c"}


def test_an_acceptance_that_comes_too_late_is_undone() -> None:
    one, number = initiator()
    one.waits_in_vain()
    assert one.hears(X, ExchangeReply(number, accepted=True)) == [("x", Disconnect(Cause.ASYMMETRIC))]
    assert one.neighbours == {"a", "b", "c"}


def test_an_acceptance_of_another_exchange_or_by_another_node_is_undone_too() -> None:
    one, number = initiator()
    assert one.hears(X, ExchangeReply(number + 1, accepted=True)) == [("x", Disconnect(Cause.ASYMMETRIC))]
    assert one.hears(Z, ExchangeReply(number, accepted=True)) == [("z", Disconnect(Cause.ASYMMETRIC))]
    assert one.is_busy


def test_a_place_that_an_urgent_neighbour_took_meanwhile_is_not_taken_twice() -> None:
    one, number = initiator()
    one.hears(B, DisconnectWait(number))
    one.hears(Z, Neighbour(True))
    one.hears(X, ExchangeReply(number, accepted=True))
    assert len(one.neighbours) == 3
    assert "x" in one.neighbours


# The candidate: x initiates, z is the old neighbour.


def candidate() -> One:
    one = One(A, B, C)
    assert one.hears(X, Optimization(7, Z)) == [("b", Replace(7, "x", Z))]
    return one


def test_a_candidate_with_room_takes_the_initiator_without_asking_anybody() -> None:
    one = One(A, B)
    assert one.hears(X, Optimization(7, Z)) == [("x", YES)]
    assert one.neighbours == {"a", "b", "x"}


def test_a_full_candidate_asks_its_most_expensive_neighbour_but_the_unbiased_one() -> None:
    one = candidate()
    assert one.neighbours == {"a", "b", "c"}


def test_a_candidate_gives_up_neither_the_initiator_nor_the_old_neighbour() -> None:
    assert One(A, B, C).hears(X, Optimization(7, B)) == [("c", Replace(7, "x", B))]


def test_a_candidate_that_has_only_unbiased_links_refuses() -> None:
    config = HyParViewConfig(active_max=2, xbot=XbotConfig())
    one = One(A, B, config=config)
    assert one.hears(X, Optimization(7, B)) == [("x", NO)]


def test_a_candidate_refuses_a_neighbour_of_its_own() -> None:
    assert One(A, B, C).hears(C, Optimization(7, Z)) == [("c", NO)]


def test_a_candidate_in_an_exchange_refuses_another_and_ignores_the_same_again() -> None:
    one = candidate()
    assert one.hears(Y, Optimization(8, Z)) == [("y", ExchangeReply(8, accepted=False))]
    assert one.hears(X, Optimization(7, Z)) == []


def test_the_candidate_changes_its_view_when_its_neighbour_has() -> None:
    one = candidate()
    assert one.hears(B, YES) == [("x", YES)]
    assert one.neighbours == {"a", "c", "x"}
    assert not one.is_busy


def test_the_candidate_passes_a_refusal_on() -> None:
    one = candidate()
    assert one.hears(B, NO) == [("x", NO)]
    assert one.neighbours == {"a", "b", "c"}
    assert not one.is_busy


def test_a_candidate_whose_neighbour_does_not_answer_lets_it_go_and_refuses() -> None:
    one = candidate()
    said = one.waits_in_vain()
    assert ("b", Disconnect(Cause.ASYMMETRIC)) in said
    assert ("x", NO) in said
    assert one.neighbours == {"a", "c"}
    assert not one.is_busy


def test_a_candidate_whose_neighbour_fails_refuses() -> None:
    one = candidate()
    assert ("x", NO) in one.feed(LinkDown(B, Reason.GONE))
    assert not one.is_busy


def test_a_candidate_whose_place_was_taken_meanwhile_refuses() -> None:
    one = candidate()
    one.hears(B, Disconnect(Cause.EVICTED))
    one.hears(Z, Neighbour(True))
    assert one.hears(B, YES) == [("x", NO)]
    assert one.neighbours == {"a", "c", "z"}


# The neighbour that the candidate gives up: b is the candidate, x initiates.


def given_up(old: NodeSpec = Y) -> One:
    one = One(A, B, C)
    assert one.hears(B, Replace(7, "x", old)) == [(old.name, Switch(7, "x"))]
    return one


def test_who_is_given_up_asks_a_cheaper_old_neighbour_to_switch() -> None:
    assert given_up(X).neighbours == {"a", "b", "c"}


@pytest.mark.parametrize("old", [Y, Z, A, ME, spec("nobody")], ids=lambda old: old.name)
def test_who_would_not_gain_refuses_as_for_a_neighbour_itself_or_who_is_not_known(old: NodeSpec) -> None:
    one = One(A, B, C)
    assert one.hears(B, Replace(7, "x", old)) == [("b", NO)]
    assert not one.is_busy


def test_who_is_no_neighbour_cannot_give_anybody_up() -> None:
    assert One(A, B, C).hears(Z, Replace(7, "x", Y)) == [("z", NO)]


def test_who_is_given_up_changes_its_view_when_the_old_neighbour_has() -> None:
    one = given_up(X)
    assert one.hears(X, YES) == [("b", YES)]
    assert one.neighbours == {"a", "c", "x"}


def test_who_is_given_up_passes_a_refusal_on() -> None:
    one = given_up(X)
    assert one.hears(X, NO) == [("b", NO)]
    assert one.neighbours == {"a", "b", "c"}


def test_who_gets_no_answer_from_the_old_neighbour_tells_it_that_they_are_none() -> None:
    one = given_up(X)
    assert one.waits_in_vain() == [("x", Disconnect(Cause.ASYMMETRIC)), ("b", NO)]
    assert one.neighbours == {"a", "b", "c"}
    assert one.hears(X, YES) == [("x", Disconnect(Cause.ASYMMETRIC))]


def test_who_cannot_reach_the_old_neighbour_refuses() -> None:
    one = given_up(X)
    assert one.feed(DialFailed(X, Reason.UNREACHABLE)) == [("b", NO)]
    assert not one.is_busy


def test_who_has_no_place_for_the_old_neighbour_any_more_tells_it_so() -> None:
    one = given_up(X)
    one.hears(B, Disconnect(Cause.EVICTED))
    one.hears(Z, Neighbour(True))
    assert one.hears(X, YES) == [("x", Disconnect(Cause.ASYMMETRIC)), ("b", NO)]
    assert one.neighbours == {"a", "c", "z"}


def test_a_newer_life_of_who_would_be_given_up_keeps_its_place() -> None:
    one = given_up(X)
    one.hears(spec("b", 2), Neighbour(True))
    assert one.hears(X, YES) == [("x", Disconnect(Cause.ASYMMETRIC)), ("b", NO)]
    assert one.neighbours == {"a", "b", "c"}


# The old neighbour: b initiates, x takes its place.


def test_the_old_neighbour_changes_its_view_first_and_tells_the_initiator() -> None:
    one = One(A, B, C)
    assert one.hears(X, Switch(7, "b")) == [("b", DisconnectWait(7)), ("x", YES)]
    assert one.neighbours == {"a", "c", "x"}
    assert not one.is_busy


@pytest.mark.parametrize(("peer", "initiator"), [(X, "z"), (X, "x"), (A, "b"), (A, "a")])
def test_only_a_neighbour_can_be_switched_and_only_for_a_stranger(peer: NodeSpec, initiator: str) -> None:
    one = One(A, B, C)
    assert one.hears(peer, Switch(7, initiator)) == [(peer.name, NO)]
    assert one.neighbours == {"a", "b", "c"}


def test_an_old_neighbour_in_an_exchange_refuses() -> None:
    one = candidate()
    assert one.hears(Y, Switch(8, "c")) == [("y", ExchangeReply(8, accepted=False))]


def test_the_holder_of_a_reserved_place_is_exchanged_by_nobody() -> None:
    config = HyParViewConfig(active_max=3, xbot=XbotConfig(), reserved={"role=server": 1})
    server = spec("b", role="server")
    one = One(A, server, C, knows=(X,), config=config)
    assert one.hears(X, Switch(7, "b")) == [("x", NO)]
    assert one.hears(Z, Optimization(7, Y)) == [("c", Replace(7, "z", Y))]
