"""The driver of the membership: the one place where effects of the overlay meet the kernel."""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import trio
from msgspec import Struct, field

from partisan_core import notices
from partisan_core.effects import Decline, Note, Retire, Send, StartTimer
from partisan_core.events import DialFailed, Event, Reason, TimerFired
from partisan_core.host import Connect, Outcome, Release, StrategyHost
from partisan_core.identity import NodeSpec
from partisan_core.kernel._links import Change, Down, Failed, Up
from partisan_core.kernel.journal import Journal
from partisan_core.kernel.peers import Peers
from partisan_core.kernel.timers import Timers
from partisan_core.kinds import Serializer

log = logging.getLogger("partisan.membership")

Step = Callable[[float], Iterator[Outcome]]


class Driver(Struct, eq=False):
    """Feeds the strategy from a queue, one event after the other, and performs what comes out.

    A machine that raises is our bug or the overlay's: loud when `strict`; otherwise the event is dropped, counted
    and logged, and the state kept.
    """

    host: StrategyHost
    _codec: Serializer
    _peers: Peers
    _timers: Timers
    _journal: Journal
    _strict: bool
    on_retired: Callable[[Reason], None] = lambda reason: None
    changed: trio.lowlevel.ParkingLot = field(default_factory=trio.lowlevel.ParkingLot)
    """Unparked after every event that changed members or neighbours, and when a contact declined."""
    declined: dict[str, str] = field(default_factory=dict)
    """Why a contact that is being joined will not have this node; empty until it is heard. Kept by `joining`."""
    _steps: deque[Step] = field(default_factory=deque)
    _running: bool = False

    # -- what goes in -------------------------------------------------------------------------------------------

    def feed(self, event: Event) -> None:
        """Hand an event to the strategy; what follows has been started when this returns, unless it runs already."""
        self._push(partial(self.host.feed, event))

    def on_link(self, peer: NodeSpec, change: Change) -> None:
        """The connection layer: what became of the link to a life of a peer."""
        match change:
            case Up():
                self._push(partial(self.host.link_up, peer))
            case Down(reason=reason):
                self._push(partial(self.host.link_down, peer, reason))
            case Failed(reason=reason):
                self.feed(DialFailed(peer, reason))

    def retire(self, reason: Reason) -> None:
        """The local node is no longer a member: the overlay says so, or a peer that knows a newer life of our name."""
        self._report(notices.Retired(reason))
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
                self._peers.send(peer, self._codec.encode(("", message)))
            case StartTimer(after=after, token=token):
                self._timers.call_later(after, partial(self._fire, self.host, token))
            case Connect(peer=peer):
                self._peers.want(peer)
            case Release(peer=peer):
                self._peers.release(peer)
            case notices.MemberJoined() | notices.MemberLeft() | notices.NeighbourUp() | notices.NeighbourDown():
                self._report(outcome)
            case Retire(reason=reason):
                self.retire(reason)
            case Decline(peer=peer, why=why):
                self._decline(peer, why)
            case Note():
                pass  # the host has put the reason into the differences

    def _decline(self, peer: NodeSpec, why: str) -> None:
        self._journal.report(notices.DialRefused(peer, Reason.REJECTED, why))
        if peer.name in self.declined:
            self.declined[peer.name] = why
            self.changed.unpark_all()

    def _fire(self, host: StrategyHost, token: str) -> None:
        """A timer of a life that has ended with `leave` is nobody's."""
        if host is self.host:
            self.feed(TimerFired(token))

    def _report(self, notice: notices.Notice) -> None:
        self._journal.report(notice)
        self.changed.unpark_all()
