"""A handshake shows what a session lost, and its wire breaks before it is a connection: the loss is told."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core.kernel import handshaking
from partisan_core.wire.frames import Kind
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.nodes import link, opened, until

MESSAGES = 3
KIND_AT = 4
"""Where a frame says what it is."""


async def test_what_a_session_lost_is_told_once_although_the_welcome_cannot_be_written(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = FrailNetwork()
    frail = {"use": "tests.core.kernel.frail:frail", "network": network.name}
    async with opened("alpha", transport=frail) as alpha, opened("beta", transport=frail) as beta:
        nodes = (alpha, beta)
        await link(beta, alpha)
        await until(lambda: alpha.is_fully_connected("beta") and beta.is_fully_connected("alpha"))
        network.silence()  # what is written from now on goes nowhere
        for node, peer in (nodes, nodes[::-1]):
            for number in range(MESSAGES):
                await node.send(f"{peer.name}/box", number)
        spoiled = spoil_welcomes(monkeypatch, 2)
        network.silent = False
        with trio.fail_after(60):
            await until(lambda: not any(node.is_connected(peer.name, "default") for node, peer in (nodes, nodes[::-1])))
            await until(lambda: alpha.is_fully_connected("beta") and beta.is_fully_connected("alpha"))
        assert len(spoiled) == 2
        for node in nodes:
            (row,) = (row for row in node.connections() if row.channel == "default")
            assert row.dropped == {"lost_with_connection": MESSAGES, "gap": MESSAGES}


def spoil_welcomes(monkeypatch: pytest.MonkeyPatch, count: int) -> list[bytes]:
    """Let the connection break for who writes one of the next welcomes; returns those that were not written."""
    spoiled: list[bytes] = []
    write = handshaking._Exchange.write

    async def write_or_break(exchange: Any, data: bytes) -> None:
        is_welcome = data[KIND_AT] == Kind.WELCOME and exchange.handshake.hello.channel == "default"
        if is_welcome and len(spoiled) < count:
            spoiled.append(data)
            raise ConnectionResetError
        await write(exchange, data)

    monkeypatch.setattr(handshaking._Exchange, "write", write_or_break)
    return spoiled
