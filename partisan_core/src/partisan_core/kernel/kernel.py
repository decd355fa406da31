"""The wiring of one node: configuration and plugins become parts, parts are bound to each other, once."""

import random
from collections.abc import Mapping, Sequence

import trio
from msgspec.structs import replace

from partisan_core.config.model import Config, LinkConfig
from partisan_core.errors import NodeClosed, NodeDown
from partisan_core.events import Leave, Reason, Started
from partisan_core.host import StrategyHost
from partisan_core.identity import NodeSpec
from partisan_core.interposition import Interposition
from partisan_core.kernel.budget import Budget
from partisan_core.kernel.channel_making import ChannelMaker
from partisan_core.kernel.channels import MEMBERSHIP, MembershipCodec, offer
from partisan_core.kernel.compressing import Compressions
from partisan_core.kernel.connection import Connection, Owner, Shaken
from partisan_core.kernel.detecting import Detecting
from partisan_core.kernel.doorway import Doorway
from partisan_core.kernel.driver import Driver
from partisan_core.kernel.ending import end_peer, finish_dials
from partisan_core.kernel.handshaking import Shaker
from partisan_core.kernel.heartbeat import Heartbeat
from partisan_core.kernel.inbound import Inbounds
from partisan_core.kernel.journal import Journal
from partisan_core.kernel.judge import Judge
from partisan_core.kernel.lane import Lane
from partisan_core.kernel.letters import Letters
from partisan_core.kernel.mail import Mail
from partisan_core.kernel.monitoring import Monitoring
from partisan_core.kernel.ordering import Ordering
from partisan_core.kernel.outlets import Outlets
from partisan_core.kernel.peer import LaneKey, Peer
from partisan_core.kernel.peers import Peers
from partisan_core.kernel.postoffice import PostOffice
from partisan_core.kernel.reader import common_buffer
from partisan_core.kernel.relaying import Relay
from partisan_core.kernel.remembering import Remembering
from partisan_core.kernel.remotes import Means, Remotes
from partisan_core.kernel.routing import Routing
from partisan_core.kernel.security import Security
from partisan_core.kernel.selecting import select, select_checksums
from partisan_core.kernel.state import StateFile
from partisan_core.kernel.timers import Timers
from partisan_core.kinds import Listener, Transport, Wire
from partisan_core.mailboxes import Feeder
from partisan_core.notices import Snapshot
from partisan_core.plugins import Plugins
from partisan_core.strategy import MembershipStrategy
from partisan_core.surroundings import Surroundings
from partisan_core.wire.limits import LEAST_BODY, NONCE_SENT
from partisan_core.wire.messages import Hello

_BODY_MARGIN = 64 * 1024
"""Bytes that the frame of one largest message may have beyond it: its count, what joins it (chosen)."""


