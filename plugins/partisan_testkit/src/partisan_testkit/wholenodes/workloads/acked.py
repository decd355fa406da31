"""Acknowledged sends: exactly once, in order, or the sender is told."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain

import trio
from msgspec import Struct

from partisan_core.errors import Undelivered
from partisan_core.kernel.receipts import Receipt
from partisan_testkit.schedules.violation import Violation
from partisan_testkit.wholenodes.process import Process
from partisan_testkit.wholenodes.workloads.sends import Message, Sends, Stream

_LOOK = 1.0
"""Seconds between two looks at a life."""


class Posted(Struct, frozen=True, eq=False):
    """A message, and what its sender was given for it."""

    sender: Process
    target: Process | None
    """The one life that had the name then; None when two claimed it."""
    stream: Stream
    number: int
    receipt: Receipt

    @property
    def is_delivered(self) -> bool | None:
        """What the receipt says; None: it never will."""
        try:
            return self.receipt.is_delivered
        except Undelivered:
            return None

    def __str__(self) -> str:
        return f"acknowledged message {self.number} of {self.stream} to {self.target}"


class Acked(Sends):
    """What `Sends` looks at; I1, that a receipt is true when it comes; and L3, that every receipt comes."""

    mailbox = "receipts"

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._lives: dict[str, list[Process]] = defaultdict(list)
        self._posted: list[Posted] = []
        self._untold: dict[Process, list[Posted]] = defaultdict(list)
        """What has no receipt yet, by sender."""
        self._delivered: set[tuple[Process, Stream, int]] = set()

    async def live(self, process: Process) -> None:
        """Send to others, and receive."""
        self._lives[process.name].append(process)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._look_for_ever, process)
            await super().live(process)

    def find_faults(self, process: Process) -> Iterator[str]:
        """What is wrong with a life now: a receipt that is there before its message."""
        told = [posted for posted in self._untold[process] if posted.is_delivered is not False]
        self._untold[process] = [posted for posted in self._untold[process] if posted not in told]
        for posted in told if not self.reading else ():
            is_there = posted.target is not None and posted.target.alive and not posted.target.leaving
            if is_there and posted.is_delivered and not self._was_delivered(posted):
                yield f"there is a receipt of {posted}, which was not delivered before"

    async def conclude(self, living: list[Process]) -> Iterator[str]:
        """Compare receipts with what was received."""
        posted = self._posted.copy()  # what follows has time to be acknowledged
        missing = await super().conclude(living)
        return chain(missing, (text for one in posted for text in self._objections(one)))

    async def _look_for_ever(self, process: Process) -> None:
        while True:
            await trio.sleep(_LOOK)
            for fault in self.find_faults(process):
                raise Violation(fault)

    def _post(self, process: Process, target: str, message: Message, channel: str, key: str | None) -> None:
        receipt = process.node.send_nowait(f"{target}/{self.mailbox}", message, channel=channel, key=key, ack=True)
        claiming = [life for life in self._lives[target] if life.alive]
        one = claiming[0] if len(claiming) == 1 else None
        posted = Posted(process, one, message["stream"], message["number"], receipt)
        self._posted.append(posted)
        self._untold[process].append(posted)

    def _check(self, process: Process, message: Message) -> None:
        super()._check(process, message)
        self._delivered.add((process, tuple(message["stream"]), message["number"]))

    def _was_delivered(self, posted: Posted) -> bool:
        return (posted.target, posted.stream, posted.number) in self._delivered

    def _objections(self, posted: Posted) -> Iterator[str]:
        if not posted.sender.alive or posted.target is None or not posted.target.alive:
            return  # nobody is left who could tell
        was_delivered = self._was_delivered(posted)
        try:
            if not posted.receipt.is_delivered:
                yield f"there is no receipt of {posted}, which was {'' if was_delivered else 'not '}delivered"
            elif not was_delivered:
                yield f"there is a receipt of {posted}, which was not delivered"
        except Undelivered as error:
            if was_delivered and not error.is_sent:
                yield f"{posted} was delivered, and is said not to have been sent"
