"""What becomes of messages that wait for one of a node which is gone."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Node
from partisan_core.drops import Unreadable
from partisan_core.identity import NodeSpec
from partisan_core.kernel.postoffice import ORDERED
from partisan_core.mailboxes import Feeder, Mailbox
from partisan_core.wire.frames import Kind
from tests.acked.lossy import LossyNetwork
from tests.causality.nodes import NOTHING, cluster, left_over, receive, sections, talk_in_a_triangle
from tests.core.kernel.nodes import link, opened, until


async def leave_one_waiting(alpha: Node, beta: Node, gamma: Node, network: LossyNetwork) -> None:
    """Alpha's message to gamma never arrives, beta's, which comes after it, waits there."""
    network.kinds, network.drop = frozenset({int(Kind.DATA)}), 1.0
    await alpha.send("gamma/box", "lost", causal="default")
    await until(lambda: network.dropped)
    network.drop = 0.0
    async with beta.open_mailbox("box") as box:
        await alpha.send("beta/box", "led on", causal="default")
        await receive(box, 1)
    network.drop = 1.0  # nothing of alpha comes again
    network.kinds = frozenset()
    await beta.send("gamma/box", "waits", causal="default")


async def test_a_message_of_a_node_that_is_gone_is_waited_for_as_long_as_was_set(autojump_clock: MockClock) -> None:
    async with cluster("beta", "gamma", patience="20s") as ((beta, gamma), network):
        box = gamma.open_mailbox("box")
        await with_a_dying_alpha(beta, gamma, network)
        begun = trio.current_time()
        assert await receive(box, 1) == ["waits"]
        assert 15 < trio.current_time() - begun < 30
        assert gamma.counters["causal_abandoned"] == 1
        await until(lambda: left_over(beta) == NOTHING)


async def test_nothing_of_a_node_is_waited_for_when_its_next_life_is_there(autojump_clock: MockClock) -> None:
    async with cluster("beta", "gamma", patience="24h") as ((beta, gamma), network):
        box = gamma.open_mailbox("box")
        await with_a_dying_alpha(beta, gamma, network)
        async with opened("alpha", **sections(network)) as alpha:
            await link(alpha, gamma)
            assert await receive(box, 1) == ["waits"]
            await alpha.send("gamma/box", "again", causal="default")
            assert await receive(box, 1) == ["again"]


@pytest.mark.parametrize("notices", [1, 1000], ids=["told by a snapshot", "told by a notice"])
async def test_what_a_living_node_gave_up_is_not_waited_for_once_it_is_back(
    notices: int, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("partisan_core.kernel.journal.STREAM_LIMIT", notices)
    async with cluster("alpha", "beta", "gamma", patience="24h") as ((alpha, beta, gamma), network):
        box = gamma.open_mailbox("box")
        await leave_one_waiting(alpha, beta, gamma, network)
        await until(lambda: left_over(gamma)[0][0] == 1)
        network.kinds = frozenset(map(int, Kind))
        await until(lambda: alpha.counters["Undelivered"])
        network.drop = 0.0
        await link(alpha, gamma)
        assert await receive(box, 1) == ["waits"]


async def test_a_node_that_left_and_joined_again_begins_anew(autojump_clock: MockClock) -> None:
    async with cluster("alpha", "beta", "gamma") as ((alpha, beta, gamma), network):
        for _ in range(2):
            assert await talk_in_a_triangle(alpha, beta, gamma, network, causal="default") == ["m1", "m3"]
            await until(lambda: all(left_over(node) == NOTHING for node in (alpha, beta, gamma)))
            network.dropped = 0
            await gamma.leave()
            await until(lambda: "gamma" not in alpha.neighbours() + beta.neighbours())
            await link(gamma, alpha)
            await link(gamma, beta)


async def test_triples_toward_a_node_that_nobody_knows_any_more_are_dropped(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("partisan_causal.orderer._DEATHS", frozenset())  # an overlay that only forgets it
    async with cluster("beta", "gamma") as ((beta, _), network):
        async with opened("alpha", **sections(network)) as alpha:
            await link(alpha, beta)
            network.kinds, network.drop = frozenset({int(Kind.DATA)}), 1.0
            await beta.send("alpha/box", "lost", causal="default")
            await until(lambda: network.dropped)
            network.kinds = frozenset(map(int, Kind))
        network.drop = 0.0
        beta.evict("alpha")
        await until(lambda: left_over(beta) == NOTHING)


async def test_a_message_that_cannot_be_read_is_a_dead_letter_and_the_next_ones_arrive(
    autojump_clock: MockClock,
) -> None:
    async with cluster("alpha", "beta") as ((alpha, beta), _), beta.open_mailbox("box") as box:
        deliver = beta._kernel.postoffice.deliver

        def misread(peer: NodeSpec, batch: list[tuple[str, Any]], feeder: Feeder | None = None) -> Mailbox | None:
            return deliver(peer, [(spoilt(name, message), message) for name, message in batch], feeder)

        def spoilt(name: str, message: object) -> str:
            return Unreadable(name, "of no type here") if name.startswith(ORDERED) and message == 1 else name

        for channel in beta._kernel.channels.values():
            channel.deliver = misread
        for message in range(3):
            await alpha.send("beta/box", message, causal="default")
        assert await receive(box, 2) == [0, 2]
        assert beta.dropped["unreadable"] == 1


async def with_a_dying_alpha(beta: Node, gamma: Node, network: LossyNetwork) -> None:
    async with opened("alpha", **sections(network)) as alpha:
        await link(alpha, beta)
        await link(alpha, gamma)
        await leave_one_waiting(alpha, beta, gamma, network)
        network.kinds = frozenset(map(int, Kind))  # it dies without another word
        await until(lambda: left_over(gamma)[0][0] == 1)
    network.kinds, network.drop = frozenset(), 0.0
