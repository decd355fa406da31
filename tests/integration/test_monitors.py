"""A short storm over many monitors; `python -m tests.integration.monitors` is the long one."""

import pytest
import trio
from trio.testing import MockClock

from partisan_core import open_node
from tests.integration.monitors import storm


async def test_each_of_many_monitors_is_told_once_in_a_storm(autojump_clock: MockClock) -> None:
    cluster, faults = await storm(4, 150, seed=2)
    assert not faults, "seed 2"
    assert {"kill", "part", "cut", "end"} <= {*cluster.faults}


@pytest.mark.parametrize("codec", ["json", "msgpack", "cattrs"])
async def test_monitors_work_with_each_serializer(codec: str, autojump_clock: MockClock) -> None:
    transport = {"use": "memory", "network": f"monitors-{codec}"}
    async with (
        open_node(None, node={"name": "alpha"}, serializer={"use": codec}, transport=transport) as alpha,
        open_node(None, node={"name": "beta"}, serializer={"use": codec}, transport=transport) as beta,
    ):
        await beta.join(*alpha.addresses)
        box = beta.open_mailbox("box")
        monitor = await alpha.monitor("beta/box")
        box.close("done")
        with trio.fail_after(10):
            assert (await monitor.wait()).detail == "done"
        assert not alpha.dropped
        assert not beta.dropped
