"""The driver of the membership: the one place where effects of the overlay and the failure detector meet the kernel."""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import trio
from msgspec import Struct

from partisan_core.detection import (
    DetectorEffect,
    DetectorEvent,
    PeerDown,
    PeerLost,
    PeerResumed,
    PeerUp,
    Probe,
    Probed,
    Suspect,
    Trust,
)
from partisan_core.effects import Note, Retire, Send, StartTimer
from partisan_core.events import DialFailed, Event, Reason, Received, Suspected, TimerFired, Trusted
from partisan_core.host import Announce, Connect, MemberAdded, MemberRemoved, Outcome, Release, StrategyHost
from partisan_core.identity import NodeSpec
from partisan_core.kernel.journal import Journal
from partisan_core.kernel.peers import Peers
from partisan_core.kernel.timers import Timers
from partisan_core.kinds import FailureDetector, Serializer
from partisan_core.mailboxes import Mailbox
from partisan_core.notices import (
    MemberJoined,
    MemberLeft,
    NeighbourDown,
    NeighbourUp,
    PeerSuspected,
    PeerTrusted,
    Retired,
)

log = logging.getLogger("partisan.membership")

Step = Callable[[float], Iterator[Outcome]]


class Driver:
    """Feeds the strategy from a queue, one event after the other, and performs what comes out.

    A machine that raises is our bug or the overlay's: loud when `strict`; otherwise the event is dropped, counted
    and logged, and the state kept.
    """

    def __init__(
        self,
        host: StrategyHost,
        detector: FailureDetector,
        codec: Serializer,
        peers: Peers,
        timers: Timers,
        journal: Journal,
        *,
        strict: bool,
    ) -> None:
        self.host = host
        self.on_retired: Callable[[Reason], None] = lambda reason: None
        self.changed = trio.lowlevel.ParkingLot()
        """Unparked after every event that changed members or neighbours."""
        self._detector, self._codec = detector, codec
        self._peers, self._timers, self._journal = peers, timers, journal
        self._strict = strict
        self._steps: deque[Step] = deque()
        self._running = False

    # -- what goes in -------------------------------------------------------------------------------------------

    def feed(self, event: Event) -> None:
        """Hand an event to the strategy; what follows has been started when this returns, unless it runs already."""
        self._push(partial(self.host.feed, event))

    def deliver(self, peer: NodeSpec, batch: list[tuple[str, Any]]) -> Mailbox | None:
        """Messages of the overlay have arrived."""
        for _, message in batch:
            self.feed(Received(peer, message))
        return None

    def link_up(self, peer: NodeSpec) -> None:
        """The connection layer: a life of a peer is up."""
        self._push(partial(self.host.link_up, peer))
        self._detect(PeerUp(peer))

    def link_lost(self, peer: NodeSpec) -> None:
        """Its connection broke; not down yet."""
        self._detect(PeerLost(peer))

    def link_resumed(self, peer: NodeSpec) -> None:
        """It is back, the same life."""
        self._detect(PeerResumed(peer))

    def link_down(self, peer: NodeSpec, reason: Reason) -> None:
        """It is down."""
        self._push(partial(self.host.link_down, peer, reason))
        self._detect(PeerDown(peer))

    def dial_failed(self, peer: NodeSpec, reason: Reason) -> None:
        """A wanted link could not be made."""
        self.feed(DialFailed(peer, reason))

    def retire(self, reason: Reason) -> None:
        """The local node is no longer a member: the overlay says so, or a peer that knows a newer life of our name."""
        self._report(Retired(reason))
        self.on_retired(reason)

    # -- what comes out -----------------------------------------------------------------------------------------

    def _push(self, step: Step) -> None:
        self._steps.append(step)
        if self._running:
            return
        self._running = True
        try:
            while self._steps:
                self._run(self._steps.popleft())
        finally:
            self._running = False

    def _run(self, step: Step) -> None:
        with self.guard("the overlay"):
            for outcome in step(trio.current_time()):
                self._perform(outcome)

    @contextmanager
    def guard(self, machine: str) -> Iterator[None]:
        """Around what calls a machine."""
        try:
            yield
        except Exception:
            if self._strict:
                raise
            self._journal.counters["machine_errors"] += 1
            log.exception("%s raised; the event was dropped and the state kept", machine)

    def _perform(self, outcome: Outcome) -> None:
        match outcome:
            case Send(peer=peer, message=message):
                self._send(peer, message)
            case StartTimer(after=after, token=token):
                self._timers.call_later(after, partial(self._fire, self.host, token))
            case Connect(peer=peer):
                self._peers.want(peer)
            case Release(peer=peer):
                self._peers.release(peer)
            case MemberAdded(peer=peer):
                self._report(MemberJoined(peer))
            case MemberRemoved(peer=peer, reason=reason):
                self._report(MemberLeft(peer, reason))
            case Announce(peer=peer, reason=reason):
                self._report(NeighbourUp(peer) if reason is None else NeighbourDown(peer, reason))
            case Retire(reason=reason):
                self.retire(reason)
            case Note():
                pass  # the host has put the reason into the differences

    def _fire(self, host: StrategyHost, token: str) -> None:
        """A timer of a life that has ended with `leave` is nobody's."""
        if host is self.host:
            self.feed(TimerFired(token))

    def _report(self, notice: MemberJoined | MemberLeft | NeighbourUp | NeighbourDown | Retired) -> None:
        self._journal.report(notice)
        self.changed.unpark_all()

    def _send(self, peer: NodeSpec, message: Struct) -> None:
        self._peers.send(peer, self._codec.encode(("", message)))

    # -- the failure detector -----------------------------------------------------------------------------------

    def _detect(self, event: DetectorEvent) -> None:
        effects: list[DetectorEffect] = []
        with self.guard("the failure detector"):
            effects = self._detector.handle(event, trio.current_time())
        for effect in effects:
            match effect:
                case Suspect(peer=peer):
                    self._journal.report(PeerSuspected(peer))
                    self.feed(Suspected(peer))
                case Trust(peer=peer):
                    self._journal.report(PeerTrusted(peer))
                    self.feed(Trusted(peer))
                case Probe(peer=peer):
                    self._probe(peer)
                case StartTimer(after=after, token=token):
                    self._timers.call_later(after, partial(self._detect, TimerFired(token)))

    def _probe(self, peer: NodeSpec) -> None:
        known = self._peers.table.get(peer.name)
        if known is not None and known.connection is not None:
            known.connection.ping(lambda rtt: self._detect(Probed(peer, rtt)))
