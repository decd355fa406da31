"""What can be replaced: the protocol of each kind of part, and the record a plugin hands over for it.

A hook (see `hookspecs`) returns one of the records. The kernel makes a `config` of the plugin's own table in
the configuration, calls `make` with it once, and binds what it returns: no hook is called per message.
"""

from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import Annotated, Any, Literal, Protocol

from partisan_core.compression import Compression
from partisan_core.config.readings import Table
from partisan_core.config.units import Size
from partisan_core.detection import DetectorEffect, DetectorEvent
from partisan_core.identity import NodeSpec
from partisan_core.interposition import Interposition, Stage
from partisan_core.notices import Notice
from partisan_core.strategy import MembershipStrategy
from partisan_core.wires import Listener as Listener
from partisan_core.wires import Transport as Transport
from partisan_core.wires import Wire as Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOptions:
    """The configuration of a part that has nothing to configure."""


class Serializer(Protocol):
    """Makes bytes of messages and messages of bytes. One object serves a whole node; it MUST NOT block.

    May have an attribute `enclosing`, a pair: the bytes that `join` puts before and behind a single piece. Then a large
    message is sent without another copy of it. Since: 1.3
    """

    def encode(self, envelope: tuple[str, object], /) -> bytes:
        """Encode (mailbox name, message). Called in `send`, so that errors meet the sender.

        Raises:
            Exception: any, when it cannot; the sender gets an `EncodeError`, and nothing is sent.
        """

    def join(self, pieces: Sequence[bytes], /) -> bytes:
        """Make one body, decodable by one `decode_batch`, out of encoded envelopes."""

    def decode_batch(self, data: memoryview, /) -> list[tuple[str, Any]]:
        """Decode a body into its envelopes, in one call. `data` MUST NOT be kept: its memory is used again.

        In place of the mailbox of a message that cannot be read stands a `drops.Unreadable`. Since: 1.3

        Raises:
            ValueError: (or MemoryError, OverflowError, RecursionError) when the bytes are no body.
        """


class Digest(Protocol):
    """The running digest of one frame, in the shape that `hashlib` gave to all. MUST NOT block. Since: 1.3."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Take in what follows."""

    def digest(self) -> bytes:
        """Return the digest of all that was taken in: at least 4 bytes, of which the last 4 travel."""


class Verdict(Enum):
    """What a channel policy decides about a message that does not fit into its lane."""

    WAIT = auto()
    """The sender waits for room; `send_nowait` raises `WouldBlock`."""
    REJECT = auto()
    """The new message is dropped, and counted."""
    ROOM = auto()
    """The policy made room: queue the message."""
    DISCONNECT = auto()
    """The peer is too slow: what waits is dropped and counted, the lane's connection closed and dialled again."""


class LaneQueue(Protocol):
    """The messages that wait in one lane for their writer, as a channel policy sees them."""

    @property
    def messages(self) -> int:
        """How many wait."""

    @property
    def bytes(self) -> int:
        """How large they are together."""

    def fits(self, size: int) -> bool:
        """Say whether a message of `size` bytes has room. An empty lane takes any one message."""

    def drop_oldest(self) -> int:
        """Drop the oldest waiting message, counted as dropped, and return how many bytes that freed."""


class ChannelPolicy(Protocol):
    """Decides what happens when a lane is full. Has no state of its own: one object serves all lanes.

    One that never drops a message says so with an attribute `keeps_all = True`: its channels can acknowledge messages.
    Since: 1.3.
    """

    def make_room(self, lane: LaneQueue, size: int) -> Verdict:
        """Decide about a message of `size` bytes. Called only when it does not fit. MUST NOT block."""


class StateQueue(Protocol):
    """What waits in one lane, kept by its policy instead of by the lane. Pure: numbers and times are handed in.

    A slot is one recipient and key; what waits for it are encoded messages. Times are monotonic seconds.
    """

    count: int
    """How many wait."""
    size: int
    """Their bytes together."""

    @property
    def in_flight(self) -> int:
        """How many were taken and are not known to have arrived."""

    def waiting(self, slot: Hashable) -> Sequence[bytes]:
        """Return what waits for the slot."""

    def settle(self, slot: Hashable, piece: bytes) -> Sequence[bytes]:
        """Return what would wait for the slot with `piece`; nothing has changed. What it raises meets the sender."""

    def store(self, slot: Hashable, pieces: Sequence[bytes], now: float) -> None:
        """Let `pieces` wait for the slot instead of what waits."""

    def due(self, now: float) -> float:
        """Return the seconds until something can be taken: 0, or infinity when nothing waits."""

    def take(self, room: int, first: int, now: float) -> list[bytes]:
        """Remove about `room` bytes, at least one message; they get numbers from `first`. MUST NOT raise."""

    def confirm(self, number: int) -> None:
        """All messages up to `number` have arrived."""

    def resume(self, number: int) -> None:
        """There is a new connection: what was sent after `number` is lost. MUST NOT raise."""

    def drain(self) -> list[tuple[Hashable, Sequence[bytes]]]:
        """Remove and return what waits, by slot."""

    def release(self) -> None:
        """The lane ends: whatever waits can be taken now."""

    def clear(self) -> None:
        """The peer is gone: nothing waits any more."""


