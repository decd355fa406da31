"""The mailboxes of a node and what arrives for them."""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import trio

from partisan_core.drops import DropReason, Unreadable
from partisan_core.errors import MailboxError
from partisan_core.identity import NodeSpec, check_name
from partisan_core.kernel.journal import Journal
from partisan_core.mailboxes import Feeder, Mailbox
from partisan_core.notices import DeadLetter

_KNOWN_DEAD = 1000
"""Names of missing mailboxes remembered to limit their notices: a peer controls them, so they are bounded."""

_NAME_KEPT = 128
"""Characters of such a name that are kept and told: no mailbox has a longer one."""

ORDERED = "!ordered "
"""What the name of a recipient begins with when its messages wait for their turn; no mailbox's does."""

_REASON_KEPT = 500
"""Characters of why a message cannot be read, which may quote the peer (chosen)."""


def mailbox_of(name: str) -> str:
    """The mailbox that a recipient's name means; empty: the kernel's own business."""
    if name.startswith(ORDERED):
        return name.removeprefix(ORDERED).partition(" ")[2]
    return "" if name.startswith("!") else name


Desk = Callable[[NodeSpec, Any], None]
TakeOrdered = Callable[[NodeSpec, str, Any], None]


class PostOffice:
    """Opens mailboxes and puts messages into them."""

    def __init__(self, limit: int, journal: Journal) -> None:
        self._boxes: dict[str, Mailbox] = {}
        self._serials = count(1)
        self._limit = limit
        self._journal = journal
        self.desks: dict[str, Desk] = {}
        """Recipients of the kernel's own: they are told who sent it, too."""
        self._noticed: dict[tuple[str, str | None], float] = {}
        self.take_ordered: TakeOrdered | None = None
        """Who is handed what waits for its turn: see `kernel.ordering`."""

    def open(self, name: str, limit: int | None = None) -> Mailbox:
        """Open the mailbox `name`.

        Raises:
            MailboxError: it is open already.
            InvalidName: the name cannot be one.
        """
        if check_name(name) in self._boxes:
            raise MailboxError(f"mailbox {name!r} is open already on this node; close it or choose another name")
        box = self._boxes[name] = Mailbox(name, limit or self._limit, self._close, next(self._serials))
        return box

    def names(self) -> list[str]:
        """The open mailboxes."""
        return sorted(self._boxes)

    def find(self, name: str) -> Mailbox | None:
        """The open mailbox of that name."""
        return self._boxes.get(name)

    def deliver(self, peer: NodeSpec, batch: list[tuple[str, Any]], feeder: Feeder | None = None) -> Mailbox | None:
        """Put each message into its mailbox; returns one that is full now, so that the feeder pauses."""
        boxes, full = self._boxes, None
        box, last, before = None, None, 0
        for name, message in batch:
            if name != last:
                if box is not None:
                    full = self._settle(box, before) or full
                box, last = boxes.get(name), name
                append: Callable[[Any], object] = self._elsewhere(peer, name)
                if box is not None:
                    before, append = len(box), box.append
            append(message)
        if box is None:
            return full
        if feeder is not None:
            box.feeder = feeder
        return self._settle(box, before) or full

    def _settle(self, box: Mailbox, before: int) -> Mailbox | None:
        """Messages were appended to a mailbox that held `before`; returns it when it is full."""
        box.wake(len(box) - before)
        return box if box.is_full else None

    def close_all(self) -> None:
        """The node closes."""
        for box in list(self._boxes.values()):
            box.close()

    def _close(self, box: Mailbox) -> None:
        if self._boxes.get(box.name) is box:
            del self._boxes[box.name]

    def _elsewhere(self, peer: NodeSpec, name: str) -> Callable[[Any], object]:
        """What is done with messages for which there is no mailbox."""
        if (desk := self.desks.get(name)) is not None:
            return partial(desk, peer)
        whole = name.mailbox if isinstance(name, Unreadable) else name
        take = self.take_ordered if whole.startswith(ORDERED) else None
        return partial(self._dead_letter if take is None else take, peer, name)

    def _dead_letter(self, peer: NodeSpec, name: str, message: object) -> None:
        unreadable = None
        if isinstance(name, Unreadable):
            unreadable = name.reason[:_REASON_KEPT]
            name = name.mailbox
        self._journal.drop(DropReason.NO_MAILBOX if unreadable is None else DropReason.UNREADABLE)
        letter, now = (name[:_NAME_KEPT], unreadable), trio.current_time()
        if now - self._noticed.get(letter, float("-inf")) < 1:
            return
        if len(self._noticed) >= _KNOWN_DEAD:
            self._noticed.clear()
        self._noticed[letter] = now
        self._journal.report(DeadLetter(peer, *letter))
