"""A small version of `python -m tests.integration.order`."""

from random import SystemRandom

import pytest

from tests.integration.order import POLICIES, limits, measure
from tests.verdicts import conclude

MESSAGES, BREAKS = 20_000, 4


@pytest.mark.parametrize("policy", POLICIES)
async def test_messages_of_a_key_come_in_order_and_each_loss_is_counted_while_connections_break(policy: str) -> None:
    seed = SystemRandom().randrange(2**32)
    figures = await measure(policy, MESSAGES, BREAKS, seed)
    assert conclude(f"{policy}, seed {seed}", figures, limits(policy, MESSAGES, BREAKS), as_json=False)
