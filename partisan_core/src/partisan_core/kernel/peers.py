"""The table of peers: does what their links ask for, and tells the membership what became of it."""

import random
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import trio

from partisan_core.config.model import LinkConfig
from partisan_core.drops import DropReason, with_node
from partisan_core.errors import NodeDown, WouldBlock
from partisan_core.events import Reason
from partisan_core.identity import NodeSpec
from partisan_core.kernel import telling
from partisan_core.kernel._links import Action, Change, Dial, Down, Failed, Link, Lost, Resumed, StartGrace, Up
from partisan_core.kernel.announcing import Announcing
from partisan_core.kernel.channels import Channel
from partisan_core.kernel.connection import Connection, Owner, Shaken
from partisan_core.kernel.ending import Lingering
from partisan_core.kernel.journal import Journal
from partisan_core.kernel.lane import Lane, Room
from partisan_core.kernel.peer import MEMBERSHIP_LANE, Failure, LaneKey, Peer, Trouble, another_life
from partisan_core.kernel.pins import Pins
from partisan_core.kernel.redialling import LaneDialling
from partisan_core.kernel.timers import Timers
from partisan_core.kernel.traffic import Traffic
from partisan_core.mailboxes import Feeder
from partisan_core.notices import ChannelDown, ChannelUp, DialRefused
from partisan_core.wire.control import Interest
from partisan_core.wire.messages import Hello
from partisan_core.wire.relaying import Letter
from partisan_core.wire.session import Losses

_STRANGERS = 256
"""To how many a link is dialled at once for no more than a message of the overlay: peers may make them up. Chosen."""


