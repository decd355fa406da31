"""Messages that reach a node without a link to it: through a third one, which has links to both; at most one.

Trust: any member may say of a message that it comes from any other. A node that does not relay by its own rule
(`[routing] unconnected`) takes no such message, and passes none on. Bounds: what is passed on waits in a queue of its
own, as long as the lane's; a full one never holds up who sends, so that one slow receiver does not stop all others:
what does not fit is dropped here, and counted.
"""

from collections.abc import Callable, Collection, Hashable, Mapping

from msgspec import Struct

from partisan_core.drops import DropReason
from partisan_core.errors import NodeDown, WouldBlock
from partisan_core.identity import NodeSpec
from partisan_core.kernel.channels import DECODE_ERRORS, MEMBERSHIP, Channel
from partisan_core.kernel.lane import Lane, Room
from partisan_core.kernel.letters import Letters
from partisan_core.kernel.outbound import Outbound
from partisan_core.kernel.peers import Peers
from partisan_core.mailboxes import Feeder
from partisan_core.refs import Ref
from partisan_core.wire.relaying import (
    FRAME_MARGIN,
    Forward,
    Forwarded,
    ForwardedFrame,
    ForwardFrame,
    Letter,
    encode_letter,
)


class ForwardingLane:
    """Stands where the lane to a peer would; never open for the short way of `Outlet.post`."""

    def __init__(self, lane: Lane, ref: Ref, wish: int, before: Outbound | None) -> None:
        self._transit = lane.open_transit()
        self._before = before
        """What is to be acknowledged, and must not be overtaken."""
        self._ref, self._wish = ref, wish
        self.pieces: list[bytes] = []
        self.bytes = self.open_bytes = self.max_messages = self.large_from = 0

    def put_nowait(self, piece: bytes, slot: Hashable = None) -> None:
        """Queue an encoded message for the relay; raises as `Queue.put_nowait`."""
        if self._before is None or self._before.is_settled:
            self._transit.put_nowait(self._wrap(piece))
        else:
            self._before.lane.put_nowait(piece, slot)

    async def put(self, piece: bytes, slot: Hashable = None) -> None:
        """The same, waiting for room."""
        if self._before is None or self._before.is_settled:
            await self._transit.put(self._wrap(piece))
        else:
            await self._before.lane.put(piece, slot)

    def _wrap(self, piece: bytes) -> bytes:
        return encode_letter(Forward(self._ref.node, self._ref.incarnation, self._wish, piece))


class Relay(Struct, eq=False):
    """Passes on what is for others, and takes in what others passed on."""

    _is_allowed: bool
    _deny: Collection[str]
    """Whose messages are not taken: a relay that lets them in is no way around it."""
    _members: Callable[[], Mapping[str, NodeSpec]]
    _peers: Peers
    _letters: Letters
    _drop: Callable[[DropReason], None]

    def take_in(self, channel: Channel, sender: NodeSpec, letters: list[Letter], feeder: Feeder) -> Room | None:
        """Letters have arrived from a peer; returns a mailbox that is full now."""
        full = None
        for letter in letters:
            if not self._is_allowed or channel.name == MEMBERSHIP:
                self._drop(DropReason.RELAY_REFUSED)
            elif isinstance(letter, Forward | ForwardFrame):
                self._pass_on(channel, sender, letter)
            elif letter.origin in self._deny:
                self._drop(DropReason.RELAY_REFUSED)
            elif isinstance(letter, Forwarded):
                full = self._deliver(channel, letter, feeder) or full
            else:
                full = self._letters.take_in(channel, sender, self._origin(letter), letter, feeder) or full
        self._letters.acknowledge()
        return full

    def _pass_on(self, channel: Channel, sender: NodeSpec, letter: Forward | ForwardFrame) -> None:
        peer = self._peers.table.get(letter.destination)
        if peer is None or not peer.is_up or letter.incarnation not in (None, peer.spec.incarnation):
            self._drop(DropReason.NO_ROUTE)
        elif not (lanes := peer.lanes.get(channel.name)):
            self._drop(DropReason.NO_CHANNEL)
        elif not _fits(letter, peer.max_message):
            self._drop(DropReason.TOO_LARGE)
        else:
            lane, forwarded = _readdress(letter, sender)
            try:
                lanes[lane % len(lanes)].open_transit().put_nowait(encode_letter(forwarded))
            except WouldBlock:
                self._drop(DropReason.RELAY_FULL)
            except NodeDown:
                self._drop(DropReason.NO_ROUTE)

    def _deliver(self, channel: Channel, letter: Forwarded, feeder: Feeder) -> Room | None:
        codec = channel.codec
        try:
            batch = codec.decode_batch(memoryview(codec.join([letter.piece])))
        except DECODE_ERRORS:
            batch = []
        if len(batch) != 1:
            self._drop(DropReason.UNDECODABLE)
            return None
        return channel.deliver(self._origin(letter), batch, feeder)

    def _origin(self, letter: Forwarded | ForwardedFrame) -> NodeSpec:
        """Who sent it; with all that is known of it, when it is a member."""
        told = NodeSpec(letter.origin, letter.incarnation, letter.instance, ())
        member = self._members().get(letter.origin)
        return member if member is not None and member.life == told.life else told


def _fits(letter: Forward | ForwardFrame, limit: int) -> bool:
    if isinstance(letter, Forward):
        return len(letter.piece) <= limit
    return len(letter.frame) <= limit + FRAME_MARGIN


def _readdress(letter: Forward | ForwardFrame, sender: NodeSpec) -> tuple[int, Letter]:
    """What the destination gets, and over which lane, modulo their number."""
    life = sender.name, sender.incarnation, sender.instance
    if isinstance(letter, Forward):
        return letter.wish, Forwarded(*life, letter.piece)
    return letter.lane, ForwardedFrame(*life, letter.lane, letter.session, letter.frame)
