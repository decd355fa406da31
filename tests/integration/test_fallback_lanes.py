"""Lanes whose messages go over the channel `default` while they have no connection, over sockets."""

from typing import Any

import trio

from tests.integration.apart import apart
from tests.integration.nodes import PATIENCE

KEYS = 5
CHANNELS: dict[str, Any] = {
    "default": {"parallelism": 2},
    "orders": {"parallelism": 3, "fallback": "default"},
}


async def test_order_holds_for_each_key_while_lanes_of_either_channel_are_reset() -> None:
    async with apart(channels=CHANNELS) as scene, trio.open_nursery() as nursery:
        box = scene.beta.open_mailbox("box")
        latest = dict.fromkeys(range(KEYS), -1)

        async def send() -> None:
            number = 0
            while True:
                for key in range(KEYS):
                    await scene.alpha.send("beta/box", (key, number), channel="orders", key=key)
                number += 1
                await trio.sleep(0 if number % 50 else 0.02)

        async def receive() -> None:
            async for key, number in box:
                assert number > latest[key]
                latest[key] = number

        nursery.start_soon(receive)
        nursery.start_soon(send)
        with trio.fail_after(3 * PATIENCE):
            for lane in (("orders", 0), ("orders", 1), ("default", 0), ("orders", 2), ("default", 1), ("orders", 0)):
                await scene.kill(*lane)
            before = dict(latest)
            while any(latest[key] <= before[key] for key in latest):
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
