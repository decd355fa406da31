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


class LinkStanding(StrEnum):
    """Where the link to a peer stands: its membership connection, on which everything else depends."""

    IDLE = "idle"
    """Not there, and nobody here wants it."""
    DIALLING = "dialling"
    """Wanted and not there: tried again and again."""
    UP = "up"
    LOST = "lost"
    """Was up, its connection broke; the peer counts as up until `links.reconnect_grace` is over."""


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
    problems: tuple[str, ...]
    """Why the node is not healthy: it is no member, or it wants links and has none. Empty: it is."""
    missing: tuple[str, ...]
    """To whom it has wanted a link for longer than `links.reconnect_grace` without getting one."""
    ignored: dict[str, int] = {}
    """Messages that the overlay or the failure detector took for forged, stale or oversized, by kind, if counted."""


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
    """Of the last ping: each connection is pinged when it is new, and when it has been silent for a while."""
    bytes_in: int
    bytes_out: int
    frames_in: int
    frames_out: int
    queue_messages: int
    queue_bytes: int
    queue_messages_limit: int
    queue_bytes_limit: int
    senders: int
    """Tasks that wait for room in the queue."""
    session: str | None
    """The beginning of the session's token, the same at both ends; null: there was no connection yet."""
    sent: int
    """Messages sent in this session."""
    received: int
    """Messages received in this session."""
    dropped: dict[str, int]
    """Messages that were not delivered, by reason, since the lane exists."""
    waits_for: str
    """What keeps it from working; empty if nothing does."""
    last_error: str
    """Why it last lost its connection or could not be connected; empty if that never happened."""
    error_age: float | None
    error_address: str
    """The address that was tried, or that was lost; may be empty."""
    error_code: str
    """Of the refusal, when it was one."""
    resolved: bool
    """There is no last error, or it has been connected since."""
    next_dial: float | None
    """Until this node dials it again; null: it will not, or does so now."""
    checksum: str | None
    """What ends its frames: `crc32`, the checksum that both ends have, or `keyed`, a keyed tag; null: not connected."""
    compression: str = ""
    """What the channel is to be compressed with, of what this node sends; empty: with nothing."""
    packs: bool = False
    """It is: the peer can undo it."""
    bytes_before: int = 0
    """Of its messages before they were compressed, whether or not that made them smaller."""
    bytes_after: int = 0
    """Of the same afterwards."""
    unacknowledged: int = 0
    """Messages sent in this session that are kept until the peer has acknowledged them."""
    unacknowledged_bytes: int = 0
    """What they take, about; at `queue_bytes_limit` nothing new is written."""
    resent: int = 0
    """Frames of them that were written again, since the lane exists."""


class LinkRow(Struct, frozen=True):
    """All that a node knows of its link to one peer."""

    peer: str
    member: MemberState | None
    """As in the listing of members; null: it is none."""
    state: LinkStanding
    since: float | None
    """How long it has been so; null: there never was a link."""
    wanted_by: tuple[str, ...]
    """`overlay`, `message` (one was sent to it without a link), `peer`."""
    lanes: tuple[ConnectionRow, ...]
    """The membership lane first: its error is that of the link. Data lanes exist while the link is up or lost."""


class ChannelRow(Struct, frozen=True):
    """One channel: what all its connections carried since the start, those that are over included."""

    channel: str
    connections: int
    """Open now."""
    opened: int
    """Ever; those that are not open now were closed."""
    bytes_in: int = 0
    bytes_out: int = 0
    frames_in: int = 0
    frames_out: int = 0
    """Data frames only."""
    messages_in: int = 0
    """Decoded, and handed to mailboxes or to the overlay."""
    messages_out: int = 0
    """Written, or about to be."""


class Counters(Struct, frozen=True):
    """What was counted since the start."""

    notices: dict[str, int]
    """How often each kind of notice was reported; and the other counters of the node, in small letters."""
    dropped: dict[str, int]
    """Messages that were not delivered, by reason."""
    channels: tuple[ChannelRow, ...] = ()


class Change(Struct, frozen=True):
    """A key that a reload has changed."""

    key: str
    """`links.ping_interval`, or `channels.NAME` for a new channel."""
    before: str | int | float | None
    """None: it was not there."""
    after: str | int | float | None
    """None: it is not there; `new` for a channel."""


class FaultRow(Struct, frozen=True):
    """One fault that a node is told to inject."""

    name: str
    action: str
    match: str
    """What it is about, for people."""
    firings: int
    """How often it did something."""
