"""Mailboxes: where messages arrive. Bounded; a full one pauses the connection that feeds it (TCP backpressure)."""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, Self

import trio

from partisan_core.cancellation import is_cancelled
from partisan_core.downs import DownReason, Ending
from partisan_core.errors import MailboxError


class Feeder(Protocol):
    """The reader of a connection that brings messages here: a receiver may do its work while there are none."""

    @property
    def may_be_led(self) -> bool:
        """True when `lead` can be called."""

    async def lead(self) -> None:
        """Wait until something arrives, and put it where it belongs; or until interrupted."""

    def interrupt(self) -> None:
        """Let `lead` return early."""


class Sleepers:
    """Tasks that wait for what a connection brings; one of them may read it meanwhile. The kernel's side."""

    def __init__(self) -> None:
        self.feeder: Feeder | None = None
        """Who will bring it, as far as is known; of a mailbox, who brought the last message."""
        self._sleepers: list[Callable[[], None]] = []
        """How to wake each of them. Every monitor has one, mostly empty: a deque would take ten times the memory."""

    def wake(self, count: int) -> None:
        """Wake so many of them, as far as there are any, in turn."""
        sleepers = self._sleepers
        while sleepers and count:
            sleepers.pop(0)()
            count -= 1

    async def sleep(self) -> None:
        """Wait until woken, or somewhat shorter; who is cancelled after it was woken wakes another."""
        feeder = self.feeder
        if feeder is not None and feeder.may_be_led:
            await self._lead(feeder)
        else:
            await self._park()

    async def _park(self) -> None:
        wake = partial(trio.lowlevel.reschedule, trio.lowlevel.current_task())
        self._sleepers.append(wake)

        def abort(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            self._sleepers.remove(wake)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    async def _lead(self, feeder: Feeder) -> None:
        wake, sleepers = feeder.interrupt, self._sleepers
        sleepers.append(wake)
        try:
            await feeder.lead()
        except trio.Cancelled:
            if wake not in sleepers:
                self.wake(1)
            raise
        finally:
            if wake in sleepers:
                sleepers.remove(wake)


class Mailbox(Sleepers):
    """A named queue of received messages, opened with `node.open_mailbox(name)`.

    Any number of tasks may receive; each message goes to one of them, in order.
    """

    def __init__(self, name: str, limit: int, on_close: "Callable[[Mailbox], None]", serial: int = 0) -> None:
        super().__init__()
        self.name = name
        self.limit = limit
        """Messages it holds before connections that feed it are paused. One frame may go beyond it."""
        self._queue: deque[Any] = deque()
        self.append = self._queue.append
        """The kernel's side of `put`, for many messages: who appends calls `wake` with their number afterwards."""
        self._room = trio.lowlevel.ParkingLot()
        self._feeders = 0
        """How many wait for room: asked once per message, so cheaper than asking the lot."""
        self._on_close = on_close
        self._closed = False
        self.serial = serial
        """Tells it from others of its node that had or will have its name. The kernel's side."""
        self.watchers: dict[tuple[str, int], Callable[[Ending], None]] = {}
        """Who is told of its end. The kernel's side."""

    def put(self, message: object) -> None:
        """Append a message and wake a receiver. The kernel's side; never blocks."""
        self._queue.append(message)
        self.wake(1)

    @property
    def is_full(self) -> bool:
        """True while feeders should pause."""
        return len(self._queue) >= self.limit and not self._closed

    @property
    def obstacle(self) -> str:
        """Why a lane that feeds it is not read, for people."""
        return f"mailbox {self.name} is full"

    def __len__(self) -> int:
        return len(self._queue)

    async def wait_room(self) -> None:
        """Wait until it is not full; the reader of a connection pauses here."""
        while self.is_full:
            self._feeders += 1
            try:
                await self._room.park()
            finally:
                self._feeders -= 1

    def receive_nowait(self) -> Any:
        """Return the next message.

        Raises:
            trio.WouldBlock: when it is empty.
            MailboxError: when it is closed.
        """
        self.check_open()
        if not self._queue:
            raise trio.WouldBlock
        return self._take_one()

    async def receive(self) -> Any:
        """Wait for the next message; always a checkpoint.

        Raises:
            MailboxError: when it is or becomes closed.
        """
        await self._wait_for_message()
        return self._take_one()

    async def receive_batch(self) -> list[Any]:
        """Wait until there is a message, then take all there are: one checkpoint per batch, the fast way.

        Raises:
            MailboxError: when it is or becomes closed.
        """
        await self._wait_for_message()
        batch = list(self._queue)
        self._queue.clear()
        if self._feeders:
            self._room.unpark_all()
        return batch

    def close(self, reason: str | BaseException | None = None) -> None:
        """Close it: waiting receivers get `MailboxError`, what is still in it is discarded. Idempotent.

        Whoever monitors it is told `normal`, or `failed` with the `reason`. The end of its `async with` block closes it
        with the exception that leaves the block, if one does; `killed` when it was cancelled. Since: 1.3 for `reason`.
        """
        if self._closed:
            return
        self._closed = True
        self._queue.clear()
        self._room.unpark_all()
        self.wake(len(self._sleepers))
        self._on_close(self)
        watchers, self.watchers = self.watchers, {}
        for tell in list(watchers.values()):
            tell(_ending(reason))

    def check_open(self) -> None:
        """Raise `MailboxError` when it is closed."""
        if self._closed:
            raise MailboxError(f"mailbox {self.name!r} is closed; open it again with node.open_mailbox")

    def _take_one(self) -> Any:
        message = self._queue.popleft()
        if self._feeders:
            self._room.unpark_all()
        return message

    async def _wait_for_message(self) -> None:
        if is_cancelled():
            await trio.lowlevel.checkpoint()
        self.check_open()
        if self._queue:
            await trio.lowlevel.cancel_shielded_checkpoint()
        while not self._queue:
            self.check_open()
            await self.sleep()
        self.check_open()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return await self.receive()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self.close(error)


def _ending(cause: str | BaseException | None) -> Ending:
    if cause is None:
        return Ending(DownReason.NORMAL)
    if isinstance(cause, str):
        return Ending(DownReason.FAILED, cause)
    if isinstance(cause, trio.Cancelled):
        return Ending(DownReason.KILLED)
    if isinstance(cause, BaseExceptionGroup):
        _, loud = cause.split(trio.Cancelled)
        if loud is None:
            return Ending(DownReason.KILLED)
        if len(loud.exceptions) == 1:  # a nursery's wrapping
            return _ending(loud.exceptions[0])
    return Ending(DownReason.FAILED, f"{type(cause).__name__}: {cause}")
