"""Links for messages alone, when lives, dials and wishes cross."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Ref
from partisan_core.effects import Send
from partisan_core.events import Reason
from partisan_core.identity import Address, NodeSpec
from partisan_core.kernel import ending
from partisan_core.kernel.ending import end_peer
from partisan_core.kernel.peer import Peer
from partisan_core.kinds import Wire
from partisan_core.wire.control import Interest
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.nodes import until
from tests.core.kernel.parts import Greeting
from tests.core.kernel.unconnected import Book, on, strangers

BETA = {"listen": ["beta:1"]}


async def test_what_waits_for_a_life_does_not_reach_a_newer_one_that_the_overlay_learns_of_meanwhile(
    autojump_clock: MockClock,
) -> None:
    async with strangers("alpha") as (network, alpha):
        async with on(network, "beta", node=BETA) as beta:
            old = beta.spec()
        before = Book.books[network.name]
        async with on(network, "beta", node=BETA) as beta:
            box, after = beta.open_mailbox("box"), Book.books[network.name]
            Book.books[network.name] = before
            alpha.send_nowait(Ref("beta", "box", old.incarnation), "by life")
            Book.books[network.name] = after
            alpha.send_nowait("beta/box", "by name")
            with trio.fail_after(60):
                assert await box.receive() == "by name"
            assert alpha.dropped == {"node_restarted": 1}


@pytest.mark.parametrize("turns", range(12))
async def test_what_was_sent_to_a_life_while_its_link_ended_does_not_reach_the_next_life(
    turns: int, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = FrailNetwork()
    async with trio.open_nursery() as nursery, on(network, "alpha") as alpha:
        sent, restarted = trio.Event(), trio.Event()
        dial = network.dial

        async def end(peer: Peer, reason: Reason, patience: float) -> None:
            nursery.start_soon(end_peer, peer, reason, patience)
            if peer.spec.name == "beta":
                for _ in range(turns):
                    await trio.lowlevel.checkpoint()
                monkeypatch.setattr(network, "dial", dial_next)
                alpha.send_nowait(Ref("beta", "box", peer.spec.incarnation), "by life")
                sent.set()

        async def dial_next(address: Address) -> Wire:
            await restarted.wait()
            return await dial(address)

        monkeypatch.setattr(ending, "end_peer", end)
        async with on(network, "beta", node=BETA) as beta:
            box = beta.open_mailbox("box")
            alpha.send_nowait("beta/box", "first")
            with trio.fail_after(60):
                assert await box.receive() == "first"
                await sent.wait()
            known = Book.books[network.name]
        async with on(network, "beta", node=BETA) as beta:
            box, Book.books[network.name] = beta.open_mailbox("box"), known  # the restart has not become known
            restarted.set()
            await until(lambda: not alpha._kernel.peers.table.get("beta") or "beta" in alpha.nodes())
            alpha.send_nowait("beta/box", "next")
            with trio.fail_after(60):
                assert await box.receive() == "next"


async def test_wishes_that_are_told_again_and_again_are_not_answered_each_time(autojump_clock: MockClock) -> None:
    """A peer that does not read would fill our queue with the answers."""
    async with strangers("alpha", "beta") as (_, alpha, beta):
        alpha.open_mailbox("box", limit=1)
        for number in range(5):
            await beta.send("alpha/box", number)
        await until(lambda: "beta" in alpha.nodes())
        peer = alpha._kernel.peers.table["beta"]
        await until(lambda: peer.is_busy)
        connection, theirs = peer.connection, beta._kernel.peers.table["alpha"].connection
        assert connection is not None
        assert theirs is not None
        before = connection.writer.bytes_out
        for _ in range(1000):
            theirs.control(Interest(False))
        await until(lambda: peer.link.wanted)
        await trio.sleep(1)
        assert connection.writer.bytes_out - before < 1000


async def test_wishes_that_change_again_and_again_start_one_timer(autojump_clock: MockClock) -> None:
    async with strangers("alpha", "beta") as (_, alpha, beta):
        box = alpha.open_mailbox("box")
        await beta.send("alpha/box", 1)
        await box.receive()
        theirs = beta._kernel.peers.table["alpha"].connection
        assert theirs is not None
        for number in range(2001):
            theirs.control(Interest(number % 2 == 0))
        theirs.ping(lambda rtt: box.put("read"))
        assert await box.receive() == "read"
        assert len(alpha._kernel.timers._heap) < 20
        theirs.control(Interest(False))
        await until(lambda: not alpha.nodes())


async def test_an_overlay_that_answers_made_up_nodes_does_not_fill_the_table_of_peers(
    autojump_clock: MockClock,
) -> None:
    async with strangers("alpha", "beta") as (network, alpha, beta):
        network.silence()
        made_up = (NodeSpec(f"stranger-{number}", 1, 1, (Address("nowhere", 1),)) for number in range(5000))
        for stranger in made_up:
            alpha._kernel.driver._perform(Send(stranger, Greeting()))
        await until(lambda: network.dials)
        assert len(alpha._kernel.peers.table) == len(network.dials) == 256
        assert alpha.dropped["membership_full"] == 5000 - 256
        await until(lambda: not alpha._kernel.peers.table)
        network.silent = False
        alpha._kernel.driver._perform(Send(beta.spec(), Greeting()))
        await until(lambda: "beta" in alpha.nodes())


async def test_a_dial_that_fails_beside_a_handshake_of_the_same_peer_breaks_nothing(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that is reached at the address of a contact, and not at those that it tells of itself."""
    network = FrailNetwork()
    dial = network.dial

    async def dial_slowly(address: Address) -> Any:
        wire: Any = await dial(address)
        wire.pace = 250  # the handshake takes longer than it does to find nobody at the other address
        return wire

    async with (
        on(network, "beta", node=BETA | {"advertise": ["nowhere:1"]}, links={"handshake_timeout": "60s"}) as beta,
        on(network, "alpha", wanted=("beta",), links={"handshake_timeout": "60s"}) as alpha,
    ):
        await until(lambda: alpha.counters["DialRefused"])
        monkeypatch.setattr(network, "dial", dial_slowly)
        with trio.fail_after(60):
            await alpha.join("beta:1")
        alpha._kernel.driver._perform(Send(alpha.spec("beta"), Greeting()))
        await until(lambda: beta._kernel.peers.table["alpha"].membership.session.received)
