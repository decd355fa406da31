"""A running node takes another configuration over: what is safe at once, and otherwise nothing at all."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Annotated, Any, ClassVar

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Node, load_config, open_node
from partisan_core.config.readings import RELOADABLE, Count, Table
from partisan_core.errors import ConfigError, PluginError, RestartNeeded, UnknownChannel, WouldBlock
from partisan_core.identity import NodeSpec
from partisan_core.kinds import ChannelPolicy, ChannelPolicyPlugin, NoOptions, OverlayPlugin
from partisan_core.views import Change
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.nodes import PARTS, link
from tests.core.kernel.parts import Acquaintances
from tests.core.kernel.reloading import config, lone, pair

LOGGER = "partisan.test_reload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Table):
    """One option that can change while the node runs, and one that cannot."""

    pace: Annotated[int, Count(1, 9), RELOADABLE] = 1
    size: Annotated[int, Count(1, 9)] = 1


class Tunable(Acquaintances):
    """Says what it was tuned to."""

    paces: ClassVar[list[int]] = []

    def __init__(self, me: NodeSpec, config: Options, rng: Random) -> None:
        self.me = me
        self.known = {}
        self.paces.append(config.pace)

    def reload(self, config: Options) -> None:
        self.paces.append(config.pace)


class Untunable(Acquaintances):
    """Never heard of reloading."""


class Clumsy(Tunable):
    def reload(self, config: Options) -> None:
        raise ZeroDivisionError("a bug in the overlay")


def stumble(options: NoOptions) -> ChannelPolicy:
    raise ZeroDivisionError("a bug in the policy")


careless = ChannelPolicyPlugin(make=stumble)
tunable = OverlayPlugin(make=Tunable, config=Options)
untunable = OverlayPlugin(make=Untunable, config=Options)
clumsy = OverlayPlugin(make=Clumsy, config=Options)


@pytest.fixture(autouse=True)
def _paces() -> Iterator[None]:
    Tunable.paces.clear()
    yield
    logging.getLogger(LOGGER).setLevel(logging.NOTSET)


# What else can change.


async def test_a_larger_queue_takes_more_and_lets_in_who_waits(autojump_clock: MockClock) -> None:
    def jobs(messages: int) -> dict[str, Any]:
        return {"channels": {"jobs": {"queue_messages": messages}}}

    async with pair(**jobs(2)) as both, trio.open_nursery() as nursery:
        both.beta.open_mailbox("box", limit=1)  # and nobody reads: what does not fit into buffers waits in the lane
        waits = trio.Event()

        async def send() -> None:
            await both.alpha.send("beta/box", bytes(100_000), channel="jobs")
            waits.set()

        full = 0
        while full < 3:
            try:
                both.alpha.send_nowait("beta/box", bytes(100_000), channel="jobs")
                full = 0
            except WouldBlock:
                full += 1
                await trio.sleep(1)
        nursery.start_soon(send)
        await trio.sleep(1)
        assert not waits.is_set()
        changes = await both.reload(both.alpha, **jobs(5))
        assert changes == (Change("channels.jobs.queue_messages", 2, 5),)
        with trio.fail_after(1):
            await waits.wait()
        both.alpha.send_nowait("beta/box", bytes(100_000), channel="jobs")
        row = next(row for row in both.alpha.connections() if row.channel == "jobs")
        assert (row.queue_messages, row.queue_messages_limit) == (4, 5)
        await both.reload(both.alpha, **jobs(2))
        with pytest.raises(WouldBlock):
            both.alpha.send_nowait("beta/box", 1, channel="jobs")


async def test_pings_go_by_the_new_interval_at_once(autojump_clock: MockClock) -> None:
    async with pair() as both:
        await both.reload_both(links={"ping_interval": "1m"})
        both.network.silence()
        await trio.sleep(30)  # seven times what the defaults take to give up
        assert both.alpha.counters["ChannelDown"] == 0
        await both.reload_both(links={"ping_interval": "1s", "ping_attempts": 1})
        await trio.sleep(4)
        assert both.alpha.counters["ChannelDown"] == 2


async def test_connections_are_looked_at_as_often_as_the_new_times_ask_for(autojump_clock: MockClock) -> None:
    async with pair(links={"ping_interval": "20s", "ping_timeout": "20s"}) as both:
        await both.reload_both(links={"ping_interval": "1s", "ping_timeout": "1s", "ping_attempts": 1})
        both.network.silence()
        await trio.sleep(15)  # of which 10 are the pause that has begun before
        assert both.alpha.counters["ChannelDown"] == 2


async def test_a_lost_peer_has_the_new_grace(autojump_clock: MockClock) -> None:
    async with pair() as both:
        await both.reload_both(links={"reconnect_grace": "20s"})
        both.network.silent = True
        both.network.cut()
        await trio.sleep(15)
        assert both.alpha.counters["NeighbourDown"] == 0
        await trio.sleep(10)
        assert both.alpha.counters["NeighbourDown"] == 1


async def test_log_levels_change_and_go_back(autojump_clock: MockClock) -> None:
    log = logging.getLogger(LOGGER)
    async with lone(logging={"levels": {LOGGER: "warning"}}) as (node, network):
        assert log.level == logging.WARNING
        changes = await node.reload(config("alpha", network, logging={"levels": {LOGGER: "debug"}}))
        assert changes == (Change(f'logging.levels."{LOGGER}"', "warning", "debug"),)
        assert log.level == logging.DEBUG
        await node.reload(config("alpha", network))
        assert log.level == logging.NOTSET


async def test_a_level_that_is_none_is_an_error_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="one of debug, info, warning, error for partisan, not 'loud'"):
        load_config(environ={}, overrides={"logging": {"levels": {"partisan": "loud"}}})


async def test_an_overlay_gets_its_new_options_and_so_does_its_next_life(autojump_clock: MockClock) -> None:
    use = {"use": f"{__name__}:tunable"}
    async with pair(overlay=use) as both:
        assert await both.reload(both.alpha, overlay=use | {"pace": 7}) == (Change("overlay.pace", 1, 7),)
        assert Tunable.paces == [1, 1, 7]
        await both.alpha.leave()
        await link(both.alpha, both.beta)
        assert Tunable.paces == [1, 1, 7, 7]


async def test_a_default_that_is_written_out_is_no_difference(autojump_clock: MockClock) -> None:
    use = {"use": f"{__name__}:untunable"}
    async with lone(overlay=use) as (node, network):
        again = config("alpha", network, overlay=use | {"pace": 1, "size": 1}, links={"ping_attempts": 2})
        assert await node.reload(again) == ()
        assert await node.reload(again) == ()


# All or nothing.

GOOD: dict[str, Any] = {
    "channels": {"kept": {"queue_messages": 9}, "fresh": {}},
    "logging": {"levels": {LOGGER: "debug"}},
}
"""What could be taken over, beside what cannot."""

LASTING: dict[str, dict[str, Any]] = {
    "node.labels.zone": {"node": {"name": "alpha", "strict": True, "labels": {"zone": "b"}}},
    "channels.kept.parallelism": {"channels": {"kept": {"parallelism": 2}}},
    "channels.kept.policy.use": {"channels": {"kept": {"policy": "drop_oldest"}}},
    "channels.kept needs a restart: .* nothing is asked for": {"channels": {"other": {}}},
    "serializer.use": {"serializer": {"use": f"{PARTS}:other"}},
    "overlay.use": {"overlay": {"use": f"{PARTS}:Acquaintances"}},
    "overlay.size": {"overlay": {"use": f"{__name__}:tunable", "size": 2}},
    "links.redial_limit": {"links": {"redial_limit": "20s"}},
    "limits.message": {"limits": {"message": "1MiB"}},
    "extensions.enable": {"extensions": {"enable": ["control"]}},
    "transport.network": {"transport": {"use": "tests.core.kernel.frail:frail", "network": "elsewhere"}},
}


async def refused(
    node: Node, network: FrailNetwork, error: type[Exception], match: str, sections: dict[str, Any]
) -> None:
    """A reload is refused, and the node is as it was."""
    rows = node.connections(), node.channels()
    use = {"use": f"{__name__}:tunable"}
    with pytest.raises(error, match=match):
        await node.reload(config("alpha", network, **({"overlay": use} | GOOD | sections)))
    assert (node.connections(), node.channels()) == rows
    assert logging.getLogger(LOGGER).level == logging.NOTSET
    with pytest.raises(UnknownChannel, match="no channel 'fresh' is configured"):
        node.send_nowait("alpha/box", 1, channel="fresh")
    assert await node.reload(config("alpha", network, overlay=use, channels={"kept": {}})) == ()


@pytest.mark.parametrize("key", LASTING)
async def test_what_needs_a_restart_is_named_and_nothing_is_changed(key: str, autojump_clock: MockClock) -> None:
    async with lone(overlay={"use": f"{__name__}:tunable"}, channels={"kept": {}}) as (node, network):
        pattern = key if " " in key else f"keyword: {key} needs a restart: .*[Nn]othing was changed"
        await refused(node, network, RestartNeeded, f"(?s){pattern}|nothing was changed:.*{pattern}", LASTING[key])
        assert Tunable.paces == [1]


async def test_everything_that_needs_a_restart_is_named_at_once(autojump_clock: MockClock) -> None:
    async with lone() as (node, network):
        wrong = config("beta", network, links={"redial_first": "1s", "refusal_pause": "1s", "linger": "9s"})
        with pytest.raises(RestartNeeded) as caught:
            await node.reload(wrong)
        assert str(caught.value).splitlines() == [
            "3 keys need a restart; nothing was changed:",
            '  keyword: node.name needs a restart: "alpha" is in use, "beta" is asked for',
            "  keyword: links.refusal_pause needs a restart: 0.4 is in use, 1.0 is asked for",
            "  keyword: links.redial_first needs a restart: 0.05 is in use, 1.0 is asked for",
        ]


@pytest.mark.parametrize(
    ("error", "match", "wrong"),
    [
        (
            PluginError,
            "channels.fresh.policy: the channel policy 'no_such'",
            {"channels": {"fresh": {"policy": "no_such"}}},
        ),
        (PluginError, "channels.fresh.serializer", {"channels": {"fresh": {"serializer": "no_such"}}}),
        (PluginError, "'fresh' cannot be made: ZeroDiv", {"channels": {"fresh": {"policy": f"{__name__}:careless"}}}),
        (ConfigError, "overlay.pace = 10: expected", {"overlay": {"use": f"{__name__}:tunable", "pace": 10}}),
        (ConfigError, "unknown key", {"overlay": {"use": f"{__name__}:tunable", "paces": 2}}),
    ],
)
async def test_what_is_wrong_in_a_part_is_named_and_nothing_is_changed(
    error: type[Exception], match: str, wrong: dict[str, Any], autojump_clock: MockClock
) -> None:
    if "channels" in wrong:
        wrong = {"channels": {"kept": {"queue_messages": 9}} | wrong["channels"]}
    async with lone(overlay={"use": f"{__name__}:tunable"}, channels={"kept": {}}) as (node, network):
        await refused(node, network, error, match, wrong)


@pytest.mark.parametrize("overlay", ["untunable", "clumsy"])
async def test_an_overlay_that_cannot_take_options_keeps_those_it_has(overlay: str, autojump_clock: MockClock) -> None:
    use = {"use": f"{__name__}:{overlay}"}
    async with lone(overlay=use) as (node, network):
        with pytest.raises(
            (RestartNeeded, PluginError), match=r"overlay.pace needs a restart|its reload\(\) raised Zero"
        ):
            await node.reload(config("alpha", network, overlay=use | {"pace": 2}, links={"linger": "9s"}))
        assert await node.reload(config("alpha", network, overlay=use)) == ()


# Where it comes from.


async def test_a_node_that_was_opened_with_a_file_reads_it_again(tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    parts = f'[overlay]\nuse = "{PARTS}:Acquaintances"\n[serializer]\nuse = "{PARTS}:plain"\n'
    path.write_text(parts)
    async with open_node(path, links={"linger": "2s"}) as node:
        assert await node.reload() == ()
        path.write_text(f'{parts}[links]\nlinger = "9s"\nping_interval = "5s"\n[channels.jobs]\n')
        assert {change.key for change in await node.reload()} == {"channels.jobs", "links.ping_interval"}
        path.write_text(f"{parts}[links]\npng_interval = 5\n")
        with pytest.raises(ConfigError, match=r"png_interval = 5: .*did you mean 'ping_interval'"):
            await node.reload()
        path.write_text("[links")
        with pytest.raises(ConfigError, match=r"node\.toml: not TOML"):
            await node.reload()
        assert [row.channel for row in node.channels()] == ["default", "jobs", "membership"]


async def test_a_node_that_was_opened_with_a_function_calls_it_again(autojump_clock: MockClock) -> None:
    network = FrailNetwork()
    lingers = iter(("1s", "9s"))
    async with open_node(lambda: config("alpha", network, links={"linger": next(lingers)})) as node:
        assert await node.reload() == (Change("links.linger", 1.0, 9.0),)
