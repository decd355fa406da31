"""How frames of sessions between two ends leave: in letters, through the relay of the moment, or over a link."""

from collections.abc import Callable
from contextlib import suppress

from msgspec import Struct

from partisan_core.errors import EncodeError, SendError, UnknownChannel
from partisan_core.identity import NodeSpec
from partisan_core.kernel.outbound import Outbound
from partisan_core.kernel.peer import Peer
from partisan_core.kernel.peers import Peers
from partisan_core.kernel.sides import SideQueue
from partisan_core.refs import Ref
from partisan_core.wire.relaying import FRAME_MARGIN, ForwardedFrame, ForwardFrame, encode_letter


class Mail(Struct, eq=False):
    """Puts frames into letters, towards the node that they are for."""

    _me: Callable[[], NodeSpec]
    _find_peer: Callable[[Ref], Peer]
    _peers: Peers

    async def post(self, ref: Ref, outbound: Outbound, frame: bytes) -> None:
        """Send a frame of a session to the node of `ref`, waiting for room.

        Raises:
            SendError: there is no way to it; the frame was not sent.
        """
        peer = self._find_peer(ref)
        letter = self._letter(peer, ref, outbound.index, outbound.lane.session.token, frame)
        if len(frame) > peer.max_message + FRAME_MARGIN:  # it would cost the connection
            raise EncodeError(f"a frame of {len(frame)} bytes is more than node {peer.spec.name} takes")
        await _transit(peer, outbound.channel.name, outbound.index).put(letter)

    def post_nowait(self, ref: Ref, outbound: Outbound, frame: bytes) -> None:
        """The same without waiting: what finds no way or no room is dropped."""
        with suppress(SendError):
            token = outbound.lane.session.token
            self._put(self._find_peer(ref), ref, outbound.channel.name, outbound.index, token, frame)

    def answer(self, via: NodeSpec, ref: Ref, channel: str, lane: int, token: int, frame: bytes) -> None:
        """The same, over the link on which the question came: this node may know no other way."""
        peer = self._peers.table.get(via.name)
        if peer is not None:
            with suppress(SendError):
                self._put(peer, ref, channel, lane, token, frame)

    def _put(self, peer: Peer, ref: Ref, channel: str, lane: int, token: int, frame: bytes) -> None:
        _transit(peer, channel, lane).put_nowait(self._letter(peer, ref, lane, token, frame))

    def _letter(self, peer: Peer, ref: Ref, lane: int, token: int, frame: bytes) -> bytes:
        if peer.spec.name != ref.node:
            return encode_letter(ForwardFrame(ref.node, ref.incarnation, lane, token, frame))
        me = self._me()
        return encode_letter(ForwardedFrame(me.name, me.incarnation, me.instance, lane, token, frame))


def _transit(peer: Peer, channel: str, lane: int) -> SideQueue:
    lanes = peer.lanes.get(channel)
    if not lanes:
        raise UnknownChannel(f"node {peer.spec.name} has no channel {channel!r}")
    return lanes[lane % len(lanes)].open_transit()