class Kernel:
    """All parts of a running node. `Node` is its face."""

    def __init__(
        self,
        config: Config,
        plugins: Plugins,
        me: NodeSpec,
        state: StateFile,
        transport: Transport,
        listeners: Sequence[Listener],
        security: Security,
        surroundings: Surroundings,
        nursery: trio.Nursery,
    ) -> None:
        self.config, self.me, self._state, self.security = config, me, state, security
        self.transport, self.listeners = transport, listeners
        self.nursery = nursery
        self._surroundings = surroundings
        self.rng = random.Random(surroundings.chance.getrandbits(64))
        self.left = False
        self.interposition: Interposition | None = None
        self.renewing = trio.Lock()
        """Held while a new life begins after `leave`."""
        self.timers = Timers()
        self.journal = Journal(me.name, self._snapshot)
        self.postoffice = PostOffice(config.mailboxes.messages, self.journal)
        self.plugins = plugins
        self._overlay, self.overlay_options = select(config, "overlay", plugins.overlay)
        self._checksums = select_checksums(config, plugins)
        self._read_buffer = common_buffer()
        self._max_body = max(LEAST_BODY, config.limits.message + _BODY_MARGIN)
        self.strategy = self._make_strategy()
        self.compressions = Compressions(plugins)
        self.channel_maker = ChannelMaker(
            plugins, self.compressions, self.postoffice.deliver, self.journal.drop, self.timers.call_later, self.rng
        )
        own = MembershipCodec(self.strategy.messages), self._deliver_membership
        self.channels = self.channel_maker.make_all(config, *own)
        self._make_parts()

    # -- making -------------------------------------------------------------------------------------------------

    def _make_strategy(self) -> MembershipStrategy:
        return self._overlay.make(self.me, self.overlay_options, self.rng)

    def _make_parts(self) -> None:
        config = self.config
        self.peers = Peers(
            self._connect,
            self.channels,
            self._links,
            config.routing.idle_timeout,
            config.limits.unfinished,
            self.timers,
            self.journal,
            self.nursery,
            self.rng,
        )
        self.driver = Driver(
            StrategyHost(self.strategy),
            self.channels[MEMBERSHIP].codec,
            self.peers,
            self.timers,
            self.journal,
            config.node.strict,
        )
        plugin, options = select(config, "failure_detector", self.plugins.failure_detector)
        detector = plugin.make(options, self.rng)
        self.detecting = Detecting(detector, config, self.members, self.peers, self.timers, self.journal, self.driver)
        self.remembering = Remembering(self._state, self.me.name, self._strategy_snapshot, self.journal)
        self.judge = Judge(
            lambda: self.me,
            self.members,
            self.channels,
            self.peers,
            config.security.deny,
            self._surroundings.wall_clock,
        )
        self._shaker = shaker = Shaker(
            self._introduce,
            self.security.keyring,
            self._checksums,
            self.judge,
            self._lane_of,
            self.compressions.packs,
            self.peers.on_losses,
            self.rng,
        )
        self.doorway = Doorway(
            shaker,
            self.peers,
            self.transport,
            self._links,
            self.journal,
            self.nursery,
            self.security.origin,
            self._on_stale,
        )
        given = config.routing.unconnected
        rule = self._overlay.unconnected if given == "overlay" else given
        routing = Routing(
            rule,
            config.overlay.use,
            self.members,
            self._next_hop,
            lambda: self.driver.host.neighbours,
            self.peers,
            lambda: self.judge.barred is None,
        )
        self.remotes = Remotes()
        limit = config.limits.message
        self.outlets = Outlets(
            self.check_member, lambda: self.me, self.channels, self.peers, routing, self.postoffice, self.remotes, limit
        )
        self.monitoring = Monitoring(
            self.detecting.on_link,
            lambda: self.me,
            self.judge,
            self.outlets,
            self.peers,
            self.postoffice,
            self.journal,
            self.timers.call_later,
            self.nursery,
            rule == "relay",
            config.limits.monitors,
        )
        self.peers.on_link = self.monitoring.on_link
        self.ordering = Ordering(self.outlets, self.postoffice)
        self.peers.dial = self.doorway.dial
        self.peers.pins.may_dial = routing.may_dial
        mail = Mail(lambda: self.me, self.outlets.find_peer, self.peers)
        watch, forget, idle = self.monitoring.monitors.open, self.outlets.forget, config.routing.idle_timeout
        self.remotes.means = Means(mail, watch, forget, self.journal, self.nursery, self._links, idle)
        inbounds = Inbounds(self.peers, limit, self._max_body, self.rng)
        letters = Letters(mail, inbounds, self.remotes, self._max_body, self.journal.drop)
        relay = Relay(rule == "relay", config.security.deny, self.members, self.peers, letters, self.journal.drop)
        self.peers.on_letters = relay.take_in
        self.peers.routes_changed = self.outlets.forget

    def interpose(self, interposition: Interposition) -> None:
        """Let it stand between this node and its wires; before `start`."""
        self.interposition = self.doorway.interposition = self._shaker.interposition = interposition

    # -- living -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin: answer the door, keep time, start the overlay."""
        self.nursery.start_soon(self.timers.run)
        if self.security.open_at:
            self.nursery.start_soon(self.security.warn)
        self.nursery.start_soon(Heartbeat(self._links).run, self.connections)
        for listener in self.listeners:
            self.nursery.start_soon(self.doorway.serve, listener)
        if self.config.node.data_dir is not None:
            self.nursery.start_soon(self.remembering.run)
        if self.config.node.rejoin and self._state.content.snapshot:
            with self.driver.guard("the overlay"):
                self.strategy.restore(self._state.content.snapshot)
        self.detecting.start(self.me)
        self.driver.feed(Started())

    async def renew(self) -> None:
        """Begin a new life after `leave`: a newer incarnation, a fresh strategy."""
        incarnation = await self.remembering.begin_life()
        self.peers.end_all()  # whose dial was on its way when the others were let go
        self.me = replace(self.me, incarnation=incarnation, instance=self._surroundings.chance.getrandbits(64))
        self.strategy = self._make_strategy()
        self.driver.host = StrategyHost(self.strategy)
        self.left, self.judge.barred = False, None
        self.outlets.forget()
        self.detecting.start(self.me)
        self.driver.feed(Started())

    async def leave(self) -> None:
        """Tell the others, flush, let go; the node stays open, alone."""
        self.check_member()
        await self._finish_dials()
        self.check_member()
        self.left = True
        self.driver.feed(Leave())
        self.judge.barred = "has left the cluster; join again, as a new incarnation"
        await self.remembering.forget()
        await self.let_go(Reason.LEFT)

    async def stop(self) -> None:
        """Flush, say goodbye, close all; at most `links.flush_timeout`, and half of it for dials and relays before."""
        await self._finish_dials()
        self.judge.barred = "is closing"
        for listener in self.listeners:
            listener.close()
        await self.let_go(Reason.GONE)
        self.postoffice.close_all()
        self.monitoring.close()
        await self.remembering.save()

    async def _finish_dials(self) -> None:
        patience = self.config.links.flush_timeout / 2
        with trio.move_on_after(patience):
            await finish_dials(self.peers.table, self.journal, patience)
            await self.remotes.flush()

    async def let_go(self, reason: Reason) -> None:
        """End every connection in good order; what is sent from now on meets `check_member`."""
        self.outlets.forget()
        async with trio.open_nursery() as nursery:
            for peer in list(self.peers.table.values()):
                peer.link.release()
                nursery.start_soon(end_peer, peer, reason, self.config.links.flush_timeout)
        self.peers.end_all()
        self.remotes.end(NodeDown(f"node {self.me} has ended"))

    def check_member(self) -> None:
        """Raise `NodeClosed` when this node has left or is closing."""
        if self.judge.barred is not None:
            raise NodeClosed(f"node {self.me.name} {self.judge.barred}; nothing was done")

    # -- what parts ask for -------------------------------------------------------------------------------------

    def members(self) -> Mapping[str, NodeSpec]:
        """Whom the overlay knows; once this node has left, itself alone."""
        return {self.me.name: self.me} if self.left else self.strategy.members()

    def _links(self) -> LinkConfig:
        """As they are now: see `reloading`."""
        return self.config.links

    def _snapshot(self) -> Snapshot:
        neighbours = self.driver.host.neighbours
        return Snapshot(tuple(self.members().values()), tuple(neighbours.values()))

    def _strategy_snapshot(self) -> bytes:
        with self.driver.guard("the overlay"):
            return self.strategy.snapshot()
        return b""

    def _next_hop(self, name: str) -> str | None:
        with self.driver.guard("the overlay"):
            return self.strategy.next_hop(name)
        return None

    def _deliver_membership(self, peer: NodeSpec, batch: list[tuple[str, object]], feeder: Feeder | None) -> None:
        self.detecting.deliver(peer, batch)

    def _on_stale(self, life: NodeSpec) -> None:
        """A newer life than that one is known: we are who has to go, unless we are that newer life."""
        if life == self.me:
            self.driver.retire(Reason.NAME_IN_USE)

    def _introduce(self, key: LaneKey, wire: Wire) -> Hello:
        channel, lane = key
        return Hello(
            cluster=self.config.node.cluster,
            overlay=self.config.overlay.use,
            overlay_version=self._overlay.version,
            node=self.me,
            channel=channel,
            lane=lane,
            channels=offer(self.channels),
            serializer=self.channels[channel].codec_name,
            max_message=self.config.limits.message,
            nonce=self._surroundings.chance.randbytes(NONCE_SENT),
            keyed=self.security.wants_keyed(wire.remote),
            checksums=tuple(self._checksums),
            unpacks=self.compressions.unpacks,
            packs=self.compressions.packs(channel),
            acknowledges=True,
            detector=self.detecting.name,
        )

    def _lane_of(self, hello: Hello) -> Lane | None:
        """The lane a handshake is about: of the known life, or for a new life's membership a fresh one."""
        peer = self.peers.table.get(hello.node.name)
        if peer is not None and peer.spec.life == hello.node.life:
            return peer.lane((hello.channel, hello.lane))
        return self.channels[MEMBERSHIP].open_lane(0) if hello.channel == MEMBERSHIP else None

    def _connect(self, shaken: Shaken, owner: Owner, peer: Peer) -> Connection:
        channel = self.channels[shaken.lane.channel]
        packing = self.compressions.agree(channel.name, shaken.hello)
        # the membership lane has a budget of its own: it is never kept from being read
        budget = Budget(self._max_body) if channel.name == MEMBERSHIP else peer.budget
        connection = Connection(shaken, channel, packing, owner, self._read_buffer, self._max_body, budget)
        if self.interposition is not None:
            self.interposition.connected(connection)
        return connection

    def connections(self) -> Sequence[Connection]:
        """All that are open."""
        return [connection for peer in self.peers.table.values() for connection in peer.connections.values()]
