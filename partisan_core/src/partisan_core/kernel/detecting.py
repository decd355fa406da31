"""The host of the failure detector, between the connection layer and the overlay: whom it suspects, who hears of it.

What a detector says to its like travels among the messages of the overlay, each as bytes that only it can read.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import trio
from msgspec import Struct

from partisan_core import detection, notices
from partisan_core.config.model import Config
from partisan_core.effects import Send, StartTimer
from partisan_core.events import Received, Suspected, TimerFired, Trusted
from partisan_core.identity import NodeSpec
from partisan_core.kernel._links import Change, Down, Lost, Resumed, Up
from partisan_core.kernel.channels import DECODE_ERRORS, union_of
from partisan_core.kernel.downing import Downing
from partisan_core.kernel.driver import Driver
from partisan_core.kernel.journal import Journal
from partisan_core.kernel.peers import Peers
from partisan_core.kernel.timers import Timers
from partisan_core.kinds import FailureDetector


class Detecting:
    """Feeds the detector of one node."""

    def __init__(
        self,
        detector: FailureDetector,
        config: Config,
        members: Callable[[], Mapping[str, NodeSpec]],
        peers: Peers,
        timers: Timers,
        journal: Journal,
        driver: Driver,
    ) -> None:
        self.detector = detector
        self.suspected: set[str] = set()
        """By name: since a down says more than a suspicion, nobody whose link went down after it."""
        self._peers, self._timers, self._journal, self._driver = peers, timers, journal, driver
        self._downing = Downing(config.downing.after, members, timers, journal, driver.feed)
        messages: Sequence[type[Struct]] = getattr(detector, "messages", ())
        self.name = config.failure_detector.use if messages else ""
        """What a hello says of it."""
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(union_of(None, messages))

    def start(self, me: NodeSpec) -> None:
        """A life of the local node begins."""
        if self.name:
            self._handle(detection.Started(me))

    def on_link(self, peer: NodeSpec, change: Change) -> None:
        """The connection layer: what became of the link to a life of a peer."""
        self._driver.on_link(peer, change)
        self._downing.on_link(peer, change)
        match change:
            case Up():
                self._handle(detection.PeerUp(peer, self._converses(peer)))
            case Lost():
                self._handle(detection.PeerLost(peer))
            case Resumed():
                self._handle(detection.PeerResumed(peer))
            case Down():
                self.suspected.discard(peer.name)
                self._handle(detection.PeerDown(peer))

    def deliver(self, peer: NodeSpec, batch: Sequence[tuple[str, object]]) -> None:
        """Messages of the overlay have arrived, and of the detector."""
        for _, message in batch:
            if isinstance(message, Struct):
                self._driver.feed(Received(peer, message))
            elif isinstance(message, bytes):
                self._receive(peer, message)

    def _receive(self, peer: NodeSpec, encoded: bytes) -> None:
        """What is of another detector, or cannot be read, is nobody's."""
        try:
            if not self._converses(peer):
                raise ValueError("it is of another detector")
            message = self._decoder.decode(encoded)
        except DECODE_ERRORS:
            self._journal.counters["detector_messages_ignored"] += 1
        else:
            self._handle(Received(peer, message))

    def _handle(self, event: detection.DetectorEvent) -> None:
        effects: list[detection.DetectorEffect] = []
        with self._driver.guard("the failure detector"):
            effects = self.detector.handle(event, trio.current_time())
        for effect in effects:
            match effect:
                case detection.Suspect(peer=peer):
                    self.suspected.add(peer.name)
                    self._journal.report(notices.PeerSuspected(peer))
                    self._spread(Suspected(peer))
                case detection.Trust(peer=peer):
                    self.suspected.discard(peer.name)
                    self._journal.report(notices.PeerTrusted(peer))
                    self._spread(Trusted(peer))
                case detection.Probe(peer=peer):
                    self._probe(peer)
                case Send(peer=peer, message=message):
                    self._send(peer, message)
                case StartTimer(after=after, token=token):
                    self._timers.call_later(after, partial(self._handle, TimerFired(token)))

    def _spread(self, opinion: Suspected | Trusted) -> None:
        self._driver.feed(opinion)
        self._downing.on_opinion(opinion)

    def _probe(self, peer: NodeSpec) -> None:
        known = self._peers.table.get(peer.name)
        if known is not None and known.connection is not None:
            known.connection.ping(lambda rtt: self._handle(detection.Probed(peer, rtt)))

    def _send(self, peer: NodeSpec, message: Struct) -> None:
        """Only where it can go at once: what a detector says is stale when it is late."""
        if self._converses(peer) and self._peers.table[peer.name].connection is not None:
            self._peers.send(peer, self._encoder.encode(("", self._encoder.encode(message))))

    def _converses(self, peer: NodeSpec) -> bool:
        known = self._peers.table.get(peer.name)
        same = known is not None and known.spec.life == peer.life and known.detector == self.name
        return same and self.name != ""
