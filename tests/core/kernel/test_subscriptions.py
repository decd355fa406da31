"""Callbacks for ups and downs: exactly once per transition, cancellable, harmless when they raise."""

import logging
from collections.abc import Callable

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from partisan_core import Node, NodeSpec
from partisan_core.errors import InvalidName
from partisan_core.kernel.subscriptions import Subscription
from partisan_core.wire.messages import Welcome
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.nodes import PATIENCE, Memory, link, opened, pair, until
from tests.core.kernel.stranger import DATA_HELLO, stranger_at
from tests.core.kernel.test_hostile_bytes import both_lanes
from tests.core.kernel.test_virtual_time import frail_pair, on

BULK = {"channels": {"bulk": {"parallelism": 3}}}


class Diary:
    """What a node told to callbacks of each kind, in order."""

    def __init__(self, node: Node, *, peer: str | None = None, channel: str | None = None) -> None:
        self.entries: list[tuple[str, NodeSpec]] = []
        self.subscriptions = [
            node.on_up(self._noting("up"), peer=peer, channel=channel),
            node.on_down(self._noting("down"), peer=peer, channel=channel),
        ]

    def _noting(self, word: str) -> Callable[[NodeSpec], None]:
        return lambda spec: self.entries.append((word, spec))

    @property
    def words(self) -> list[str]:
        return [word for word, _ in self.entries]


async def test_a_neighbour_that_comes_and_goes_is_told_once_each_with_its_spec() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha:
        diary = Diary(alpha)
        async with memory.opened("beta", node={"metadata": {"build": "7"}}) as beta:
            await link(beta, alpha)
            spec = beta.spec()
        await until(lambda: not alpha.neighbours())
        assert diary.entries == [("up", spec), ("down", spec)]


async def test_each_life_of_a_peer_comes_up_and_goes_down() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha:
        diaries = [Diary(alpha), Diary(alpha, channel="default"), Diary(alpha, channel="membership")]
        lives = []
        for _ in range(3):
            async with memory.opened("beta") as beta:
                await link(beta, alpha)
                await until(lambda: alpha.is_fully_connected("beta"))
                lives.append(beta.spec())
            await until(lambda: not alpha.neighbours())
        for diary in diaries:
            assert diary.entries == [(word, life) for life in lives for word in ("up", "down")]


async def test_only_the_peer_that_was_asked_for_is_told_and_it_need_not_be_known_yet() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha:
        diary, on_channel = Diary(alpha, peer="gamma"), Diary(alpha, peer="gamma", channel="default")
        async with memory.opened("beta") as beta, memory.opened("gamma") as gamma:
            await link(beta, alpha)
            assert diary.entries == []
            await link(gamma, alpha)
            await until(lambda: alpha.is_fully_connected("gamma"))
        await until(lambda: not alpha.neighbours())
        assert diary.entries == on_channel.entries == [("up", gamma.spec()), ("down", gamma.spec())]


async def test_up_comes_before_the_first_message_and_down_after_the_last() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha, trio.open_nursery() as nursery:
        box = alpha.open_mailbox("box")
        heard: list[object] = []
        alpha.on_up(lambda spec: heard.append(("up", len(box))))
        alpha.on_down(lambda spec: heard.append(("down", len(heard) + len(box))))

        async def receive() -> None:
            while True:
                heard.extend(await box.receive_batch())

        async with memory.opened("beta") as beta:
            beta.on_up(lambda spec: beta.send_nowait("alpha/box", 0), peer="alpha")
            await link(beta, alpha)
            assert heard == [("up", 0)]
            nursery.start_soon(receive)
            for number in range(1, 500):
                await beta.send("alpha/box", number)
        await until(lambda: not alpha.neighbours())
        assert heard[1:501] == list(range(500))
        assert heard[501:] == [("down", 501)]
        nursery.cancel_scope.cancel()


async def test_a_channel_is_up_with_its_first_lane_and_down_with_its_last(autojump_clock: MockClock) -> None:
    async with frail_pair(**BULK) as (network, _alpha, beta, _events):
        await until(lambda: beta.is_fully_connected("alpha"))
        node, bulk = Diary(beta), Diary(beta, channel="bulk")
        network.silent = True
        for wire in network.wires:
            before = lanes_of(beta, "bulk")
            wire.close()
            await trio.sleep(0.01)
            assert bulk.words == ([] if lanes_of(beta, "bulk") else ["down"]), f"{before} lanes before"
        assert not beta.is_connected("alpha")
        network.silent = False
        await until(lambda: beta.is_fully_connected("alpha"))
        assert bulk.words == ["down", "up"]
        assert node.words == []


