"""Compression of channels between whole nodes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Node, open_node
from partisan_core.compressions.zlib import Zlib, ZlibOptions
from partisan_core.errors import ConfigError, PluginError
from partisan_core.kinds import CompressionPlugin, NoOptions
from partisan_core.views import ConnectionRow
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.nodes import Memory, link, opened, until
from tests.core.kernel.unconnected import star

HERE = "tests.core.kernel.test_compression"
TEXT = "a sentence that is said again and again. " * 10

without_options = CompressionPlugin(make=lambda options: Zlib(ZlibOptions()), config=NoOptions)  # type: ignore[arg-type]
foreign = CompressionPlugin(make=lambda options: Zlib(ZlibOptions()))
"""A compression that nobody has who does not name it."""


@asynccontextmanager
async def couple(ours: dict[str, Any], theirs: dict[str, Any], **sections: Any) -> AsyncIterator[tuple[Node, Node]]:
    """Alpha and beta, each with its own idea of the channel `bulk`."""
    memory = Memory()
    async with (
        memory.opened("alpha", channels={"bulk": ours}, **sections) as alpha,
        memory.opened("beta", channels={"bulk": theirs}, **sections) as beta,
    ):
        await link(beta, alpha)
        await until(lambda: alpha.is_fully_connected("beta"))
        yield alpha, beta


def row(node: Node, channel: str = "bulk") -> ConnectionRow:
    return next(row for row in node.connections() if row.channel == channel)


async def exchange(one: Node, other: Node, messages: list[Any], channel: str = "bulk", **options: Any) -> None:
    """Send them all, and see that they arrive in order."""
    box = other.open_mailbox(f"box of {channel}".replace(" ", "_"))
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def produce() -> None:
            for message in messages:
                await one.send(f"{other.name}/{box.name}", message, channel=channel, **options)

        with trio.fail_after(30):
            received: list[Any] = []
            while len(received) < len(messages):
                received += await box.receive_batch()
    assert received == messages
    box.close()


TEXTS = [f"{number}: {TEXT}" for number in range(2000)]


async def test_the_slices_of_a_large_message_are_compressed_one_by_one(autojump_clock: MockClock) -> None:
    large = ["".join(f"{number}: {TEXT}" for number in range(start, start + 5000)) for start in range(3)]
    assert len(large[0]) > 1_000_000
    async with couple({"compression": "zlib"}, {"compression": "zlib"}) as (alpha, beta):
        await exchange(alpha, beta, large)
        assert row(beta).bytes_in == row(alpha).bytes_out < sum(map(len, large)) / 5
        assert row(alpha).frames_out > 20


@pytest.mark.parametrize("use", ["zlib", "zstd"])
async def test_the_bytes_on_the_wire_fall_and_the_ratio_is_shown(use: str, autojump_clock: MockClock) -> None:
    async with couple({"compression": use}, {"compression": use}) as (alpha, beta):
        await exchange(alpha, beta, TEXTS, "default")
        await exchange(alpha, beta, TEXTS)
        plain, packed = row(alpha, "default"), row(alpha)
        assert plain.bytes_out > sum(map(len, TEXTS))
        assert packed.bytes_out < plain.bytes_out / 5
        assert row(beta).bytes_in == packed.bytes_out
        assert (packed.compression, packed.packs, plain.compression, plain.packs) == (use, True, "", False)
        assert packed.bytes_before > sum(map(len, TEXTS))
        assert packed.bytes_after < packed.bytes_out < packed.bytes_after + 1000
        assert (plain.bytes_before, plain.bytes_after) == (0, 0)


async def test_what_cannot_be_made_smaller_goes_as_it_is(autojump_clock: MockClock) -> None:
    rng = Random(1)
    noise = [rng.randbytes(3000) for _ in range(100)]
    async with couple({"compression": "zlib"}, {}) as (alpha, beta):
        await exchange(alpha, beta, noise)
        assert row(alpha).bytes_before >= 100 * 3000
        assert row(alpha).bytes_after > 0.99 * row(alpha).bytes_before, "the names of mailboxes are no noise"


async def test_a_frame_below_the_minimum_goes_as_it_is(autojump_clock: MockClock) -> None:
    small = {"compression": {"use": "zlib", "minimum": "8KiB", "level": 9}}
    async with couple(small, {}) as (alpha, beta):
        box = beta.open_mailbox("box")
        await alpha.send("beta/box", "x" * 7000, channel="bulk")
        assert await box.receive() == "x" * 7000
        assert row(alpha).bytes_before == row(alpha).bytes_after > 7000
        await alpha.send("beta/box", "x" * 9000, channel="bulk")
        assert await box.receive() == "x" * 9000
        assert row(alpha).bytes_after < 7500


async def test_a_peer_that_cannot_undo_it_gets_plain_messages_and_the_listing_says_so(
    autojump_clock: MockClock,
) -> None:
    async with couple({"compression": f"{HERE}:foreign"}, {}) as (alpha, beta):
        await exchange(alpha, beta, TEXTS)
        assert (row(alpha).compression, row(alpha).packs) == (f"{HERE}:foreign", False)
        assert row(alpha).bytes_out > sum(map(len, TEXTS))


async def test_each_direction_has_the_compression_of_its_sender(autojump_clock: MockClock) -> None:
    both = {"other": {"compression": "zstd"}}  # names what the node can undo, beside zlib
    memory = Memory()
    async with (
        memory.opened("alpha", channels={"bulk": {"compression": "zlib"}} | both) as alpha,
        memory.opened("beta", channels={"bulk": {"compression": "zstd"}} | both) as beta,
    ):
        await link(beta, alpha)
        await until(lambda: alpha.is_fully_connected("beta"))
        await exchange(alpha, beta, TEXTS)
        await exchange(beta, alpha, TEXTS)
        assert [(row(node).compression, row(node).packs) for node in (alpha, beta)] == [("zlib", True), ("zstd", True)]
        assert all(row(node).bytes_after < row(node).bytes_before / 5 for node in (alpha, beta))


async def test_a_node_that_can_undo_nothing_gets_plain_messages(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTISAN_DISABLE_PLUGINS", "compression:zlib")
    memory = Memory()
    async with memory.opened("beta", channels={"bulk": {}}) as beta:
        monkeypatch.delenv("PARTISAN_DISABLE_PLUGINS")
        async with memory.opened("alpha", channels={"bulk": {"compression": "zlib"}}) as alpha:
            await link(beta, alpha)
            await until(lambda: alpha.is_fully_connected("beta"))
            await exchange(alpha, beta, TEXTS)
            assert (row(alpha).compression, row(alpha).packs) == ("zlib", False)


async def test_a_compressed_channel_with_lanes_keeps_the_order_of_each_key_when_connections_break(
    autojump_clock: MockClock,
) -> None:
    network = FrailNetwork()
    sections: dict[str, Any] = {
        "transport": {"use": "tests.core.kernel.frail:frail", "network": network.name},
        "channels": {"bulk": {"parallelism": 3, "compression": "zlib"}},
    }
    async with opened("alpha", **sections) as alpha, opened("beta", **sections) as beta:
        await link(beta, alpha)
        await until(lambda: alpha.is_fully_connected("beta"))
        box = beta.open_mailbox("box")
        latest: dict[str, int] = {}
        for number in range(600):
            for key in "abcd":
                await alpha.send("beta/box", (key, number, TEXT), channel="bulk", key=key)
            if number % 200 == 100:
                network.cut()
            await trio.sleep(0.01)
        with trio.fail_after(60):
            while any(latest.get(key) != 599 for key in "abcd"):
                key, number, text = await box.receive()
                assert text == TEXT
                assert number > latest.get(key, -1)
                latest[key] = number
        assert all(lane.packs for lane in alpha.connections() if lane.channel == "bulk")


async def test_the_last_states_of_a_compressed_monotonic_channel_arrive(autojump_clock: MockClock) -> None:
    states = {"policy": "monotonic", "compression": "zlib"}
    async with couple(states, states) as (alpha, beta):
        box = beta.open_mailbox("box", limit=3)
        for number in range(500):
            for key in "abc":
                await alpha.send("beta/box", (key, number, TEXT), channel="bulk", key=key)
            await trio.sleep(0.001)
        last: dict[str, int] = {}
        with trio.fail_after(60):
            while any(last.get(key) != 499 for key in "abc"):
                key, number, _ = await box.receive()
                last[key] = number
        assert row(alpha).bytes_after < row(alpha).bytes_before


async def test_what_goes_through_a_third_node_is_compressed_on_both_hops(autojump_clock: MockClock) -> None:
    channels = {"default": {"compression": "zlib"}}
    async with star("alpha", "beta", channels=channels) as (_, hub, alpha, beta):
        await until(lambda: all(lane.channel != "default" or lane.packs for lane in hub.connections()))
        await exchange(alpha, beta, TEXTS, "default")
        assert row(alpha, "default").bytes_out < sum(map(len, TEXTS)) / 5
        assert row(beta, "default").bytes_in < sum(map(len, TEXTS)) / 5


async def test_sealed_frames_can_be_compressed(autojump_clock: MockClock) -> None:
    async with couple({"compression": "zlib"}, {}, security={"keyed_frames": "always"}) as (alpha, beta):
        await exchange(alpha, beta, TEXTS)
        assert row(alpha).bytes_out < sum(map(len, TEXTS)) / 5


@pytest.mark.parametrize(
    ("compression", "error", "words"),
    [
        ("zslib", PluginError, r"channels\.bulk\.compression: the compression 'zslib' is not installed.*'zlib'"),
        ({"use": "zlib", "minimum": 100}, ConfigError, r'channels\.bulk\.compression\.minimum.*"100B" or "100KiB"'),
        ({"use": "zlib", "level": 10}, ConfigError, r"channels\.bulk\.compression\.level.*from 1 to 9"),
        ({"use": "zlib", "levels": 1}, ConfigError, r"unknown key.*'level'"),
        ({"level": 1}, ConfigError, r'channels\.bulk\.compression.*use = "zlib", minimum = "4KiB"'),
        (1, ConfigError, r"channels\.bulk\.compression.*the name of a plugin in quotes, or a table"),
        (f"{HERE}:without_options", PluginError, "no subclass of CompressionOptions"),
    ],
)
async def test_a_wrong_compression_is_an_error_that_says_where(
    compression: object, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        async with open_node(channels={"bulk": {"compression": compression}}):
            pytest.fail("it started")


async def test_the_channel_of_the_core_is_not_compressed() -> None:
    with pytest.raises(ConfigError, match="the core keeps this channel for itself"):
        async with open_node(channels={"membership": {"compression": "zlib"}}):
            pytest.fail("it started")
