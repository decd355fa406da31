"""Eviction, reconciling and coming back, between full-mesh nodes over TCP."""

import pytest
import trio

from partisan_core import Node
from partisan_core.errors import CapabilityError, JoinError, NodeClosed
from partisan_core.events import Reason
from partisan_core.notices import MemberLeft, Retired
from tests.integration.nodes import PATIENCE, notice_of, opened, trio_of_nodes, until


async def test_an_evicted_node_learns_it_and_may_join_again_at_once() -> None:
    async with trio_of_nodes() as (alpha, beta), opened("gamma") as gamma:
        await gamma.join(*alpha.addresses)
        await until(lambda: len(beta.neighbours()) == 2)
        first = gamma.spec()
        async with gamma.open_events() as events, beta.open_events() as seen:
            alpha.evict("gamma")
            assert (await notice_of(Retired, events)).reason is Reason.EVICTED
            assert (await notice_of(MemberLeft, seen)).reason is Reason.EVICTED
            with trio.fail_after(PATIENCE):
                await gamma.join(*alpha.addresses)
            await until(lambda: gamma.name in alpha.neighbours() and gamma.name in beta.neighbours())
            assert gamma.spec().life > first.life


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
            before = beta.spec()
            await beta.leave()
            await until(lambda: len(alpha.members()) == 1)
            await beta.join(*alpha.addresses)
            await until(lambda: alpha.neighbours() and beta.neighbours())
            assert beta.spec().life > before.life
            await beta.send("alpha/box", number)
            with trio.fail_after(PATIENCE):
                assert await box.receive() == number


async def join_all(*nodes: Node) -> None:
    for node in nodes[1:]:
        await node.join(*nodes[0].addresses)
    await until(lambda: all(len(node.neighbours()) == len(nodes) - 1 for node in nodes))


async def test_an_evicted_node_is_closed_out_and_nobody_else_is_down() -> None:
    async with opened("alpha") as alpha, opened("beta") as beta, opened("gamma") as gamma:
        await join_all(alpha, beta, gamma)
        downs: list[tuple[str, str]] = []
        for node in (alpha, beta):
            node.on_down(lambda spec, name=node.name: downs.append((name, spec.name)))  # type: ignore[misc]
        alpha.evict("gamma")
        await until(lambda: gamma.status().state == "evicted")
        with pytest.raises(NodeClosed, match="no longer a member"):
            await gamma.send("alpha/box", 1)
        await until(lambda: not gamma.connections())
        await until(lambda: {row.peer for row in (*alpha.connections(), *beta.connections())} == {"alpha", "beta"})
        assert alpha.nodes() == ("beta",)
        assert beta.nodes() == ("alpha",)
        assert sorted(downs) == [("alpha", "gamma"), ("beta", "gamma")]
        assert {row.state for node in (alpha, beta) for row in node.member_states() if row.name == "gamma"} == {
            "evicted"
        }


async def test_a_node_that_was_away_when_it_was_evicted_learns_it_when_it_comes_to_speak() -> None:
    async with opened("alpha") as alpha, opened("beta") as beta:
        await join_all(alpha, beta)
        beta.disconnect("alpha")
        alpha.evict("beta")
        await until(lambda: beta.status().state == "evicted")
        await until(lambda: not alpha.connections() and not beta.connections())


async def test_reconcile_joins_the_missing_and_evicts_the_extra() -> None:
    async with opened("alpha") as alpha, opened("beta") as beta, opened("gamma") as gamma, opened("delta") as delta:
        await join_all(alpha, beta, gamma)
        await alpha.reconcile([str(alpha.addresses[0]), str(beta.addresses[0]), str(delta.addresses[0])])
        await until(lambda: gamma.status().state == "evicted")
        await until(lambda: all(node.nodes("known") == ("alpha", "beta", "delta") for node in (alpha, beta, delta)))
        await until(lambda: all(len(node.neighbours()) == 2 for node in (alpha, beta, delta)))
        assert alpha.counters["NeighbourDown"] == 1


async def test_reconcile_with_nothing_and_with_what_is_there_changes_nothing() -> None:
    async with opened("alpha") as alpha, opened("beta") as beta:
        await join_all(alpha, beta)
        await alpha.reconcile([])
        await alpha.reconcile([str(beta.addresses[0])])
        await alpha.ping("beta")
        assert alpha.nodes("known") == beta.nodes("known") == ("alpha", "beta")
        assert alpha.counters["MemberLeft"] == beta.counters["MemberLeft"] == 0


async def test_reconcile_with_this_node_alone_evicts_all_others() -> None:
    async with opened("alpha") as alpha, opened("beta") as beta:
        await join_all(alpha, beta)
        await alpha.reconcile([str(alpha.addresses[0])])
        await until(lambda: beta.status().state == "evicted")
        assert alpha.nodes("known") == ("alpha",)


async def test_reconcile_with_somebody_who_does_not_answer_is_an_error_and_changes_nothing() -> None:
    async with opened("alpha") as alpha, opened("beta") as beta:
        await join_all(alpha, beta)
        async with opened("gamma") as gamma:
            nobody = str(gamma.addresses[0])
        with pytest.raises(JoinError, match=f"{nobody} could not be asked who it is.*nothing was changed"):
            await alpha.reconcile([nobody])
        assert alpha.nodes("known") == ("alpha", "beta")


async def test_an_overlay_that_cannot_reconcile_says_so() -> None:
    overlay = {"use": "tests.core.kernel.parts:Acquaintances"}
    async with opened("alpha", overlay=overlay) as alpha:
        with pytest.raises(CapabilityError, match=r"lacks .reconcile.*Nothing was changed"):
            await alpha.reconcile(["127.0.0.1:9"])
