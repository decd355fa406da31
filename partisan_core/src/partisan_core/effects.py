"""What a membership strategy can ask for: the closed set of effects that come out.

Links are not asked for by effects: after every event the host compares `links()` with what there is.
"""

from msgspec import Struct

from partisan_core.events import Reason
from partisan_core.identity import NodeSpec


class Send(Struct, frozen=True):
    """Send `message` (one of the strategy's registered types) to the same strategy on `peer`.

    Without a link an on-demand one is opened; a failure comes back as `DialFailed`.
    """

    peer: NodeSpec
    message: Struct


class StartTimer(Struct, frozen=True):
    """`TimerFired(token)` after `after` seconds."""

    after: float
    token: str


class Note(Struct, frozen=True):
    """Why `peer` is about to leave `members()` or `links()`: for events and monitors.

    Without one a member that leaves was `FORGOTTEN`, and a link that is not wanted any more `DEMOTED`.
    """

    peer: NodeSpec
    reason: Reason


class Decline(Struct, frozen=True):
    """`peer` will not have this node: a `join` through it fails with these words, which say how to mend it."""

    peer: NodeSpec
    why: str


class Retire(Struct, frozen=True):
    """The local node is no longer a member: it was evicted, or a newer life of its name exists (`NAME_IN_USE`)."""

    reason: Reason


Effect = Send | StartTimer | Note | Decline | Retire
