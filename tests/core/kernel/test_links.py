"""The rules of design section 7, "When is a peer down?", one by one."""

from random import Random

import pytest

from partisan_core.events import Reason
from partisan_core.kernel._links import (
    Action,
    Backoff,
    Dial,
    Down,
    Failed,
    Link,
    LinkState,
    Lost,
    Resumed,
    StartGrace,
    Up,
)

FIRST_LIFE, SECOND_LIFE = (1, 7), (2, 3)


def make_link() -> Link:
    return Link(Backoff(0.05, 10.0, Random(1)), refusal_pause=0.4)


def up_link(*, wanted: bool = True) -> Link:
    link = make_link()
    if wanted:
        link.want()
    link.connected(FIRST_LIFE)
    return link


def lost_link(*, wanted: bool = True) -> tuple[Link, int]:
    link = up_link(wanted=wanted)
    (token,) = [action.token for action in link.lost() if isinstance(action, StartGrace)]
    return link, token


def without_dials(actions: list[Action]) -> list[Action]:
    return [action for action in actions if not isinstance(action, Dial)]


def test_a_wanted_link_is_dialled_at_once() -> None:
    link = make_link()
    assert link.want() == [Dial(0.0)]
    assert link.wants_dial


def test_wanting_what_is_up_or_being_dialled_does_nothing() -> None:
    link = make_link()
    link.want()
    assert link.want() == []
    link.connected(FIRST_LIFE)
    assert link.want() == []


def test_a_connection_brings_a_peer_up_wanted_or_not() -> None:
    assert make_link().connected(FIRST_LIFE) == [Up()]
    link = make_link()
    link.want()
    assert link.connected(FIRST_LIFE) == [Up()]


def test_a_lost_membership_connection_is_redialled_at_once_and_is_not_down() -> None:
    actions = up_link().lost()
    assert Lost() in actions
    assert Dial(0.0) in actions
    assert not any(isinstance(action, Down) for action in actions)


def test_a_refusal_after_a_loss_is_asked_about_once_more_after_a_pause() -> None:
    """Between two lives of one process nobody listens."""
    link, _ = lost_link()
    assert link.dial_failed(Reason.GONE) == [Dial(0.4)]
    assert link.wants_dial


def test_refused_at_every_address_twice_after_a_loss_means_gone() -> None:
    link, _ = lost_link()
    link.dial_failed(Reason.GONE)
    assert without_dials(link.dial_failed(Reason.GONE)) == [Down(Reason.GONE)]


def test_the_refusal_after_an_earlier_loss_does_not_count_for_a_later_one() -> None:
    link, _ = lost_link()
    link.dial_failed(Reason.GONE)
    link.connected(FIRST_LIFE)
    link.lost()
    assert link.dial_failed(Reason.GONE) == [Dial(0.4)]


@pytest.mark.parametrize("hears", ["answers", "is heard of"])
def test_a_newer_life_within_the_pause_after_a_refusal_means_restarted(hears: str) -> None:
    link, _ = lost_link()
    link.dial_failed(Reason.GONE)
    actions = link.connected(SECOND_LIFE) if hears == "answers" else link.superseded()
    assert actions[0] == Down(Reason.RESTARTED)


@pytest.mark.parametrize("reason", [Reason.UNREACHABLE, Reason.REJECTED])
def test_a_dial_without_an_answer_leaves_a_lost_peer_its_grace(reason: Reason) -> None:
    link, _ = lost_link()
    actions = link.dial_failed(reason)
    assert without_dials(actions) == []
    assert any(isinstance(action, Dial) for action in actions)


def test_a_newer_incarnation_that_answers_means_restarted() -> None:
    link, _ = lost_link()
    assert link.connected(SECOND_LIFE) == [Down(Reason.RESTARTED), Up()]


def test_a_newer_incarnation_that_dials_while_the_old_counts_as_up_means_restarted() -> None:
    assert up_link().connected(SECOND_LIFE) == [Down(Reason.RESTARTED), Up()]


def test_the_same_incarnation_within_the_grace_resumes_without_down_or_up() -> None:
    link, _ = lost_link()
    assert link.connected(FIRST_LIFE) == [Resumed()]


def test_a_connection_that_replaces_a_half_open_one_is_no_event() -> None:
    assert up_link().connected(FIRST_LIFE) == []


def test_no_answer_within_the_grace_means_unreachable_and_dialling_goes_on() -> None:
    link, token = lost_link()
    actions = link.grace_expired(token)
    assert actions[0] == Down(Reason.UNREACHABLE)
    assert link.wants_dial
    assert isinstance(actions[1], Dial)


def test_the_grace_of_a_loss_that_has_healed_is_stale() -> None:
    link, token = lost_link()
    link.connected(FIRST_LIFE)
    assert link.grace_expired(token) == []


def test_the_grace_of_an_earlier_loss_does_not_end_a_later_one() -> None:
    link, token = lost_link()
    link.connected(FIRST_LIFE)
    link.lost()
    assert link.grace_expired(token) == []
    assert link.state is LinkState.LOST


@pytest.mark.parametrize("wanted", [True, False])
def test_a_goodbye_means_down_with_its_reason(wanted: bool) -> None:
    assert without_dials(up_link(wanted=wanted).ended(Reason.LEFT)) == [Down(Reason.LEFT)]


def test_a_goodbye_of_a_peer_that_is_not_up_is_no_event() -> None:
    link = make_link()
    link.want()
    assert link.ended(Reason.LEFT) == []


def test_a_failed_dial_of_a_peer_that_is_not_up_is_told_and_repeated() -> None:
    link = make_link()
    link.want()
    actions = link.dial_failed(Reason.GONE)
    assert actions[0] == Failed(Reason.GONE)
    assert isinstance(actions[1], Dial)


def test_a_dial_that_fails_after_the_link_was_released_is_told_but_not_repeated() -> None:
    """A message sent on demand outlives the wish for the link: its sender is told."""
    link = make_link()
    link.want()
    link.release()
    assert link.dial_failed(Reason.UNREACHABLE) == [Failed(Reason.UNREACHABLE)]


def test_a_released_link_is_not_dialled() -> None:
    link = make_link()
    link.want()
    link.release()
    assert not link.wants_dial


def test_a_released_link_that_is_up_stays_so_and_is_not_redialled_when_lost() -> None:
    link = up_link()
    link.release()
    assert link.state is LinkState.UP
    assert not any(isinstance(action, Dial) for action in link.lost())


def test_a_lost_link_that_nobody_wanted_is_dialled_once_it_is_wanted() -> None:
    link, _ = lost_link(wanted=False)
    assert link.want() == [Dial(0.0)]


def test_a_dial_that_yields_to_the_peers_own_is_repeated_while_the_peer_is_not_up() -> None:
    link = make_link()
    link.want()
    assert any(isinstance(action, Dial) for action in link.dial_yielded())
    link.connected(FIRST_LIFE)
    assert link.dial_yielded() == []


def test_learning_of_a_newer_incarnation_ends_the_link_to_the_older() -> None:
    link = up_link()
    assert link.superseded() == [Down(Reason.RESTARTED), Dial(0.0)]
    assert link.connected(SECOND_LIFE) == [Up()]


def test_pauses_between_dials_grow_to_the_limit_and_begin_anew_after_progress() -> None:
    backoff = Backoff(0.05, 10.0, Random(3))
    pauses = [backoff.next() for _ in range(200)]
    assert all(0.05 <= pause <= 10.0 for pause in pauses)
    assert max(pauses) > 5.0
    backoff.reset()
    assert backoff.next() <= 0.15
