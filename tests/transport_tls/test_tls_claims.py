"""A small version of `python -m tests.transport_tls.claims`."""

import pytest

from tests.transport_tls.claims import limits, replace
from tests.verdicts import conclude

MESSAGES, ROUNDS = 2_000, 2


@pytest.mark.parametrize("breaks", [False, True], ids=["connections stay", "connections break"])
async def test_certificates_that_are_replaced_under_load_cost_no_message_no_order_and_no_newcomer(breaks: bool) -> None:
    figures = await replace(MESSAGES, ROUNDS, breaks=breaks)
    assert conclude("certificates replaced", figures, limits(MESSAGES, ROUNDS, breaks=breaks), as_json=False)
