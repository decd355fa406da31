"""Monitors of this node: each is told once, by who has what it watches, or by the connection layer."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

from msgspec import Struct, field

from partisan_core.downs import Down, DownReason, Ending
from partisan_core.drops import DropReason
from partisan_core.errors import (
    EncodeError,
    MonitorError,
    NodeClosed,
    NotConnected,
    PartisanError,
    SendError,
    UnknownChannel,
)
from partisan_core.events import Reason
from partisan_core.identity import NodeSpec
from partisan_core.kernel.outlets import Outlets
from partisan_core.kernel.pins import Pins
from partisan_core.kernel.requests import Request, Requests, Way, desk
from partisan_core.mailboxes import Mailbox
from partisan_core.monitors import Monitor
from partisan_core.refs import Ref
from partisan_core.wire.checks import printable
from partisan_core.wire.monitoring import MONITORS, Ended, Refused, Seen, Unwatch, Unwatched, Watch, Watching, What

_NOT_SET = (UnknownChannel, EncodeError, NotConnected, NodeClosed, MonitorError)
"""Faults of the caller or of the configuration: nothing is said about what was to be watched."""

_OWN = ""
"""No node's name: the mailbox to which a monitor tells ends, and so does the monitor."""


class Watched(Struct, eq=False):
    """One monitor, and where it is set."""

    monitor: Monitor
    number: int
    ref: Ref
    """Without a mailbox, of a whole node."""
    channel: str
    to: Mailbox | None
    place: str = ""
    """Who is asked: the target's node, or the relay to it; empty: nobody yet."""
    request: Request | None = None
    life: NodeSpec | None = None
    """Who has answered."""
    what: What | None = None
    """What is watched, as the answer says."""

    @property
    def behind(self) -> str:
        """The mailbox that is told, if one is."""
        return "" if self.to is None else self.to.name


