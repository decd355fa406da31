"""Every frame of a scenario is lost once, in turn: each run has to end as the one without a loss.

After the exhaustive search of Partisan's Filibuster, here with rules instead of recorded traces: `skip` counts through
the frames until a run is over before the rule strikes.
"""

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Node
from partisan_faults import Rule
from tests.core.kernel.nodes import Memory, until
from tests.faults.nodes import faulty_pair, firings, received

MESH: dict[str, object] = {"overlay": {"use": "fullmesh"}}

MOST = 200
"""Runs after which a scenario is taken for endless."""


async def omit_each(run: Callable[[Rule], Awaitable[int]], direction: str, *kinds: str) -> int:
    """Runs with the first, the second, … frame lost, until there is none to lose; returns how many there were."""
    for skip in range(MOST):
        if not await run(Rule(action="drop", direction=direction, kinds=kinds, skip=skip, count=1)):
            return skip
    raise AssertionError(f"more than {MOST} frames")


async def acked_sends(rule: Rule) -> int:
    """Five acknowledged messages, one of them large."""
    async with faulty_pair() as (alpha, _beta, box):
        alpha.faults.add("one", rule)
        messages = [0, b"x" * 200_000, 2, 3, 4]
        receipts = [await alpha.send("beta/box", message, ack=True) for message in messages]
        with trio.fail_after(60):
            for receipt in receipts:
                await receipt
        assert await received(box) == messages, rule
        return firings(alpha, "one")


@pytest.mark.parametrize("direction", ["out", "in"])
async def test_any_one_frame_of_acknowledged_messages_may_be_lost(autojump_clock: MockClock, direction: str) -> None:
    kinds = {"out": ("data", "fragment"), "in": ("ack", "again")}[direction]
    assert await omit_each(acked_sends, direction, *kinds) > (3 if direction == "out" else 0)


def names(node: Node) -> list[str]:
    return [spec.name for spec in node.members()]


@pytest.mark.parametrize("direction", ["out", "in"])
async def test_any_one_message_of_a_join_may_be_lost(autojump_clock: MockClock, direction: str) -> None:
    async def join(rule: Rule) -> int:
        memory = Memory()
        async with (
            memory.opened("alpha", faults={"enabled": True}, **MESH) as alpha,
            memory.opened("beta", **MESH) as beta,
        ):
            alpha.faults.add("one", rule)
            await alpha.join(*beta.addresses)
            await until(lambda: names(alpha) == names(beta) == ["alpha", "beta"])
            return firings(alpha, "one")

    assert await omit_each(join, direction, "data") > 0


async def test_any_one_message_of_a_leave_may_be_lost(autojump_clock: MockClock) -> None:
    async def leave(rule: Rule) -> int:
        memory = Memory()
        async with (
            memory.opened("alpha", faults={"enabled": True}, **MESH) as alpha,
            memory.opened("beta", **MESH) as beta,
            memory.opened("gamma", **MESH) as gamma,
        ):
            for node in (beta, gamma):
                await node.join(*alpha.addresses)
            await until(lambda: all(len(node.neighbours()) == 2 for node in (alpha, beta, gamma)))
            alpha.faults.add("one", rule)
            await alpha.leave()
            await until(lambda: names(beta) == names(gamma) == ["beta", "gamma"])
            return firings(alpha, "one")

    assert await omit_each(leave, "out", "data") > 0
