"""The schedules see: each planted defect of the bookkeeping is caught by one of them."""

import random
from collections.abc import Callable

import pytest

from partisan_core.errors import FrameError
from partisan_core.wire.outbox import Kept, Outbox
from partisan_core.wire.session import Admission, Session
from tests.acked.schedules import any_deeds, check_exactly_once, check_told, run

SCHEDULES = 400
Patch = Callable[[pytest.MonkeyPatch], None]


def test_schedules_by_a_seed_find_nothing_where_nothing_is_planted() -> None:
    assert find() is None


def find() -> str | None:
    """The first seed whose schedule shows a defect, and how."""
    for seed in range(SCHEDULES):
        forgets = bool(seed % 2)
        try:
            line = run(any_deeds(random.Random(seed), forgets=forgets))
            (check_told if forgets else check_exactly_once)(line)
        except (AssertionError, FrameError, KeyError, IndexError) as error:
            return f"seed {seed}: {error}"
    return None


def refuse_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Session, "refuses", lambda session, after: False)


def never_say_what_comes_before(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outbox, "last", 0)


def deliver_duplicates(patch: pytest.MonkeyPatch) -> None:
    admit = Session.admit
    patch.setattr(Session, "admit", lambda self, first, count: Admission(0, admit(self, first, count).gap))


def send_before_the_session_is_shared(patch: pytest.MonkeyPatch) -> None:
    renew = Session.answer

    def answer(self: Session, *rest: object) -> object:
        said = renew(self, *rest)  # type: ignore[arg-type]
        self.is_shared = True
        return said

    patch.setattr(Session, "answer", answer)


def confirm_one_too_many(patch: pytest.MonkeyPatch) -> None:
    confirm = Outbox.confirm
    patch.setattr(Outbox, "confirm", lambda self, number: confirm(self, number + 1))


def never_send_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outbox, "rewind", lambda self: None)


def forget_on_the_way_what_is_written_meanwhile(patch: pytest.MonkeyPatch) -> None:
    def keep(self: Outbox, kept: Kept) -> None:
        if not self.is_behind:
            keep_(self, kept)

    keep_ = Outbox.keep
    patch.setattr(Outbox, "keep", keep)


def count_what_is_kept_as_lost(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outbox, "count_beyond", lambda self, number: 0)


def tell_the_peer_of_losses_that_come_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outbox, "first_beyond", lambda self, number: None)


def keep_over_a_new_session(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outbox, "clear", lambda self: None)


def resume_with_whomever(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Session, "_renew", lambda self, token: self._settle(0, 0))


PLANTED = (
    refuse_nothing,
    never_say_what_comes_before,
    deliver_duplicates,
    send_before_the_session_is_shared,
    confirm_one_too_many,
    never_send_again,
    forget_on_the_way_what_is_written_meanwhile,
    count_what_is_kept_as_lost,
    tell_the_peer_of_losses_that_come_again,
    keep_over_a_new_session,
    resume_with_whomever,
)


@pytest.mark.parametrize("plant", PLANTED)
def test_a_planted_defect_is_caught(plant: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    assert find() is not None
