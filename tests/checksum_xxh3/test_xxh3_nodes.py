"""Nodes that have XXH3, beside nodes that do not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from partisan_core import Node
from partisan_core.notices import ChannelDown, ChannelUp
from tests.integration.apart import apart
from tests.integration.nodes import PATIENCE, notice_of, opened, until

WITHOUT: dict[str, object] = {"links": {"checksum": "crc32"}}
SEALED: dict[str, object] = {"security": {"keyed_frames": "always"}}
MESSAGES: list[Any] = [7, "x" * 10, b"\0" * 300_000, ["small"] * 100]


@asynccontextmanager
async def linked(ours: dict[str, object], theirs: dict[str, object]) -> AsyncIterator[tuple[Node, Node]]:
    async with opened("alpha", **ours) as alpha, opened("beta", **theirs) as beta:
        await beta.join(*alpha.addresses)
        await until(lambda: {"membership", "default"} <= {row.channel for row in connected(alpha)})
        yield alpha, beta


def connected(node: Node) -> list[Any]:
    return [row for row in node.connections() if row.state == "connected"]


@pytest.mark.parametrize(
    ("ours", "theirs", "used"),
    [
        ({}, {}, "xxh3"),
        ({"links": {"checksum": "xxh3"}}, {}, "xxh3"),
        (WITHOUT, {}, "crc32"),
        ({}, WITHOUT, "crc32"),
        (SEALED, {}, "keyed"),
    ],
    ids=["both", "one by name", "the dialler alone", "the accepter alone", "sealed"],
)
async def test_two_nodes_use_what_both_have_and_say_so_and_their_messages_arrive(
    ours: dict[str, object], theirs: dict[str, object], used: str
) -> None:
    async with linked(ours, theirs) as (alpha, beta):
        assert {row.checksum for node in (alpha, beta) for row in connected(node)} == {used}
        for sender, receiver in ((alpha, beta), (beta, alpha)):
            inbox = receiver.open_mailbox("inbox")
            with trio.fail_after(PATIENCE):
                assert await sender.ping(receiver.name) > 0
                for message in MESSAGES:
                    await sender.send(f"{receiver.name}/inbox", message)
                assert [await inbox.receive() for _ in MESSAGES] == MESSAGES
        assert [node.counters["ChannelDown"] for node in (alpha, beta)] == [0, 0]


async def test_a_lane_without_a_connection_has_no_checksum() -> None:
    async with opened("alpha") as alpha:
        async with opened("beta") as beta:
            await beta.join(*alpha.addresses)
            await until(lambda: connected(alpha))
        await until(lambda: not connected(alpha))
        assert {row.checksum for row in alpha.connections()} == {None}


@pytest.mark.parametrize("sections", [{}, WITHOUT, SEALED], ids=["xxh3", "crc32", "keyed"])
async def test_a_bit_that_is_flipped_on_the_way_ends_the_connection_by_name_and_no_wrong_message_arrives(
    sections: dict[str, object],
) -> None:
    async with apart(**sections) as scene, scene.alpha.open_events() as events:
        inbox = scene.alpha.open_mailbox("inbox")
        scene.damage()
        await scene.beta.send("alpha/inbox", "0123456789" * 1000)
        while "CorruptFrame" not in (down := await notice_of(ChannelDown, events)).error:
            pass
        scene.damage(wanted=False)
        assert "does not match" in down.error
        await notice_of(ChannelUp, events)
        await until(scene.is_whole)
        await scene.beta.send("alpha/inbox", "whole")
        with trio.fail_after(PATIENCE):
            assert await inbox.receive() == "whole"
        assert scene.downs == 0


async def test_over_the_memory_transport_it_is_used_like_over_tcp() -> None:
    memory: dict[str, object] = {"transport": {"use": "memory", "network": "xxh3"}}
    async with linked(memory, memory) as nodes:
        assert {row.checksum for node in nodes for row in connected(node)} == {"xxh3"}
