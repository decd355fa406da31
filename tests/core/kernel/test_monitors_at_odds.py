"""Monitors without a link, over a relay, and in bad company."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Node, Ref
from partisan_core.errors import InvalidName, MailboxError, MonitorError, NotConnected, UnknownChannel
from partisan_core.wire.monitoring import MONITORS
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.monitored import NOTHING, held, leaks_nothing, pair, told
from tests.core.kernel.nodes import until
from tests.core.kernel.unconnected import HUB, on, star, strangers

# -- without a link ---------------------------------------------------------------------------------------------


async def test_a_monitor_opens_a_link_and_keeps_it_as_long_as_it_watches(autojump_clock: MockClock) -> None:
    async with strangers("alpha", "beta") as (network, alpha, beta):
        box = beta.open_mailbox("box")
        monitor = await alpha.monitor("beta/box")
        dials = len(network.dials)
        await trio.sleep(200)
        assert alpha.nodes() == ("beta",)
        assert len(network.dials) == dials, "it is the same link"
        box.close()
        assert await told(monitor) == ("normal", "")
        await leaks_nothing(alpha, beta)
        await trio.sleep(100)
        assert alpha.nodes() == (), "then it is idle"


async def test_a_node_that_cannot_be_dialled_is_told(autojump_clock: MockClock) -> None:
    network = FrailNetwork()
    async with on(network, "alpha") as alpha:
        async with on(network, "beta"):
            pass
        begun = trio.current_time()
        assert (await told(await alpha.monitor("beta/box")))[0] == "noconnection"
        assert trio.current_time() - begun < 0.5, "as soon as it is known"
        assert (await told(await alpha.monitor_node("beta")))[0] == "noconnection"
        await leaks_nothing(alpha)


async def test_where_no_way_is_allowed_nothing_is_set(autojump_clock: MockClock) -> None:
    async with strangers("alpha", "beta", routing={"unconnected": "refuse"}) as (_, alpha, _beta):
        with pytest.raises(NotConnected):
            await alpha.monitor("beta/box")
        await leaks_nothing(alpha)


async def test_a_relayed_mailbox_is_watched_there_and_at_the_relay(autojump_clock: MockClock) -> None:
    async with star("alpha", "beta") as (_, hub, alpha, beta):
        box = beta.open_mailbox("box")
        first = await alpha.monitor("beta/box")
        assert [held(node)["watched"] for node in (hub, beta)] == [1, 1]
        box.close("done")
        assert await told(first) == ("failed", "done")
        assert (await told(await alpha.monitor("beta/box")))[0] == "noproc"
        await leaks_nothing(alpha, hub, beta)


async def test_of_a_server_that_cannot_answer_a_client_the_relay_tells(autojump_clock: MockClock) -> None:
    """Messages go from alpha over the hub to beta, and from beta to nobody without a link."""
    rule = {"unconnected": "relay"}
    async with star("alpha") as (network, hub, alpha), on(network, "beta", wanted=(HUB,), routing=rule) as beta:
        await until(lambda: beta.is_fully_connected(HUB) and hub.is_fully_connected("beta"))
        with pytest.raises(NotConnected):
            await beta.send("alpha/box", 1)
        box = beta.open_mailbox("box")
        monitor = await alpha.monitor("beta/box")
        assert monitor.down is None
        box.close()
        assert await told(monitor) == ("normal", "")


async def test_who_is_no_relay_watches_for_nobody(autojump_clock: MockClock) -> None:
    network = FrailNetwork()
    rule = {"unconnected": "relay"}
    async with (
        on(network, HUB) as hub,
        on(network, "alpha", wanted=(HUB,), hop=HUB, routing=rule) as alpha,
        on(network, "beta", wanted=(HUB,), hop=HUB, routing=rule) as beta,
    ):
        await until(lambda: hub.is_fully_connected("alpha") and hub.is_fully_connected("beta"))
        await until(lambda: alpha.is_fully_connected(HUB))
        beta.open_mailbox("box")
        assert (await told(await alpha.monitor("beta/box")))[0] == "noconnection"
        await leaks_nothing(alpha, beta, hub)


async def test_the_relay_tells_when_a_relayed_node_is_gone_on_either_side(autojump_clock: MockClock) -> None:
    async with star("alpha") as (network, hub, alpha):
        rule = {"unconnected": "relay"}
        async with on(network, "beta", wanted=(HUB,), hop=HUB, routing=rule) as beta:
            await until(lambda: beta.is_fully_connected(HUB) and hub.is_fully_connected("beta"))
            beta.open_mailbox("box")
            alpha.open_mailbox("box")
            monitors = [await alpha.monitor("beta/box"), await alpha.monitor_node("beta")]
            await beta.monitor("alpha/box")
            assert held(alpha)["watched"] == 1
        for monitor in monitors:
            assert (await told(monitor))[0] == "noconnection"
        await leaks_nothing(alpha, hub)
        assert (await told(await alpha.monitor("beta/box")))[0] == "noconnection"


async def test_when_the_relay_is_gone_so_is_the_way(autojump_clock: MockClock) -> None:
    network = FrailNetwork()
    rule: dict[str, Any] = {"routing": {"unconnected": "relay"}}
    async with trio.open_nursery() as nursery:

        async def live(*, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
            with trio.CancelScope() as scope:
                async with on(network, HUB, **rule):
                    task_status.started(scope)
                    await trio.sleep_forever()

        scope = await nursery.start(live)
        async with (
            on(network, "alpha", wanted=(HUB,), hop=HUB, **rule) as alpha,
            on(network, "beta", wanted=(HUB,), hop=HUB, **rule) as beta,
        ):
            await until(lambda: alpha.is_fully_connected(HUB) and beta.is_fully_connected(HUB))
            beta.open_mailbox("box")
            monitor = await alpha.monitor("beta/box")
            scope.cancel()
            assert (await told(monitor))[0] == "noconnection"
            await leaks_nothing(alpha, beta)


# -- what is wrong ----------------------------------------------------------------------------------------------


async def test_what_cannot_be_asked_is_an_error_of_the_caller(autojump_clock: MockClock) -> None:
    states = {"use": "monotonic"}
    async with pair(channels={"states": {"policy": states}}) as (_, alpha, _beta):
        refs: tuple[Any, ...] = ("no reference", "beta/", "beta/!monitors", "beta@99999999999999999999/box", 5, None)
        for ref in refs:
            with pytest.raises(InvalidName):
                await alpha.monitor(ref)
        names: tuple[Any, ...] = ("no name", 5)
        for name in names:
            with pytest.raises(InvalidName):
                await alpha.monitor_node(name)
        with pytest.raises(UnknownChannel):
            await alpha.monitor("beta/box", channel="defualt")
        with pytest.raises(MonitorError, match="only the newest"):
            await alpha.monitor("beta/box", channel="states")
        closed = alpha.open_mailbox("inbox")
        closed.close()
        with pytest.raises(MailboxError):
            await alpha.monitor("beta/box", to=closed)
        await leaks_nothing(alpha)


async def test_a_peer_has_no_more_monitors_than_the_limit(autojump_clock: MockClock) -> None:
    async with pair(limits={"monitors": 5}) as (_, alpha, beta):
        beta.open_mailbox("box")
        monitors = [await alpha.monitor("beta/box") for _ in range(5)]
        with pytest.raises(MonitorError, match="beta has 5 monitors of node alpha"):
            await alpha.monitor("beta/box")
        assert beta.dropped["monitors_full"] == 1
        monitors.pop().cancel()
        await until(lambda: held(beta)["watched"] == 4)
        monitors.append(await alpha.monitor("beta/box"))
        assert held(alpha)["set"] == 5


async def test_over_a_relay_it_is_refused_as_well(autojump_clock: MockClock) -> None:
    async with star("alpha", "beta", "gamma", limits={"monitors": 1}) as (_, hub, alpha, beta, gamma):
        beta.open_mailbox("box")
        monitor = await gamma.monitor("beta/box")
        with pytest.raises(MonitorError, match="beta has 1 monitors of node hub"):
            await alpha.monitor("beta/box")
        monitor.cancel()
        await leaks_nothing(alpha, beta, gamma, hub)
        assert await alpha.is_alive("beta/box")


async def slip(node: Node, to: str, word: object) -> None:
    """Let a node say what no node of ours says."""
    await node.send(Ref.reserved(to, MONITORS), word)


async def test_forged_words_on_monitors_are_counted_and_change_nothing(autojump_clock: MockClock) -> None:
    async with star("alpha", "beta", "gamma") as (_, hub, alpha, beta, gamma):
        beta.open_mailbox("box")
        monitor = await alpha.monitor("beta/box")
        number = next(iter(alpha._kernel.monitoring.monitors._all))
        for forger in (gamma, hub):
            await slip(forger, "alpha", ["ended", number + 5, "default", "normal", ""])
        await slip(gamma, "alpha", ["ended", number, "default", "normal", ""])
        await slip(gamma, "alpha", ["refused", number, "no"])
        await slip(gamma, "alpha", ["watching", number, "default", [1, 1]])
        await slip(gamma, "alpha", ["unwatched", number])
        await slip(gamma, "beta", ["unwatch", number, "default"])
        await slip(gamma, "beta", ["seen", number])
        await until(lambda: alpha.dropped["no_monitor"] == 5)
        await trio.sleep(5)
        assert monitor.down is None
        assert held(beta)["watched"] == 1


MALFORMED: tuple[object, ...] = (
    *(None, 1, "watch", [], {}, ["watch"], ["nonsense", 1], ["ended", -1, "default", "normal", ""]),
    *(["ended", 1, "default", "unheard", ""], ["ended", 1, "default", "normal", "x" * 501], ["seen", "1"]),
    *(["watch", 1, "beta", "x" * 129, None, "default", ""], ["watch", 1, "beta", "box", -1, "default", ""]),
    ["watch", 2**63, "beta", "box", None, "default", ""],
)


async def test_words_that_are_none_are_counted_and_discarded(autojump_clock: MockClock) -> None:
    async with pair() as (_, alpha, beta):
        for word in MALFORMED:
            await slip(alpha, "beta", word)
        await slip(alpha, "beta", ["watch", 1, "beta", "box", None, "nowhere", ""])  # an unknown channel to answer on
        await until(lambda: beta.dropped["bad_monitor"] == len(MALFORMED))
        assert held(beta) == NOTHING
        beta.open_mailbox("box")
        assert await alpha.is_alive("beta/box")


async def test_a_flood_of_watches_is_bounded(autojump_clock: MockClock) -> None:
    async with pair(limits={"monitors": 50}) as (_, alpha, beta):
        beta.open_mailbox("box")
        for number in range(2000):
            await slip(alpha, "beta", ["watch", 10_000 + number, "beta", "box", None, "default", ""])
        await until(lambda: beta.dropped["monitors_full"] == 1950)
        await leaks_nothing(alpha, beta)  # alpha knows none of them, and says so
        assert beta.is_connected("alpha")
