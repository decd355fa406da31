"""What can happen to a membership strategy: the closed set of events that go in.

Peers appear as `NodeSpec`; a strategy keys its views by `peer.name` and compares `peer.life`.
"""

from enum import StrEnum

from msgspec import Struct

from partisan_core.identity import NodeSpec


class Reason(StrEnum):
    """Why a member, a link or a dial ended; a closed set, so that monitors and events can match on it."""

    LEFT = "left"
    """It said that it leaves."""
    EVICTED = "evicted"
    """A member or an operator removed it."""
    DEMOTED = "demoted"
    """The overlay keeps it as a member but no longer wants the link."""
    REPLACED = "replaced"
    """A newer life of the same name was learnt."""
    GONE = "gone"
    """Refused at every address, and again after `refusal_pause`: nobody listens there any more."""
    RESTARTED = "restarted"
    """A newer incarnation answered, or was heard of."""
    UNREACHABLE = "unreachable"
    """No answer within `reconnect_grace`."""
    REJECTED = "rejected"
    """The handshake ended in a refusal."""
    RELEASED = "released"
    """Neither end wants the link."""
    FORGOTTEN = "forgotten"
    """A partial view has no room for it any more: nothing is known against it."""
    NAME_IN_USE = "name_in_use"
    """A newer life of our own name exists elsewhere."""


class Started(Struct, frozen=True):
    """The first event of every strategy: the moment to start its timers."""


class Join(Struct, frozen=True):
    """The application joins through `contact`. The kernel has dialled it: the spec is the contact's own word."""

    contact: NodeSpec


class Leave(Struct, frozen=True):
    """The local node leaves. What the effects send is flushed before the links are closed."""


class Evict(Struct, frozen=True):
    """An operator removes `peer`, living or dead. Only strategies with the capability `evict` receive it."""

    peer: NodeSpec


class Reconcile(Struct, frozen=True):
    """The cluster shall consist of exactly `peers` (and the local node). Empty means: no opinion, change nothing."""

    peers: tuple[NodeSpec, ...]


class Reserve(Struct, frozen=True):
    """Keep `slots` places for neighbours whose `label` has this `value`; 0 gives them back.

    Only strategies with the capability `reserved_slots` receive it.
    """

    label: str
    value: str
    slots: int


class LinkUp(Struct, frozen=True):
    """A wanted link works: the membership connection is authenticated. Never sent for links nobody asked for."""

    peer: NodeSpec


class LinkDown(Struct, frozen=True):
    """A link that was up is down: a fact of the connection layer, after everything readable was read."""

    peer: NodeSpec
    reason: Reason


class DialFailed(Struct, frozen=True):
    """A wanted link could not be made, or a `Send` found no way. The kernel goes on trying while it is wanted."""

    peer: NodeSpec
    reason: Reason


class Received(Struct, frozen=True):
    """A message of this overlay from the same strategy on `peer`, which need not be a neighbour or a member."""

    peer: NodeSpec
    message: Struct


class TimerFired(Struct, frozen=True):
    """A timer of this strategy. Timers are never cancelled: a stale token is recognised by its owner."""

    token: str


class Suspected(Struct, frozen=True):
    """The failure detector's opinion that `peer` may be dead; never a fact."""

    peer: NodeSpec


class Trusted(Struct, frozen=True):
    """The failure detector takes a suspicion back."""

    peer: NodeSpec


Event = (
    Started
    | Join
    | Leave
    | Evict
    | Reconcile
    | Reserve
    | LinkUp
    | LinkDown
    | DialFailed
    | Received
    | TimerFired
    | Suspected
    | Trusted
)
