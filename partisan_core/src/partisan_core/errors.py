"""Every error a user can meet. Each message says whose fault it is, what happened to the state, how to mend it.

PartisanError
├── ConfigError            the configuration: file, key path, value, what was expected
│   ├── InvalidName         a malformed node or mailbox name
│   └── AddressError       a malformed address
├── PluginError            a plugin: unknown, disabled, broken at import, for another API, claimed twice
├── StartError             the node could not start; nothing was left behind
│   ├── AddressInUse       another process listens there
│   ├── DataDirLocked      another process runs in this data_dir
│   ├── DataDirUnusable    not writable, or a state file that cannot be believed
│   ├── SecretError        a secret file that cannot be read or trusted
│   ├── InsecureBindError  others than this machine could reach the node, and it has no secret
│   └── RequirementError   the overlay lacks a capability that `node.requires` names
├── RestartNeeded          a reload asked for more than a running node can change; nothing was changed
├── NameInUse              somebody else lives under our name; this node has stopped
├── JoinError              a contact refused us for good (wrong cluster, overlay, version, ourselves)
├── CapabilityError        the overlay in use cannot do what was asked; nothing was changed
├── SendError              nothing was sent
│   ├── UnknownNode        no such node, with the nearest name
│   ├── UnknownChannel     no such channel, with the nearest name
│   ├── NodeDown           known, and down
│   ├── NotConnected       a member without a link or connection, and no way to it is allowed or known
│   ├── NotAcknowledged    the channel, or the way to the node, does not go with `ack`
│   ├── EncodeError        the message is not plain data, or larger than max_message_size
│   └── WouldBlock         send_nowait on a full lane
├── Undelivered            an acknowledged message whose acknowledgement will not come any more
├── MonitorError           a monitor cannot be set on this channel, or the other node takes no more
├── FaultError             a fault to inject that cannot be, or faults are not enabled; nothing was changed
├── MailboxError           a second mailbox of one name, or use after close
├── NodeClosed             the node has left or was closed
├── ControlError           no node answers at a control socket, or it did not understand
└── WireError              a peer's bytes: the connection is closed and counted, the node lives on
    ├── FrameError         a frame that is no frame: oversized, unknown kind, empty batch
    │   └── CorruptFrame   a check does not match: bits changed on the way, or no Partisan at all
    └── HandshakeError     named refusal, by us or by the peer
        └── PeerUncertified  one end has no certificate that the other accepts (a transport's word; an OSError, too)
"""

from collections.abc import Awaitable, Callable


class PartisanError(Exception):
    """Parent of all errors of this project."""


class ConfigError(PartisanError):
    """The configuration is wrong; nothing was started. Holds every problem that was found, as a line each."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return self.problems[0]
        return "\n  ".join([f"the configuration has {len(self.problems)} errors:", *self.problems])


class InvalidName(ConfigError):
    """A malformed node or mailbox name."""


class AddressError(ConfigError):
    """A malformed address."""


class PluginError(PartisanError):
    """A plugin is unknown, disabled, claimed twice, broken or written for another API; nothing was started."""


class StartError(PartisanError):
    """The node could not start; nothing was left behind."""


class AddressInUse(StartError):
    """Another process listens on the address."""


class DataDirLocked(StartError):
    """Another process runs in this data_dir."""


class DataDirUnusable(StartError):
    """The data_dir cannot be written, or holds a state file that cannot be believed."""


class SecretError(StartError):
    """The secret of the cluster cannot be read, or its file cannot be trusted; nothing was started."""


class InsecureBindError(StartError):
    """Others than this machine could reach the node, and it has no secret to tell them from members."""


class RequirementError(StartError):
    """The overlay lacks a capability that `node.requires` names."""


class RestartNeeded(PartisanError):
    """A reload asked for something that only a restart can change; nothing was changed. Since: 1.3."""


class NameInUse(PartisanError):
    """Somebody else lives under this node's name; this node has stopped."""


class JoinError(PartisanError):
    """A contact refused this node for good; this node lives on, not joined."""


class CapabilityError(PartisanError):
    """The overlay in use cannot do what was asked; nothing was changed."""


class SendError(PartisanError):
    """The message was not sent, and nothing of it was queued."""


class UnknownNode(SendError):
    """No node of that name is known."""


class UnknownChannel(SendError):
    """No channel of that name is configured."""


class NodeDown(SendError):
    """The node is known, and down."""


class NotConnected(SendError):
    """There is no link to the node, or no connection of the channel, and the configuration gives no other way."""


class NotAcknowledged(SendError):
    """The channel, or the way to the node, does not go with `ack`. Since: 1.3."""


class EncodeError(SendError):
    """The message is not plain data, or too large, or its key cannot be hashed."""


class WouldBlock(SendError):
    """The lane is full; `await send` waits for room instead."""

    wait: Callable[[], Awaitable[int]] | None = None
    """How `send` goes on: it waits for room with the message as it was encoded, and returns its bytes."""


class Undelivered(PartisanError):
    """An acknowledged message will get no acknowledgement: the peer died, left or began a new life. Since: 1.3."""

    def __init__(self, text: str, *, is_sent: bool) -> None:
        super().__init__(text)
        self.is_sent = is_sent
        """True: it was sent, and may have arrived or not. False: it was not sent."""


class FaultError(PartisanError):
    """A rule for a fault to inject that cannot be, or faults are not enabled on the node; nothing was changed."""


class MonitorError(PartisanError):
    """A monitor was not set: the channel cannot carry it, or the other node takes no more of this one. Since: 1.3."""


class MailboxError(PartisanError):
    """A second mailbox of one name, or use of a closed one."""


class NodeClosed(PartisanError):
    """The node has left its cluster or was closed."""


class ControlError(PartisanError):
    """A running node could not be asked, or did not understand what it was asked; nothing was done."""


class WireError(PartisanError):
    """A peer sent what cannot be accepted; its connection is closed, the node lives on."""


class FrameError(WireError):
    """Bytes that are no frame, or a frame beyond the limits."""


class CorruptFrame(FrameError):
    """A header check or a checksum does not match: bits changed on the way, or it is no Partisan node."""


class HandshakeError(WireError):
    """A handshake ended in a named refusal."""


class PeerUncertified(HandshakeError, OSError):
    """One end of a connection has no certificate that the other accepts. Raised by wires; Since: 1.2."""
