"""Where a message goes: from a destination to a lane, resolved once and remembered."""

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Generic, TypeVar

from msgspec import Struct, field

from partisan_core.config.model import DEFAULT_CHANNEL
from partisan_core.errors import EncodeError, NodeDown, SendError, UnknownChannel
from partisan_core.identity import NodeSpec
from partisan_core.interposition import AckedWay, Interposition, Way
from partisan_core.kernel.acknowledging import check_acknowledger, check_acknowledging
from partisan_core.kernel.channels import Channel, choose_lane, find_channel
from partisan_core.kernel.fallback import FallbackLane
from partisan_core.kernel.lane import Lane
from partisan_core.kernel.local import LocalLane
from partisan_core.kernel.outlet import (
    AckedOutlet,
    FallingBack,
    OnlyConnected,
    OnlyConnectedAcked,
    Outlet,
)
from partisan_core.kernel.peer import Peer
from partisan_core.kernel.peers import Peers
from partisan_core.kernel.postoffice import PostOffice
from partisan_core.kernel.relaying import ForwardingLane
from partisan_core.kernel.remotes import Remotes
from partisan_core.kernel.routing import Routing
from partisan_core.refs import Ref

_REMEMBERED = 10_000
"""Destinations whose way is remembered; an application that names more pays for the look-up again (chosen)."""


def _check_life(ref: Ref, node: NodeSpec) -> None:
    if ref.incarnation not in (None, node.incarnation):
        raise NodeDown(
            f"{ref} is of another life of {ref.node}, which is now at incarnation {node.incarnation}; "
            f"nothing was sent. Use a reference by name to follow restarts"
        )


def _check_key(key: Hashable) -> None:
    try:
        hash(key)
    except TypeError as error:
        raise EncodeError(
            f"a key of type {type(key).__name__!r} cannot be hashed; nothing was sent. Keys are text, numbers, or "
            f"tuples of these"
        ) from error


_WayT = TypeVar("_WayT", Way, AckedWay)


class Routes(dict[str, "dict[str | Ref, _WayT]"], Generic[_WayT]):
    """Remembered outlets by channel and destination; a channel that was not asked for yet has none."""

    def __missing__(self, channel: str) -> "dict[str | Ref, _WayT]":
        return {}

    def remember(self, channel: str, destination: str | Ref, way: _WayT) -> None:
        """But for what nobody will ask for again."""
        known = self.setdefault(channel, {})
        if len(known) < _REMEMBERED:
            known[destination] = way

    def forget(self) -> None:
        """All of them; the tables themselves stay."""
        for destinations in self.values():
            destinations.clear()


