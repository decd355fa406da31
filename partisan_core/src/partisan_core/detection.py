"""The failure detector's vocabulary: what goes in, what comes out. Its opinion is never a fact.

Only the connection layer says that a peer is down; a detector says whom it suspects, and takes it back.
"""

from msgspec import Struct

from partisan_core.effects import StartTimer
from partisan_core.events import TimerFired
from partisan_core.identity import NodeSpec


class PeerUp(Struct, frozen=True):
    """The membership connection to this life of `peer` is authenticated."""

    peer: NodeSpec


class PeerLost(Struct, frozen=True):
    """The connection broke; it is being redialled, and nothing is decided yet."""

    peer: NodeSpec


class PeerResumed(Struct, frozen=True):
    """The same life answered again; its session goes on."""

    peer: NodeSpec


class PeerDown(Struct, frozen=True):
    """The link is down: from now on a fact, and no longer the detector's business."""

    peer: NodeSpec


class Probed(Struct, frozen=True):
    """`peer` answered a probe after `rtt` seconds."""

    peer: NodeSpec
    rtt: float


class Suspect(Struct, frozen=True):
    """`peer` may be dead."""

    peer: NodeSpec


class Trust(Struct, frozen=True):
    """The suspicion of `peer` is taken back."""

    peer: NodeSpec


class Probe(Struct, frozen=True):
    """Ping `peer` now; an answer comes back as `Probed`, silence as nothing at all."""

    peer: NodeSpec


DetectorEvent = PeerUp | PeerLost | PeerResumed | PeerDown | Probed | TimerFired
DetectorEffect = Suspect | Trust | Probe | StartTimer
