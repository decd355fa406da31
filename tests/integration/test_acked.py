"""A small version of `python -m tests.integration.acked`."""

from random import SystemRandom

from tests.integration.acked import limits, measure_faults, measure_reconnects
from tests.verdicts import conclude


async def test_acknowledged_messages_arrive_once_and_in_order_over_a_bad_line() -> None:
    seed = SystemRandom().randrange(2**32)
    figures = await measure_faults(10_000, 0.3, 0.05, 0.02, seed)
    assert conclude(f"seed {seed}", figures, limits(10_000, 1, drops=True), as_json=False)


async def test_acknowledged_messages_of_a_key_arrive_once_and_in_order_over_many_reconnects() -> None:
    seed = SystemRandom().randrange(2**32)
    figures = await measure_reconnects(30, seed)
    assert conclude(f"seed {seed}", figures, limits(30, 30, drops=False), as_json=False)