class Outlets(Struct, eq=False):
    """Finds outlets, and forgets them whenever a peer comes or goes."""

    _check_open: Callable[[], None]
    _me: Callable[[], NodeSpec]
    _channels: Mapping[str, Channel]
    _peers: Peers
    _routing: Routing
    _postoffice: PostOffice
    _remotes: Remotes
    _message_limit: int
    routes: Routes[Way] = field(default_factory=Routes)
    """By channel and destination: looked up by `send` itself."""
    acked: Routes[AckedWay] = field(default_factory=Routes)
    """The same for messages that are to be acknowledged."""
    interposition: Interposition | None = None
    """Who stands in the way of messages, while somebody does."""

    def forget(self) -> None:
        """The table of peers has changed."""
        self.routes.forget()
        self.acked.forget()

    def find(self, destination: str | Ref, channel: str, key: Hashable) -> Way:
        """The outlet for `destination`.

        Raises:
            UnknownNode, UnknownChannel, NodeDown, InvalidName, EncodeError, NodeClosed: nothing was sent.
        """
        ref, way = self._resolve(destination, channel, key)
        outlet: Way
        if way.settings.ack:
            outlet = self._find_acked(ref, way, key)
        elif self.interposition is None:
            outlet = self._open(ref, way, key)
        else:
            outlet = self.interposition.posting(ref, channel, partial(self._open, ref, way, key))
        if key is None:
            self.routes.remember(channel, destination, outlet)
        return outlet

    def find_acked(self, destination: str | Ref, channel: str, key: Hashable) -> AckedWay:
        """The outlet for messages to `destination` that are to be acknowledged.

        Raises:
            NotAcknowledged: the channel or the way there does not go with that. And as `find`.
        """
        ref, way = self._resolve(destination, channel, key)
        outlet = self._find_acked(ref, way, key)
        if key is None:
            self.acked.remember(channel, destination, outlet)
        return outlet

    def _find_acked(self, ref: Ref, channel: Channel, key: Hashable) -> AckedWay:
        outlet = self._open_acked(ref, channel, key)
        return outlet if self.interposition is None else self.interposition.posting_acked(ref, channel.name, outlet)

    def _resolve(self, destination: str | Ref, channel: str, key: Hashable) -> tuple[Ref, Channel]:
        self._check_open()
        _check_key(key)
        ref = destination if isinstance(destination, Ref) else Ref.parse(destination)
        return ref, find_channel(self._channels, channel)

    def _open(self, ref: Ref, channel: Channel, key: Hashable) -> Way:
        if ref.node == self._me().name:
            return Outlet(channel, ref.mailbox, key, self._local(ref, channel), self._message_limit)
        peer = self.find_peer(ref)
        return (self._over_either if channel.settings.fallback == "default" else self._over)(peer, ref, channel, key)

    def _open_acked(self, ref: Ref, channel: Channel, key: Hashable) -> AckedWay:
        check_acknowledging(channel)
        if ref.node == self._me().name:
            return AckedOutlet(channel, ref.mailbox, key, self._local(ref, channel), self._message_limit)
        wish, refuses = _wish(channel, ref, key), channel.settings.fallback == "refuse"
        before = self._remotes.find(ref, channel, wish)
        try:
            peer = self.find_peer(ref)
        except SendError:
            if before is None or refuses:
                raise
            carried = self._remotes.open(ref, channel, wish).lane  # there was a relay, and there may be one again
            return AckedOutlet(channel, ref.mailbox, key, carried, self._message_limit)
        check_acknowledger(peer)
        lane = carried = _lane(peer, channel, wish)
        if peer.spec.name != ref.node or (before is not None and not before.is_settled):
            carried = self._remotes.open(ref, channel, wish).lane
        else:
            self._bind(peer, ref)
        way = AckedOutlet(channel, ref.mailbox, key, carried, self._limit(peer))
        return OnlyConnectedAcked(lane, peer, way) if refuses else way

    def _local(self, ref: Ref, channel: Channel) -> LocalLane:
        me = self._me()
        _check_life(ref, me)
        return LocalLane(channel, ref.mailbox, me, self._postoffice)

    def _over_either(self, peer: Peer, ref: Ref, channel: Channel, key: Hashable) -> Way:
        """Over the channel, or over `default`."""
        default = self._channels[DEFAULT_CHANNEL]
        other = self._over(peer, ref, default, key)
        if not peer.lanes.get(channel.name):
            return other
        way, lane = self._over(peer, ref, channel, key), _lane(peer, channel, _wish(channel, ref, key))
        if not isinstance(lane, FallbackLane) or peer.spec.name != ref.node:
            return way  # a pong of the relay would not say that the recipient has read what went before
        return FallingBack(lane, way, _lane(peer, default, _wish(default, ref, key)), other)

    def _over(self, peer: Peer, ref: Ref, channel: Channel, key: Hashable) -> Outlet | OnlyConnected:
        limit, wish = self._limit(peer), _wish(channel, ref, key)
        lane = _lane(peer, channel, wish)
        if peer.spec.name != ref.node:
            before = self._remotes.find(ref, channel, wish)
            way = Outlet(channel, ref.mailbox, key, ForwardingLane(lane, ref, wish, before), limit)
        else:
            self._bind(peer, ref)
            way = Outlet(channel, ref.mailbox, key, lane, limit)
        return OnlyConnected(lane, peer, way) if channel.settings.fallback == "refuse" else way

    def _limit(self, peer: Peer) -> int:
        """The smaller of what both ends take: more would cost the connection; unknown before the first link."""
        return min(self._message_limit, peer.max_message or self._message_limit)

    def _bind(self, peer: Peer, ref: Ref) -> None:
        _check_life(ref, peer.spec)
        peer.is_bound = peer.is_bound or (ref.incarnation is not None and not peer.is_up)

    def find_peer(self, ref: Ref) -> Peer:
        """Who takes messages for `ref`: the node itself, now or as soon as there is a link, or its relay.

        Raises:
            SendError: there is no way to it.
        """
        peer = self._peers.table.get(ref.node)
        return peer if peer is not None and peer.is_up else self._routing.find(ref)


def _wish(channel: Channel, ref: Ref, key: Hashable) -> int:
    return choose_lane(ref.mailbox if key is None else key, channel.settings.parallelism)


def _lane(peer: Peer, channel: Channel, wish: int) -> Lane:
    lanes = peer.lanes.get(channel.name)
    if not lanes:
        raise UnknownChannel(
            f"node {peer.spec.name} has no channel {channel.name!r}; nothing was sent. "
            f"Add [channels.{channel.name}] to its configuration"
        )
    return lanes[wish % len(lanes)]  # as what waits for a link is put into lanes, see `Peer.open_lanes`
