"""Whatever rules of both ends do to frames and dials, acknowledged messages keep their promise."""

from random import Random
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Mailbox, Node, Receipt
from partisan_core.errors import SendError, Undelivered
from partisan_faults import Rule
from partisan_faults.rules import ACTIONS, KINDS, OF_FRAMES, STALLING
from tests.core.kernel.nodes import Memory, link, until

SECONDS = 20.0
"""Virtual, in which rules come and go."""

ALL_IS_WELL = 60.0
"""Virtual seconds after the last rule, in which what is left arrives."""

SIZES = (1, 1, 1, 500, 9_000, 60_000)
"""Bytes: many to a frame, one, and some that leave in slices."""


def random_rule(rng: Random) -> Rule:
    """Any that can be, most of them for a while."""
    action = rng.choice(ACTIONS)
    keys: dict[str, Any] = {}
    if action in OF_FRAMES:
        keys |= {"probability": rng.choice([0.05, 0.3, 1.0]), "count": rng.choice([1, 5, 30])}
        keys |= rng.choice([{}, {"channels": ("default",)}, {"kinds": tuple(rng.sample(sorted(KINDS), 2))}])
    if action in STALLING or action == "delay":
        keys["time"] = rng.choice([0.01, 0.5, 3.0, 12.0])
    if action == "refuse":
        keys["count"] = rng.choice([1, 10])
    elif action not in ("corrupt", "truncate"):
        keys["direction"] = rng.choice(["in", "out", "both"])
    return Rule(action=action, **keys)


class Talk:
    """One node writes to the other, and remembers what it was told."""

    def __init__(self, sender: Node, receiver: Node, rng: Random) -> None:
        self.receipts: dict[int, Receipt] = {}
        self.got: list[int] = []
        self._sender, self._rng = sender, rng
        self._box: Mailbox = receiver.open_mailbox("box", limit=20)
        self._to = f"{receiver.name}/box"

    async def send(self) -> None:
        """Most of it to be acknowledged."""
        for number in range(1, 10**6):
            await trio.sleep(self._rng.random() / 5)
            message = number, bytes(self._rng.choice(SIZES))
            try:
                receipt = await self._sender.send(self._to, message, key="one", ack=self._rng.random() < 0.8)
            except SendError:
                continue
            if receipt is not None:
                self.receipts[number] = receipt

    async def receive(self) -> None:
        """Sometimes slowly, so that the mailbox fills."""
        async for number, _ in self._box:
            self.got.append(number)
            if self._rng.random() < 0.02:
                await trio.sleep(2)

    def check(self) -> None:
        """Exactly once and in order; and each receipt says what happened."""
        assert self.got == sorted(set(self.got))
        wrong = [number for number, receipt in self.receipts.items() if not self._is_true(number, receipt)]
        assert self.receipts
        assert not wrong

    def _is_true(self, number: int, receipt: Receipt) -> bool:
        try:
            return receipt.is_delivered and number in self.got
        except Undelivered as error:
            return error.is_sent or number not in self.got


async def change_rules(nodes: tuple[Node, Node], rng: Random) -> None:
    for number in range(10**6):
        await trio.sleep(rng.random() * 2)
        faults = rng.choice(nodes).faults
        if faults.names() and rng.random() < 0.4:
            faults.remove(rng.choice(faults.names()))
        else:
            faults.add(f"rule-{number}", random_rule(rng))


@pytest.mark.parametrize("seed", range(2))
async def test_under_any_rules_acknowledged_messages_arrive_once_and_in_order_or_their_sender_is_told(
    seed: int, autojump_clock: MockClock
) -> None:
    rng, memory = Random(seed), Memory()
    sections: dict[str, object] = {
        "faults": {"enabled": True, "seed": seed + 1},
        "overlay": {"use": "fullmesh"},
        "security": {"keyed_frames": rng.choice(["always", "off_loopback"])},
        "limits": {"batch": "2KiB"},
    }
    async with memory.opened("alpha", **sections) as alpha, memory.opened("beta", **sections) as beta:
        await link(beta, alpha)
        talks = [Talk(alpha, beta, rng), Talk(beta, alpha, rng)]
        async with trio.open_nursery() as receiving:
            for talk in talks:
                receiving.start_soon(talk.receive)
            with trio.move_on_after(SECONDS):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(change_rules, (alpha, beta), rng)
                    for talk in talks:
                        nursery.start_soon(talk.send)
            for node in (alpha, beta):
                for name in node.faults.names():
                    node.faults.remove(name)
            await trio.sleep(ALL_IS_WELL)
            receiving.cancel_scope.cancel()
        for talk in talks:
            talk.check()
        await until(lambda: alpha.is_fully_connected("beta") and beta.is_fully_connected("alpha"))