def lanes_of(node: Node, channel: str) -> int:
    return len([row for row in node.connections() if row.channel == channel and row.state == "connected"])


@pytest.mark.parametrize("lane", [0, 1])
async def test_a_killed_lane_is_redialled_a_channel_event_and_never_the_nodes(
    lane: int, autojump_clock: MockClock
) -> None:
    channels = ["membership", "default"]
    async with frail_pair() as (network, _alpha, beta, _events):
        await until(lambda: beta.is_fully_connected("alpha"))
        spared = network.wires[1 - lane]
        node, killed, whole = [Diary(beta, channel=name) for name in (None, channels[lane], channels[1 - lane])]
        for _ in range(5):
            killed.entries.clear()
            for wire in network.wires:
                if wire is not spared:
                    wire.close()
            await until(lambda: len(killed.words) == 2)
            await trio.sleep(1)
            assert killed.words == ["down", "up"]
        assert node.words == whole.words == []


async def test_a_connection_that_takes_over_from_a_half_open_one_is_no_event() -> None:
    async with opened("alpha") as alpha:
        diaries = [Diary(alpha, channel=channel) for channel in ("membership", "default")]
        async with both_lanes(alpha) as (_, first, welcome), stranger_at(alpha.addresses[0]) as second:
            assert isinstance(await second.shake(DATA_HELLO, session=welcome.session), Welcome)
            await first.wait_closed()
            assert [diary.words for diary in diaries] == [["up"]] * 2
        await until(lambda: not alpha.is_connected("stranger"))
        assert [diary.words for diary in diaries] == [["up", "down"]] * 2


async def test_a_link_that_stays_away_is_down_for_node_and_channels_and_up_again_later(
    autojump_clock: MockClock,
) -> None:
    async with frail_pair(**BULK) as (network, alpha, beta, _events):
        await until(lambda: alpha.is_fully_connected("beta"))
        diaries = [Diary(alpha, channel=channel) for channel in (None, "membership", "default", "bulk")]
        network.silence()
        await until(lambda: not alpha.neighbours() and not beta.neighbours())
        network.silent = False
        await until(lambda: alpha.neighbours() and alpha.is_fully_connected("beta"))
        assert [diary.words for diary in diaries] == [["down", "up"]] * 4


async def test_a_cancelled_subscription_is_called_no_more() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha, memory.opened("beta") as beta:
        diary, kept = Diary(alpha), Diary(alpha)
        for subscription in diary.subscriptions:
            subscription.cancel()
            subscription.cancel()
        with alpha.on_up(lambda spec: diary.entries.append(("up", spec))):
            """It ends with the block."""
        await link(beta, alpha)
        assert (diary.words, kept.words) == ([], ["up"])


async def test_a_callback_may_cancel_itself_and_others() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha:
        words: list[str] = []
        subscriptions: list[Subscription] = []

        def cancel_all(_: NodeSpec) -> None:
            words.append("first")
            for subscription in subscriptions:
                subscription.cancel()

        subscriptions.append(alpha.on_up(cancel_all))
        subscriptions.append(alpha.on_up(lambda spec: words.append("second")))
        for name in ("beta", "gamma"):
            async with memory.opened(name) as other:
                await link(other, alpha)
        assert words == ["first"]


async def test_a_subscription_that_a_callback_opens_hears_of_the_next_transition() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha, memory.opened("beta") as beta, memory.opened("gamma") as gamma:
        heard: list[str] = []
        with alpha.on_up(lambda spec: alpha.on_up(lambda later: heard.append(later.name)) and None):
            await link(beta, alpha)
            assert heard == []
        await link(gamma, alpha)
        assert heard == ["gamma"]


async def test_what_a_callback_causes_is_told_after_what_caused_it() -> None:
    """The first subscriber evicts who comes up: the second hears of the up, and then of the down."""
    memory = Memory()
    async with memory.opened("alpha") as alpha, memory.opened("beta") as beta:
        alpha.on_up(lambda spec: alpha.evict(spec.name))
        diary = Diary(alpha)
        await beta.join(*alpha.addresses)
        await until(lambda: len(diary.entries) >= 2)
        assert diary.words == ["up", "down"]


