"""The failure detector's vocabulary: what goes in, what comes out. Its opinion is never a fact.

Only the connection layer says that a peer is down; a detector says whom it suspects, and takes it back.

A detector with `messages` converses with the same detector of its peers: it is told `Started` and `Received`, and may
`Send`. Nobody else hears of that.
"""

from msgspec import Struct

from partisan_core.effects import Send, StartTimer
from partisan_core.events import Received, TimerFired
from partisan_core.identity import NodeSpec


class Started(Struct, frozen=True):
    """The local node begins a life as `me`: the first event, and again when it joins after a `leave`. Since: 1.3."""

    me: NodeSpec


class PeerUp(Struct, frozen=True):
    """The membership connection to this life of `peer` is authenticated."""

    peer: NodeSpec
    converses: bool = False
    """It has the same detector: what is sent to it arrives, as long as its link is up. Since: 1.3"""


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


DetectorEvent = Started | PeerUp | PeerLost | PeerResumed | PeerDown | Probed | Received | TimerFired
DetectorEffect = Suspect | Trust | Probe | Send | StartTimer
"""A `Send` opens no link: to whom there is none, or who does not converse, nothing is sent."""