class StatePolicy(ChannelPolicy, Protocol):
    """A channel policy that lets messages take the place of others that have not been sent. Since: 1.3."""

    def open_queue(self, codec: Serializer) -> StateQueue:
        """Make the queue of one lane, whose messages `codec` encodes."""


class FailureDetector(Protocol):
    """A pure state machine with an opinion about every peer that the node has a link to.

    May have an attribute `messages`, the types of what it says to the same detector of its peers: tagged, frozen,
    `array_like` Structs; and an attribute `ignored`, a `Counter[str]` of what it did not believe. Since: 1.3
    """

    def handle(self, event: DetectorEvent, now: float) -> list[DetectorEffect]:
        """The only way in. MUST be pure but for its own state; `now` is monotonic seconds. MUST NOT block."""


Unconnected = Literal["dial", "relay", "refuse"]
"""How a message goes to a node to which there is no link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayPlugin:
    """An overlay network."""

    make: Callable[[NodeSpec, Any, Random], MembershipStrategy]
    """Called with the local node, an instance of `config` and the only source of randomness there is."""
    config: type = NoOptions
    """A frozen dataclass: the rest of the table `[overlay]`."""
    capabilities: Collection[str] = frozenset()
    """What an application may require of it: the `capabilities` of what `make` makes."""
    version: int = 1
    """The version of its messages. Nodes with different ones refuse each other by name."""
    unconnected: Unconnected = "dial"
    """What `[routing] unconnected` means where the configuration leaves it to the overlay. Since: 1.2"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SerializerPlugin:
    """A serializer."""

    make: Callable[[Any], Serializer]
    config: type = NoOptions
    """A frozen dataclass: the rest of the table `[serializer]`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksumPlugin:
    """A checksum of frames, which both ends of a connection have. Since: 1.3."""

    new: Callable[[bytes | memoryview], Digest]
    """Begins the digest of a frame with what is given. What a checksum of this name computes never changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPolicyPlugin:
    """A channel policy: the one object for all channels, or one made for each with its options."""

    policy: ChannelPolicy | None = None
    make: Callable[[Any], ChannelPolicy] | None = None
    """Called with an instance of `config` for each channel, when there is no `policy`. Since: 1.3"""
    config: type = NoOptions
    """A frozen dataclass: the rest of the table `policy` of the channel. Since: 1.3"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressionOptions(Table):
    """What every compression can be told: the parent of their configuration classes. Since: 1.3."""

    minimum: Annotated[int, Size()] = 1024
    """Frames with less in them are sent as they are. Default chosen: such a frame takes one packet in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressionPlugin:
    """A compression. Since: 1.3."""

    make: Callable[[Any], Compression]
    """Called with an instance of `config` for each channel; and once with its defaults, to undo what peers send."""
    config: type[CompressionOptions] = CompressionOptions
    """A frozen dataclass: the rest of the table `compression` of the channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureDetectorPlugin:
    """A failure detector."""

    make: Callable[[Any, Random], FailureDetector]
    config: type = NoOptions
    """A frozen dataclass: the rest of the table `[failure_detector]`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportPlugin:
    """A transport."""

    make: Callable[[Any], Transport]
    config: type = NoOptions
    """A frozen dataclass: the rest of the table `[transport]`."""
    private: bool = False
    """Nobody outside of this process can reach it: its nodes need no secret."""
    secure: bool = False
    """Nobody on the way can read or change what its wires carry, and each tells the `names` of its other end: nodes
    need no secret either. Since: 1.3"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionPlugin:
    """An extension: watches a node, or serves others what it can do, or both."""

    observe: Callable[[Any], Callable[[Notice], object]] | None = None
    """Called once per node with an instance of `config`, before anything is opened. What it returns is called with each
    notice, in their order, at once, in the node's own task: it MUST NOT block. What it raises is logged and counted."""
    serve: Callable[..., Awaitable[None]] | None = None
    """Called once per node, as `serve(options, node, task_status=...)` with an instance of `config`, when the node has
    started; cancelled when it has stopped. `open_node` waits until it calls `task_status.started()` or ends. A
    `StartError` that it raises before stops the start; whatever else it raises is logged and counted."""
    interpose: Callable[[Any, Stage], Interposition] | None = None
    """Of the extension behind `[faults]`: called once per node, before it starts. It makes `Node.faults`. Since: 1.3"""
    config: type = NoOptions
    """A frozen dataclass: the table `[extensions.NAME]`."""

    def __post_init__(self) -> None:
        if self.observe is None and self.serve is None and self.interpose is None:
            raise TypeError("an extension has to observe or to serve, or to interpose")
