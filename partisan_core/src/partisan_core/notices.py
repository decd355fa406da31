"""What a node tells its application and its log: rare things, never a notice per message."""

from msgspec import Struct

from partisan_core.events import Reason
from partisan_core.identity import NodeSpec


class Snapshot(Struct, frozen=True):
    """How things stand: the first notice of every stream, and again after notices were missed."""

    members: tuple[NodeSpec, ...]
    neighbours: tuple[NodeSpec, ...]


class MemberJoined(Struct, frozen=True):
    """The overlay knows a new member, or a newer life of one."""

    peer: NodeSpec


class MemberLeft(Struct, frozen=True):
    """The overlay no longer counts it as a member: it left, was evicted, or the overlay forgot it."""

    peer: NodeSpec
    reason: Reason


class NeighbourUp(Struct, frozen=True):
    """A wanted link works. Comes before the first message of that life of the peer."""

    peer: NodeSpec


class NeighbourDown(Struct, frozen=True):
    """A neighbour is none any more. Comes after the last message of that life of the peer."""

    peer: NodeSpec
    reason: Reason


class PeerSuspected(Struct, frozen=True):
    """The failure detector's opinion; never a fact."""

    peer: NodeSpec


class PeerTrusted(Struct, frozen=True):
    """The failure detector takes its suspicion back."""

    peer: NodeSpec


class ChannelUp(Struct, frozen=True):
    """A lane of a channel, `membership` included, is connected. One connection that takes over from another is none."""

    peer: NodeSpec
    channel: str
    lane: int


class ChannelDown(Struct, frozen=True):
    """A lane lost its connection; while the peer is up or within its grace it is dialled again, no down by itself."""

    peer: NodeSpec
    channel: str
    lane: int
    error: str


class Gap(Struct, frozen=True):
    """`lost` messages of a lane were written to a connection that broke and never arrived.

    None: nobody can tell how many, perhaps none; the peer took this node for dead and began the lane anew.
    """

    peer: NodeSpec
    channel: str
    lane: int
    lost: int | None


class Undelivered(Struct, frozen=True):
    """Acknowledged messages of a channel to a peer that went down, or began a new life, will get no acknowledgement.

    Counted with the unacknowledged messages that went with them: in one frame, or before them in the queue.
    """

    peer: NodeSpec
    channel: str
    sent_but_unknown: int
    """They were sent, and have arrived or not."""
    never_sent: int


class DialRefused(Struct, frozen=True):
    """A wanted peer could not be reached or refused us; tried again while it is wanted."""

    peer: NodeSpec
    reason: Reason
    error: str


class PeerRefused(Struct, frozen=True):
    """We refused somebody at our door: wrong cluster, overlay, version, name, or no Partisan at all."""

    remote: str
    code: str
    error: str


class DeadLetter(Struct, frozen=True):
    """Messages for a mailbox that nobody has opened here, or that cannot be read; one notice per name and second."""

    peer: NodeSpec
    mailbox: str
    unreadable: str | None = None
    """Why they cannot be read; None: nobody has opened it. Since: 1.3"""


class FaultInjected(Struct, frozen=True):
    """A rule did harm on purpose, as it was asked to; one notice per rule and second. Since: 1.3."""

    rule: str
    action: str
    direction: str
    peer: str
    channel: str
    firings: int
    """Of the rule so far, this one included."""


class Retired(Struct, frozen=True):
    """The local node is no longer a member."""

    reason: Reason


Notice = (
    Snapshot
    | MemberJoined
    | MemberLeft
    | NeighbourUp
    | NeighbourDown
    | PeerSuspected
    | PeerTrusted
    | ChannelUp
    | ChannelDown
    | Gap
    | Undelivered
    | DialRefused
    | PeerRefused
    | DeadLetter
    | FaultInjected
    | Retired
)
