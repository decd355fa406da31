"""Monotonic channels between whole nodes."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Mailbox, Node
from partisan_core.errors import ConfigError, EncodeError, PluginError
from tests.policy_monotonic.couples import couple

KEYS = ("red", "green", "blue")
PERIOD = 0.001
"""Seconds of virtual time between two states."""


def newer(new: Any, old: Any) -> bool:
    """Vector clocks: who has seen all that the other has."""
    return all(new["clock"].get(node, 0) >= count for node, count in old["clock"].items())


def merged(old: Any, new: Any) -> Any:
    """A grow-only counter: the greater of each entry."""
    return {node: max(old.get(node, 0), new.get(node, 0)) for node in {*old, *new}}


def swollen(old: Any, new: Any) -> Any:
    """More than a peer takes by default."""
    return bytes(17 * 1024 * 1024)


async def read_until(box: Mailbox, last: Mapping[str, int]) -> list[tuple[str, int]]:
    """Read until the last state of every key has arrived; fail when one comes after a later one of its key."""
    received: list[tuple[str, int]] = []
    latest: dict[str, int] = {}
    with trio.fail_after(60):
        while latest != last:
            key, version, *_ = await box.receive()
            assert version >= latest.get(key, 0)
            latest[key] = version
            received.append((key, version))
    return received


async def test_a_slow_receiver_gets_the_last_state_of_every_key_and_few_others(autojump_clock: MockClock) -> None:
    async with couple() as (_, alpha, beta):
        box = beta.open_mailbox("box", limit=5)
        for version in range(2000):
            for key in KEYS:
                await alpha.send("beta/box", (key, version, bytes(4000)), channel="states", key=key)
            row = next(row for row in alpha.connections() if row.channel == "states")
            assert row.queue_messages <= len(KEYS)
            await trio.sleep(PERIOD)
        received = await read_until(box, dict.fromkeys(KEYS, 1999))
        assert len(received) < 1000
        assert not alpha.dropped


async def test_the_last_states_arrive_although_the_connection_breaks_again_and_again(
    autojump_clock: MockClock,
) -> None:
    async with couple() as (network, alpha, beta):
        box = beta.open_mailbox("box")
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def produce() -> None:
                for version in range(3000):
                    for key in KEYS:
                        await alpha.send("beta/box", (key, version), channel="states", key=key)
                    if version % 250 == 249:
                        network.cut()
                    await trio.sleep(PERIOD)

            await read_until(box, dict.fromkeys(KEYS, 2999))


async def test_what_was_written_into_a_connection_that_broke_is_sent_again(autojump_clock: MockClock) -> None:
    async with couple() as (network, alpha, beta):
        box = beta.open_mailbox("box")
        network.silence()  # what is written from now on goes nowhere
        for key in KEYS:
            await alpha.send("beta/box", (key, 1), channel="states", key=key)
        network.silent = False
        await read_until(box, dict.fromkeys(KEYS, 1))


@pytest.mark.parametrize("key", [None, "red"])
async def test_under_constant_change_a_state_goes_out_as_often_as_the_configuration_says(
    key: str | None, autojump_clock: MockClock
) -> None:
    async with couple({"use": "monotonic", "every": "1s"}) as (_, alpha, beta):
        box = beta.open_mailbox("box")
        for version in range(10_000):
            await alpha.send("beta/box", version, channel="states", key=key)
            await trio.sleep(PERIOD)
        await trio.sleep(1.5)
        received = [await box.receive() for _ in range(len(box))]
        assert 10 <= len(received) <= 12
        assert received[-1] == 9999


async def test_what_waits_for_its_time_goes_when_the_node_closes(autojump_clock: MockClock) -> None:
    async with couple({"use": "monotonic", "every": "1h"}) as (_, alpha, beta):
        box = beta.open_mailbox("box")
        for version in range(3):
            await alpha.send("beta/box", ("red", version), channel="states")
        await alpha.leave()
        await read_until(box, {"red": 2})


async def stuff(alpha: Node) -> int:
    """Send until the connection takes no more and things wait; return how many were sent."""
    for number in range(1000):
        await alpha.send("beta/box", {"clock": {}, "filler": bytes(50_000)}, channel="states", key=number)
        await trio.sleep(0.01)
        if next(row for row in alpha.connections() if row.channel == "states").queue_messages:
            return number + 1
    raise AssertionError("the connection takes everything")


async def rest(box: Mailbox, fillers: int) -> list[Any]:
    """What comes after the fillers."""
    with trio.fail_after(10):
        for _ in range(fillers):
            assert "filler" in await box.receive()
        await trio.sleep(1)
        return [await box.receive() for _ in range(len(box))]


async def test_concurrent_states_of_vector_clocks_are_all_sent_and_dominated_ones_are_not(
    autojump_clock: MockClock,
) -> None:
    async with couple({"use": "monotonic", "supersedes": f"{__name__}:newer"}) as (_, alpha, beta):
        box = beta.open_mailbox("box", limit=10)
        fillers = await stuff(alpha)
        for clock in ({"a": 1}, {"a": 2}, {"b": 1}, {"a": 2, "c": 1}, {"a": 1}):
            await alpha.send("beta/box", {"clock": clock}, channel="states", key="object")
        with pytest.raises(EncodeError, match=r"rule of channel 'states' .*KeyError.*Nothing was queued"):
            await alpha.send("beta/box", {"broken": True}, channel="states", key="object")
        assert [state["clock"] for state in await rest(box, fillers)] == [{"b": 1}, {"a": 2, "c": 1}]


async def test_concurrent_states_become_one_by_the_function_that_merges(autojump_clock: MockClock) -> None:
    async with couple({"use": "monotonic", "merge": f"{__name__}:merged"}) as (_, alpha, beta):
        box = beta.open_mailbox("box", limit=10)
        fillers = await stuff(alpha)
        total = Counter[str]()
        for number in range(100):
            node = f"node-{number % 7}"
            total[node] += 1
            await alpha.send("beta/box", {node: total[node]}, channel="states")
        assert await rest(box, fillers) == [total]


async def test_what_is_merged_to_more_than_the_peer_takes_is_refused_and_what_waits_stays(
    autojump_clock: MockClock,
) -> None:
    async with couple({"use": "monotonic", "merge": f"{__name__}:swollen"}) as (_, alpha, beta):
        box = beta.open_mailbox("box", limit=10)
        fillers = await stuff(alpha)
        await alpha.send("beta/box", "first", channel="states", key="object")
        with pytest.raises(EncodeError, match=r"merged, a state of channel 'states' has \d+ bytes; the peer takes"):
            await alpha.send("beta/box", "second", channel="states", key="object")
        assert await rest(box, fillers) == ["first"]


@pytest.mark.parametrize(
    ("policy", "error", "words"),
    [
        ({"use": "monotonic", "evry": "1s"}, ConfigError, "every"),
        (
            {"use": "monotonic", "merge": "nowhere:merge"},
            PluginError,
            r"channels\.states\.policy.*merge = 'nowhere:merge'",
        ),
        ({"use": "monotonic", "supersedes": "math:pi"}, PluginError, "is a float and no function"),
        ({"use": "monotone"}, PluginError, "monotonic"),
        (3, ConfigError, "the name of a plugin"),
    ],
)
async def test_a_wrong_table_is_refused_by_name(policy: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        async with couple(policy):
            pass
