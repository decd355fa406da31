"""Who does not answer for long enough is evicted, where that is configured, possible, and not our own fault."""

import math

import pytest
import trio
from trio.testing import MockClock

from partisan_core.config.model import Config, DowningConfig
from partisan_core.errors import ConfigError, RequirementError
from partisan_core.events import Evict, Reason, Suspected, Trusted
from partisan_core.identity import NodeSpec
from partisan_core.kernel._links import Change, Down, Failed, Lost, Up
from partisan_core.kernel.downing import Downing
from partisan_core.kernel.journal import Journal
from partisan_core.kernel.timers import Timers
from partisan_core.notices import Snapshot
from tests.core.kernel.nodes import Memory, link, opened

A, B, C, D, E = (NodeSpec(name, 1, 1) for name in "ABCDE")
NEWER_B = NodeSpec("B", 2, 1)
AFTER = 30.0


class Policy:
    """A policy among five members, on a clock that jumps."""

    def __init__(self, nursery: trio.Nursery, after: float = AFTER) -> None:
        self.members = {spec.name: spec for spec in (A, B, C, D, E)}
        self.evicted: list[NodeSpec] = []
        timers = Timers()
        nursery.start_soon(timers.run)
        journal = Journal("A", lambda: Snapshot((), ()))
        self.policy = Downing(after, lambda: self.members, timers, journal, self._evict)

    def _evict(self, event: Evict) -> None:
        self.evicted.append(event.peer)
        del self.members[event.peer.name]

    def suspect(self, *peers: NodeSpec) -> None:
        for peer in peers:
            self.policy.on_opinion(Suspected(peer))

    def trust(self, *peers: NodeSpec) -> None:
        for peer in peers:
            self.policy.on_opinion(Trusted(peer))

    def link(self, peer: NodeSpec, change: Change) -> None:
        self.policy.on_link(peer, change)


async def test_who_is_suspected_for_so_long_is_evicted_and_not_before(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    one = Policy(nursery)
    one.suspect(B)
    await trio.sleep(AFTER - 0.1)
    assert one.evicted == []
    await trio.sleep(0.2)
    assert one.evicted == [B]


async def test_a_suspicion_that_is_taken_back_begins_anew(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    one = Policy(nursery)
    for _ in range(5):
        one.suspect(B)
        await trio.sleep(AFTER - 1)
        one.trust(B)
    await trio.sleep(2 * AFTER)
    assert one.evicted == []


@pytest.mark.parametrize("change", [Down(Reason.GONE), Down(Reason.UNREACHABLE), Failed(Reason.UNREACHABLE)])
async def test_a_peer_that_does_not_answer_is_doubted_without_a_detector(
    autojump_clock: MockClock, nursery: trio.Nursery, change: Change
) -> None:
    one = Policy(nursery)
    one.link(B, change)
    one.link(C, change)
    await trio.sleep(AFTER / 2)
    one.link(C, Up())
    await trio.sleep(AFTER)
    assert one.evicted == [B]


@pytest.mark.parametrize("change", [Down(Reason.LEFT), Down(Reason.RELEASED), Failed(Reason.REJECTED), Lost()])
async def test_a_link_that_ends_otherwise_is_no_doubt(
    autojump_clock: MockClock, nursery: trio.Nursery, change: Change
) -> None:
    one = Policy(nursery)
    one.link(B, change)
    await trio.sleep(2 * AFTER)
    assert one.evicted == []


@pytest.mark.parametrize("reason", [Reason.LEFT, Reason.RELEASED, Reason.DEMOTED])
async def test_a_link_that_was_let_go_of_ends_the_doubt(
    autojump_clock: MockClock, nursery: trio.Nursery, reason: Reason
) -> None:
    one = Policy(nursery)
    one.suspect(B)
    one.link(B, Down(reason))
    await trio.sleep(2 * AFTER)
    assert one.evicted == []


async def test_a_suspicion_lasts_while_the_link_goes_down(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    one = Policy(nursery)
    one.suspect(B)
    await trio.sleep(AFTER - 1)
    one.link(B, Down(Reason.UNREACHABLE))
    await trio.sleep(2)
    assert one.evicted == [B]


async def test_who_cannot_reach_half_of_the_members_evicts_nobody(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    one = Policy(nursery)
    one.suspect(B, C, D)
    await trio.sleep(10 * AFTER)
    assert one.evicted == []
    one.trust(B)
    await trio.sleep(AFTER + 1)
    assert one.evicted == [C, D], "two of five are not half of them"


async def test_a_doubt_about_an_earlier_life_says_nothing_about_the_newer_one(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    one = Policy(nursery)
    one.suspect(B)
    one.members["B"] = NEWER_B
    await trio.sleep(AFTER + 1)
    assert one.evicted == []
    one.suspect(NEWER_B)
    await trio.sleep(AFTER + 1)
    assert one.evicted == [NEWER_B]


async def test_never_is_never(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    one = Policy(nursery, after=math.inf)
    one.suspect(B)
    await trio.sleep(365 * 24 * 3600)
    assert one.evicted == []


async def test_a_member_that_does_not_come_back_is_evicted_after_the_time(autojump_clock: MockClock) -> None:
    memory = Memory()
    async with memory.opened("alpha", downing={"after": "30s"}) as alpha, memory.opened("beta") as beta:
        await link(beta, alpha)
        async with memory.opened("gamma") as gamma, memory.opened("delta") as delta:
            await link(gamma, alpha)
            async with memory.opened("epsilon") as epsilon:
                await link(epsilon, alpha)
            await trio.sleep(29)
            assert "epsilon" in {member.name for member in alpha.members()}
            await trio.sleep(2)
            assert "epsilon" not in {member.name for member in alpha.members()}
            assert (alpha.counters["downed"], alpha.counters["MemberLeft"]) == (1, 1)
            await link(delta, alpha)
            assert alpha.counters["downed"] == 1


def test_by_default_nobody_is_evicted() -> None:
    assert math.isinf(Config().downing.after)
    assert DowningConfig() == Config().downing


async def test_an_overlay_that_cannot_evict_is_refused_by_name() -> None:
    with pytest.raises(RequirementError, match=r"downing\.after: overlay 'hyparview' lacks 'evict'.*fullmesh"):
        async with opened("alpha", overlay={"use": "hyparview"}, downing={"after": "30s"}):
            """Not reached."""


@pytest.mark.parametrize("after", ["0s", 0, 30, "nevr", "soon", -1, True])
async def test_a_time_that_is_none_is_refused(after: object) -> None:
    with pytest.raises(ConfigError, match=r"downing\.after"):
        async with opened("alpha", downing={"after": after}):
            """Not reached."""
