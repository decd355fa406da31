"""What HyParView nodes say to each other. The tags are short because they travel with every message."""

from enum import IntEnum
from typing import Annotated

from msgspec import Meta, Struct

from partisan_core.identity import NodeSpec

MAX_PEERS = 64
"""The longest list of nodes that is read: the largest shuffle that can be configured, and some room."""

Peers = Annotated[tuple[NodeSpec, ...], Meta(max_length=MAX_PEERS)]


class Cause(IntEnum):
    """Why a neighbour is told that it is one no more."""

    EVICTED = 0
    """Another took its place."""
    LEAVING = 1
    """The sender leaves the overlay."""
    ASYMMETRIC = 2
    """The sender did not take the receiver for a neighbour."""


class JoinRequest(Struct, frozen=True, array_like=True, tag="j"):
    """To a contact: make me a neighbour, and tell others of me."""


class ForwardJoin(Struct, frozen=True, array_like=True, tag="f"):
    """A random walk that finds further neighbours for `joiner`."""

    joiner: NodeSpec
    ttl: int


class Neighbour(Struct, frozen=True, array_like=True, tag="n"):
    """Shall we be neighbours? `urgent` (high priority) cannot be refused."""

    urgent: bool


class Accept(Struct, frozen=True, array_like=True, tag="a"):
    """You are my neighbour: the answer to `JoinRequest` and `Neighbour`."""


class Refuse(Struct, frozen=True, array_like=True, tag="r"):
    """No room: the other answer to `Neighbour`."""


class Disconnect(Struct, frozen=True, array_like=True, tag="d"):
    """You are my neighbour no more; here are others to try."""

    cause: Cause
    contacts: Peers = ()


class Shuffle(Struct, frozen=True, array_like=True, tag="s"):
    """A random walk at whose end whom two nodes know is exchanged. The answer goes to `origin`, not to the last hop."""

    origin: NodeSpec
    peers: Peers
    ttl: int


class ShuffleReply(Struct, frozen=True, array_like=True, tag="p"):
    """What the end of a shuffle's walk offers in return."""

    peers: Peers
