"""The frames of sessions between two ends that a relay stands between: who takes them in.

Trust is that of relaying: any neighbour may say of a letter that it comes from any other node. Who has seen neither
question nor token guesses one of 2**63; a relay on the way sees both, and may acknowledge what it has thrown away.
"""

from collections.abc import Callable
from functools import partial

from msgspec import Struct

from partisan_core.drops import DropReason
from partisan_core.errors import FrameError
from partisan_core.identity import NodeSpec
from partisan_core.kernel.channels import DECODE_ERRORS, Channel
from partisan_core.kernel.inbound import Inbounds
from partisan_core.kernel.lane import Room
from partisan_core.kernel.mail import Mail
from partisan_core.kernel.remotes import Remotes
from partisan_core.mailboxes import Feeder
from partisan_core.refs import Ref
from partisan_core.wire.frames import Frame, FrameReader, Kind
from partisan_core.wire.relaying import ForwardedFrame, encode_standing


class Letters(Struct, eq=False):
    """Takes frames out of letters, to the end of the session that they are for."""

    _mail: Mail
    _inbounds: Inbounds
    _remotes: Remotes
    _max_body: int
    _drop: Callable[[DropReason], None]

    def take_in(
        self, channel: Channel, via: NodeSpec, origin: NodeSpec, letter: ForwardedFrame, feeder: Feeder
    ) -> Room | None:
        """A letter for this node; returns a mailbox that is full now."""
        frames = FrameReader(self._max_body).feed(letter.frame)
        try:
            if len(frames) != 1:
                raise FrameError("a letter holds one frame")
            is_known, full = self._take(channel, via, origin, letter, frames[0], feeder)
        except (FrameError, *DECODE_ERRORS):
            self._drop(DropReason.UNDECODABLE)
            return None
        if not is_known:
            self._drop(DropReason.NO_SESSION)
        return full

    def acknowledge(self) -> None:
        """All letters of a frame were taken in."""
        self._inbounds.acknowledge()

    def _take(
        self, channel: Channel, via: NodeSpec, origin: NodeSpec, letter: ForwardedFrame, frame: Frame, feeder: Feeder
    ) -> tuple[bool, Room | None]:
        """Returns whether there is a session of it, too."""
        lane, token = letter.lane, letter.session
        back = partial(self._mail.answer, via, Ref.reserved(origin.name, "", origin.incarnation), channel.name, lane)
        match frame.kind:
            case Kind.PROOF:
                token, standing = self._inbounds.stand(origin, channel, lane, token)
                back(token, encode_standing(frame.number, standing))
                return True, None
            case Kind.DATA:
                return self._inbounds.take(origin, channel, lane, token, frame, feeder, partial(back, token))
            case Kind.WELCOME | Kind.ACK | Kind.AGAIN:
                return self._remotes.take(origin, channel, lane, token, frame), None
        raise FrameError(f"a frame of kind {frame.kind} does not go in letters")
