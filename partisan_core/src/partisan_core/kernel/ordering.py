"""A note travels with each message that somebody puts in order: see `partisan_core.ordering`.

It stands before the name of the mailbox. So the message is encoded and decoded like any other, by the channel's
serializer, and nothing is added to those without an order.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from partisan_core.drops import Unreadable
from partisan_core.errors import SendError
from partisan_core.identity import NodeSpec
from partisan_core.interposition import Deliver
from partisan_core.kernel.acknowledging import check_linked
from partisan_core.kernel.outlets import Outlets
from partisan_core.kernel.postoffice import ORDERED, PostOffice, mailbox_of
from partisan_core.kernel.receipts import Receipt
from partisan_core.mailboxes import Mailbox
from partisan_core.ordering import Orderer, Post
from partisan_core.refs import Ref


class _Noted(Ref):
    """With a note, which errors need not tell people."""

    __slots__ = ()

    def __str__(self) -> str:
        return str(Ref.reserved(self.node, mailbox_of(self.mailbox), self.incarnation))


class Ordering:
    """Between the node, its mailboxes and an orderer."""

    def __init__(self, outlets: Outlets, postoffice: PostOffice) -> None:
        self._outlets, self._postoffice = outlets, postoffice
        self._orderer: Orderer | None = None
        self.deliver: Deliver = postoffice.deliver
        """Puts a message whose turn it is into its mailbox."""

    @contextmanager
    def keep(self, orderer: Orderer) -> Iterator[Post]:
        """Tell it what comes with a note, which is a dead letter otherwise."""
        self._orderer, self._postoffice.take_ordered = orderer, partial(self._take_in, orderer)
        try:
            yield self._post
        finally:
            self._orderer = self._postoffice.take_ordered = None

    async def send(self, destination: str | Ref, message: object, label: str, channel: str, key: Hashable) -> Receipt:
        """Send in the order of a label.

        Raises:
            SendError: there is no orderer; nothing was sent. And what it raises.
        """
        if self._orderer is None:
            raise SendError(
                f"no extension keeps the order {label!r}; nothing was sent. Install partisan-causal on every node, and "
                f'add extensions.enable = ["causal"]'
            )
        ref = destination if isinstance(destination, Ref) else Ref.parse(destination)
        return await self._orderer.send(ref, message, label, channel, key)

    async def _post(self, ref: Ref, note: str, message: object, channel: str, key: Hashable) -> Receipt:
        """See `ordering.Post`."""
        noted = _Noted.reserved(ref.node, f"{ORDERED}{note} {ref.mailbox}", ref.incarnation)
        check_linked(self._outlets.find_peer(ref), ref)
        way = self._outlets.find_acked(noted, channel, ref.mailbox if key is None else key)
        return (await way.send_acked(message))[0]

    def _take_in(self, orderer: Orderer, peer: NodeSpec, name: str, message: Any) -> None:  # noqa: ANN401 - of a peer
        unreadable = name.reason if isinstance(name, Unreadable) else None
        whole = name.mailbox if isinstance(name, Unreadable) else name
        note, _, mailbox = whole.removeprefix(ORDERED).partition(" ")
        recipient = mailbox if unreadable is None else Unreadable(mailbox, unreadable)
        orderer.arrived(peer, note, partial(self._deliver, peer, recipient, message))

    def _deliver(self, peer: NodeSpec, mailbox: str, message: object) -> Mailbox | None:
        return self.deliver(peer, [(mailbox, message)], None)
