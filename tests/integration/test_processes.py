"""What happens to processes, as the nodes of other processes see it."""

import pytest
import trio

from partisan_core.errors import NodeDown
from partisan_core.events import Reason
from tests.integration.nodes import trio_of_nodes, until, witnesses
from tests.integration.processes import victim


async def test_a_killed_process_is_gone_within_a_second_everywhere() -> None:
    async with trio_of_nodes() as (alpha, beta), victim("gamma", *alpha.addresses) as gamma:
        await gamma.start()
        await until(lambda: "gamma" in alpha.neighbours() and "gamma" in beta.neighbours())
        async with witnesses(alpha, beta, of="gamma") as (first, second):
            start = trio.current_time()
            gamma.process.kill()
            await until(lambda: first.seen and second.seen)
            assert trio.current_time() - start < 1
            assert [witness.downs[0].reason for witness in (first, second)] == [Reason.GONE] * 2
            assert {spec.name for spec in alpha.members()} == {"alpha", "beta", "gamma"}


async def test_a_process_that_closes_is_gone_and_stays_a_member() -> None:
    async with trio_of_nodes() as (alpha, beta), victim("gamma", *alpha.addresses) as gamma:
        await gamma.start()
        await until(lambda: "gamma" in alpha.neighbours() and "gamma" in beta.neighbours())
        async with witnesses(alpha, beta, of="gamma") as (first, second):
            assert await gamma.close() == 0
            await until(lambda: first.seen and second.seen)
            assert [witness.downs[0].reason for witness in (first, second)] == [Reason.GONE] * 2
            assert len(beta.members()) == 3


async def test_a_process_that_leaves_is_no_member_any_more_and_leaves_no_echo() -> None:
    async with trio_of_nodes() as (alpha, beta), victim("gamma", *alpha.addresses) as gamma:
        await gamma.start()
        await until(lambda: "gamma" in alpha.neighbours() and "gamma" in beta.neighbours())
        async with witnesses(alpha, beta, of="gamma") as (first, second):
            await gamma.say("leave")
            await until(lambda: len(alpha.members()) == len(beta.members()) == 2)
            assert await gamma.close() == 0
            await until(lambda: first.seen and second.seen)
            assert [witness.downs[0].reason for witness in (first, second)] == [Reason.LEFT] * 2
            assert first.kinds == second.kinds == ["NeighbourDown"]


async def test_a_process_that_restarts_on_another_port_is_down_once_and_up_once_everywhere() -> None:
    async with trio_of_nodes() as (alpha, beta), victim("gamma", *alpha.addresses) as old:
        before = await old.start()
        await until(lambda: "gamma" in alpha.neighbours() and "gamma" in beta.neighbours())
        async with witnesses(alpha, beta, of="gamma") as (first, second):
            old.process.kill()
            async with victim("gamma", *beta.addresses) as new:
                assert await new.start() != before
                await until(lambda: len(first.seen) >= 2 and len(second.seen) >= 2)
                await until(lambda: "gamma" in alpha.neighbours() and "gamma" in beta.neighbours())
                assert first.kinds == second.kinds == ["NeighbourDown", "NeighbourUp"]


async def test_a_newer_life_takes_over_from_one_that_does_not_answer_and_that_one_ends() -> None:
    """The process is paused: its sockets live, so that nobody knows yet that it is as good as dead."""
    async with trio_of_nodes() as (alpha, beta), victim("gamma", *alpha.addresses) as old:
        await old.start()
        await until(lambda: "gamma" in alpha.neighbours() and "gamma" in beta.neighbours())
        async with witnesses(alpha, beta, of="gamma") as (first, second):
            old.pause()
            async with victim("gamma", *alpha.addresses) as new:
                await new.start()
                await until(lambda: len(first.seen) >= 2 and len(second.seen) >= 2)
                await until(lambda: "gamma" in alpha.neighbours() and "gamma" in beta.neighbours())
                assert first.kinds == second.kinds == ["NeighbourDown", "NeighbourUp"]
                assert first.downs[0].reason is Reason.RESTARTED
                assert second.downs[0].reason is Reason.RESTARTED, "met it, or was told"
                old.resume()
                assert await old.wait() == 3, "its name is in use"
                assert first.kinds == second.kinds == ["NeighbourDown", "NeighbourUp"]


async def test_a_process_that_pauses_for_a_second_is_not_down() -> None:
    async with trio_of_nodes() as (alpha, beta), victim("gamma", *alpha.addresses) as gamma:
        await gamma.start()
        await until(lambda: "gamma" in alpha.neighbours() and "gamma" in beta.neighbours())
        async with witnesses(alpha, beta, of="gamma") as (first, second):
            gamma.pause()
            with trio.move_on_after(1):
                await until(lambda: first.seen or second.seen)
            gamma.resume()
            with trio.fail_after(2):
                await alpha.ping("gamma")
                await beta.ping("gamma")
            assert not first.seen
            assert not second.seen


async def test_a_message_to_a_killed_process_fails_once_it_is_known_down() -> None:
    async with trio_of_nodes() as (alpha, _), victim("gamma", *alpha.addresses) as gamma:
        await gamma.start()
        await until(lambda: "gamma" in alpha.neighbours())
        gamma.process.kill()
        await until(lambda: "gamma" not in alpha.neighbours())
        with pytest.raises(NodeDown, match="gamma is known and down"):
            await alpha.send("gamma/box", 1)
