"""What `claims` measures, without a clock: the receiver stops, which is slower than any link."""

import trio

from tests.integration.nodes import PATIENCE, opened, until
from tests.integration.numbered import counting
from tests.policy_monotonic.claims import CHANNELS, KEYS, STATE_BYTES, produce, written

STATES = 640 * KEYS
"""80 MiB: far more than the system takes for a receiver that does not read."""


async def test_of_states_that_a_receiver_does_not_read_only_the_last_wait_and_all_of_those_arrive() -> None:
    async with (
        counting(name="keeper", channels=CHANNELS) as keeper,
        opened("producer", node={"listen": []}, channels=CHANNELS) as node,
    ):
        with trio.fail_after(PATIENCE):
            await node.join(keeper.address)
            await until(lambda: node.is_fully_connected("keeper"))
            last = await produce(node, "states", STATES)
        (row,) = (row for row in node.connections() if row.channel == "states")
        assert row.queue_messages <= KEYS
        assert row.queue_bytes < KEYS * (STATE_BYTES + 100)
        await keeper.read()
        account = await keeper.until_arrived(last, PATIENCE)
        assert account.last == last
        assert account.disordered == 0
        assert written(node, "states") * 5 <= STATES * STATE_BYTES
