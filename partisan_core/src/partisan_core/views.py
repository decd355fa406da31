"""What listings show: plain data about a running node, the same for `Node`, the control socket and the command.

Times are in seconds, sizes in bytes. Fields may be added.
"""

from enum import StrEnum

from msgspec import Struct


class MemberState(StrEnum):
    """Where a member stands, in the words of the glossary."""

    UP = "up"
    """A connection to it works."""
    SUSPECTED = "suspected"
    """A connection to it works, and the failure detector believes that it may be dead."""
    DOWN = "down"
    """A member that cannot be reached."""
    KNOWN = "known"
    """A member to which there is no link, and nobody tried to make one."""
    LEFT = "left"
    """No member any more: it said that it leaves."""
    EVICTED = "evicted"
    """No member any more: it was removed."""


class LaneState(StrEnum):
    """Where a connection stands."""

    CONNECTED = "connected"
    PAUSED = "paused"
    """Connected, and not read: a mailbox is full."""
    ENDING = "ending"
    """Connected, and flushed before it is closed."""
    DIALLING = "dialling"
    """Not connected: a dial is under way or waits for its next try."""
    WAITING = "waiting"
    """Not connected: it is for the peer to dial, or nobody wants it."""


class Status(Struct, frozen=True):
    """A node at a glance."""

    name: str
    state: MemberState
    """`up`, or why it is no member: `left`, `evicted`."""
    cluster: str
    incarnation: int
    addresses: tuple[str, ...]
    """Where it is dialled, with real ports."""
    data_dir: str | None
    process: int
    version: str
    """Of the core."""
    overlay: str
    serializer: str
    age: float
    """Since its start."""
    members: int
    """Itself included."""
    neighbours: tuple[str, ...]
    connections: int
    mailboxes: tuple[str, ...]


class MemberRow(Struct, frozen=True):
    """One member, or one that was so until lately."""

    name: str
    state: MemberState
    neighbour: bool
    local: bool
    """It is the node that was asked."""
    incarnation: int
    addresses: tuple[str, ...]
    labels: dict[str, str]
    last_error: str
    """Why its link was last lost or could not be made; empty if that never happened."""


class ConnectionRow(Struct, frozen=True):
    """One lane to one peer, with its connection if there is one."""

    peer: str
    channel: str
    lane: int
    state: LaneState
    dialled: bool | None
    """True: this node dialled; false: the peer did; null: not connected."""
    address: str | None
    """The other end."""
    age: float | None
    rtt: float | None
    """Of the last ping; only the membership connection is pinged."""
    bytes_in: int
    bytes_out: int
    frames_in: int
    frames_out: int
    queue_messages: int
    queue_bytes: int
    dropped: int
    """Messages that the channel's policy, or the end of the peer, took out of the queue."""
    last_error: str
    """Of the link to the peer."""


class Counters(Struct, frozen=True):
    """What was counted since the start."""

    notices: dict[str, int]
    """How often each kind of notice was reported."""
    dropped: dict[str, int]
    """Messages that were not delivered, by reason."""
