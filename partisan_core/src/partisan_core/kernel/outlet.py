"""The ways to one mailbox over one channel: what `send` encodes a message for, and puts it into."""

from collections.abc import Hashable
from functools import partial

from partisan_core.errors import EncodeError, NotConnected, WouldBlock
from partisan_core.kernel.channels import Channel
from partisan_core.kernel.fallback import FallbackLane
from partisan_core.kernel.lane import Lane
from partisan_core.kernel.local import LocalLane
from partisan_core.kernel.peer import Peer
from partisan_core.kernel.receipts import Receipt
from partisan_core.kernel.relaying import ForwardingLane
from partisan_core.wire.monitoring import MONITORS


class Outlet:
    """The way to one mailbox over one channel. `post` is the hot path of `send`."""

    __slots__ = ("_encode", "_lane", "_limit", "_mailbox", "_put_nowait", "_short", "_slot")

    def __init__(
        self, channel: Channel, mailbox: str, key: Hashable, lane: Lane | LocalLane | ForwardingLane, limit: int
    ) -> None:
        self._encode = channel.codec.encode
        self._mailbox = mailbox
        # what the kernel tells about a mailbox stays behind what was sent to it
        self._slot = (key, None) if mailbox == MONITORS else (mailbox, key)
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


class AckedOutlet(Outlet):
    """The same of messages that are to be acknowledged."""

    __slots__ = ("_acked_lane",)

    def __init__(self, channel: Channel, mailbox: str, key: Hashable, lane: Lane | LocalLane, limit: int) -> None:
        super().__init__(channel, mailbox, key, lane, limit)
        self._acked_lane = lane

    def post(self, message: object) -> int:
        """See `Outlet`: on a channel that acknowledges all messages, for who asks for no receipt."""
        piece = self._encode_checked(message)
        try:
            self._acked_lane.put_acked_nowait(piece, self._slot)
        except WouldBlock as error:
            error.wait = partial(self._put_acked, piece)
            raise
        return len(piece)

    def post_acked(self, message: object) -> Receipt:
        """Encode and queue a message; raises as `post`."""
        piece = self._encode_checked(message)
        lane = self._acked_lane
        queued = lane.bytes + len(piece)
        if queued < lane.open_bytes and len(piece) <= self._short and len(lane.pieces) < lane.max_messages:
            lane.pieces.append(piece)  # see `Outlet.post`
            lane.bytes = queued
            lane.acked_until = position = lane.taken + len(lane.pieces)
            return Receipt(lane.progress, position)
        return lane.put_acked_nowait(piece, self._slot)

    async def send_acked(self, message: object) -> tuple[Receipt, int]:
        """The same, waiting for room; and the bytes of it."""
        piece = self._encode_checked(message)
        return await self._acked_lane.put_acked(piece, self._slot), len(piece)

    async def _put_acked(self, piece: bytes) -> int:
        await self._acked_lane.put_acked(piece, self._slot)
        return len(piece)

    def _encode_checked(self, message: object) -> bytes:
        try:
            piece = self._encode((self._mailbox, message))
        except Exception as error:  # see `Outlet`
            raise _unencodable(error) from error
        if len(piece) > self._limit:
            raise _too_large(len(piece), self._limit)
        return piece


class OnlyConnected:
    """The way over a channel with `fallback = "refuse"`: none while the lane has no connection."""

    def __init__(self, lane: Lane, peer: Peer, way: Outlet) -> None:
        self._lane, self._peer, self._way = lane, peer, way

    def post(self, message: object) -> int:
        """See `Outlet`.

        Raises:
            NotConnected: there is no connection.
        """
        self._check()
        return self._way.post(message)

    def _check(self) -> None:
        if self._lane.carrier is None:
            raise _unconnected(self._lane, self._peer)


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


class OnlyConnectedAcked(OnlyConnected):
    """The same of messages that are to be acknowledged."""

    def __init__(self, lane: Lane, peer: Peer, way: AckedOutlet) -> None:
        super().__init__(lane, peer, way)
        self._acked_way = way

    def post_acked(self, message: object) -> Receipt:
        """See `AckedOutlet`; raises as `post`."""
        self._check()
        return self._acked_way.post_acked(message)

    async def send_acked(self, message: object) -> tuple[Receipt, int]:
        """See `AckedOutlet`; raises as `post`."""
        self._check()
        return await self._acked_way.send_acked(message)


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
