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
from partisan_core.kernel.lane import Lane
from partisan_core.kernel.peers import Peers
from partisan_core.mailboxes import Feeder, Mailbox
from partisan_core.refs import Ref
from partisan_core.wire.relaying import Forward, Forwarded, Letter, encode_letter


class ForwardingLane:
    """Stands where the lane to a peer would; never open for the short way of `Outlet.post`."""

    def __init__(self, lane: Lane, ref: Ref, wish: int) -> None:
        self._transit = lane.open_transit()
        self._ref, self._wish = ref, wish
        self.pieces: list[bytes] = []
        self.bytes = self.open_bytes = self.max_messages = self.large_from = 0

    def put_nowait(self, piece: bytes, slot: Hashable = None) -> None:
        """Queue an encoded message for the relay; raises as `Queue.put_nowait`."""
        self._transit.put_nowait(self._wrap(piece))

    async def put(self, piece: bytes, slot: Hashable = None) -> None:
        """The same, waiting for room."""
        await self._transit.put(self._wrap(piece))

    def _wrap(self, piece: bytes) -> bytes:
        return encode_letter(Forward(self._ref.node, self._ref.incarnation, self._wish, piece))


class Relay(Struct, eq=False):
    """Passes on what is for others, and takes in what others passed on."""

    _is_allowed: bool
    _deny: Collection[str]
    """Whose messages are not taken: a relay that lets them in is no way around it."""
    _members: Callable[[], Mapping[str, NodeSpec]]
    _peers: Peers
    _drop: Callable[[DropReason], None]

    def take_in(self, channel: Channel, sender: NodeSpec, letters: list[Letter], feeder: Feeder) -> Mailbox | None:
        """Letters have arrived from a peer; returns a mailbox that is full now."""
        full = None
        for letter in letters:
            if not self._is_allowed or channel.name == MEMBERSHIP:
                self._drop(DropReason.RELAY_REFUSED)
            elif isinstance(letter, Forward):
                self._pass_on(channel, sender, letter)
            elif letter.origin in self._deny:
                self._drop(DropReason.RELAY_REFUSED)
            else:
                full = self._deliver(channel, letter, feeder) or full
        return full

    def _pass_on(self, channel: Channel, sender: NodeSpec, letter: Forward) -> None:
        peer = self._peers.table.get(letter.destination)
        if peer is None or not peer.is_up or letter.incarnation not in (None, peer.spec.incarnation):
            self._drop(DropReason.NO_ROUTE)
        elif not (lanes := peer.lanes.get(channel.name)):
            self._drop(DropReason.NO_CHANNEL)
        elif len(letter.piece) > peer.max_message:
            self._drop(DropReason.TOO_LARGE)
        else:
            forwarded = Forwarded(sender.name, sender.incarnation, sender.instance, letter.piece)
            try:
                lanes[letter.wish % len(lanes)].open_transit().put_nowait(encode_letter(forwarded))
            except WouldBlock:
                self._drop(DropReason.RELAY_FULL)
            except NodeDown:
                self._drop(DropReason.NO_ROUTE)

    def _deliver(self, channel: Channel, letter: Forwarded, feeder: Feeder) -> Mailbox | None:
        codec = channel.codec
        try:
            batch = codec.decode_batch(memoryview(codec.join([letter.piece])))
        except DECODE_ERRORS:
            batch = []
        if len(batch) != 1:
            self._drop(DropReason.UNDECODABLE)
            return None
        return channel.deliver(self._origin(letter), batch, feeder)

    def _origin(self, letter: Forwarded) -> NodeSpec:
        """Who sent it; with all that is known of it, when it is a member."""
        told = NodeSpec(letter.origin, letter.incarnation, letter.instance, ())
        member = self._members().get(letter.origin)
        return member if member is not None and member.life == told.life else told