async def test_a_callback_that_disconnects_who_comes_up_does_no_harm(autojump_clock: MockClock) -> None:
    async with pair() as (alpha, beta):
        diary = Diary(alpha)

        def disconnect(spec: NodeSpec) -> None:
            once.cancel()
            alpha.disconnect(spec.name)

        once = alpha.on_up(disconnect, channel="default")
        alpha.disconnect("beta")
        await trio.sleep(5)
        assert alpha.is_fully_connected("beta")
        await beta.send("alpha/nobody", 1)
        assert diary.words == []


def failing(spec: NodeSpec) -> None:
    raise ZeroDivisionError("a bug in a callback")


async def test_a_callback_that_raises_is_logged_and_counted_and_disturbs_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    memory = Memory()
    lenient = {"node": {"strict": False}}
    async with memory.opened("alpha", **lenient) as alpha, memory.opened("beta", **lenient) as beta:
        alpha.on_up(failing)
        diary = Diary(alpha)
        alpha.on_up(failing, channel="default")
        with caplog.at_level(logging.ERROR, "partisan.subscriptions"):
            await link(beta, alpha)
            await until(lambda: alpha.is_fully_connected("beta"))
        assert diary.words == ["up"]
        assert alpha.counters["callback_errors"] == 2
        assert "a bug in a callback" in caplog.text
        assert "in failing" in caplog.text, "the traceback"
        box = alpha.open_mailbox("box")
        await beta.send("alpha/box", 1)
        assert await box.receive() == 1


async def test_a_callback_that_raises_stops_a_strict_node_with_its_error() -> None:
    memory = Memory()
    heard: list[str] = []

    async def live(contact: Node) -> None:
        async with memory.opened("alpha") as alpha:
            alpha.on_up(failing)
            alpha.on_up(lambda spec: heard.append(spec.name))
            await contact.join(*alpha.addresses)
            await trio.sleep(PATIENCE)

    async with memory.opened("beta") as beta:
        with pytest.raises(ZeroDivisionError, match="a bug in a callback"):
            await live(beta)
        assert heard == ["beta"]


async def test_an_async_callback_and_a_peer_that_cannot_be_are_refused() -> None:
    async def later(spec: NodeSpec) -> None:
        """Never awaited."""

    async with Memory().opened("alpha") as alpha:
        with pytest.raises(TypeError, match="is async"):
            alpha.on_up(later)
        with pytest.raises(InvalidName):
            alpha.on_down(print, peer="al pha")


BREAKS = st.lists(
    st.tuples(st.sampled_from(["first", "last", "all", "away", "alpha", "beta"]), st.sampled_from([0.0, 0.02, 5.0])),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(breaks=BREAKS)
def test_whatever_breaks_ups_and_downs_alternate_for_each_subscriber(breaks: list[tuple[str, float]]) -> None:
    async def scenario() -> None:
        network = FrailNetwork()
        async with on(network, "alpha", **BULK) as alpha, on(network, "beta", **BULK) as beta:
            diaries = {
                (node.name, peer.name, channel): Diary(node, peer=peer.name, channel=channel)
                for node, peer in ((alpha, beta), (beta, alpha))
                for channel in (None, "membership", "default", "bulk")
            }
            await link(beta, alpha)
            for what, pause in breaks:
                damage(network, alpha, beta, what)
                await trio.sleep(pause)
            network.silent = False
            with trio.fail_after(120):
                while not (alpha.is_fully_connected("beta") and beta.is_fully_connected("alpha")):
                    await trio.sleep(0.1)
                await until(lambda: alpha.neighbours() and beta.neighbours())
            for key, diary in diaries.items():
                ups_and_downs = ["up", "down"] * len(diary.words)
                assert diary.words == ups_and_downs[: len(diary.words)], key
                assert diary.words[-1] == "up", key
            for node in (alpha, beta):
                assert node.counters["NeighbourUp"] == node.counters["NeighbourDown"] + 1

    trio.run(scenario, clock=MockClock(autojump_threshold=0))


def damage(network: FrailNetwork, alpha: Node, beta: Node, what: str) -> None:
    """Break a connection, or all, or let nobody make new ones from now on (or let them again)."""
    match what:
        case "first" | "last" if network.wires:
            network.wires[0 if what == "first" else -1].close()
        case "all":
            network.cut()
        case "away":
            network.silent = not network.silent
        case "alpha":
            alpha.disconnect("beta")
        case "beta":
            beta.disconnect("alpha")
