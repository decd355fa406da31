"""A mailbox that nobody reads: whose messages wait, and whose do not."""

import trio
from trio.testing import MockClock

from partisan_core import Node
from tests.core.kernel.nodes import PATIENCE, Memory, link, until

CHANNELS = {"jobs": {"queue_messages": 50}, "news": {}}
PADDING = bytes(4000)
SENDERS = 20


def jobs(node: Node) -> tuple[int, int]:
    """Messages in the queue of the channel, and tasks that wait for room in it."""
    row = next(row for row in node.connections() if row.channel == "jobs")
    return row.queue_messages, row.senders


async def test_senders_of_a_full_channel_wait_in_turn_and_other_channels_to_the_same_node_go_on(
    autojump_clock: MockClock,
) -> None:
    memory = Memory()
    async with memory.opened("alpha", channels=CHANNELS) as alpha, memory.opened("beta", channels=CHANNELS) as beta:
        await link(beta, alpha)
        await until(lambda: beta.is_fully_connected("alpha"))
        unread, news = alpha.open_mailbox("jobs", limit=5), alpha.open_mailbox("news")
        called = 0

        async def produce() -> None:
            nonlocal called
            while True:
                called += 1
                await beta.send("alpha/jobs", (called, PADDING), channel="jobs")
                await trio.sleep(0.001)

        async with trio.open_nursery() as nursery:
            for _ in range(SENDERS):
                nursery.start_soon(produce)
            await until(lambda: jobs(beta) == (50, SENDERS))
            with trio.fail_after(PATIENCE):
                for number in range(1000):
                    await beta.send("alpha/news", number, channel="news")
                    assert await news.receive() == number
            assert jobs(beta) == (50, SENDERS)
            stuck = called
            received: list[int] = []
            with trio.fail_after(PATIENCE):
                while len(received) < stuck + 500:
                    received += [number for number, _ in await unread.receive_batch()]
            nursery.cancel_scope.cancel()
        assert received == list(range(1, len(received) + 1))
