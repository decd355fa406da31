"""The failure detector `tcp`: suspects whom the connection was lost to, until it is resumed or given up.

The connection layer pings by itself, so a silent peer loses its connection too (`[links] ping_interval`).
"""

from random import Random

from partisan_core import detection
from partisan_core.detection import DetectorEffect, DetectorEvent
from partisan_core.identity import NodeSpec
from partisan_core.kinds import FailureDetectorPlugin, NoOptions
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.0"


class TcpDetector:
    """Has no timers and no thresholds: a lost connection is the suspicion."""

    def __init__(self, config: NoOptions, rng: Random) -> None:
        self._suspected: dict[str, NodeSpec] = {}

    def handle(self, event: DetectorEvent, now: float) -> list[DetectorEffect]:
        """See `FailureDetector`."""
        match event:
            case detection.PeerLost(peer):
                return self._suspect(peer)
            case detection.PeerUp(peer) | detection.PeerResumed(peer):
                return [detection.Trust(peer)] if self._take_back(peer) else []
            case detection.PeerDown(peer):
                self._take_back(peer)
        return []

    def _suspect(self, peer: NodeSpec) -> list[DetectorEffect]:
        suspected = self._suspected.get(peer.name)
        if suspected is not None and suspected.life >= peer.life:
            return []
        self._suspected[peer.name] = peer
        return [detection.Suspect(peer)]

    def _take_back(self, peer: NodeSpec) -> bool:
        """Forget a suspicion. What is said of an older life changes nothing for a newer one."""
        suspected = self._suspected.get(peer.name)
        if suspected is None or suspected.life > peer.life:
            return False
        del self._suspected[peer.name]
        return True


@hookimpl
def partisan_failure_detector() -> FailureDetectorPlugin:
    """Hand over the detector."""
    return FailureDetectorPlugin(make=TcpDetector)
