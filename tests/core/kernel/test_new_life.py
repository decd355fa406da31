"""A node that leaves and joins again is a new life, for which nothing of the old one goes on."""

from collections.abc import Callable

import trio
from msgspec.structs import replace
from trio.testing import MockClock, wait_all_tasks_blocked

from partisan_core import Address, Node
from partisan_core.kernel.rejoining import rejoin
from partisan_core.kernel.secret_files import automatic_secret
from partisan_core.notices import Gap
from partisan_core.wire.authentication import Keyring
from partisan_core.wire.handshake import Handshake, Role
from partisan_core.wire.messages import Refused
from tests.core.kernel.nodes import PARTS, PATIENCE, Memory, link, notice_of, opened, pair, until
from tests.core.kernel.parts import Ticking
from tests.core.kernel.stranger import HELLO, Stranger
from tests.core.kernel.test_virtual_time import frail_pair


def fill_lane(alpha: Node, beta: Node) -> None:
    """More than beta can flush: alpha receives nothing."""
    alpha.open_mailbox("box", limit=1)
    for _ in range(50):
        beta.send_nowait("alpha/box", bytes(100_000))


async def joined_again(alpha: Node, beta: Node, meanwhile: Callable[[], None] = lambda: None) -> list[str]:
    """Beta leaves and joins; returns what it was told."""
    told: list[str] = []
    beta.on_up(lambda peer: told.append("up"))
    beta.on_down(lambda peer: told.append("down"))
    await beta.leave()
    assert beta.neighbours() == ()
    assert beta.nodes() == ()
    meanwhile()
    with trio.fail_after(PATIENCE):
        await beta.join(*alpha.addresses)
    await until(lambda: alpha.neighbours() == ("beta",))
    return told


async def test_who_left_with_messages_that_could_not_be_flushed_may_join_again(autojump_clock: MockClock) -> None:
    async with pair() as (alpha, beta):
        await until(lambda: beta.is_fully_connected("alpha"))
        fill_lane(alpha, beta)
        assert await joined_again(alpha, beta) == ["down", "up"]


async def test_who_left_while_a_link_was_lost_may_join_again(autojump_clock: MockClock) -> None:
    async with frail_pair() as (network, alpha, beta, _):
        network.silent = True
        network.cut()
        await until(lambda: not beta.is_connected("alpha"))
        assert beta.neighbours() == ("alpha",), "within its grace"
        assert await joined_again(alpha, beta, lambda: setattr(network, "silent", False)) == ["down", "up"]


async def test_a_link_that_came_while_a_new_life_began_is_made_again(autojump_clock: MockClock) -> None:
    """A dial that was let in at the last moment is not told to a strategy that is not there yet."""
    async with pair() as (alpha, beta), trio.open_nursery() as nursery:
        kernel = beta._kernel
        await beta.leave()
        async with kernel._state._turn:
            nursery.cancel_scope.deadline = trio.current_time() + PATIENCE
            nursery.start_soon(beta.join, *alpha.addresses)
            await wait_all_tasks_blocked()
            barred, kernel.judge.barred = kernel.judge.barred, None
            await kernel.doorway.contact(alpha.addresses[0])
            kernel.judge.barred = barred
            assert beta.nodes() == ("alpha",)
        await until(lambda: beta.neighbours() == ("alpha",) and alpha.neighbours() == ("beta",))
    assert not nursery.cancel_scope.cancelled_caught, "join goes on for ever"


async def test_two_that_ask_for_a_join_after_leave_get_one_new_life(autojump_clock: MockClock) -> None:
    async with pair(overlay={"use": f"{PARTS}:Ticking"}) as (alpha, beta):
        await beta.leave()
        Ticking.ticks.clear()
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(beta.join, *alpha.addresses)
        assert len(set(Ticking.ticks) - {alpha.spec().incarnation}) == 1


async def test_a_new_life_does_not_come_back_to_the_peers_of_the_old(autojump_clock: MockClock) -> None:
    memory, address = Memory(), Address("alpha.example", 1)
    peers: dict[str, tuple[Address, ...]] = {"alpha": (address,)}
    async with memory.opened("beta") as beta, memory.opened("gamma") as gamma, trio.open_nursery() as nursery:
        nursery.start_soon(rejoin, beta._kernel, peers)
        await trio.sleep(5)
        async with memory.opened("alpha", node={"listen": [str(address)]}) as alpha:
            await beta.leave()
            await beta.join(*gamma.addresses)
            await trio.sleep(30)
            assert beta.neighbours() == ("gamma",)
            assert alpha.neighbours() == ()


async def test_who_dies_while_a_mailbox_is_full_does_not_fill_it_further_and_the_loss_is_told() -> None:
    """Limit 3 once held 4,686 messages after four lives: what lay unread in the system was put in at each end."""
    async with opened("alpha") as alpha, alpha.open_events() as events:
        box = alpha.open_mailbox("box", limit=3)
        async with opened("beta", links={"flush_timeout": "0s"}) as beta:
            await link(beta, alpha)
            await until(lambda: beta.is_fully_connected("alpha"))
            for _ in range(3_000):
                await beta.send("alpha/box", bytes(1_000))
            await until(lambda: len(box) > 3)
            held = len(box)
        gap = await notice_of(Gap, events)
        await until(lambda: not alpha.is_connected("beta"))
        assert (gap.peer.name, gap.lost) == ("beta", None)
        assert len(box) == held


async def test_a_stale_answer_to_an_earlier_life_does_not_end_the_next_one() -> None:
    """A dial of before `leave` may be answered by somebody who knows the life after it: rightly, and of no matter."""
    asked, answer = trio.Event(), trio.Event()

    async def refuse_late(stream: trio.SocketStream) -> None:
        async with stream:
            handshake = Handshake(Role.ACCEPTER, beta_hello, Keyring("default", [automatic_secret("default")]))
            stranger = Stranger(stream)
            replies: list[Callable[[], bytes]] = [
                handshake.greet,
                lambda: handshake.refuse(Refused.STALE, "a newer life is known"),
            ]
            for reply in replies:
                frame = await stranger.read()
                assert frame is not None
                handshake.receive(frame)
                if handshake.proof is not None:
                    asked.set()
                    await answer.wait()
                await stream.send_all(reply())

    async with opened("alpha") as alpha, opened("gamma") as gamma, trio.open_nursery() as nursery:
        async with opened("beta") as beta:
            await link(beta, alpha)
            where = beta.addresses[0]
            beta_hello = replace(HELLO, node=beta.spec())
        listeners = await trio.open_tcp_listeners(where.port, host=where.host)
        nursery.start_soon(trio.serve_listeners, refuse_late, listeners)
        with trio.fail_after(PATIENCE):
            await asked.wait()
            await alpha.leave()
            await alpha.join(*gamma.addresses)
            refused = alpha.counters["DialRefused"]
            answer.set()
            await until(lambda: not alpha._kernel.peers.table.get("beta") or alpha.counters["DialRefused"] > refused)
        await wait_all_tasks_blocked()
        assert alpha.status().state == "up"
        nursery.cancel_scope.cancel()
