"""Somebody on the way changes, forges, repeats, leaves out or exchanges one frame after the handshake."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio

from partisan_core.mailboxes import Mailbox
from partisan_core.notices import ChannelDown, ChannelUp
from tests.integration.apart import Apart, apart
from tests.integration.meddling import (
    Deed,
    Meddler,
    alter,
    alter_and_repair,
    inject,
    leave_out,
    repeat,
    swallow_and_return,
)
from tests.integration.nodes import PATIENCE, notice_of, until

MARK = b"message "
SEALED: dict[str, object] = {"security": {"keyed_frames": "always"}}
PLAIN: dict[str, object] = {"links": {"checksum": "crc32"}}
"""The forger can compute no other checksum."""


@asynccontextmanager
async def meddled(*, sealed: bool) -> AsyncIterator[tuple[Apart, Meddler, Mailbox]]:
    """Alpha, who sends, and beta, who receives; somebody sits on all their connections from the first byte on."""
    meddler = Meddler(MARK, sealed=sealed)
    async with apart(**(SEALED if sealed else PLAIN)) as scene:
        for proxy in scene.proxies:
            proxy.make_editor = meddler.make_editor
        scene.reset()
        await until(lambda: meddler.directions >= 4 and scene.is_whole())
        box = scene.beta.open_mailbox("box")
        await say(scene, 1)
        assert await hear(box) == "message 1"
        yield scene, meddler, box


async def say(scene: Apart, number: int) -> None:
    await scene.alpha.send("beta/box", f"message {number}")


async def hear(box: Mailbox) -> object:
    with trio.fail_after(PATIENCE):
        return await box.receive()


@pytest.mark.parametrize(
    ("deeds", "heard"),
    [
        ([alter], []),
        ([inject], []),
        ([repeat], [2]),
        ([leave_out, lambda frame: [frame]], []),
        (swallow_and_return(), []),
    ],
    ids=["altered", "forged", "repeated", "left out", "exchanged"],
)
async def test_a_sealed_frame_that_was_meddled_with_ends_the_connection_and_the_session_goes_on(
    deeds: list[Deed], heard: list[int]
) -> None:
    async with meddled(sealed=True) as (scene, meddler, box), scene.beta.open_events() as events:
        for number, deed in enumerate(deeds, 2):
            meddler.plan(deed)
            await say(scene, number)
            await until(partial(meddler.has_done, number - 1))
        down = await notice_of(ChannelDown, events)
        assert down.error.startswith("CorruptFrame: the keyed tag of a frame does not match")
        await notice_of(ChannelUp, events)
        await until(scene.is_whole)
        await say(scene, 9)
        assert [await hear(box) for _ in [*heard, 9]] == [f"message {number}" for number in [*heard, 9]]
        assert scene.downs == 0


async def test_without_seals_a_forger_gets_through() -> None:
    """What a checksum cannot do; and that the meddler of these tests can do what it wants."""
    async with meddled(sealed=False) as (scene, meddler, box):
        meddler.plan(alter_and_repair)
        await say(scene, 2)
        assert await hear(box) == "message !"
