"""A node that is killed and restarted at once, a few times; `python -m tests.integration.churn` does it more often."""

import trio

from tests.integration.churn import churn


async def test_a_node_killed_and_restarted_at_once_is_down_once_and_up_once_everywhere_and_leaves_no_ghost() -> None:
    with trio.fail_after(60):
        run = await churn(times=10, nodes=4)
    assert len(run.absences) == len(run.blind) == 10
