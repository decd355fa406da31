"""A monitor as its owner sees it: set once, told once, cancelled at any time."""

from collections.abc import Callable
from typing import Self

import trio

from partisan_core.downs import Down
from partisan_core.errors import PartisanError
from partisan_core.refs import Ref


class Monitor:
    """Made by `Node.monitor` and `Node.monitor_node`. It ends with its `Down`, with `cancel`, or with its block."""

    def __init__(self, ref: Ref | str, tag: object, cancel: Callable[[], None]) -> None:
        self.ref, self.tag = ref, tag
        self.down: Down | None = None
        """What was told; None: nothing yet, or it was cancelled."""
        self._cancel = cancel
        self.changed: Callable[[], object] = lambda: None
        """Told when it is set, and when it is over by itself. The kernel's side."""
        self._settled, self._ended = trio.Event(), trio.Event()
        self.refusal: PartisanError | None = None
        """Why it could not be set."""

    @property
    def is_settled(self) -> bool:
        """It is set, or over."""
        return self._settled.is_set()

    @property
    def is_over(self) -> bool:
        """Nothing will be told any more."""
        return self._ended.is_set()

    async def wait(self) -> Down:
        """Wait until it is down.

        Raises:
            trio.ClosedResourceError: the monitor is or becomes cancelled.
        """
        await self._ended.wait()
        if self.down is None:
            raise trio.ClosedResourceError(f"the monitor of {self.ref} was cancelled; nothing is told of it")
        return self.down

    def cancel(self) -> None:
        """No `Down` from now on; one that was put into a mailbox before stays there. Idempotent."""
        if not self.is_over:
            self._end()
            self._cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()

    # -- the kernel's side --------------------------------------------------------------------------------------

    async def wait_settled(self) -> None:
        """Wait until it is set, or down, or raise why it cannot be."""
        await self._settled.wait()
        if self.refusal is not None:
            raise self.refusal

    def settle(self) -> None:
        """It is set."""
        self._settled.set()
        self.changed()

    def refuse(self, error: PartisanError) -> None:
        """It cannot be set."""
        self.refusal = error
        self._end()
        self.changed()

    def tell(self, down: Down) -> None:
        """It is down."""
        self.down = down
        self._end()
        self.changed()

    def _end(self) -> None:
        self._settled.set()
        self._ended.set()
