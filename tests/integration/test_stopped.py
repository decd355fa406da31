"""A small version of `python -m tests.integration.stopped`, without the figures that want a quiet machine."""

from tests.integration.stopped import BOUNDS, measure
from tests.verdicts import at_most, conclude

MESSAGES = 4_000
SPACIOUS = at_most("MiB the sender grew", 32)
"""Beside the tests before it; far less than what is sent."""


async def test_a_process_that_stops_fills_no_queue_beyond_its_bound_and_keeps_nobody_else_waiting() -> None:
    figures = await measure(MESSAGES)
    assert conclude("a stopped receiver", figures, [*BOUNDS, SPACIOUS], as_json=False)
    assert figures["MiB that went to the other"] >= 31
