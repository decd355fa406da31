"""Eviction and coming back, between full-mesh nodes over TCP."""

import trio

from partisan_core.events import Reason
from partisan_core.notices import MemberLeft, Retired
from tests.integration.nodes import PATIENCE, notice_of, opened, trio_of_nodes, until


async def test_an_evicted_node_learns_it_and_may_join_again_at_once() -> None:
    async with trio_of_nodes() as (alpha, beta), opened("gamma") as gamma:
        await gamma.join(*alpha.addresses)
        await until(lambda: len(beta.neighbours()) == 2)
        first = gamma.spec
        async with gamma.open_events() as events, beta.open_events() as seen:
            alpha.evict("gamma")
            assert (await notice_of(Retired, events)).reason is Reason.EVICTED
            assert (await notice_of(MemberLeft, seen)).reason is Reason.EVICTED
            with trio.fail_after(PATIENCE):
                await gamma.join(*alpha.addresses)
            await until(lambda: gamma.name in alpha.neighbours() and gamma.name in beta.neighbours())
            assert gamma.spec.life > first.life


async def test_a_dead_member_can_be_evicted_and_is_dialled_no_more() -> None:
    async with trio_of_nodes() as (alpha, beta):
        async with opened("gamma") as gamma:
            await gamma.join(*alpha.addresses)
            await until(lambda: len(beta.neighbours()) == 2)
        await until(lambda: alpha.neighbours() == ("beta",))
        alpha.evict("gamma")
        await until(lambda: len(alpha.members()) == len(beta.members()) == 2)
        await until(lambda: "gamma" not in {row.peer for row in alpha.connections()})


async def test_leaving_and_joining_again_is_a_new_life_with_the_same_name() -> None:
    async with trio_of_nodes() as (alpha, beta):
        box = alpha.open_mailbox("box")
        for number in range(3):
            before = beta.spec
            await beta.leave()
            await until(lambda: len(alpha.members()) == 1)
            await beta.join(*alpha.addresses)
            await until(lambda: alpha.neighbours() and beta.neighbours())
            assert beta.spec.life > before.life
            await beta.send("alpha/box", number)
            with trio.fail_after(PATIENCE):
                assert await box.receive() == number
