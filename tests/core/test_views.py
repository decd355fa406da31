"""What a node shows of its members and connections."""

from collections.abc import AsyncIterator, Callable

import pytest
import trio

from partisan_core import Node, open_node
from partisan_core.events import Reason
from partisan_core.identity import NodeSpec
from partisan_core.kernel.report import Chronicle
from partisan_core.notices import MemberJoined, MemberLeft, Retired
from partisan_core.views import ConnectionRow, LaneState, MemberRow, MemberState

DEADLINE = 10

BETA = NodeSpec("beta", 1, 1)


@pytest.fixture
async def alpha() -> AsyncIterator[Node]:
    async with open_node(node={"name": "alpha"}) as node:
        yield node


async def until(holds: Callable[[], bool]) -> None:
    with trio.fail_after(DEADLINE):
        while not holds():
            await trio.lowlevel.checkpoint()


def member(node: Node, name: str) -> MemberRow:
    return next(row for row in node.member_states() if row.name == name)


def lane(node: Node, channel: str) -> ConnectionRow:
    return next(row for row in node.connections() if row.channel == channel)


async def test_a_member_that_went_without_leaving_is_down_and_the_reason_is_told(alpha: Node) -> None:
    async with open_node(node={"name": "beta"}) as beta:
        await beta.join(alpha.addresses[0])
        await alpha.wait_neighbours()
        assert member(alpha, "beta").state is MemberState.UP
    await until(lambda: member(alpha, "beta").state is MemberState.DOWN)
    assert not member(alpha, "beta").neighbour
    assert member(alpha, "beta").last_error
    row = lane(alpha, "membership")
    assert row.state is LaneState.DIALLING
    assert (row.dialled, row.address, row.age, row.rtt) == (None, None, None, None)
    assert row.last_error


async def test_a_member_that_left_is_shown_until_it_joins_again(alpha: Node) -> None:
    async with open_node(node={"name": "beta"}) as beta:
        await beta.join(alpha.addresses[0])
        await alpha.wait_neighbours()
        await beta.leave()
        await until(lambda: member(alpha, "beta").state is MemberState.LEFT)
        assert "beta" not in [spec.name for spec in alpha.members()]
        await beta.join(alpha.addresses[0])
        await until(lambda: member(alpha, "beta").state is MemberState.UP)
        assert len(alpha.member_states()) == 2


async def test_a_lane_that_a_full_mailbox_pauses_is_shown_as_paused(alpha: Node) -> None:
    alpha.open_mailbox("slow", limit=1)
    async with open_node(node={"name": "beta"}) as beta:
        await beta.join(alpha.addresses[0])
        await beta.send("alpha/slow", 1)
        await beta.send("alpha/slow", 2)
        await until(lambda: lane(alpha, "default").state is LaneState.PAUSED)
        assert lane(alpha, "default").frames_in > 0
        assert lane(beta, "default").bytes_out > 0


async def test_what_waits_in_a_queue_is_counted(alpha: Node) -> None:
    alpha.open_mailbox("slow", limit=1)
    async with open_node(node={"name": "beta"}) as beta:
        await beta.join(alpha.addresses[0])
        with trio.move_on_after(DEADLINE):
            while lane(beta, "default").queue_messages < 10:
                await beta.send("alpha/slow", b"x" * 100_000)
        row = lane(beta, "default")
        assert row.queue_messages >= 10
        assert row.queue_bytes >= 10 * 100_000


def test_the_chronicle_keeps_those_who_left_or_were_evicted_and_forgets_who_joined_again() -> None:
    chronicle = Chronicle("alpha")
    chronicle.note(MemberLeft(BETA, Reason.EVICTED))
    chronicle.note(MemberLeft(NodeSpec("gamma", 1, 1), Reason.REPLACED))
    assert chronicle.departed == {"beta": (BETA, MemberState.EVICTED)}
    chronicle.note(MemberJoined(BETA))
    assert chronicle.departed == {}


def test_the_chronicle_is_bounded() -> None:
    chronicle = Chronicle("alpha")
    for number in range(1000):
        chronicle.note(MemberLeft(NodeSpec(f"node{number}", 1, 1), Reason.LEFT))
    assert len(chronicle.departed) == 256
    assert "node999" in chronicle.departed
    assert "node0" not in chronicle.departed


def test_a_node_that_was_evicted_joined_again_and_leaves_has_left() -> None:
    chronicle, states = Chronicle("alpha"), []
    for notice in (Retired(Reason.EVICTED), MemberJoined(NodeSpec("alpha", 2, 1))):
        chronicle.note(notice)
        states.append(chronicle.retired)
    assert states == [MemberState.EVICTED, MemberState.LEFT]
