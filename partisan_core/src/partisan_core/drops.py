"""Why a message was not delivered: every reason there is. `node.dropped` counts by them."""

from enum import StrEnum
from typing import Self

from partisan_core.events import Reason


class DropReason(StrEnum):
    """A closed set: whoever drops a message gives one of these."""

    QUEUE_FULL = "queue_full"
    """The policy of the channel dropped it, or an older one in its place."""
    SLOW_PEER = "slow_peer"
    """It waited in a full lane whose policy is `disconnect`."""
    MEMBERSHIP_FULL = "membership_full"
    """A message of the overlay for which its lane had no room, or to a stranger while too many are dialled; overlays
    repeat themselves."""
    LOST_WITH_CONNECTION = "lost_with_connection"
    """Written to a connection that broke, and not read by the peer. Counted by the sender."""
    GAP = "gap"
    """The same messages, counted by the receiver."""
    UNDECODABLE = "undecodable"
    """It arrived in a batch that the channel's serializer could not read; the connection was closed."""
    UNREADABLE = "unreadable"
    """Its serializer could read the batch, but not this message: see `Unreadable`."""
    NO_MAILBOX = "no_mailbox"
    """Nobody has opened the mailbox that it was for."""
    NO_CHANNEL = "no_channel"
    """It waited for a link to a node that turned out to have no such channel."""
    TOO_LARGE = "too_large"
    """Larger than what the node that it was for takes, as a link to that one showed."""
    NO_ROUTE = "no_route"
    """A node that was to relay it has no link to the node that it was for. Counted by the relay, as the next two."""
    RELAY_FULL = "relay_full"
    """Too many relayed messages wait for the same node."""
    RELAY_REFUSED = "relay_refused"
    """By its own rule, `[routing] unconnected`, the node neither relays messages nor takes relayed ones; or it denies
    the origin."""
    NO_SESSION = "no_session"
    """A frame of a session between two ends with a relay between them, which is not, or no longer, the one that they
    have; or an answer that nobody asked for. What was in it is sent again. Since: 1.3"""

    NO_MONITOR = "no_monitor"
    """A word on a monitor that there is none of, or none any more: what is told again may come twice. Since: 1.3"""
    BAD_MONITOR = "bad_monitor"
    """What came for the monitors of this node is no word of theirs. Since: 1.3"""
    MONITORS_FULL = "monitors_full"
    """The peer has as many monitors here as it may; it is told. Since: 1.3"""

    NODE_LEFT = "node_left"
    """This and all that follow: it was queued for a node that went down, and why it did."""
    NODE_EVICTED = "node_evicted"
    NODE_DEMOTED = "node_demoted"
    NODE_REPLACED = "node_replaced"
    NODE_GONE = "node_gone"
    NODE_RESTARTED = "node_restarted"
    NODE_UNREACHABLE = "node_unreachable"
    NODE_REJECTED = "node_rejected"
    NODE_RELEASED = "node_released"
    NODE_FORGOTTEN = "node_forgotten"
    NODE_NAME_IN_USE = "node_name_in_use"


def with_node(reason: Reason) -> DropReason:
    """The reason of what is dropped with a node that is down because of `reason`."""
    return DropReason(f"node_{reason}")


class Unreadable(str):
    """Stands where the mailbox would in what `Serializer.decode_batch` returns: nobody here can read the message.

    It becomes a dead letter, and the rest of the batch arrives. Since: 1.3
    """

    __slots__ = ("mailbox", "reason")

    mailbox: str
    reason: str

    def __new__(cls, mailbox: str, reason: str) -> Self:
        """Which mailbox it was for, and why it is not put there; as a text it is empty, like no mailbox's name."""
        one = super().__new__(cls)
        one.mailbox, one.reason = mailbox, reason
        return one
