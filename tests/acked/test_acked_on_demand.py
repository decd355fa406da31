"""Acknowledged messages over links that are dialled for them, and end when nobody uses them."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Mailbox, Receipt
from partisan_core.events import Reason
from partisan_core.kernel import ending
from partisan_core.kernel.ending import end_peer
from partisan_core.kernel.peer import Peer
from tests.core.kernel.unconnected import strangers

A_WHILE = 600.0


async def take(box: Mailbox, count: int) -> list[Any]:
    with trio.fail_after(A_WHILE):
        return [await box.receive() for _ in range(count)]


@pytest.mark.parametrize("turns", range(12))
async def test_what_is_sent_while_both_ends_let_the_link_go_arrives_once_and_its_receipt_comes(
    turns: int, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways, so many turns of the loop after both ends have begun to let it go."""
    async with strangers("alpha", "beta") as (_network, alpha, beta), trio.open_nursery() as nursery:
        boxes = {node.name: node.open_mailbox("box") for node in (alpha, beta)}
        receipts: list[Receipt] = []
        ended: list[str] = []

        async def end(peer: Peer, reason: Reason, patience: float) -> None:
            nursery.start_soon(end_peer, peer, reason, patience)
            ended.append(peer.spec.name)
            if len(ended) == 1:
                for _ in range(turns):
                    await trio.lowlevel.checkpoint()
                for number in range(3):
                    receipts.append(alpha.send_nowait("beta/box", number, ack=True))
                    receipts.append(beta.send_nowait("alpha/box", number, ack=True))
                    await trio.lowlevel.checkpoint()

        monkeypatch.setattr(ending, "end_peer", end)
        await (await alpha.send("beta/box", "first", ack=True))
        await take(boxes["beta"], 1)
        assert await take(boxes["alpha"], 3) == await take(boxes["beta"], 3) == [0, 1, 2]
        with trio.fail_after(A_WHILE):
            for receipt in receipts:
                await receipt
        await trio.sleep(A_WHILE)
        assert not any(len(box) for box in boxes.values())
        assert not alpha.counters["Undelivered"] + beta.counters["Undelivered"]
