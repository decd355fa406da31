"""The part of a node's face that is about messages."""

from collections.abc import Hashable
from contextlib import AbstractContextManager
from typing import Literal, overload

import trio

from partisan_core.cancellation import is_cancelled
from partisan_core.errors import WouldBlock
from partisan_core.kernel.kernel import Kernel
from partisan_core.kernel.receipts import Receipt
from partisan_core.mailboxes import Mailbox
from partisan_core.ordering import Orderer, Post
from partisan_core.refs import Ref

_YIELD_BYTES = 64 * 1024
"""`await send` lets other tasks run each time it has queued so much (design, section 9)."""


class Messaging:
    """What every `Node` can do, too: mailboxes, and sending to them."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._outlets = kernel.outlets
        self._routes = kernel.outlets.routes
        self._acked_routes = kernel.outlets.acked
        self._until_yield = _YIELD_BYTES

    def open_mailbox(self, name: str, *, limit: int | None = None) -> Mailbox:
        """Open the mailbox `name`; `limit` messages bound it (`mailboxes.messages` by default).

        Raises:
            MailboxError: it is open already.
            InvalidName: the name cannot be one.
        """
        return self._kernel.postoffice.open(name, limit)

    def ref(self, mailbox: str) -> Ref:
        """A reference to a mailbox of this node; it may travel inside messages and follows restarts."""
        return Ref(self._kernel.me.name, mailbox)

    @overload
    def send_nowait(
        self, destination: str | Ref, message: object, *, channel: str = ..., key: Hashable = ..., ack: Literal[True]
    ) -> Receipt: ...

    @overload
    def send_nowait(
        self, destination: str | Ref, message: object, *, channel: str = ..., key: Hashable = ..., ack: bool = ...
    ) -> Receipt | None: ...

    def send_nowait(
        self,
        destination: str | Ref,
        message: object,
        *,
        channel: str = "default",
        key: Hashable = None,
        ack: bool = False,
    ) -> Receipt | None:
        """Queue a message for a mailbox, `"node/mailbox"` or a `Ref`. Success means queued, not delivered.

        `ack`: see `send`.

        Raises:
            SendError: (a subclass says why) nothing was queued; `WouldBlock` when the lane is full.
            NodeClosed: this node has left or is closing.
        """
        if ack:
            way = self._acked_routes[channel].get(destination) if key is None else None
            return (way or self._outlets.find_acked(destination, channel, key)).post_acked(message)
        outlet = self._routes[channel].get(destination) if key is None else None
        if outlet is None:
            outlet = self._outlets.find(destination, channel, key)
        outlet.post(message)
        return None

    @overload
    async def send(
        self, destination: str | Ref, message: object, *, channel: str = ..., key: Hashable = ..., ack: Literal[True]
    ) -> Receipt: ...

    @overload
    async def send(
        self,
        destination: str | Ref,
        message: object,
        *,
        channel: str = ...,
        key: Hashable = ...,
        ack: bool = ...,
        causal: str,
    ) -> Receipt: ...

    @overload
    async def send(
        self, destination: str | Ref, message: object, *, channel: str = ..., key: Hashable = ..., ack: bool = ...
    ) -> Receipt | None: ...

    async def send(
        self,
        destination: str | Ref,
        message: object,
        *,
        channel: str = "default",
        key: Hashable = None,
        ack: bool = False,
        causal: str | None = None,
    ) -> Receipt | None:
        """Queue a message, waiting for room; checks for cancellation each time, yields every 64 KiB.

        Order is kept per (sender, mailbox, channel, key). Raises as `send_nowait`, but never `WouldBlock`.

        `ack`: the message is delivered exactly once, and in order, over any number of reconnects, while both nodes
        live; await the receipt to know that it was. Not known any more: the receipt raises `Undelivered`, and there is
        a notice of that name. Since: 1.3.

        `causal`: a label, among whose messages nothing is delivered before what led to it, at whichever nodes; implies
        `ack`. Needs the extension `causal` of the distribution partisan-causal on all of them. Since: 1.3.
        """
        if is_cancelled():
            await trio.lowlevel.checkpoint()
        if causal is not None:
            return await self._kernel.ordering.send(destination, message, causal, channel, key)
        receipt = None
        if ack:
            way = self._acked_routes[channel].get(destination) if key is None else None
            receipt, size = await (way or self._outlets.find_acked(destination, channel, key)).send_acked(message)
        else:
            outlet = self._routes[channel].get(destination) if key is None else None
            if outlet is None:
                outlet = self._outlets.find(destination, channel, key)
            try:
                size = outlet.post(message)
            except WouldBlock as error:
                if error.wait is None:
                    raise
                size = await error.wait()
        self._until_yield -= size
        if self._until_yield < 0:
            self._until_yield = _YIELD_BYTES
            await trio.lowlevel.cancel_shielded_checkpoint()
        return receipt

    def order_by(self, orderer: Orderer) -> AbstractContextManager[Post]:
        """While it is open, `send(causal=...)` goes by the orderer, which sends by what it yields. Since: 1.3."""
        return self._kernel.ordering.keep(orderer)
