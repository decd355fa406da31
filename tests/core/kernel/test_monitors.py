"""Monitors: the end of a mailbox, or of a node, is told once, with the right reason."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from partisan_core import Mailbox, Node, Ref
from partisan_core.downs import Down, DownReason, NodeDown, Nodes, NodeUp
from partisan_core.errors import NodeClosed
from partisan_core.events import Reason
from partisan_core.kernel.journal import STREAM_LIMIT
from partisan_core.monitors import Monitor
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.monitored import held, leaks_nothing, opened_on, pair, told
from tests.core.kernel.nodes import PATIENCE, link, until

# -- how a mailbox ends -----------------------------------------------------------------------------------------


async def fail(box: Mailbox, error: BaseException) -> None:
    async with box:
        raise error


@pytest.mark.parametrize("place", ["alpha", "beta"])
async def test_a_mailbox_that_is_closed_ends_normally(place: str, autojump_clock: MockClock) -> None:
    async with pair() as (_, alpha, beta):
        box = {"alpha": alpha, "beta": beta}[place].open_mailbox("box")
        inbox = alpha.open_mailbox("inbox")
        monitor = await alpha.monitor(f"{place}/box", tag=["mine"], to=inbox)
        assert monitor.down is None
        box.close()
        down = Down(Ref(place, "box"), DownReason.NORMAL, ["mine"])
        assert await inbox.receive() == down
        assert monitor.down == down == await monitor.wait()
        box.close()
        await leaks_nothing(alpha, beta)
        assert len(inbox) == 0


async def test_an_exception_that_leaves_the_block_is_the_reason_escaped_and_bounded(autojump_clock: MockClock) -> None:
    async with pair() as (_, alpha, beta):
        box = beta.open_mailbox("box")
        monitor = await alpha.monitor("beta/box")
        with pytest.raises(ValueError, match="red"):
            await fail(box, ValueError("\x1b[31mred " + "x" * 9000))
        reason, detail = await told(monitor)
        assert reason == "failed"
        assert detail.startswith("ValueError: ?[31mred xxx")
        assert len(detail) == 500


async def test_a_reason_can_be_given_to_close(autojump_clock: MockClock) -> None:
    async with pair() as (_, alpha, beta):
        box = beta.open_mailbox("box")
        monitor = await alpha.monitor("beta/box")
        box.close("out of paper")
        assert await told(monitor) == ("failed", "out of paper")


async def test_a_cancelled_block_was_killed_even_inside_a_nursery(autojump_clock: MockClock) -> None:
    async with pair() as (_, alpha, beta):
        with trio.move_on_after(1):
            async with beta.open_mailbox("box"), trio.open_nursery() as nursery:
                monitor = await alpha.monitor("beta/box")
                nursery.start_soon(trio.sleep_forever)
                await trio.sleep_forever()
        assert await told(monitor) == ("killed", "")


async def test_one_exception_out_of_a_nursery_is_told_without_its_wrapping(autojump_clock: MockClock) -> None:
    async with pair() as (_, alpha, beta):
        box = beta.open_mailbox("box")
        monitor = await alpha.monitor("beta/box")
        with pytest.raises(ExceptionGroup):
            await fail(box, ExceptionGroup("all", [KeyError("key")]))
        assert await told(monitor) == ("failed", "KeyError: 'key'")


async def test_what_is_dead_already_is_told_at_once(autojump_clock: MockClock) -> None:
    async with pair() as (_, alpha, beta):
        life = beta.spec().incarnation
        assert await told(await alpha.monitor("beta/nobody")) == ("noproc", "there was no mailbox 'nobody'")
        assert (await told(await alpha.monitor("alpha/nobody")))[0] == "noproc"
        assert (await told(await alpha.monitor(Ref("beta", "box", life - 1))))[0] == "restarted"
        assert (await told(await alpha.monitor(Ref("alpha", "box", 1))))[0] == "restarted"
        reason, detail = await told(await alpha.monitor("betta/box"))
        assert (reason, "beta" in detail) == ("noconnection", True)
        await leaks_nothing(alpha, beta)


async def test_a_reference_to_the_life_that_there_is_is_watched(autojump_clock: MockClock) -> None:
    async with pair() as (_, alpha, beta):
        box, ref = beta.open_mailbox("box"), Ref("beta", "box", beta.spec().incarnation)
        monitor = await alpha.monitor(ref)
        assert await alpha.is_alive(ref)
        box.close()
        assert (await monitor.wait()).ref == ref


async def test_is_alive_asks_and_leaves_nothing_behind(autojump_clock: MockClock) -> None:
    async with pair() as (_, alpha, beta):
        beta.open_mailbox("box")
        assert await alpha.is_alive("beta/box")
        assert not await alpha.is_alive("beta/nobody")
        assert not await alpha.is_alive("nobody/box")
        await leaks_nothing(alpha, beta)


# -- order and choice -------------------------------------------------------------------------------------------


async def test_a_down_comes_behind_what_was_sent_before_on_its_channel(autojump_clock: MockClock) -> None:
    """Over many lanes, and behind a message that leaves in slices."""
    wide = {"wide": {"parallelism": 5}}
    async with pair(channels=wide) as (_, alpha, beta):
        boxes = [alpha.open_mailbox(f"inbox{number}") for number in range(10)]
        actor = beta.open_mailbox("actor")
        for box in boxes:
            await alpha.monitor("beta/actor", channel="wide", to=box)
        for box in boxes:
            await beta.send(f"alpha/{box.name}", bytes(2_000_000), channel="wide")
            await beta.send(f"alpha/{box.name}", "last", channel="wide")
        actor.close()
        for box in boxes:
            got = [await box.receive() for _ in range(3)]
            assert [type(one) for one in got] == [bytes, str, Down]


async def test_a_lane_for_which_senders_always_wait_starves_no_down(autojump_clock: MockClock) -> None:
    async with (
        pair(channels={"narrow": {"queue_messages": 2}}) as (_, alpha, beta),
        trio.open_nursery() as nursery,
    ):
        inbox, actor = alpha.open_mailbox("inbox", limit=5), beta.open_mailbox("actor")
        await alpha.monitor("beta/actor", channel="narrow", to=inbox)

        async def flood() -> None:
            while True:
                await beta.send("alpha/inbox", bytes(1000), channel="narrow")

        for _ in range(5):
            nursery.start_soon(flood)
        await until(lambda: inbox.is_full)
        actor.close()
        got = [await inbox.receive() for _ in range(2000)]
        assert any(isinstance(one, Down) for one in got)
        nursery.cancel_scope.cancel()


async def test_cancelled_nothing_is_told_and_who_waits_is_told_that(autojump_clock: MockClock) -> None:
    async with pair() as (_, alpha, beta):
        box, inbox = beta.open_mailbox("box"), alpha.open_mailbox("inbox")
        with await alpha.monitor("beta/box", to=inbox) as monitor:
            pass
        monitor.cancel()
        box.close()
        with pytest.raises(trio.ClosedResourceError):
            await monitor.wait()
        await leaks_nothing(alpha, beta)
        assert len(inbox) == 0


async def test_a_mailbox_that_is_told_takes_its_monitors_with_it(autojump_clock: MockClock) -> None:
    async with pair() as (_, alpha, beta):
        beta.open_mailbox("box")
        async with alpha.open_mailbox("inbox") as inbox:
            monitors = [await alpha.monitor("beta/box", to=inbox) for _ in range(100)]
            assert held(beta)["watched"] == 100
        assert all(monitor.is_over and monitor.down is None for monitor in monitors)
        await leaks_nothing(alpha, beta)


async def test_many_monitors_of_one_mailbox_are_told_each(autojump_clock: MockClock) -> None:
    async with pair() as (_, alpha, beta):
        box, inbox = beta.open_mailbox("box"), alpha.open_mailbox("inbox")
        for tag in range(300):
            await alpha.monitor("beta/box", tag=tag, to=inbox)
        box.close()
        with trio.fail_after(PATIENCE):
            got = [await inbox.receive() for _ in range(300)]
        assert sorted(down.tag for down in got) == [*range(300)]
        await leaks_nothing(alpha, beta)


async def test_who_waits_for_a_monitor_to_be_set_can_be_cancelled(autojump_clock: MockClock) -> None:
    async with pair() as (network, alpha, _beta):
        network.silence()
        with trio.move_on_after(0.5) as scope:
            await alpha.monitor("beta/box")
        assert scope.cancelled_caught
        assert held(alpha)["set"] == 0


async def test_who_waits_for_a_monitor_to_be_set_reads_the_answer_itself(autojump_clock: MockClock) -> None:
    """As a receiver does: no other task has to run in between."""
    async with pair() as (_, alpha, beta):
        beta.open_mailbox("box")
        settled_by = list[trio.lowlevel.Task]()
        settle = Monitor.settle

        def note(monitor: Monitor) -> None:
            settled_by.append(trio.lowlevel.current_task())
            settle(monitor)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Monitor, "settle", note)
            for _ in range(3):
                await alpha.monitor("beta/box")
        assert settled_by == [trio.lowlevel.current_task()] * 3


async def test_monitors_that_are_set_at_once_read_for_each_other(autojump_clock: MockClock) -> None:
    """One of the tasks reads, and may be cancelled; what it would have read the others are told all the same."""
    async with pair() as (_, alpha, beta), trio.open_nursery() as nursery:
        beta.open_mailbox("box")
        monitors = list[Monitor]()
        leader = trio.CancelScope()

        async def watch(scope: trio.CancelScope) -> None:
            with scope:
                monitors.append(await alpha.monitor("beta/box"))

        for number in range(20):
            nursery.start_soon(watch, trio.CancelScope() if number else leader)
        await trio.lowlevel.checkpoint()
        leader.cancel()
        with trio.fail_after(0.5):  # and not only when it is said again
            await until(lambda: len(monitors) == 19)


async def test_a_monitor_that_is_set_leaves_the_reading_to_others(autojump_clock: MockClock) -> None:
    """Or who waits for its end would keep receivers from reading their own messages."""
    async with pair() as (_, alpha, beta), trio.open_nursery() as nursery:
        beta.open_mailbox("box")
        nursery.start_soon((await alpha.monitor("beta/box")).wait)
        await wait_all_tasks_blocked()
        readers = [one.reader for one in alpha._kernel.peers.table["beta"].connections.values()]
        assert all(reader.may_be_led for reader in readers)
        nursery.cancel_scope.cancel()


# -- how nodes end ----------------------------------------------------------------------------------------------


async def test_a_node_that_closes_takes_its_mailboxes_with_it(autojump_clock: MockClock) -> None:
    network = FrailNetwork()
    async with opened_on(network, "alpha") as alpha:
        async with opened_on(network, "beta") as beta:
            await link(beta, alpha)
            beta.open_mailbox("box")
            monitors = [await alpha.monitor("beta/box"), await alpha.monitor_node("beta")]
            own = await beta.monitor("beta/box")
            other = await beta.monitor_node("alpha")
        for monitor in monitors:
            reason, detail = await told(monitor)
            assert reason == "noconnection"
            assert detail.endswith("is down: gone")
        assert monitors[1].down is not None
        assert monitors[1].down.ref == "beta"
        assert own.is_over
        assert (await told(other))[0] == "noconnection"
        await leaks_nothing(alpha)
        assert (await told(await alpha.monitor("beta/box")))[0] == "noconnection"
    with pytest.raises(NodeClosed):
        await alpha.monitor("alpha/box")


async def test_a_node_that_comes_back_as_another_life_has_restarted(autojump_clock: MockClock) -> None:
    network = FrailNetwork()
    async with opened_on(network, "alpha") as alpha, trio.open_nursery() as nursery:

        async def live(*, task_status: trio.TaskStatus[tuple[Node, trio.CancelScope]]) -> None:
            async with opened_on(network, "beta", node={"name": "beta", "listen": ["beta.memory:77"]}) as beta:
                beta.open_mailbox("box")
                await link(beta, alpha)
                with trio.CancelScope() as scope:
                    task_status.started((beta, scope))
                    await trio.sleep_forever()

        _first, scope = await nursery.start(live)
        monitor = await alpha.monitor("beta/box")
        node = await alpha.monitor_node("beta")
        for wire in network.wires:
            wire.silent = True
        scope.cancel()
        await nursery.start(live)
        assert (await told(monitor))[0] == (await told(node))[0] == "restarted"
        assert await alpha.is_alive("beta/box"), "by name, it is the next one"
        nursery.cancel_scope.cancel()


async def test_a_silent_node_is_told_when_the_connection_layer_says_so(autojump_clock: MockClock) -> None:
    async with pair() as (network, alpha, beta):
        beta.open_mailbox("box")
        inbox = alpha.open_mailbox("inbox")
        await alpha.monitor("beta/box", to=inbox)
        network.silence()
        down = await inbox.receive()
        assert (down.reason, "unreachable" in down.detail) == ("noconnection", True)
        await until(lambda: held(beta)["watched"] == 0)
        await until(lambda: held(alpha)["set"] == 0)


async def test_a_connection_that_breaks_again_and_again_costs_no_monitor(autojump_clock: MockClock) -> None:
    async with pair() as (network, alpha, beta):
        inbox = alpha.open_mailbox("inbox")
        for number in range(40):
            box = beta.open_mailbox(f"box{number}")
            network.cut()
            await alpha.monitor(f"beta/box{number}", tag=number, to=inbox)
            box.close()
            network.cut()
        with trio.fail_after(PATIENCE):
            got = [await inbox.receive() for _ in range(40)]
        assert sorted(down.tag for down in got) == [*range(40)]
        assert {down.reason for down in got} == {DownReason.NORMAL}
        await leaks_nothing(alpha, beta)
        assert len(inbox) == 0


async def test_who_was_taken_for_dead_sets_its_monitors_again(autojump_clock: MockClock) -> None:
    """Alpha has lost nobody: beta alone gave the link up, and all that alpha had set there."""
    async with pair() as (_, alpha, beta):
        kept, lost = beta.open_mailbox("kept"), beta.open_mailbox("lost")
        monitors = [await alpha.monitor("beta/kept"), await alpha.monitor("beta/lost")]
        own = await beta.monitor_node("alpha")
        alpha.open_mailbox("box")
        await beta.monitor("alpha/box")
        peers = beta._kernel.peers
        peers._act(peers.table["alpha"], peers.table["alpha"].link.ended(Reason.UNREACHABLE))
        assert (await told(own))[0] == "noconnection"
        lost.close("unseen")
        beta.open_mailbox("lost")
        assert (await told(monitors[1]))[0] == "noconnection", "the mailbox of that name is another one"
        await trio.sleep(60)
        assert monitors[0].down is None
        assert held(alpha)["watched"] == 0, "beta was told that its monitors are down, and knows of none"
        kept.close("seen")
        assert await told(monitors[0]) == ("failed", "seen")
        await leaks_nothing(alpha, beta)


async def test_the_nodes_to_which_links_work_are_told_as_they_come_and_go(autojump_clock: MockClock) -> None:
    network = FrailNetwork()
    async with opened_on(network, "alpha") as alpha, opened_on(network, "beta") as beta:
        await link(beta, alpha)
        async with alpha.monitor_nodes() as changes:
            assert await changes.receive() == Nodes((beta.spec(),))
            async with opened_on(network, "gamma") as gamma:
                await link(gamma, alpha)
                spec = gamma.spec()
            assert await changes.receive() == NodeUp(spec)
            assert await changes.receive() == NodeDown(spec, Reason.GONE)


async def test_who_does_not_read_of_nodes_is_told_how_things_stand(autojump_clock: MockClock) -> None:
    async with pair() as (_, alpha, beta):
        async with alpha.monitor_nodes() as changes:
            for _ in range(STREAM_LIMIT):
                alpha._kernel.monitoring._tell(NodeUp(beta.spec()))
            assert await changes.receive() == Nodes((beta.spec(),))
            assert changes.missed == STREAM_LIMIT
        assert not alpha._kernel.monitoring._streams
