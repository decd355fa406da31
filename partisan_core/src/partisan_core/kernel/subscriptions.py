"""Callbacks of the application at the moment when a neighbour, or a channel to a peer, comes up or goes down."""

import inspect
import logging
from collections import deque
from collections.abc import Callable
from typing import Self

from partisan_core.identity import NodeSpec, check_name
from partisan_core.kernel.channels import check_channel
from partisan_core.kernel.kernel import Kernel
from partisan_core.notices import ChannelDown, ChannelUp, NeighbourDown, NeighbourUp, Notice

log = logging.getLogger("partisan.subscriptions")

Callback = Callable[[NodeSpec], object]
Transition = tuple[bool, str | None]
"""(up or down, the channel or None for the neighbour as a whole)."""


class Subscription:
    """One callback; `cancel` ends it, and so does the end of a `with` block."""

    def __init__(
        self, callback: Callback, transition: Transition, peer: str | None, subscribers: "dict[Subscription, None]"
    ) -> None:
        self.callback = callback
        self.transition, self.peer = transition, peer
        self._subscribers = subscribers
        subscribers[self] = None

    def cancel(self) -> None:
        """Call it no more, from now on. Idempotent; may be called inside a callback."""
        self._subscribers.pop(self, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()


class Subscriptions:
    """Turns notices into calls, each transition once.

    What a callback leads to is told when the others have heard of what led to it: everybody sees one order.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._all: dict[Subscription, None] = {}
        self._due: deque[tuple[Subscription, NodeSpec]] = deque()
        self._calling = False
        self._lanes: dict[tuple[str, str], int] = {}
        """How many lanes of a channel to a peer are connected."""
        kernel.journal.observe(self._note)

    def open(self, callback: Callback, *, up: bool, peer: str | None, channel: str | None) -> Subscription:
        """See `Node.on_up`."""
        if inspect.iscoroutinefunction(callback):
            raise TypeError(f"{callback!r} is async, and a callback is not awaited: start a task, or use open_events")
        if channel is not None:
            check_channel(self._kernel.channels, channel)
        if peer is not None:
            check_name(peer)
        return Subscription(callback, (up, channel), peer, self._all)

    def _note(self, notice: Notice) -> None:
        match notice:
            case NeighbourUp(peer) | NeighbourDown(peer):
                self._tell((isinstance(notice, NeighbourUp), None), peer)
            case ChannelUp(peer, channel) | ChannelDown(peer, channel):
                self._count(isinstance(notice, ChannelUp), channel, peer)

    def _count(self, up: bool, channel: str, peer: NodeSpec) -> None:
        """The first lane that is connected, and the last that is lost, make the transition."""
        lanes = self._lanes.pop((peer.name, channel), 0) + (1 if up else -1)
        if lanes:
            self._lanes[peer.name, channel] = lanes
        if lanes == up:
            self._tell((up, channel), peer)

    def _tell(self, transition: Transition, peer: NodeSpec) -> None:
        self._due += [
            (one, peer) for one in self._all if one.transition == transition and one.peer in (None, peer.name)
        ]
        if self._calling:
            return
        self._calling = True
        try:
            while self._due:
                self._call(*self._due.popleft())
        finally:
            self._calling = False

    def _call(self, subscription: Subscription, peer: NodeSpec) -> None:
        if subscription not in self._all:
            return
        try:
            subscription.callback(peer)
        except Exception as error:
            self._kernel.journal.counters["callback_errors"] += 1
            log.exception("%s: the callback %r raised; all others go on", self._kernel.me.name, subscription.callback)
            if self._kernel.config.node.strict:
                self._kernel.nursery.start_soon(_stop_node, error)


async def _stop_node(error: Exception) -> None:
    """Raise in a task of the node's own: where the callback was called, the kernel is in the middle of something."""
    raise error
