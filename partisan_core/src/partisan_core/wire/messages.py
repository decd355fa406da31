"""The bodies of the handshake's frames, in MessagePack arrays.

The evolution rule: fields are only ever added at the end, with a default; a reader ignores the fields behind
those that it knows. `magic` and `versions` stay where they are for ever, so that nodes of any two versions
can name what divides them.
"""

from enum import StrEnum
from typing import Annotated, Self

from msgspec import Meta, Struct

from partisan_core.identity import NAME_PATTERN, NodeSpec
from partisan_core.wire.limits import HELLO_CHECKSUMS, HELLO_ENTRIES, LANES, NONCE_MAX, NONCE_MIN

MAGIC = b"PARTISAN"
VERSIONS = (1, 1)
"""The lowest and the highest version of the wire that this code speaks."""

_U32 = 2**32 - 1
_U63 = 2**63 - 1
_NAME = rf"^{NAME_PATTERN.pattern}\Z"

Name = Annotated[str, Meta(pattern=_NAME)]
NameOrNone = Annotated[str, Meta(pattern=rf"{_NAME}|^\Z")]
Natural = Annotated[int, Meta(ge=0, le=_U32)]
Positive = Annotated[int, Meta(ge=1, le=_U32)]
Counter = Annotated[int, Meta(ge=0, le=_U63)]
Mac = Annotated[bytes, Meta(max_length=64)]


Channels = Annotated[dict[Name, Annotated[int, Meta(ge=1, le=LANES)]], Meta(max_length=HELLO_ENTRIES)]
"""Every channel of a node with its parallelism."""


class Preamble(Struct, frozen=True, array_like=True):
    """What every hello begins with, whatever its version."""

    magic: bytes
    versions: tuple[int, int]


class Hello(Struct, frozen=True, array_like=True, kw_only=True):
    """Who a node is and what the connection shall carry. The first frame of either end."""

    magic: bytes = MAGIC
    versions: tuple[int, int] = VERSIONS
    cluster: Name
    overlay: Name
    overlay_version: Natural
    node: NodeSpec
    channel: Name
    """The channel this connection belongs to; the accepter repeats it, as the next and `serializer`."""
    lane: Annotated[int, Meta(ge=0, lt=LANES)]
    channels: Channels
    """Two nodes use the smaller parallelism of both."""
    serializer: NameOrNone
    """The serializer of the channel; empty for the core's own channel."""
    max_message: Positive
    """Bytes of the largest message that the node takes."""
    nonce: Annotated[bytes, Meta(min_length=NONCE_MIN, max_length=NONCE_MAX)]
    keyed: bool = False
    """This end wants keyed tags on the frames that follow; they are used when either end does."""
    checksums: Annotated[tuple[Name, ...], Meta(max_length=HELLO_CHECKSUMS)] = ()
    """The checksums that this end has beside the CRC-32, the one it likes best first: see `wire.checksums`."""
    unpacks: Annotated[tuple[Name, ...], Meta(max_length=HELLO_ENTRIES)] = ()
    """The compressions that this end can undo."""
    packs: NameOrNone = ""
    """The one that this end uses on the channel, if the other end can undo it; empty: none."""
    acknowledges: bool = False
    """This end acknowledges what arrives: see `wire.outbox`."""
    detector: NameOrNone = ""
    """The failure detector of this end, if it converses with its like; empty: it does not."""


class Proof(Struct, frozen=True, array_like=True):
    """The dialler's second frame: its side of the lane's session."""

    session: Counter
    """The session's token, 0 for none."""
    received: Counter
    sent: Counter = 0
    mac: Mac = b""
    """The fields before it and both hellos, under the key of the cluster: see `wire.authentication`."""


class Welcome(Struct, frozen=True, array_like=True):
    """The accepter's second frame: the connection is made."""

    session: Annotated[int, Meta(ge=1, le=_U63)]
    received: Counter
    resumed: bool
    """False: both ends begin the session `session` at zero."""
    sent: Counter = 0
    mac: Mac = b""


class Refused(StrEnum):
    """Why a handshake was refused."""

    VERSION = "version"
    CLUSTER = "cluster"
    OVERLAY = "overlay"
    NAME = "name"
    """Another node than the one dialled."""
    SELF = "self"
    STALE = "stale"
    """An older incarnation than the one known."""
    NAME_IN_USE = "name_in_use"
    CHANNEL = "channel"
    LANE = "lane"
    SERIALIZER = "serializer"
    SIMULTANEOUS = "simultaneous"
    """The refuser's own dial of this lane survives."""
    NOT_MEMBER = "not_member"
    CLOSING = "closing"
    AUTH = "auth"
    """The ends do not hold the same secret."""
    DENIED = "denied"
    """The name is on the refuser's deny list."""
    FUTURE = "future"
    """An incarnation that no right clock can have made yet."""
    CERTIFICATE = "certificate"
    """There is no certificate that the other end accepts, or it names another node."""
    MALFORMED = "malformed"
    OTHER = "other"
    """A reason that only a later version has a name for; never sent."""

    @classmethod
    def _missing_(cls, value: object) -> Self:
        return cls("other")


class Refusal(Struct, frozen=True, array_like=True):
    """The last frame of a handshake that fails."""

    code: Refused
    text: str
    """For people: what differs, and how to mend it."""
    mac: Mac = b""
    """Only of an accepter that knows the dialler for one of its own: its word then has consequences."""
