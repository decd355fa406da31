"""One label at a node: its order, and what the node waits for."""

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

from partisan_causal.order import MOST_UNCONFIRMED, CausalOrder
from partisan_causal.stamps import MOST_NAMED, Life
from partisan_core.errors import Undelivered
from partisan_core.kernel.receipts import Receipt
from partisan_core.mailboxes import Mailbox

Deliver = Callable[[], Mailbox | None]
"""Puts a message into its mailbox, and returns that if it is full now."""


class Label:
    """One label of one life of a node."""

    def __init__(self, name: str, me: Life) -> None:
        self.name = name
        self.order: CausalOrder[Deliver] = CausalOrder(me)
        self.stamping = trio.Lock()
        """From a stamp until its message is queued: what could not be is withdrawn."""
        self.unconfirmed: dict[Life, deque[tuple[int, Receipt]]] = {}
        """By destination, the messages that it has not confirmed, by number."""
        self.silent: dict[Life, float] = {}
        """Since when a destination has confirmed nothing, though a message or a probe is unconfirmed."""
        self.room = trio.lowlevel.ParkingLot()
        self.away: dict[Life, float] = {}
        """Since when an origin is waited for that is not connected."""
        self.apart: dict[Life, float] = {}
        """Since when a destination is owed a probe, and there is no link to it."""
        self.unknown: dict[Life, float] = {}
        """Since when nobody here knows a destination."""

    @asynccontextmanager
    async def begin_stamping(self) -> AsyncIterator[None]:
        """Hold `stamping`; a lock of trio's would let others run each time, and so every message leave alone."""
        if self.stamping.locked():
            await self.stamping.acquire()
        else:
            self.stamping.acquire_nowait()
        try:
            yield
        finally:
            self.stamping.release()

    async def wait_room(self, destination: Life) -> None:
        """Wait until fewer messages to the destination are unconfirmed, and the stamp is none that it would refuse."""
        while len(self.unconfirmed.get(destination, ())) >= MOST_UNCONFIRMED or self.order.unsettled >= MOST_NAMED:
            await self.room.park()

    def on_sent(self, destination: Life, number: int, receipt: Receipt) -> None:
        """A message is queued."""
        self.unconfirmed.setdefault(destination, deque()).append((number, receipt))
        self.silent.setdefault(destination, trio.current_time())

    def on_undelivered(self, destination: Life) -> None:
        """A link was given up, with some of what went over it: what was only queued goes on over the next one."""
        lost = [number for number, receipt in self.unconfirmed.get(destination, ()) if _is_lost(receipt)]
        if lost:
            self.order.give_up(destination, lost[-1])
            self.settle(destination, lost[-1])

    def settle(self, destination: Life, number: int) -> None:
        """Messages up to that one are confirmed, or never will be."""
        numbers = self.unconfirmed.get(destination, deque[tuple[int, Receipt]]())
        while numbers and numbers[0][0] <= number:
            numbers.popleft()
        if numbers:
            self.silent[destination] = trio.current_time()
        else:
            self.unconfirmed.pop(destination, None)
            self.silent.pop(destination, None)
        self.room.unpark_all()


def _is_lost(receipt: Receipt) -> bool:
    try:
        _ = receipt.is_delivered
    except Undelivered:
        return True
    return False
