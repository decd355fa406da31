"""The memory wire where tasks wait for it."""

import trio

from partisan_core.identity import Address
from partisan_core.kinds import Wire
from partisan_core.transports.memory import MemoryNetwork


async def test_an_interrupt_wakes_who_has_just_begun_to_wait() -> None:
    """A receiver that leads a reader slept for ever once, while its mailbox filled from another lane."""
    network = MemoryNetwork()
    listener = await network.listen(Address("memory", 0))
    wire = await network.dial(listener.address)

    async def wait(task_status: trio.TaskStatus[Wire] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started(wire)
        await wire.wait_readable()

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            await nursery.start(wait)
            wire.interrupt()
    listener.close()
