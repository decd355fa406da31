"""The configuration as the kernel sees it: frozen, complete, in seconds and bytes, defaults with origins.

Parts that plugins own (`[overlay]`, `[serializer]`, …) stay raw in a `Selection` until the plugin is loaded.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from partisan_core.config.readings import RELOADABLE, Count, Expected, Name, Reading, Table, Texts
from partisan_core.config.units import DurationOrNever, PositiveSeconds, Seconds, Size, format_duration
from partisan_core.identity import Address
from partisan_core.spelling import did_you_mean
from partisan_core.wire.limits import HELLO_ENTRIES, HELLO_NAMES

KIB, MIB, GIB = 1024, 1024**2, 1024**3

DEFAULT_USES: Final = {
    "overlay": "fullmesh",
    "serializer": "msgpack",
    "failure_detector": "tcp",
    "transport": "tcp",
}
"""What is used where nothing is said, by section: the sections that select a plugin."""

DEFAULT_EXTENSIONS: Final = ("control",)
"""The extensions that a node with a data_dir uses without being told, where they are installed."""

FAULTS: Final = "faults"
"""The extension behind the table of that name."""

DEFAULT_CHANNEL: Final = "default"
MEMBERSHIP_CHANNEL: Final = "membership"

LOG_LEVELS: Final = ("debug", "info", "warning", "error")

LabelMap = Annotated[Mapping[str, str], Texts(most=64, most_bytes=1024)]
"""Bounded because the handshake frame is, at 4 KiB before a peer has proved anything (design, section 7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection(Table):
    """Which plugin a section uses, and the rest of its table, which that plugin owns."""

    use: str
    options: Mapping[str, object] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Where each value came from, by key path; for error messages."""


@dataclass(frozen=True, slots=True)
class Choice(Reading[Selection]):
    """A plugin's name alone, or a table like those of the sections."""

    example: str
    """Of a table."""

    def parse(self, value: object) -> Selection:
        """Accept both."""
        if isinstance(value, Selection):
            return value
        table = {"use": value} if isinstance(value, str) else value
        use = table.get("use") if isinstance(table, Mapping) else None
        if not isinstance(use, str) or not use or not isinstance(table, Mapping):
            raise Expected(f"the name of a plugin in quotes, or a table, for example {self.example}")
        return Selection(use=str(use), options={str(key): option for key, option in table.items() if key != "use"})

    def check(self, value: Selection) -> None:
        """Whether there is such a plugin shows when it is loaded."""


_POLICY, _COMPRESSION = Choice('{ use = "monotonic", every = "1s" }'), Choice('{ use = "zlib", minimum = "4KiB" }')


def _default(section: str) -> Selection:
    return Selection(use=DEFAULT_USES[section])


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig(Table):
    """`[node]`: who this node is and where it listens."""

    name: Annotated[str, Name(may_be_empty=True)] = ""
    """A stable label, independent of addresses. Empty: an ephemeral one is made at start."""
    listen: tuple[Address, ...] = (Address("127.0.0.1", 0),)
    """Where to listen; port 0 means any. Default chosen: reachable by this machine alone."""
    advertise: tuple[Address, ...] = ()
    """What to tell others to dial, when that is not where it listens."""
    data_dir: Path | None = None
    """What survives a restart lives here. A relative path in a file is relative to that file's folder."""
    rejoin: bool = True
    """Come back to the peers that `data_dir` remembers, without contacts, unless this node left the last time."""
    cluster: Annotated[str, Name()] = "default"
    """Nodes of different clusters refuse each other."""
    labels: LabelMap = field(default_factory=dict)
    """Role, zone, version: what overlays and operators select by."""
    metadata: LabelMap = field(default_factory=dict)
    """The user's own; never interpreted."""
    requires: tuple[str, ...] = ()
    """Capabilities without which the application cannot work: an overlay that lacks one is refused at start."""
    strict: bool = False
    """A part that raises stops the node instead of being logged and counted. Chosen: for tests only."""

    def conflicts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Listening everywhere says nothing about where to dial."""
        wildcard = next((address for address in self.listen if address.is_wildcard), None)
        if wildcard and not self.advertise:
            example = f'advertise = ["this-machine.example:{wildcard.port or 9090}"]'
            yield ("listen",), f"an address that others can dial, or beside it the line {example}"
        for index, address in enumerate(self.listen):
            if any(_collide(address, earlier) for earlier in self.listen[:index]):
                yield ("listen",), f"each address once: {address} is taken by another one of the list"


def _collide(one: Address, other: Address) -> bool:
    """Two listeners cannot have one port of one host, and a wildcard is every host; port 0 is any free one."""
    same_port = one.port == other.port != 0
    return same_port and (one.host == other.host or one.is_wildcard or other.is_wildcard)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelConfig(Table):
    """`[channels.NAME]`: a stream of messages with connections and bounds of its own."""

    parallelism: Annotated[int, Count(1, 64)] = 1
    """How many connections (lanes) at most; the smaller wish of both ends counts. Default: Partisan's."""
    policy: Annotated[Selection, _POLICY] = field(default_factory=lambda: Selection(use="block"))
    """The channel policy: what happens when a lane is full; its name, or a table with `use` and the policy's own
    options. Default chosen: backpressure loses nothing."""
    serializer: str | None = None
    """The serializer of this channel; by default the node's."""
    compression: Annotated[Selection | None, _COMPRESSION] = None
    """The compression of what this node sends, where the peer can undo it; its name, or a table with `use` and the
    compression's own options. Default chosen: it costs more time than a local network does."""
    queue_messages: Annotated[int, Count(1, 100_000_000), RELOADABLE] = 3_000
    """Bound of each lane's queue. Default measured: a few milliseconds of full speed; with 10,000 small messages queued
    the one-way rate is a tenth lower, as they have left the cache when they are written."""
    queue_bytes: Annotated[int, Size(least=KIB), RELOADABLE] = 8 * MIB
    """The other bound of each lane's queue. Messages too large for one frame wait in a second one, with the same
    bounds. Default chosen."""
    fallback: Literal["wait", "default", "refuse"] = "wait"
    """What a message does while its lane has no connection: `wait` in the lane, go over the channel `default`, or
    `refuse` to be sent. Default chosen: nothing is lost, and each channel keeps to its own policy."""
    ack: bool = False
    """Every message is sent as with `ack=True`: exactly once, or the sender is told. Default chosen: it costs memory
    and a part of the speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkConfig(Table):
    """`[links]`: how connections are made, watched and given up."""

    handshake_timeout: Annotated[PositiveSeconds, RELOADABLE] = 2.0
    """From the first byte to an authenticated connection. Origin: design, section 7."""
    dial_timeout: Annotated[PositiveSeconds, RELOADABLE] = 1.0
    """For one address to answer. Chosen: several lost SYN packets are rarer than dead hosts."""
    reconnect_grace: Annotated[Seconds, RELOADABLE] = 3.0
    """How long a lost peer may stay away before it is down (`unreachable`). Origin: design, section 7."""
    refusal_pause: Seconds = 0.4
    """Between the two refused dials after which a lost peer is down (`gone`). Chosen: a process that is restarted at
    once is back, and known to all, within a fraction of it."""
    redial_first: PositiveSeconds = 0.05
    """The shortest pause between two dials; the next is random, up to three times the last. Chosen."""
    redial_limit: PositiveSeconds = 10.0
    """The longest pause between two dials. Chosen."""
    ping_interval: Annotated[PositiveSeconds, RELOADABLE] = 2.0
    """How long a connection may be silent before it is pinged. Chosen (decision 0042): who is silent is known within
    5 s, and down after the grace; who stops for 2 s is not even suspected."""
    ping_timeout: Annotated[PositiveSeconds, RELOADABLE] = 1.0
    """For one ping to be answered. Chosen."""
    ping_attempts: Annotated[int, Count(1, 100), RELOADABLE] = 2
    """How many unanswered pings in a row break a connection. Chosen with the interval (decision 0042)."""
    linger: Annotated[Seconds, RELOADABLE] = 1.0
    """How long a link is kept after neither end wants it. Chosen."""
    flush_timeout: Annotated[Seconds, RELOADABLE] = 2.0
    """How long a closing node tries to send what is queued, after it gave links that are still being made for it half
    as long. Origin: the command's promise at Ctrl-C."""

    checksum: str | None = None
    """The one checksum of frames that is offered to peers, `crc32` for none but what everybody has. By default all that
    are installed, by name: a checksum is used where both ends have it (decision 0031)."""

    def conflicts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """The pause between two dials only grows."""
        if self.redial_first > self.redial_limit:
            yield ("redial_first",), f"at most redial_limit, which is {format_duration(self.redial_limit)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DowningConfig(Table):
    """`[downing]`: what becomes of a member that does not answer. Needs an overlay that can evict."""

    after: Annotated[float, DurationOrNever(least=0.001)] = math.inf
    """Suspected or down for so long, it is evicted, as long as most members answer; `never`: it stays a member until it
    comes back or is evicted by hand. Default: Partisan's, whose members are remembered for ever. Since: 1.3"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingConfig(Table):
    """`[routing]`: how a message goes to a node to which there is no link."""

    unconnected: Literal["overlay", "dial", "relay", "refuse"] = "overlay"
    """`dial` a link for it, `relay` it through a node that has one, or `refuse` it. Default: what the overlay says."""
    idle_timeout: PositiveSeconds = 30.0
    """How long a dialled link is kept when no message goes over it, either way. Origin: design, section 8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxConfig(Table):
    """`[mailboxes]`: the bound of what waits to be received."""

    messages: Annotated[int, Count(1, 100_000_000)] = 10_000
    """How many messages wait in one mailbox; a full one pauses its lane. Origin: design, section 7."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitConfig(Table):
    """`[limits]`: what a peer may send."""

    message: Annotated[int, Size(least=KIB, most=GIB)] = 16 * MIB
    """The largest encoded message. Chosen."""
    unfinished: Annotated[int, Size(least=MIB, most=64 * GIB)] = 128 * MIB
    """What one peer may make this node hold of large messages that have not arrived whole, on all lanes together: the
    lane whose message would exceed it waits. Chosen: eight of the largest."""
    monitors: Annotated[int, Count(1, 100_000_000)] = 16_384
    """How many monitors one peer may have set here; it is told when it wants more. Chosen: with about 1 KiB
    for each (measured), 16 MiB of a peer that sets them all. Since: 1.3"""
    batch: Annotated[int, Size(least=KIB, most=16 * MIB)] = 64 * KIB
    """How much the writer joins into one frame. Origin: measured, design, section 11."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityConfig(Table):
    """`[security]`: who may be a member."""

    secret_files: tuple[Path, ...] = ()
    """The secret of the cluster: at least 32 random bytes in a file of this user's, mode 0600. The first one is used to
    dial, a second one is accepted, too. Without any, nodes that only this machine can reach make one by themselves."""
    deny: tuple[Annotated[str, Name()], ...] = ()
    """Names that are refused, although they hold the secret."""
    allow_insecure: bool = False
    """Without `secret_files`, listen where others than this machine can reach it, open to everybody there."""
    keyed_frames: Literal["off_loopback", "always"] = "off_loopback"
    """Which connections have frames that nobody on the way can change, forge or repeat. Default chosen: on loopback
    only the system itself could, and a checksum costs less (decision 0008)."""

    def conflicts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """A rotation has an old secret and a new one."""
        if len(self.secret_files) > 2:
            yield ("secret_files",), "at most two files: the secret, and the one that replaces it or that it replaced"


@dataclass(frozen=True, slots=True)
class Levels(Reading[Mapping[str, str]]):
    """How much loggers tell, by their names."""

    def parse(self, value: object) -> Mapping[str, str]:
        """Accept a table in which every value is text."""
        if not isinstance(value, Mapping) or not all(isinstance(level, str) for level in value.values()):
            raise Expected('a table of levels, for example { "partisan.link" = "debug" }')
        return {str(name): str(level) for name, level in value.items()}

    def check(self, value: Mapping[str, str]) -> None:
        """Compare with the levels there are."""
        for name, level in value.items():
            if level not in LOG_LEVELS:
                raise Expected(f"one of {', '.join(LOG_LEVELS)} for {name}, not {level!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingConfig(Table):
    """`[logging]`: how much is told to the log of the process, which all its nodes share."""

    levels: Annotated[Mapping[str, str], Levels(), RELOADABLE] = field(default_factory=dict)
    """`debug`, `info`, `warning` or `error` by the name of a logger: `partisan`, `partisan.link`. A logger that is not
    named tells what the one above it tells, and that of the process decides in the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionConfig(Table):
    """`[extensions]`: what watches this node. The table `[extensions.NAME]` belongs to the extension of that name."""

    enable: tuple[str, ...] = ()
    """The extensions that are loaded, by installed name, in the order in which they hear of things."""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The tables `[extensions.NAME]` by name, raw."""

    def conflicts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """A table of nobody is a misspelt one."""
        if len({*self.enable}) < len(self.enable):
            yield ("enable",), "each extension once"
        for name, table in self.options.items():
            if name not in self.enable:
                yield (name,), f"the table of an enabled extension{did_you_mean(name, ['enable', *self.enable])}"
            elif not isinstance(table, Mapping):
                yield (name,), "a table"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultConfig(Table):
    """`[faults]`: faults to inject, see the distribution `partisan-faults`, to which the rest of the table belongs."""

    enabled: bool = False
    """Whether `Node.faults` is there. Chosen: who may command the node may then also harm its messages."""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The rest of the table, raw; not looked at while faults are not enabled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(Table):
    """A whole configuration. The channels `default` and `membership` always exist."""

    node: NodeConfig = field(default_factory=NodeConfig)
    overlay: Selection = field(default_factory=lambda: _default("overlay"))
    serializer: Selection = field(default_factory=lambda: _default("serializer"))
    failure_detector: Selection = field(default_factory=lambda: _default("failure_detector"))
    transport: Selection = field(default_factory=lambda: _default("transport"))
    channels: Mapping[Annotated[str, Name()], ChannelConfig] = field(default_factory=dict)
    links: LinkConfig = field(default_factory=LinkConfig)
    downing: DowningConfig = field(default_factory=DowningConfig)
    routing: RoutingConfig = field(default_factory=RoutingConfig)
    mailboxes: MailboxConfig = field(default_factory=MailboxConfig)
    limits: LimitConfig = field(default_factory=LimitConfig)
    security: SecurityConfig = field(default_factory=SecurityConfig)
    logging: LoggingConfig = field(default_factory=LoggingConfig)
    extensions: ExtensionConfig = field(default_factory=ExtensionConfig)
    faults: FaultConfig = field(default_factory=FaultConfig)
    origins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Where each value that is not a default came from, by key path."""

    def __post_init__(self) -> None:
        always = {MEMBERSHIP_CHANNEL: ChannelConfig(), DEFAULT_CHANNEL: ChannelConfig()}
        object.__setattr__(self, "channels", always | dict(self.channels))
        Table.__post_init__(self)

    def conflicts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """The core's own channel is fixed, nothing is below `default`, and a hello has room for so many names."""
        if len(self.channels) > HELLO_ENTRIES or sum(map(len, self.channels)) > HELLO_NAMES:
            yield ("channels",), f"at most {HELLO_ENTRIES} channels, with names of together {HELLO_NAMES} characters"
        given, own = self.channels.get(MEMBERSHIP_CHANNEL, ChannelConfig()), ChannelConfig()
        for key in ChannelConfig.__slots__:
            if getattr(given, key) != getattr(own, key):
                yield ("channels", MEMBERSHIP_CHANNEL, key), "nothing: the core keeps this channel for itself"
        if DEFAULT_CHANNEL in self.channels and self.channels[DEFAULT_CHANNEL].fallback == "default":
            yield ("channels", DEFAULT_CHANNEL, "fallback"), '"wait" or "refuse": it cannot fall back on itself'
