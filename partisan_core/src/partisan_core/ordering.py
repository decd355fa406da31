"""The seam of those who keep an order of messages beyond that of a lane: `node.send(causal=...)`. Since: 1.3."""

from collections.abc import Callable, Hashable
from typing import Protocol

from partisan_core.identity import NodeSpec
from partisan_core.kernel.receipts import Receipt
from partisan_core.mailboxes import Mailbox
from partisan_core.refs import Ref


class Orderer(Protocol):
    """What an extension gives to `Node.order_by`."""

    async def send(self, destination: Ref, message: object, label: str, channel: str, key: Hashable) -> Receipt:
        """Called by `node.send(causal=label)`. Raises what that raises; then nothing was sent."""

    def arrived(self, peer: NodeSpec, note: str, deliver: Callable[[], Mailbox | None]) -> None:
        """A message has come with a note, of the peer's orderer or of who pretends to be it. MUST NOT block or raise.

        `deliver` puts the message into its mailbox: to be called once, now or later, or never; returns a mailbox that
        is full now.
        """


class Post(Protocol):
    """How an orderer sends."""

    async def __call__(self, ref: Ref, note: str, message: object, channel: str, key: Hashable) -> Receipt:
        """Send a message, acknowledged, with a note: some text without blanks. Raises as `Node.send` does."""
