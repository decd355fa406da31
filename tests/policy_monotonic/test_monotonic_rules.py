"""A rule that raises where no sender could be told: while a link comes up, and after one broke."""

from collections.abc import Iterator
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.core.kernel.nodes import until
from tests.core.kernel.unconnected import strangers
from tests.policy_monotonic.couples import couple


class Mood:
    """Whether the rule raises now."""

    is_bad = False


def grumpy(new: Any, old: Any) -> bool:
    """Knows of nothing that supersedes anything, and raises at times."""
    if Mood.is_bad:
        raise RuntimeError("not today")
    return False


POLICY = {"use": "monotonic", "supersedes": f"{__name__}:grumpy"}


@pytest.fixture(autouse=True)
def _good_mood() -> Iterator[None]:
    yield
    Mood.is_bad = False


async def test_states_that_wait_for_a_first_link_arrive_although_the_rule_raises_when_it_comes_up(
    autojump_clock: MockClock,
) -> None:
    channels = {"states": {"policy": POLICY, "parallelism": 4}}
    async with strangers("alpha", "beta", channels=channels) as (_, alpha, beta):
        box = beta.open_mailbox("box")
        for number in range(5):
            alpha.send_nowait("beta/box", number, channel="states", key="object")
        Mood.is_bad = True
        with trio.fail_after(10):
            assert [await box.receive() for _ in range(5)] == list(range(5))
        assert not alpha.dropped


async def test_states_that_were_lost_are_sent_again_although_the_rule_raises_at_the_reconnect(
    autojump_clock: MockClock,
) -> None:
    async with couple(POLICY) as (network, alpha, beta):
        box = beta.open_mailbox("box")
        network.silence()
        for number in range(3):
            await alpha.send("beta/box", number, channel="states", key="object")
        await until(lambda: not alpha.is_connected("beta", "states"))
        for number in range(3, 5):
            await alpha.send("beta/box", number, channel="states", key="object")
        Mood.is_bad = True
        network.silent = False
        with trio.fail_after(60):
            arrived = [await box.receive() for _ in range(5)]
        assert arrived == list(range(5))
