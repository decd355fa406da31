"""Sessions: what is counted, skipped, lost, resumed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_core.errors import FrameError, HandshakeError
from partisan_core.wire.messages import Proof, Welcome
from partisan_core.wire.session import Admission, Losses, Session


def connect(dialler: Session, accepter: Session, seed: int = 1) -> tuple[bool, Losses, Losses]:
    """A handshake that succeeds: whether it resumed, and what either end learnt."""
    answer = accepter.answer(dialler.offer(), random.Random(seed))
    return answer.welcome.resumed, dialler.adopt(answer.welcome), answer.losses


def pair() -> tuple[Session, Session]:
    dialler, accepter = Session(), Session()
    connect(dialler, accepter)
    return dialler, accepter


def test_numbers_begin_at_one_and_count_messages_not_frames() -> None:
    session = Session()
    assert [session.number(3), session.number(1), session.number(5)] == [1, 4, 5]
    assert session.sent == 9


def test_messages_in_order_are_admitted_without_skip_or_gap() -> None:
    session = Session()
    assert [session.admit(1, 3), session.admit(4, 2)] == [(0, 0), (0, 0)]
    assert session.received == 5


def test_what_was_delivered_before_is_skipped() -> None:
    session = Session()
    session.admit(1, 5)
    assert session.admit(1, 5) == Admission(5, 0)
    assert session.admit(4, 4) == Admission(2, 0)
    assert session.admit(8, 1) == Admission(0, 0)


def test_what_is_missing_is_a_gap_told_once() -> None:
    session = Session()
    session.admit(1, 2)
    assert session.admit(6, 1) == Admission(0, 3)
    assert session.admit(3, 3) == Admission(3, 0)
    assert session.received == 6


def test_there_is_no_message_zero() -> None:
    session = Session()
    session.admit(1, 2)
    with pytest.raises(FrameError, match="numbers begin at 1"):
        session.admit(0, 5)
    assert session.received == 2


def test_a_first_handshake_begins_a_session_and_loses_nothing() -> None:
    dialler, accepter = Session(), Session()
    resumed, *losses = connect(dialler, accepter)
    assert not resumed
    assert losses == [Losses(0, 0)] * 2
    assert dialler.token == accepter.token != 0


def test_two_ends_that_share_a_session_resume_it_whoever_dials() -> None:
    one, other = pair()
    token = one.token
    assert connect(one, other)[0]
    assert connect(other, one)[0]
    assert one.token == other.token == token


def test_a_resumed_session_tells_both_ends_what_was_lost() -> None:
    dialler, accepter = pair()
    accepter.admit(dialler.number(7), 4)
    accepter.number(5)
    resumed, to_dialler, to_accepter = connect(dialler, accepter)
    assert resumed
    assert to_dialler == Losses(outgoing=3, incoming=5)
    assert to_accepter == Losses(outgoing=5, incoming=3)


def test_a_loss_told_at_the_handshake_is_no_gap_again_when_messages_follow() -> None:
    dialler, accepter = pair()
    dialler.number(3)
    connect(dialler, accepter)
    assert accepter.admit(dialler.number(2), 2) == Admission(0, 0)


def test_an_old_peer_that_does_not_say_what_it_sent_makes_a_gap_with_its_next_message() -> None:
    dialler, accepter = pair()
    dialler.number(3)
    answer = accepter.answer(Proof(dialler.token, dialler.received), random.Random(2))
    assert answer.welcome.resumed
    assert answer.losses == Losses(0, 0)
    assert accepter.admit(dialler.number(1), 1) == Admission(0, 3)


def test_handshakes_without_a_message_in_between_tell_a_loss_once() -> None:
    dialler, accepter = pair()
    dialler.number(3)
    accepter.answer(dialler.offer(), random.Random(3))
    _, to_dialler, to_accepter = connect(dialler, accepter)
    assert to_dialler == Losses(3, 0)
    assert to_accepter == Losses(0, 0)
    assert connect(dialler, accepter)[1:] == (Losses(0, 0), Losses(0, 0))


def test_an_end_that_forgot_the_session_makes_both_begin_anew() -> None:
    dialler, accepter = pair()
    accepter.admit(dialler.number(7), 7)
    accepter = Session()
    resumed, to_dialler, to_accepter = connect(dialler, accepter, seed=2)
    assert not resumed
    assert to_dialler.outgoing == 7, "none of them is known to have arrived"
    assert to_accepter == Losses(0, 0)
    assert accepter.admit(dialler.number(1), 1) == Admission(0, 0)
    assert dialler.sent == 1


def test_who_has_received_messages_is_told_that_a_session_begins_anew_once() -> None:
    dialler, accepter = pair()
    accepter.admit(dialler.number(7), 5)
    dialler = Session()
    _, to_dialler, to_accepter = connect(dialler, accepter, seed=2)
    assert to_accepter.incoming is None, "how many of the seven came too late, nobody knows"
    assert to_dialler == Losses(0, 0)
    assert connect(Session(), accepter, seed=3)[2].incoming == 0


def test_a_lost_welcome_of_a_new_session_is_never_resumed_by_mistake() -> None:
    """Were the old token kept for the new session, the dialler would take new messages for duplicates."""
    dialler, accepter = pair()
    dialler.admit(accepter.number(50), 50)
    accepter = Session()
    accepter.answer(dialler.offer(), random.Random(2))
    accepter.number(60)
    resumed, *_ = connect(dialler, accepter, seed=3)
    assert not resumed
    assert dialler.admit(accepter.number(1), 1) == Admission(0, 0)


def test_a_proof_of_messages_never_sent_is_not_resumed() -> None:
    dialler, accepter = pair()
    accepter.number(2)
    answer = accepter.answer(Proof(dialler.token, 3, 0), random.Random(2))
    assert not answer.welcome.resumed


@pytest.mark.parametrize(("token", "received"), [(99, 0), (None, 4)])
def test_a_welcome_that_cannot_be_true_is_refused_and_changes_nothing(token: int | None, received: int) -> None:
    dialler, _ = pair()
    dialler.number(3)
    before = dialler.offer()
    with pytest.raises(HandshakeError, match="does not have"):
        dialler.adopt(Welcome(token or dialler.token, received, resumed=True))
    assert dialler.offer() == before


@given(
    st.lists(st.tuples(st.integers(-5, 2**64), st.integers(1, 2**32 - 1)), max_size=30),
    st.integers(0, 2**63 - 1),
)
def test_numbers_of_a_hostile_peer_move_the_count_only_forward(frames: list[tuple[int, int]], sent: int) -> None:
    session = Session()
    session.answer(Proof(0, 0, sent), random.Random(1))
    for first, count in frames:
        before = session.received
        try:
            skip, gap = session.admit(first, count)
        except FrameError:
            assert not 1 <= first <= 2**62
            continue
        assert 0 <= skip <= count
        assert gap >= 0
        assert session.received == max(before, first + count - 1)
        assert session.offer().received < 2**63, "more than a handshake can say"
