"""Why what was monitored is no more: the reasons that there are, and what a monitor tells. Since: 1.3."""

from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from partisan_core.events import Reason
from partisan_core.identity import NodeSpec
from partisan_core.refs import Ref

DETAIL_KEPT = 500
"""Characters of a detail that travel (chosen: an exception's type and the line that says what was wrong)."""


class DownReason(StrEnum):
    """A closed set; the words are Erlang's, but for `failed`, which is the exception itself there."""

    NORMAL = "normal"
    """The mailbox was closed, and nothing was wrong."""
    FAILED = "failed"
    """An exception left its block, or it was closed for a reason: see `Down.detail`."""
    KILLED = "killed"
    """Its block was cancelled."""
    NOPROC = "noproc"
    """There was no such mailbox when the monitor was set."""
    NOCONNECTION = "noconnection"
    """The connection layer says that its node is down, or there is no way to it."""
    RESTARTED = "restarted"
    """Another life of its node has taken the place of that one."""


class Ending(NamedTuple):
    """How something ended."""

    reason: DownReason
    detail: str = ""


class Down(Struct, frozen=True):
    """What is told once of each monitor: what it watched is no more."""

    ref: Ref | str
    """As it was asked for; of `Node.monitor_node`, the name."""
    reason: DownReason
    tag: object = None
    """As it was given: the application's own, which never travels."""
    detail: str = ""
    """For people: type and text of an exception, or what the connection layer says. A peer's word: bounded, escaped."""


class Nodes(Struct, frozen=True):
    """To whom links work: the first word of a stream, and again after words were missed."""

    up: tuple[NodeSpec, ...]


class NodeUp(Struct, frozen=True):
    """A link to a node works, whichever end wants it."""

    node: NodeSpec


class NodeDown(Struct, frozen=True):
    """It does not any more: the connection layer says so, once for each `NodeUp`."""

    node: NodeSpec
    reason: Reason


NodeChange = Nodes | NodeUp | NodeDown
