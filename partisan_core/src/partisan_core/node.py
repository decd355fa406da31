"""The face of a node: what an application does with it."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import trio

from partisan_core.config.model import Config
from partisan_core.downs import NodeChange
from partisan_core.errors import FaultError
from partisan_core.identity import Address, NodeSpec, check_name
from partisan_core.kernel import directory, joining, operations
from partisan_core.kernel.journal import NoticeStream, Stream
from partisan_core.kernel.kernel import Kernel
from partisan_core.kernel.reloading import take_over
from partisan_core.kernel.report import Report
from partisan_core.kernel.subscriptions import Subscription, Subscriptions
from partisan_core.mailboxes import Mailbox
from partisan_core.messaging import Messaging
from partisan_core.monitors import Monitor
from partisan_core.refs import Ref
from partisan_core.views import Change, ChannelRow, ConnectionRow, LinkRow, MemberRow, Status


class Node(Messaging):
    """A member of a cluster. Made by `open_node`."""

    def __init__(self, kernel: Kernel, load: Callable[[], Config]) -> None:
        super().__init__(kernel)
        self._load = load
        self._reloading = trio.Lock()
        self._subscriptions = Subscriptions(kernel)
        self._report = Report(kernel)
        self._end_asked = trio.Event()

    @property
    def name(self) -> str:
        """The stable label of this node."""
        return self._kernel.me.name

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where it is dialled, with real ports."""
        return self._kernel.me.addresses

    def spec(self, peer: str | None = None) -> NodeSpec:
        """What a peer, or without an argument this node, tells about itself: life, addresses, labels, metadata.

        Raises:
            UnknownNode: neither a member nor connected, with the nearest name.
        """
        return directory.spec(self._kernel, peer)

    # -- membership ---------------------------------------------------------------------------------------------

    async def join(self, *contacts: str | Address, fully: bool = False) -> None:
        """Join through the first contact that answers; tries until connected, so a cancel scope is the deadline.

        A contact that has not answered after 0.25 s is no longer waited for: the next one is tried beside it.
        After `leave` it joins as a new incarnation.

        Args:
            *contacts: addresses of nodes of the cluster.
            fully: return only when every lane to the contact that answered is connected.

        Raises:
            JoinError: every contact refused for good: wrong cluster, overlay, version, or this node itself.
            NameInUse: a living node has this node's name.
            AddressError: a contact is no address.
            NodeClosed: this node left, was evicted or is closing meanwhile.
        """
        addresses = [Address.parse(contact) if isinstance(contact, str) else contact for contact in contacts]
        await joining.join(self._kernel, addresses, fully=fully)

    async def leave(self) -> None:
        """Leave the cluster: tell the others, flush what is queued for at most `links.flush_timeout`, let go.

        Raises:
            NodeClosed: it has left already.
        """
        await self._kernel.leave()

    def evict(self, name: str) -> None:
        """Remove a member, living or dead, from the cluster.

        Raises:
            UnknownNode: no such member, with the nearest name.
            CapabilityError: the overlay cannot evict; says which of those installed can.
        """
        operations.evict(self._kernel, name)

    async def reconcile(self, contacts: Sequence[str]) -> None:
        """Make the cluster consist of exactly the nodes at `contacts` (addresses) and this one.

        The missing are joined, the others evicted. An empty list changes nothing; this node's own address alone
        evicts all others.

        Raises:
            JoinError: a contact could not be asked who it is; nothing was changed.
            CapabilityError: the overlay cannot reconcile; says which of those installed can.
        """
        await operations.reconcile(self._kernel, [Address.parse(contact) for contact in contacts])

    def reserve(self, label: str, value: str, slots: int = 1) -> None:
        """Keep places among the neighbours for nodes whose `label` has this `value`; 0 gives them back.

        Raises:
            CapabilityError: the overlay has no `reserved_slots`; says which of those installed have.
            ValueError: `slots` is negative.
        """
        operations.reserve(self._kernel, label, value, slots)

    def members(self) -> tuple[NodeSpec, ...]:
        """Whom the overlay knows, this node included, by name."""
        members = self._kernel.members()
        return tuple(members[name] for name in sorted(members))

    def neighbours(self) -> tuple[str, ...]:
        """To whom there is a wanted, working link, by name."""
        return tuple(sorted(self._kernel.driver.host.neighbours))

    def nodes(self, kind: Literal["known", "visible"] = "visible") -> tuple[str, ...]:
        """Names: of the nodes to which a link works, whoever wants it; or of the members, this node included."""
        return directory.nodes(self._kernel, kind)

    async def wait_neighbours(self, count: int = 1) -> None:
        """Wait until there are at least `count` neighbours."""
        await trio.lowlevel.checkpoint()
        while len(self._kernel.driver.host.neighbours) < count:
            await self._kernel.driver.changed.park()

    # -- connections --------------------------------------------------------------------------------------------

    def is_connected(self, peer: str, channel: str | None = None) -> bool:
        """True while at least one lane to `peer`, of that channel or of any, is connected; always true of itself.

        Raises:
            UnknownNode, UnknownChannel: with the nearest name.
        """
        return directory.is_connected(self._kernel, peer, channel)

    def is_fully_connected(self, peer: str) -> bool:
        """True while every lane that both ends have is connected; raises as `is_connected`."""
        return directory.is_fully_connected(self._kernel, peer)

    def disconnect(self, peer: str) -> None:
        """Break all connections to `peer`, and nothing else: it stays a member, and no down is told.

        A link that either end wants is dialled again, and its sessions resume: what is queued arrives. What is on its
        way when they break may be lost, as ever, and is told as a `Gap`. A peer without connections is left alone.

        Raises:
            UnknownNode: with the nearest name.
        """
        operations.disconnect(self._kernel, self.spec(peer).name)

    def on_up(
        self, callback: Callable[[NodeSpec], object], *, peer: str | None = None, channel: str | None = None
    ) -> Subscription:
        """Call `callback(spec)` each time when a neighbour, or only `peer`, comes up: once, before its first message.

        With a `channel`: each time when the first lane of it to a peer is connected, neighbour or not. What is up
        already is no event: see `neighbours`, `is_connected`.

        The callback is called inside the node, at the moment of the transition; it must not block. One that raises is
        logged and counted (`callback_errors`), and disturbs nobody; with `node.strict` the node stops with its error.

        Raises:
            UnknownChannel: with the nearest name.
            InvalidName: `peer` cannot be a name. It need not be known yet.
            TypeError: the callback is async.
        """
        return self._subscriptions.open(callback, up=True, peer=peer, channel=channel)

    def on_down(
        self, callback: Callable[[NodeSpec], object], *, peer: str | None = None, channel: str | None = None
    ) -> Subscription:
        """The same when a neighbour goes down, after its last message; or the last lane of a channel is lost."""
        return self._subscriptions.open(callback, up=False, peer=peer, channel=channel)

    # -- the configuration --------------------------------------------------------------------------------------

    async def reload(self, config: Config | None = None) -> tuple[Change, ...]:
        """Take over a `Config`, or what is read again from where `open_node` had it: all of it, or nothing.

        Returns what is different now. New channels, and the keys that the reference marks, can change. A channel can be
        used with a peer as soon as both ends have it. Since: 1.3

        Raises:
            RestartNeeded: anything else differs; nothing was changed.
            ConfigError, PluginError: with everything that is wrong; nothing was changed.
        """
        async with self._reloading:
            if config is None:
                config = await trio.to_thread.run_sync(self._load)
            return take_over(self._kernel, config)

    # -- the end ------------------------------------------------------------------------------------------------

    async def wait_end_asked(self) -> None:
        """Wait until an operator asks this node to end (`partisan leave`); who waits here then has to end it."""
        await self._end_asked.wait()

    def ask_end(self) -> bool:
        """Wake those who wait in `wait_end_asked`. False: nobody does, so that the node goes on."""
        waiting = self._end_asked.statistics().tasks_waiting > 0
        self._end_asked.set()
        return waiting

    # -- monitors -----------------------------------------------------------------------------------------------

    async def monitor(
        self, ref: str | Ref, *, tag: object = None, channel: str = "default", to: Mailbox | None = None
    ) -> Monitor:
        """Watch a mailbox, here or elsewhere; returns when that is set, after one round trip, or down already.

        Exactly one `Down(ref, reason, tag)` is told by `Monitor.wait`, and put into the mailbox `to`, behind what was
        sent to that one over `channel` before. A reference by name means the life that there is. Since: 1.3

        Raises:
            InvalidName: `ref` is no reference.
            UnknownChannel, NotConnected, NodeClosed: there is no way to ask; nothing was set.
            MonitorError: the channel cannot carry it, or the other node takes no more monitors; nothing was set.
            MailboxError: `to` is closed.
        """
        return await operations.monitor(self._kernel, ref if isinstance(ref, Ref) else Ref.parse(ref), tag, channel, to)

    async def monitor_node(
        self, name: str, *, tag: object = None, channel: str = "default", to: Mailbox | None = None
    ) -> Monitor:
        """Watch the life of a node that there is; as `monitor`, but for the name in `Down.ref`. Since: 1.3."""
        whole = Ref.reserved(check_name(name), "")
        return await operations.monitor(self._kernel, whole, tag, channel, to)

    @asynccontextmanager
    async def monitor_nodes(self) -> AsyncIterator[Stream[NodeChange]]:
        """Open a stream: `Nodes` to which links work, then `NodeUp` and `NodeDown` of each, bounded. Since: 1.3."""
        with self._kernel.monitoring.open_stream() as stream:
            yield stream

    async def is_alive(self, ref: str | Ref, *, channel: str = "default") -> bool:
        """Whether there is such a mailbox and a way to it; asks its node. Raises as `monitor`. Since: 1.3."""
        with await self.monitor(ref, channel=channel) as monitor:
            return monitor.down is None

    # -- seeing -------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def open_events(self) -> AsyncIterator[NoticeStream]:
        """Open a stream of notices (see `partisan_core.notices`): a snapshot, then differences; bounded."""
        with self._kernel.journal.open_stream() as stream:
            yield stream

    def status(self) -> Status:
        """The node at a glance."""
        return self._report.status()

    def member_states(self) -> tuple[MemberRow, ...]:
        """A row for each member, and for those who were one until lately, with its state; by name."""
        return self._report.members()

    def connections(self) -> tuple[ConnectionRow, ...]:
        """A row for each lane to each peer, by peer, the membership lane first."""
        return self._report.connections()

    def channels(self) -> tuple[ChannelRow, ...]:
        """A row for each channel with what its connections carried since the start; by name."""
        return self._report.channels()

    def links(self) -> tuple[LinkRow, ...]:
        """A row for each peer with all that is known of the link to it, its lanes included; by name."""
        return self._report.links()

    async def ping(self, name: str) -> float:
        """Return the seconds a member takes to answer over the membership connection; the deadline is the caller's.

        Raises:
            UnknownNode: no such member, with the nearest name.
            NodeDown: there is no connection to it.
        """
        return await operations.ping(self._kernel, name)

    @property
    def faults(self) -> Any:  # noqa: ANN401 - its class is that of the distribution, which the core does not know
        """The faults to inject into this node: a `partisan_faults.Faults`. Since: 1.3.

        Raises:
            FaultError: they are not enabled.
        """
        if self._kernel.interposition is None:
            raise FaultError(
                f"faults are not enabled on node {self.name}; nothing was done. Install partisan-faults, set "
                f"[faults] enabled = true in its configuration, and start it again"
            )
        return self._kernel.interposition

    @property
    def dropped(self) -> Counter[str]:
        """Messages that were not delivered, by reason, since the start."""
        return self._kernel.journal.dropped

    @property
    def counters(self) -> Counter[str]:
        """How often each kind of notice was reported since the start; and, in small letters, what has no notice."""
        return self._kernel.journal.counters
