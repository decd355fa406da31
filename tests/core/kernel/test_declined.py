"""A contact that answers, and whose overlay will not have the joiner."""

from typing import ClassVar

import pytest
import trio
from trio.testing import MockClock

from partisan_core.effects import Decline, Effect
from partisan_core.errors import JoinError
from partisan_core.events import Event, Join, Reason
from partisan_core.kinds import OverlayPlugin
from partisan_core.notices import DialRefused
from tests.core.kernel.nodes import PATIENCE, Memory, notice_of
from tests.core.kernel.parts import Acquaintances

MINE = {"overlay": {"use": f"{__name__}:repelled"}}


class Repelled(Acquaintances):
    """Hears of everybody but alpha that it is not wanted."""

    words: ClassVar[str] = "wear a tie"

    def handle(self, event: Event, now: float) -> list[Effect]:
        if isinstance(event, Join) and event.contact.name != "alpha":
            return [Decline(event.contact, self.words), Decline(self.me, "of nobody who was asked")]
        return super().handle(event, now)


repelled = OverlayPlugin(make=Repelled)


async def test_a_join_through_a_contact_that_declines_fails_at_once_with_its_words(autojump_clock: MockClock) -> None:
    memory = Memory()
    async with (
        memory.opened("gamma", **MINE) as gamma,
        memory.opened("beta", **MINE) as beta,
        beta.open_events() as events,
    ):
        start = trio.current_time()
        with pytest.raises(JoinError, match=r"lives on, not joined: .*: declined by gamma: wear a tie"):
            await beta.join(*gamma.addresses)
        assert trio.current_time() - start < 0.1
        notice = await notice_of(DialRefused, events)
        assert (notice.peer.name, notice.reason, notice.error) == ("gamma", Reason.REJECTED, "wear a tie")


async def test_another_contact_may_still_let_it_in(autojump_clock: MockClock) -> None:
    memory = Memory()
    async with (
        memory.opened("alpha", **MINE) as alpha,
        memory.opened("gamma", **MINE) as gamma,
        memory.opened("beta", **MINE) as beta,
    ):
        with trio.fail_after(PATIENCE):
            await beta.join(*gamma.addresses, *alpha.addresses)
        assert beta.neighbours() == ("alpha",)


async def test_when_all_contacts_decline_the_error_has_the_words_of_each(autojump_clock: MockClock) -> None:
    memory = Memory()
    async with (
        memory.opened("delta", **MINE) as delta,
        memory.opened("gamma", **MINE) as gamma,
        memory.opened("beta", **MINE) as beta,
    ):
        with pytest.raises(JoinError, match=r"declined by gamma: .*declined by delta: "):
            await beta.join(*gamma.addresses, *delta.addresses)
        assert beta._kernel.driver.declined == {}
