"""Acknowledged sends: exactly once, in order, or the sender is told."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain

from msgspec import Struct

from partisan_core.errors import Undelivered
from partisan_core.kernel.receipts import Receipt
from partisan_testkit.wholenodes.process import Process
from partisan_testkit.wholenodes.workloads.sends import Message, Sends, Stream


class Posted(Struct, frozen=True, eq=False):
    """A message, and what its sender was given for it."""

    sender: Process
    target: Process | None
    """The one life that had the name then; None when two claimed it."""
    stream: Stream
    number: int
    receipt: Receipt

    def __str__(self) -> str:
        return f"acknowledged message {self.number} of {self.stream} to {self.target}"


class Acked(Sends):
    """What `Sends` looks at; I1, that a receipt is true; and L3, that every receipt comes."""

    mailbox = "receipts"

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._lives: dict[str, list[Process]] = defaultdict(list)
        self._posted: list[Posted] = []
        self._delivered: set[tuple[Process, Stream, int]] = set()

    async def live(self, process: Process) -> None:
        """Send to others, and receive."""
        self._lives[process.name].append(process)
        await super().live(process)

    async def conclude(self, living: list[Process]) -> Iterator[str]:
        """Compare receipts with what was received."""
        posted = self._posted.copy()  # what follows has time to be acknowledged
        missing = await super().conclude(living)
        return chain(missing, (text for one in posted for text in self._objections(one)))

    def _post(self, process: Process, target: str, message: Message, channel: str, key: str | None) -> None:
        receipt = process.node.send_nowait(f"{target}/{self.mailbox}", message, channel=channel, key=key, ack=True)
        claiming = [life for life in self._lives[target] if life.alive]
        one = claiming[0] if len(claiming) == 1 else None
        self._posted.append(Posted(process, one, message["stream"], message["number"], receipt))

    def _check(self, process: Process, message: Message) -> None:
        super()._check(process, message)
        self._delivered.add((process, tuple(message["stream"]), message["number"]))

    def _objections(self, posted: Posted) -> Iterator[str]:
        if not posted.sender.alive or posted.target is None or not posted.target.alive:
            return  # nobody is left who could tell
        was_delivered = (posted.target, posted.stream, posted.number) in self._delivered
        try:
            if not posted.receipt.is_delivered:
                yield f"there is no receipt of {posted}, which was {'' if was_delivered else 'not '}delivered"
            elif not was_delivered:
                yield f"there is a receipt of {posted}, which was not delivered"
        except Undelivered as error:
            if was_delivered and not error.is_sent:
                yield f"{posted} was delivered, and is said not to have been sent"
