"""Nodes without a link to which acknowledged messages go through relays: which life each is, and when it is down.

Nobody here sees such a node. It is down when a newer life answers or is heard of; or when for `_GRACES` graces no relay
was found that has a link to it, as a monitor of it tells (decision 0039). That one relay is gone says nothing of it.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain

import trio
from msgspec import Struct

from partisan_core.config.model import LinkConfig
from partisan_core.downs import DownReason
from partisan_core.drops import DropReason
from partisan_core.errors import NodeDown, Undelivered
from partisan_core.identity import NodeSpec
from partisan_core.kernel.channels import Channel
from partisan_core.kernel.journal import Journal
from partisan_core.kernel.mail import Mail
from partisan_core.kernel.outbound import Outbound
from partisan_core.kernel.peer import another_life
from partisan_core.kernel.telling import fail_lane, tell_losses
from partisan_core.monitors import Monitor
from partisan_core.refs import Ref
from partisan_core.wire.frames import Frame, Kind
from partisan_core.wire.relaying import decode_standing

_GRACES = 3
"""Of `links.reconnect_grace`. Chosen: when a relay dies in silence its clients find that out one after the other, and
look for another; meanwhile the new relay of one has no link to the other."""

_LOOK = 1.0
"""Seconds between two questions whether a relay has a link to it (chosen: each is one message and its answer)."""


class Means(Struct, frozen=True, eq=False):
    """What remote nodes need of this one."""

    mail: Mail
    monitor: Callable[[Ref, str], Monitor]
    routes_changed: Callable[[], None]
    journal: Journal
    nursery: trio.Nursery
    links: Callable[[], LinkConfig]
    idle_timeout: float


class Remote:
    """One node. Of its lives, the one that was meant by who sent, or that answered first."""

    def __init__(self, name: str, incarnation: int | None, means: Means, ended: Callable[[], None]) -> None:
        self.spec = NodeSpec(name, incarnation or 0, 0)
        """With incarnation 0 while any life is meant; with instance 0 until it has answered."""
        self.lanes: dict[tuple[str, int], Outbound] = {}
        self._means, self._ended = means, ended
        self._monitor: Monitor | None = None
        self._missing_since: float | None = None
        self._is_over = False

    def open(self, channel: Channel, index: int) -> Outbound:
        """The lane of that channel, made when it is new."""
        outbound = self.lanes.get((channel.name, index))
        if outbound is None:
            outbound = self.lanes[channel.name, index] = Outbound(channel, index, self, self._means.nursery)
            if self._monitor is None:
                self._watch(channel)
                self._end_unused(channel)
            self._means.routes_changed()
        return outbound

    async def post(self, outbound: Outbound, frame: bytes) -> None:
        """See `outbound.Courier`."""
        await self._means.mail.post(self._ref, outbound, frame)

    def post_nowait(self, outbound: Outbound, frame: bytes) -> None:
        """See `outbound.Courier`."""
        self._means.mail.post_nowait(self._ref, outbound, frame)

    def fail(self, error: NodeDown, reason: DropReason) -> None:
        """It is down."""
        self._end()
        for outbound in self.lanes.values():
            fail_lane(self._means.journal.report, self.spec, outbound.lane, error, reason)

    # -- what arrives from it -----------------------------------------------------------------------------------

    def on_standing(self, life: NodeSpec, outbound: Outbound, token: int, frame: Frame) -> bool:
        """An answer; returns whether it is one to what was asked. Raises as `Outbound.on_standing`."""
        if not frame.number or frame.number != outbound.question:
            return False
        if not self.spec.instance and self.spec.incarnation in (0, life.incarnation):
            self.spec = life
        if life.life > self.spec.life:
            self.fail(another_life(life), DropReason.NODE_RESTARTED)
        elif life.life == self.spec.life:
            losses = outbound.on_standing(token, decode_standing(frame.body))
            tell_losses(self._means.journal, self.spec, outbound.lane, losses)
            self._means.routes_changed()  # the lane may be a new one
        return True

    # -- is it there? -------------------------------------------------------------------------------------------

    def _watch(self, channel: Channel) -> None:
        if not self._is_over:
            monitor = self._monitor = self._means.monitor(self._ref, channel.name)
            monitor.changed = lambda: self._on_monitor(monitor, channel)
            if monitor.is_over:
                monitor.changed()

    def _on_monitor(self, monitor: Monitor, channel: Channel) -> None:
        if not monitor.is_over:
            self._missing_since = None
            return
        now, patience = trio.current_time(), _GRACES * self._means.links().reconnect_grace
        since = self._missing_since = now if self._missing_since is None else self._missing_since
        why = str(monitor.refusal) if monitor.down is None else monitor.down.detail
        if monitor.down is not None and monitor.down.reason is DownReason.RESTARTED:
            self.fail(NodeDown(f"node {self.spec} is down: {why}"), DropReason.NODE_RESTARTED)
        elif now - since >= patience:
            self.fail(NodeDown(f"node {self.spec.name} cannot be reached: {why}"), DropReason.NODE_UNREACHABLE)
        else:
            channel.call_later(_LOOK, lambda: self._watch(channel))

    # -- inside -------------------------------------------------------------------------------------------------

    @property
    def _ref(self) -> Ref:
        return Ref.reserved(self.spec.name, "", self.spec.incarnation or None)

    def _end_unused(self, channel: Channel, before: int = -1) -> None:
        """Let it go when nothing was sent for the idle timeout, and nothing waits."""
        sent = sum(outbound.lane.session.sent for outbound in self.lanes.values())
        if sent == before and all(outbound.is_settled for outbound in self.lanes.values()) and not self._is_over:
            self._end()
        elif not self._is_over:
            channel.call_later(self._means.idle_timeout, lambda: self._end_unused(channel, sent))

    def _end(self) -> None:
        self._is_over = True
        if self._monitor is not None:
            self._monitor.cancel()
        for outbound in self.lanes.values():
            outbound.end()
        self._ended()
        self._means.routes_changed()


class Remotes:
    """All of one node."""

    means: Means

    def __init__(self) -> None:
        self._table: dict[str, Remote] = {}

    def find(self, ref: Ref, channel: Channel, index: int) -> Outbound | None:
        """The lane, if there is one: what is sent now must not overtake it."""
        remote = self._table.get(ref.node)
        return None if remote is None else remote.lanes.get((channel.name, index))

    def open(self, ref: Ref, channel: Channel, index: int) -> Outbound:
        """The lane to a node or, if `ref` says so, to one life of it.

        Raises:
            NodeDown: a newer one has answered.
        """
        name, meant = ref.node, ref.incarnation
        remote = self._table.get(name)
        if remote is not None and meant is not None and remote.spec.incarnation not in (0, meant):
            if meant < remote.spec.incarnation:
                raise NodeDown(f"{ref} is of another life than {remote.spec}, which has answered; nothing was sent")
            remote.fail(another_life(NodeSpec(name, meant, 0)), DropReason.NODE_RESTARTED)
            remote = None
        if remote is None:
            remote = self._table[name] = Remote(name, meant, self.means, lambda: self._table.__delitem__(name))
        elif meant is not None and not remote.spec.incarnation:
            remote.spec = NodeSpec(name, meant, 0)
        return remote.open(channel, index)

    def take(self, origin: NodeSpec, channel: Channel, index: int, token: int, frame: Frame) -> bool:
        """A word of the receiver's end; returns whether there is such a session.

        Raises:
            FrameError: it speaks of what was never sent. Nothing has changed.
        """
        remote = self._table.get(origin.name)
        outbound = self.find(Ref.reserved(origin.name, ""), channel, index)
        if remote is None or outbound is None:
            return False
        if frame.kind == Kind.WELCOME:
            return remote.on_standing(origin, outbound, token, frame)
        return remote.spec.life == origin.life and outbound.on_receipt(token, frame)

    def resize_lanes(self) -> None:
        """Give each lane the bounds that its channel has now."""
        for outbound in self._outbounds():
            settings = outbound.channel.settings
            outbound.lane.resize(settings.queue_messages, settings.queue_bytes)

    async def flush(self) -> None:
        """Wait until all that is to be acknowledged is, or is lost."""
        for outbound in list(self._outbounds()):
            with suppress(Undelivered):
                await outbound.lane.progress.wait(outbound.lane.acked_until)

    def end(self, error: NodeDown) -> None:
        """This life of the node is over."""
        for remote in list(self._table.values()):
            remote.fail(error, DropReason.NODE_RELEASED)

    def _outbounds(self) -> Iterator[Outbound]:
        return chain.from_iterable(remote.lanes.values() for remote in self._table.values())
