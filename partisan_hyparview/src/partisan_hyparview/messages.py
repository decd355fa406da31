"""What HyParView nodes say to each other. The tags are short because they travel with every message."""

from enum import IntEnum
from typing import Annotated

from msgspec import Meta, Struct

from partisan_core.identity import NodeSpec

MAX_PEERS = 64
"""The longest list of nodes that is read: the largest shuffle that can be configured, and some room."""

Peers = Annotated[tuple[NodeSpec, ...], Meta(max_length=MAX_PEERS)]
Name = Annotated[str, Meta(max_length=128)]


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
    """No room: the other answer to `Neighbour`. Here is who was refused before: it seeks a neighbour, too."""

    contacts: Peers = ()


class Disconnect(Struct, frozen=True, array_like=True, tag="d"):
    """You are my neighbour no more; here are others to try."""

    cause: Cause
    contacts: Peers = ()


class Test(Struct, frozen=True, array_like=True, tag="t"):
    """Nothing, to a neighbour: that it can be sent is what is tested."""


class Shuffle(Struct, frozen=True, array_like=True, tag="s"):
    """A random walk at whose end whom two nodes know is exchanged. The answer goes to `origin`, not to the last hop."""

    origin: NodeSpec
    peers: Peers
    ttl: int


class ShuffleReply(Struct, frozen=True, array_like=True, tag="p"):
    """What the end of a shuffle's walk offers in return."""

    peers: Peers


class XbotMessage(Struct, frozen=True, array_like=True):
    """Parent of what nodes say that optimise their links: see `_xbot`. The names are the paper's."""


class Optimization(XbotMessage, frozen=True, array_like=True, tag="o"):
    """To a candidate: be my neighbour in place of `old`."""

    number: int
    """Names the exchange in all its messages. The initiator draws it at random, so that stale words do not fit."""
    old: NodeSpec


class Replace(XbotMessage, frozen=True, array_like=True, tag="e"):
    """To a neighbour: take `old` in place of me, so that I can take `initiator`."""

    number: int
    initiator: Name
    old: NodeSpec


class Switch(XbotMessage, frozen=True, array_like=True, tag="w"):
    """To the old neighbour: take me in place of `initiator`, who gets another too."""

    number: int
    initiator: Name


class ExchangeReply(XbotMessage, frozen=True, array_like=True, tag="y"):
    """The answer to each of the three: the paper's OPTIMIZATIONREPLY, REPLACEREPLY and SWITCHREPLY."""

    number: int
    accepted: bool


class DisconnectWait(XbotMessage, frozen=True, array_like=True, tag="h"):
    """The old neighbour to the initiator: you are my neighbour no more, but keep the place for who comes."""

    number: int


class Probe(XbotMessage, frozen=True, array_like=True, tag="b"):
    """Say `number` back at once: the round trip is the cost of a link."""

    number: int


class Echo(XbotMessage, frozen=True, array_like=True, tag="c"):
    """The answer to `Probe`."""

    number: int


XBOT_MESSAGES = (Optimization, Replace, Switch, ExchangeReply, DisconnectWait, Probe, Echo)
