"""What Partisan does wrong and no other test of ours would notice (docs/explanation/partisan-differences.md)."""

import pytest
import trio

from partisan_core.errors import JoinError
from tests.integration.nodes import PATIENCE, opened, trio_of_nodes, until


async def test_reconciling_with_somebody_who_cannot_be_asked_changes_nothing_and_dials_no_more() -> None:
    async with trio_of_nodes() as (alpha, beta):
        async with opened("gone") as gone:
            nobody = str(gone.addresses[0])
        dials = alpha.counters["dials"]
        with pytest.raises(JoinError, match="nothing was changed"):
            await alpha.reconcile([nobody])
        assert [spec.name for spec in alpha.members()] == ["alpha", "beta"]
        assert alpha.counters["dials"] == dials + 1
        assert beta.neighbours() == ("alpha",)


async def test_a_contact_that_does_not_answer_delays_nobody_else() -> None:
    silent = await trio.open_tcp_listeners(0, host="127.0.0.1")
    mute = f"127.0.0.1:{silent[0].socket.getsockname()[1]}"
    async with silent[0], trio_of_nodes() as (alpha, beta), trio.open_nursery() as nursery:
        box = alpha.open_mailbox("box")
        nursery.start_soon(alpha.join, mute)
        dials = alpha.counters["dials"]
        await until(lambda: alpha.counters["dials"] > dials)
        with trio.fail_after(PATIENCE):
            for number in range(100):
                await beta.send("alpha/box", number)
                assert await box.receive() == number
        assert alpha.counters["dials"] == dials + 1, "the handshake that nobody answers is still under way"
        nursery.cancel_scope.cancel()