class Peers:
    """All peers of one node, by name."""

    on_link: Callable[[NodeSpec, Change], None]
    """The membership, which is told what becomes of links."""
    dial: Callable[[Peer, LaneKey], Awaitable[None]]
    """Dials one lane of a peer, in a task of its own; the end is told to `dial_ended`."""
    on_letters: Callable[[Channel, NodeSpec, list[Letter], Feeder], Room | None]
    """Takes in messages for and from third nodes."""

    def __init__(
        self,
        connect: Callable[[Shaken, Owner, Peer], Connection],
        channels: Mapping[str, Channel],
        settings: Callable[[], LinkConfig],
        idle_timeout: float,
        unfinished: int,
        timers: Timers,
        journal: Journal,
        nursery: trio.Nursery,
        rng: random.Random,
    ) -> None:
        self.table: dict[str, Peer] = {}
        self.routes_changed: Callable[[], None] = lambda: None
        self.traffic = Traffic()
        self._connect = connect
        self.pins = Pins(timers, idle_timeout, self._want, self._let_go)
        self._channels, self._settings, self._unfinished = channels, settings, unfinished
        self._timers, self._journal, self._nursery = timers, journal, nursery
        self._lanes = LaneDialling(self._start_dial, settings, timers, rng)
        self._lingering = Lingering(settings, timers, nursery)
        self.announcing = Announcing(self.table, channels, self._lanes.dial_missing, lambda: self.routes_changed())

    # -- what the membership asks for ---------------------------------------------------------------------------

    def get(self, spec: NodeSpec) -> Peer:
        """The peer of that name, made when it is new; a newer life of a peer that is not up is taken over."""
        peer = self.table.get(spec.name)
        if peer is None:
            link = Link(self._lanes.make_backoff(), self._settings().refusal_pause)
            peer = self.table[spec.name] = Peer(spec, link, self._channels, self._unfinished, self._journal.report)
        elif spec.life > peer.spec.life and not peer.is_up:
            if peer.is_bound:
                self._drop_lanes(peer, another_life(spec), DropReason.NODE_RESTARTED)
            peer.spec = spec
        return peer

    def want(self, spec: NodeSpec) -> None:
        """The overlay wants a link to `spec`."""
        peer = self.get(spec)
        peer.wanted_by_overlay = True
        if spec.life > peer.spec.life:
            self._act(peer, peer.link.superseded())
            peer.spec = spec
        self._want(peer)

    def release(self, spec: NodeSpec) -> None:
        """The overlay no longer wants the link."""
        peer = self.table.get(spec.name)
        if peer is not None:
            peer.wanted_by_overlay = False
            if not self.pins.keeps(peer):
                self._let_go(peer)

    def send(self, spec: NodeSpec, piece: bytes) -> None:
        """Send an encoded overlay message, over an on-demand link when there is none."""
        strangers = (peer for peer in self.table.values() if not (peer.is_up or peer.wanted_by_overlay or peer.lanes))
        if spec.name not in self.table and sum(1 for _ in strangers) >= _STRANGERS:
            self._journal.drop(DropReason.MEMBERSHIP_FULL)
            return
        peer = self.get(spec)
        if not peer.is_up:
            self.pins.pin(peer, self._settings().linger)
        try:
            peer.membership.put_nowait(piece)
        except WouldBlock:
            peer.membership.drop(DropReason.MEMBERSHIP_FULL)

    def try_anew(self, peer: Peer) -> None:
        """Whatever was wrong with the peer is forgotten: a dial that waits for its time begins now."""
        peer.troubles.pop(MEMBERSHIP_LANE, None)
        if peer.link.wanted:
            self._act(peer, [Dial(0.0)])

    def end_all(self) -> None:
        """The local node is no longer a member, and nothing is left to flush: down at once, and no resuming.

        A link that came into the next life would not be told as up there.
        """
        for peer in list(self.table.values()):
            peer.wanted_by_overlay = False
            self._act(peer, peer.link.ended(Reason.RELEASED))
            self._forget_idle(peer)

    # -- what connections tell ----------------------------------------------------------------------------------

    def attach(self, shaken: Shaken) -> None:
        """A handshake has ended well: put a connection to work, unless its peer or lane is over meanwhile."""
        peer = self.get(shaken.hello.node)
        key = (shaken.lane.channel, shaken.lane.index)
        over = peer.spec.life > shaken.hello.node.life
        if over or (key != MEMBERSHIP_LANE and peer.lane(key) is not shaken.lane):
            shaken.wire.close()
            self._forget_idle(peer)
            return
        if key in peer.connections:
            peer.connections[key].replace()
        connection = self._connect(shaken, self, peer)
        self.traffic.begin(connection)
        if key == MEMBERSHIP_LANE:
            self._attach_membership(peer, connection, shaken.hello)
        else:
            self._hold(peer, key, connection)
        if key in peer.troubles:
            peer.troubles[key].resolved = True
        self.on_losses(connection.peer, shaken.lane, shaken.losses)
        self._nursery.start_soon(connection.run)
        self._lanes.dial_missing(peer)

    def on_interest(self, connection: Connection, wanted: bool) -> None:
        """The peer says whether it wants the link."""
        peer = self.table.get(connection.peer.name)
        if peer is not None and peer.connection is connection:
            peer.interested = wanted
            if not (wanted or peer.link.wanted) and peer.is_busy and self.pins.may_dial(peer.spec.name):
                self.pins.pin(peer)
            self._lingering.consider(peer)

    def on_channels(self, connection: Connection, channels: Mapping[str, int]) -> None:
        """The peer has new channels."""
        peer = self.table.get(connection.peer.name)
        if peer is not None and peer.connection is connection and peer.is_up:
            self.announcing.take_in(peer, channels)

    def on_losses(self, peer: NodeSpec, lane: Lane, losses: Losses) -> None:
        """A handshake has shown what the session of a lane lost with its last connection."""
        telling.tell_losses(self._journal, peer, lane, losses)

    def on_gap(self, peer: NodeSpec, lane: Lane, lost: int | None) -> None:
        """A session lost messages of the peer with a connection; None: nobody knows how many."""
        telling.tell_gap(self._journal, peer, lane, lost)

    def on_ended(self, connection: Connection) -> None:
        """A connection is over."""
        self.traffic.end(connection)
        peer = self.table.get(connection.peer.name)
        key = (connection.lane.channel, connection.lane.index)
        if peer is None or peer.connections.get(key) is not connection:
            return
        del peer.connections[key]
        error = connection.error or ""
        peer.troubles[key] = Trouble(error, trio.current_time(), connection.wire.remote)
        self._journal.report(ChannelDown(connection.peer, *key, error=error))
        if key == MEMBERSHIP_LANE:
            self._act(peer, self._membership_ended(peer, connection))
        elif connection.farewell is None:
            self._lanes.ended(peer, key, connection)
        self._forget_idle(peer)

    def dial_ended(self, peer: Peer, key: LaneKey, failure: Failure | None) -> None:
        """A dial task is over; `failure` None: connected, or the peer's own dial of this lane goes on."""
        peer.dialling.discard(key)
        if failure is not None:
            peer.troubles[key] = Trouble(failure.error, trio.current_time(), failure.address, failure.code)
        if key != MEMBERSHIP_LANE:
            if failure is not None:
                self._journal.report(DialRefused(peer.spec, failure.reason, failure.error))
            self._lanes.dialled(peer, key)
        elif failure is not None:
            self._act(peer, peer.link.dial_failed(failure.reason))
        elif peer.connection is None:
            self._act(peer, peer.link.dial_yielded())
        self._forget_idle(peer)

    # -- links --------------------------------------------------------------------------------------------------

    def _act(self, peer: Peer, actions: list[Action]) -> None:
        peer.note_state()
        for action in actions:
            match action:
                case Dial(after=after):
                    peer.dial_due = trio.current_time() + after
                    self._timers.call_later(after, partial(self._dial_membership, peer, peer.dial_due))
                case StartGrace(token=token):
                    self._timers.call_later(self._settings().reconnect_grace, partial(self._grace_expired, peer, token))
                case Up():
                    self._bring_up(peer)
                case Lost() | Resumed():
                    self.on_link(peer.spec, action)
                case Down():
                    self._take_down(peer, action)
                case Failed():
                    self._dial_failed(peer, action)

    def _attach_membership(self, peer: Peer, connection: Connection, hello: Hello) -> None:
        actions = peer.link.connected(connection.peer.life)
        if any(isinstance(action, Down) for action in actions):
            self._take_down(peer, Down(Reason.RESTARTED))
        peer.spec, peer.detector = connection.peer, hello.detector
        if peer.membership is not connection.lane:
            peer.membership.fail(another_life(peer.spec), DropReason.NODE_RESTARTED)
            peer.membership = connection.lane
        peer.interested = not connection.dialled
        if Up() in actions:
            peer.open_lanes(hello)
        self.announcing.repeat(connection)
        self._hold(peer, MEMBERSHIP_LANE, connection)
        self._act(peer, [action for action in actions if not isinstance(action, Down)])
        self._tell_interest(peer)

    def _hold(self, peer: Peer, key: LaneKey, connection: Connection) -> None:
        """It is the connection of that lane now; one that takes over from another is no event."""
        is_new = key not in peer.connections
        peer.connections[key] = connection
        if is_new:
            self._journal.report(ChannelUp(connection.peer, *key))

    def _bring_up(self, peer: Peer) -> None:
        peer.up = peer.spec
        self.routes_changed()
        self.on_link(peer.spec, Up())

    def _take_down(self, peer: Peer, down: Down) -> None:
        up, peer.up, peer.interested = peer.up, None, False
        for connection in list(peer.connections.values()):
            if connection.reader.paused:  # one that dies again and again would fill a mailbox without bound
                self.on_gap(connection.peer, connection.lane, None)
            else:
                connection.reader.drain_nowait()
        ended, peer.connections = peer.connections, {}
        for connection in ended.values():
            connection.close(f"the peer is down: {down.reason}")
        late = self._take_late(peer) if down.reason is Reason.RELEASED else {}
        error = NodeDown(f"node {peer.spec} is down ({down.reason}); what was queued for it was dropped")
        peer.drop_lanes(error, with_node(down.reason))
        if late:
            peer.open_waiting(late)
            self.pins.pin(peer)
        self.routes_changed()
        for key, connection in ended.items():
            self._journal.report(ChannelDown(connection.peer, *key, error=connection.error or ""))
        if up is not None:
            self.on_link(up, down)

    def _take_late(self, peer: Peer) -> dict[str, list[Lane]]:
        """The lanes of a link that both ends gave up, when something was sent while it ended: a new one is dialled."""
        peer.troubles.pop(MEMBERSHIP_LANE, None)
        if not (peer.has_waiting and self.pins.may_dial(peer.spec.name)):
            return {}
        late, peer.lanes = peer.lanes, {}
        return late

    def _dial_failed(self, peer: Peer, failed: Failed) -> None:
        error = NodeDown(f"node {peer.spec} cannot be reached ({failed.reason}): {peer.last_error}")
        by_overlay = peer.wanted_by_overlay or peer.membership.messages
        self._drop_lanes(peer, error, with_node(failed.reason))
        self._journal.report(DialRefused(peer.spec, failed.reason, peer.last_error))
        if by_overlay:
            self.on_link(peer.spec, failed)

    def _drop_lanes(self, peer: Peer, error: NodeDown, reason: DropReason) -> None:
        """Of a peer that is not up: something may have waited for its link."""
        has_waited = bool(peer.lanes)
        peer.drop_lanes(error, reason)
        if has_waited:
            self.routes_changed()

    def _membership_ended(self, peer: Peer, connection: Connection) -> list[Action]:
        if connection.farewell is not None:
            return peer.link.ended(connection.farewell)
        if connection.writer.is_ending:
            return peer.link.ended(Reason.RELEASED)
        return peer.link.lost()

    def _grace_expired(self, peer: Peer, token: int) -> None:
        self._act(peer, peer.link.grace_expired(token))
        self._forget_idle(peer)

    # -- dialling -----------------------------------------------------------------------------------------------

    def _dial_membership(self, peer: Peer, due: float) -> None:
        """Dial, unless that is no longer wanted, is done already, or was put off."""
        idle = peer.connection is None and MEMBERSHIP_LANE not in peer.dialling
        if idle and peer.link.wants_dial and due == peer.dial_due:
            self._start_dial(peer, MEMBERSHIP_LANE)

    def _start_dial(self, peer: Peer, key: LaneKey) -> None:
        peer.dialling.add(key)
        self._nursery.start_soon(self.dial, peer, key)

    # -- letting go ---------------------------------------------------------------------------------------------

    def _tell_interest(self, peer: Peer) -> None:
        if peer.connection is not None:
            peer.connection.control(Interest(peer.link.wanted))

    def _want(self, peer: Peer) -> None:
        self._act(peer, peer.link.want())
        self._tell_interest(peer)

    def _let_go(self, peer: Peer) -> None:
        peer.link.release()
        self._tell_interest(peer)
        self._lingering.consider(peer)
        self._forget_idle(peer)

    def _forget_idle(self, peer: Peer) -> None:
        if peer.is_idle and not peer.link.wanted and self.table.get(peer.spec.name) is peer:
            self._drop_lanes(peer, NodeDown(f"nobody wants a link to {peer.spec}"), DropReason.NODE_RELEASED)
            del self.table[peer.spec.name]