class Monitors(Struct, eq=False):
    """All of one node."""

    _me: Callable[[], NodeSpec]
    _newest: Callable[[str], NodeSpec | None]
    _outlets: Outlets
    _pins: Pins
    _requests: Requests
    _drop: Callable[[DropReason], None]
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _all: dict[int, Watched] = field(default_factory=dict)
    _at: dict[str, dict[int, Watched]] = field(default_factory=dict)
    """By place."""
    _leaving: dict[tuple[str, int], Request] = field(default_factory=dict)
    """Cancelled, and the other end may not know yet."""

    def __len__(self) -> int:
        return len(self._all)

    # -- what the application does ------------------------------------------------------------------------------

    def open(self, ref: Ref, channel: str, tag: object = None, to: Mailbox | None = None) -> Monitor:
        """Begin to watch a mailbox or, when there is none in `ref`, a node. It is set when the monitor is settled."""
        number = next(self._numbers)
        monitor = Monitor(ref if ref.mailbox else ref.node, tag, partial(self._cancel, number))
        watched = self._all[number] = Watched(monitor, number, ref, channel, to)
        if to is not None:
            to.watchers[_OWN, number] = lambda ending: monitor.cancel()
        self._set(watched)
        return monitor

    def open_for(self, watch: Watch, changed: Callable[[Monitor, What], object]) -> Monitor:
        """The same for another node, to which this one is the relay: of that life, and that mailbox, if it says so."""
        ref = Ref.reserved(watch.node, watch.mailbox, watch.incarnation)
        number = next(self._numbers)

        monitor = Monitor(ref, None, partial(self._cancel, number))
        watched = self._all[number] = Watched(monitor, number, ref, watch.channel, None, what=watch.what)
        monitor.changed = lambda: changed(monitor, watched.what or (0, 0))
        self._set(watched)
        return monitor

    def close(self) -> None:
        """The node closes: whatever is still watched is told now."""
        for watched in list(self._all.values()):
            self._tell(watched, Ending(DownReason.NOCONNECTION, f"node {self._me().name} is closing"))

    # -- what the other ends say --------------------------------------------------------------------------------

    def on_watching(self, peer: NodeSpec, word: Watching) -> None:
        """It is set there."""
        watched = self._asked(peer, word.number)
        if watched is not None:
            self._requests.answered(watched.request)
            watched.request, watched.life, watched.what = None, peer, word.what
            if not watched.monitor.is_settled:
                watched.monitor.settle()
        elif (peer.name, word.number) not in self._leaving:
            self._drop(DropReason.NO_MONITOR)
            self._requests.answer(self._way(peer, word.channel), Unwatch(word.number, word.channel))

    def on_ended(self, peer: NodeSpec, word: Ended) -> None:
        """It is no more."""
        self._requests.answer(self._way(peer, word.channel), Seen(word.number))
        watched = self._asked(peer, word.number)
        if watched is None:
            self._drop(DropReason.NO_MONITOR)
        elif word.reason is DownReason.NOPROC and watched.life is not None:
            detail = f"node {peer} has lost sight of this one, and meanwhile it has ended"
            self._tell(watched, Ending(DownReason.NOCONNECTION, detail), is_known=True)
        else:
            self._tell(watched, Ending(word.reason, printable(word.detail)), is_known=True)

    def on_refused(self, peer: NodeSpec, word: Refused) -> None:
        """It cannot be set there."""
        watched = self._asked(peer, word.number)
        if watched is None:
            self._drop(DropReason.NO_MONITOR)
            return
        self._fail(watched, MonitorError(printable(word.detail)))

    def on_unwatched(self, peer: NodeSpec, word: Unwatched) -> None:
        """It was cancelled there, too."""
        self._requests.answered(self._leaving.pop((peer.name, word.number), None))

    # -- what the connection layer says -------------------------------------------------------------------------

    def on_link_down(self, peer: NodeSpec, reason: Reason, ending: Ending) -> None:
        """The link to a life of a peer is down. One that was merely let go of is made again: nobody is dead."""
        for key in [key for key in self._leaving if key[0] == peer.name]:
            self._requests.answered(self._leaving.pop(key))
        for watched in list(self._at.get(peer.name, {}).values()):
            if reason is Reason.RELEASED:
                self._ask_again(watched)
            else:
                self._lose(watched, ending)

    def on_anew(self, peer: NodeSpec) -> None:
        """The peer took this node for dead, and has forgotten what was set there."""
        for watched in self._at.get(peer.name, {}).values():
            self._ask_again(watched)

    def on_unreached(self, peer: NodeSpec, error: str) -> None:
        """A peer that is not up was dialled in vain."""
        for watched in list(self._at.get(peer.name, {}).values()):
            self._lose(watched, Ending(DownReason.NOCONNECTION, error))

    # -- inside -------------------------------------------------------------------------------------------------

    def _set(self, watched: Watched) -> None:
        """Ask the target or, where there is no link to it, the relay."""
        place = watched.ref.node
        try:
            if place != self._me().name:
                peer = self._outlets.find_peer(watched.ref)
                self._pins.hold(peer)
                place = peer.spec.name
                watched.monitor.feeder = peer.feeder(watched.channel, watched.behind or MONITORS)
        except SendError as error:
            self._fail(watched, error)
            return
        watched.place = place
        self._at.setdefault(place, {})[watched.number] = watched
        watched.request = self._request(watched)
        self._requests.ask(watched.request)

    def _ask_again(self, watched: Watched) -> None:
        """With the next look: a peer that lets go of every link must not keep this node busy."""
        self._requests.answered(watched.request)
        watched.request = self._request(watched)
        self._requests.ask_later(watched.request)

    def _request(self, watched: Watched) -> Request:
        ref, channel = watched.ref, watched.channel
        to = desk(watched.place, ref.incarnation if watched.place == ref.node else None)
        word = Watch(watched.number, ref.node, ref.mailbox, ref.incarnation, channel, watched.behind, watched.what)
        return Request(Way(to, channel), word, partial(self._fail, watched))

    def _asked(self, peer: NodeSpec, number: int) -> Watched | None:
        """The monitor that a peer speaks of, if it was asked for; a newer life than the one that was asked ends it."""
        watched = self._at.get(peer.name, {}).get(number)
        if watched is None or watched.life is None or peer.name == self._me().name:
            return watched
        if watched.life.life < peer.life:
            self._lose(watched, Ending(DownReason.RESTARTED, f"{peer} has answered in its place"))
        return watched if watched.life.life == peer.life else None

    def _way(self, peer: NodeSpec, channel: str) -> Way:
        return Way(desk(peer.name, None if peer.name == self._me().name else peer.incarnation), channel)

    def _fail(self, watched: Watched, error: PartisanError) -> None:
        """There is no way to what is watched, or it was refused."""
        if not watched.monitor.is_settled and isinstance(error, _NOT_SET):
            if self._forget(watched):
                watched.monitor.refuse(error)
            return
        me, node, meant = self._me(), watched.ref.node, watched.ref.incarnation
        newest = me if node == me.name else self._newest(node)
        is_older = newest is not None and meant is not None and meant < newest.incarnation
        self._tell(watched, Ending(DownReason.RESTARTED if is_older else DownReason.NOCONNECTION, str(error)))

    def _lose(self, watched: Watched, ending: Ending) -> None:
        """There is no link any more."""
        if watched.place != watched.ref.node:
            ending = Ending(DownReason.NOCONNECTION, f"the relay is gone: {ending.detail}")
        self._tell(watched, ending, is_known=True)

    def _tell(self, watched: Watched, ending: Ending, *, is_known: bool = False) -> None:
        if self._forget(watched, is_known=is_known):
            monitor = watched.monitor
            down = Down(monitor.ref, ending.reason, monitor.tag, ending.detail)
            monitor.tell(down)
            if watched.to is not None:
                watched.to.put(down)

    def _cancel(self, number: int) -> None:
        if number in self._all:
            self._forget(self._all[number])

    def _forget(self, watched: Watched, *, is_known: bool = False) -> bool:
        """It is over, and where it was set it is known, or has to be. False: it was over before."""
        number, place = watched.number, watched.place
        if self._all.pop(number, None) is None:
            return False
        self._requests.answered(watched.request)
        if watched.to is not None:
            watched.to.watchers.pop((_OWN, number), None)
        if place:
            del self._at[place][number]
            if not self._at[place]:
                del self._at[place]
                self._pins.free(place)
            if not is_known:
                self._unwatch(Way(desk(place, None), watched.channel), number)
        return True

    def _unwatch(self, way: Way, number: int) -> None:
        leaving, key = self._leaving, (way.to.node, number)
        word = Unwatch(number, way.channel)
        leaving[key] = Request(way, word, lambda error: leaving.pop(key, None), is_patient=False)
        self._requests.ask(leaving[key])
