"""Where a message goes: from a destination to a lane, resolved once and remembered."""

from collections.abc import Callable, Hashable, Mapping
from functools import partial

from msgspec import Struct, field

from partisan_core.config.model import DEFAULT_CHANNEL
from partisan_core.errors import EncodeError, NodeDown, NotConnected, UnknownChannel, WouldBlock
from partisan_core.identity import NodeSpec
from partisan_core.kernel.channels import Channel, choose_lane, find_channel
from partisan_core.kernel.fallback import FallbackLane
from partisan_core.kernel.lane import Lane
from partisan_core.kernel.local import LocalLane
from partisan_core.kernel.peer import Peer
from partisan_core.kernel.peers import Peers
from partisan_core.kernel.postoffice import PostOffice
from partisan_core.kernel.relaying import ForwardingLane
from partisan_core.kernel.routing import Routing
from partisan_core.refs import Ref

_REMEMBERED = 10_000
"""Destinations whose way is remembered; an application that names more pays for the look-up again (chosen)."""


class Outlet:
    """The way to one mailbox over one channel. `post` is the hot path of `send`."""

    __slots__ = ("_encode", "_lane", "_limit", "_mailbox", "_put_nowait", "_short", "_slot")

    def __init__(
        self, channel: Channel, mailbox: str, key: Hashable, lane: Lane | LocalLane | ForwardingLane, limit: int
    ) -> None:
        self._encode = channel.codec.encode
        self._mailbox = mailbox
        self._slot = mailbox, key
        self._limit, self._short = limit, min(limit, lane.large_from - 1)
        self._lane = lane
        self._put_nowait = lane.put_nowait

    def post(self, message: object) -> int:
        """Encode and queue a message; returns the bytes of it.

        Raises:
            EncodeError: it is not plain data, or too large.
            WouldBlock, NodeDown: see `Lane.put_nowait`.
        """
        try:
            piece = self._encode((self._mailbox, message))
        except Exception as error:  # a serializer is a stranger's: whatever it raises is the message's fault
            raise _unencodable(error) from error
        size = len(piece)
        lane = self._lane
        queued = lane.bytes + size
        if queued < lane.open_bytes and size <= self._short and len(lane.pieces) < lane.max_messages:
            lane.pieces.append(piece)  # what `put_nowait` does then, without the price of a call
            lane.bytes = queued
        elif size > self._limit:
            raise _too_large(size, self._limit)
        else:
            try:
                self._put_nowait(piece, self._slot)
            except WouldBlock as error:
                error.wait = partial(self._put, piece)
                raise
        return size

    async def _put(self, piece: bytes) -> int:
        """Queue what could not be posted, waiting for room."""
        await self._lane.put(piece, self._slot)
        return len(piece)


class OnlyConnected:
    """The way over a channel with `fallback = "refuse"`: none while the lane has no connection."""

    def __init__(self, lane: Lane, peer: Peer, way: Outlet) -> None:
        self._lane, self._peer, self._way = lane, peer, way

    def post(self, message: object) -> int:
        """See `Outlet`.

        Raises:
            NotConnected: there is no connection.
        """
        if self._lane.carrier is None:
            raise _unconnected(self._lane, self._peer)
        return self._way.post(message)


class FallingBack:
    """The way over a channel with `fallback = "default"`: over that one while the lane may be left."""

    def __init__(
        self, lane: FallbackLane, way: Outlet | OnlyConnected, spare: Lane, other: Outlet | OnlyConnected
    ) -> None:
        self._lane, self._way = lane, way
        self._spare, self._other = spare, other

    def post(self, message: object) -> int:
        """See `Outlet`."""
        return self._choose().post(message)

    def _choose(self) -> Outlet | OnlyConnected:
        if not self._lane.may_be_left:
            return self._way
        self._lane.behind.add(self._spare)
        return self._other


Way = Outlet | OnlyConnected | FallingBack


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


def _unencodable(error: Exception) -> EncodeError:
    return EncodeError(
        f"the message cannot be encoded: {error}. Nothing was sent. Messages are plain data: "
        f"None, numbers, strings, bytes, lists, tuples, dicts, refs"
    )


def _too_large(size: int, limit: int) -> EncodeError:
    return EncodeError(
        f"the message has {size} bytes, more than limits.message = {limit} here or there. Nothing was sent; "
        f"raise the limit on every node, or send it in parts"
    )


def _unconnected(lane: Lane, peer: Peer) -> NotConnected:
    trouble = peer.troubles.get((lane.channel, lane.index))
    because = f" ({trouble.error})" if trouble is not None and not trouble.resolved else ""
    return NotConnected(
        f"lane {lane.index} of channel {lane.channel!r} has no connection to node {peer.spec.name} now{because}, and "
        f'channels.{lane.channel}.fallback = "refuse"; nothing was sent. It is dialled all the time: send again later, '
        f'or let messages wait for it ("wait") or go over another channel ("default")'
    )


class _Routes(dict[str, "dict[str | Ref, Way]"]):
    """Remembered outlets by channel and destination; a channel that was not asked for yet has none."""

    def __missing__(self, channel: str) -> "dict[str | Ref, Way]":
        return {}


class Outlets(Struct, eq=False):
    """Finds outlets, and forgets them whenever a peer comes or goes."""

    _check_open: Callable[[], None]
    _me: Callable[[], NodeSpec]
    _channels: Mapping[str, Channel]
    _peers: Peers
    _routing: Routing
    _postoffice: PostOffice
    _message_limit: int
    routes: _Routes = field(default_factory=_Routes)
    """By channel and destination: looked up by `send` itself."""

    def forget(self) -> None:
        """The table of peers has changed."""
        for destinations in self.routes.values():
            destinations.clear()

    def find(self, destination: str | Ref, channel: str, key: Hashable) -> Way:
        """The outlet for `destination`.

        Raises:
            UnknownNode, UnknownChannel, NodeDown, InvalidName, EncodeError, NodeClosed: nothing was sent.
        """
        self._check_open()
        _check_key(key)
        ref = destination if isinstance(destination, Ref) else Ref.parse(destination)
        way = find_channel(self._channels, channel)
        outlet = self._open(ref, way, key)
        known = self.routes.setdefault(channel, {})
        if key is None and len(known) < _REMEMBERED:
            known[destination] = outlet
        return outlet

    def _open(self, ref: Ref, channel: Channel, key: Hashable) -> Way:
        me = self._me()
        if ref.node == me.name:
            _check_life(ref, me)
            local = LocalLane(channel, ref.mailbox, me, self._postoffice)
            return Outlet(channel, ref.mailbox, key, local, self._message_limit)
        peer = self._peer(ref)
        return (self._over_either if channel.settings.fallback == "default" else self._over)(peer, ref, channel, key)

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
        # the smaller of what both ends take: a larger message would cost the connection; unknown before the first link
        limit = min(self._message_limit, peer.max_message or self._message_limit)
        wish = _wish(channel, ref, key)
        lane = _lane(peer, channel, wish)
        if peer.spec.name != ref.node:
            way = Outlet(channel, ref.mailbox, key, ForwardingLane(lane, ref, wish), limit)
        else:
            _check_life(ref, peer.spec)
            peer.is_bound = peer.is_bound or (ref.incarnation is not None and not peer.is_up)
            way = Outlet(channel, ref.mailbox, key, lane, limit)
        return OnlyConnected(lane, peer, way) if channel.settings.fallback == "refuse" else way

    def _peer(self, ref: Ref) -> Peer:
        """Who takes messages for `ref`: the node itself, now or as soon as there is a link, or its relay."""
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
