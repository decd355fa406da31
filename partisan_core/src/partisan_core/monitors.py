"""A monitor as its owner sees it: set once, told once, cancelled at any time."""

from collections.abc import Callable
from typing import Self

import trio

from partisan_core.downs import Down
from partisan_core.errors import PartisanError
from partisan_core.mailboxes import Sleepers
from partisan_core.refs import Ref


class Monitor(Sleepers):
    """Made by `Node.monitor` and `Node.monitor_node`. It ends with its `Down`, with `cancel`, or with its block."""

    def __init__(self, ref: Ref | str, tag: object, cancel: Callable[[], None]) -> None:
        super().__init__()
        self.ref, self.tag = ref, tag
        self.down: Down | None = None
        """What was told; None: nothing yet, or it was cancelled."""
        self.is_over = False
        """Nothing will be told any more."""
        self.is_settled = False
        """It is set, or over. The kernel's side, as what follows."""
        self.refusal: PartisanError | None = None
        """Why it could not be set."""
        self.changed: Callable[[], object] | None = None
        """Told when it is set, and when it is over by itself."""
        self._cancel = cancel

    async def wait(self) -> Down:
        """Wait until it is down.

        Raises:
            trio.ClosedResourceError: the monitor is or becomes cancelled.
        """
        await trio.lowlevel.checkpoint()
        while not self.is_over:
            await self.sleep()
        if self.down is None:
            raise trio.ClosedResourceError(f"the monitor of {self.ref} was cancelled; nothing is told of it")
        return self.down

    def cancel(self) -> None:
        """No `Down` from now on; one that was put into a mailbox before stays there. Idempotent."""
        if not self.is_over:
            self.changed = None
            self._end()
            self._cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()

    # -- the kernel's side --------------------------------------------------------------------------------------

    async def wait_settled(self) -> None:
        """Wait until it is set, or down, or raise why it cannot be."""
        if self.is_settled:
            await trio.lowlevel.checkpoint()
        while not self.is_settled:
            await self.sleep()
        if self.refusal is not None:
            raise self.refusal

    def settle(self) -> None:
        """It is set, or over. Who waits on, which may be for days, leaves the reading of connections to others."""
        self.is_settled, self.feeder = True, None
        self.wake(len(self._sleepers))
        if self.changed is not None:
            self.changed()

    def refuse(self, error: PartisanError) -> None:
        """It cannot be set."""
        self.refusal = error
        self._end()

    def tell(self, down: Down) -> None:
        """It is down."""
        self.down = down
        self._end()

    def _end(self) -> None:
        self.is_over = True
        self.settle()
