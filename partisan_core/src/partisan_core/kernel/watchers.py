"""The end of monitors at which something is watched: who is told when a mailbox ends.

Of a node that has no link to the watcher, the relay between them watches the mailbox, or the node, with a monitor of
its own, and passes on what that is told.
"""

from collections.abc import Callable, Mapping
from functools import partial

from msgspec import Struct, field

from partisan_core.downs import DETAIL_KEPT, DownReason, Ending
from partisan_core.drops import DropReason
from partisan_core.identity import NodeSpec
from partisan_core.kernel.peer import Peer
from partisan_core.kernel.postoffice import PostOffice
from partisan_core.kernel.requests import Request, Requests, Way, desk
from partisan_core.mailboxes import Mailbox
from partisan_core.monitors import Monitor
from partisan_core.wire.monitoring import Ended, Refused, Seen, Unwatch, Unwatched, Watch, Watching, What

Proxy = Callable[[Watch, Callable[[Monitor, What], object]], Monitor]
"""Begins a monitor of this node for another; tells when it is set, and when it is over."""


class Watcher(Struct, eq=False):
    """One monitor of another node, or of this one."""

    way: Way
    number: int
    word: Request | None = None
    """What was said of it last: that it is set, or that it is down."""
    is_doubtful: bool = False
    """The other end may know nothing of it."""
    forget: Callable[[], object] = lambda: None
    """What it watches need not know it any more."""


class Origin(Struct, eq=False):
    """A life of a node that watches."""

    spec: NodeSpec
    watchers: dict[int, Watcher] = field(default_factory=dict)


class Watchers(Struct, eq=False):
    """All that watch something of this node, or through it."""

    _me: Callable[[], NodeSpec]
    _peers: Mapping[str, Peer]
    _postoffice: PostOffice
    _requests: Requests
    _drop: Callable[[DropReason], None]
    _proxy: Proxy
    _relays: bool
    """Whether it watches other nodes for its peers."""
    _limit: int
    _origins: dict[str, Origin] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(len(origin.watchers) for origin in self._origins.values())

    # -- what the other end says --------------------------------------------------------------------------------

    def on_watch(self, peer: NodeSpec, watch: Watch) -> None:
        """Watch something, or say again that it is watched."""
        origin = self._origin(peer)
        if origin is None:
            self._drop(DropReason.BAD_MONITOR)
            return
        way = self._way(peer, watch.channel, watch.behind)
        known = origin.watchers.get(watch.number)
        if known is not None:
            if known.word is not None:
                self._requests.say(known.word)
        elif len(origin.watchers) >= self._limit:
            self._drop(DropReason.MONITORS_FULL)
            self._requests.answer(way, Refused(watch.number, self._full(peer)))
        else:
            self._begin(origin, watch, Watcher(way, watch.number))

    def on_unwatch(self, peer: NodeSpec, word: Unwatch) -> None:
        """It is watched no longer."""
        self._end(peer, word.number)
        self._requests.answer(self._way(peer, word.channel), Unwatched(word.number))

    def on_seen(self, peer: NodeSpec, word: Seen) -> None:
        """What was told has been heard."""
        self._end(peer, word.number)

    # -- what becomes of links ----------------------------------------------------------------------------------

    def on_link_down(self, peer: NodeSpec) -> None:
        """The link to a life of a peer is down: it watches nothing any more."""
        origin = self._origins.get(peer.name)
        if origin is not None and origin.spec.life == peer.life:
            self._drop_origin(origin)

    def on_anew(self, peer: NodeSpec) -> None:
        """The peer took this node for dead, and has forgotten what it watched.

        What it has set since then may have come already: so it is told of all, and cancels what it does not know.
        """
        origin = self._origins.get(peer.name)
        for watcher in list(origin.watchers.values()) if origin is not None else ():
            watcher.is_doubtful = True
            if watcher.word is not None:
                self._requests.ask(watcher.word)

    # -- inside -------------------------------------------------------------------------------------------------

    def _is_me(self, peer: NodeSpec) -> bool:
        return peer.name == self._me().name

    def _way(self, peer: NodeSpec, channel: str, behind: str = "") -> Way:
        return Way(desk(peer.name, None if self._is_me(peer) else peer.incarnation), channel, behind)

    def _origin(self, peer: NodeSpec) -> Origin | None:
        """The one who asks; None: there is no link that would tell when it is gone."""
        origin = self._origins.get(peer.name)
        if origin is not None and (self._is_me(peer) or origin.spec.life == peer.life):
            return origin
        link = self._peers.get(peer.name)
        if not self._is_me(peer) and (link is None or not link.is_up or link.spec.life != peer.life):
            return None
        if origin is not None:
            self._drop_origin(origin)
        origin = self._origins[peer.name] = Origin(peer)
        return origin

    def _begin(self, origin: Origin, watch: Watch, watcher: Watcher) -> None:
        """Watch it, or tell why there is nothing to watch."""
        me = self._me()
        if watch.node != me.name:
            self._begin_for(origin, watch, watcher)
        elif watch.incarnation not in (None, me.incarnation) or (watch.what and watch.what[0] != me.incarnation):
            self._deny(watcher, DownReason.RESTARTED, f"{watch.node} is now at incarnation {me.incarnation}")
        elif not watch.mailbox:  # its link is all that has to be watched
            self._requests.answer(watcher.way, Watching(watch.number, watch.channel, (me.incarnation, 0)))
        else:
            box = self._postoffice.find(watch.mailbox)
            if box is None or (watch.what and watch.what[1] != box.serial):
                self._deny(watcher, DownReason.NOPROC, f"there was no mailbox {watch.mailbox!r}")
            else:
                self._begin_here(origin, watcher, box)

    def _begin_here(self, origin: Origin, watcher: Watcher, box: Mailbox) -> None:
        key = origin.spec.name, watcher.number
        origin.watchers[watcher.number] = watcher
        box.watchers[key] = partial(self._tell, watcher)
        watcher.forget = partial(box.watchers.pop, key, None)
        self._say_set(watcher, (self._me().incarnation, box.serial))

    def _begin_for(self, origin: Origin, watch: Watch, watcher: Watcher) -> None:
        """Watch it for a node that has no link to it."""
        link = self._peers.get(watch.node)
        if not self._relays or link is None or not link.is_up:
            self._deny(
                watcher, DownReason.NOCONNECTION, f"node {self._me().name} has no link to {watch.node}, or is no relay"
            )
            return
        origin.watchers[watcher.number] = watcher
        monitor = self._proxy(watch, partial(self._pass_on, origin, watcher))
        watcher.forget = monitor.cancel

    def _pass_on(self, origin: Origin, watcher: Watcher, monitor: Monitor, what: What) -> None:
        if monitor.down is not None:
            self._tell(watcher, Ending(monitor.down.reason, monitor.down.detail))
        elif monitor.is_over:
            del origin.watchers[watcher.number]
            self._requests.answer(watcher.way, Refused(watcher.number, str(monitor.refusal)[:DETAIL_KEPT]))
        else:
            self._say_set(watcher, what)

    def _full(self, peer: NodeSpec) -> str:
        return (
            f"node {self._me().name} has {self._limit} monitors of node {peer.name}, and takes no more; nothing was "
            f"set. Cancel those that are not needed, or raise limits.monitors there"
        )

    def _deny(self, watcher: Watcher, reason: DownReason, detail: str) -> None:
        """Nothing is to be remembered: who does not hear it asks again."""
        self._requests.answer(watcher.way, Ended(watcher.number, watcher.way.channel, reason, detail[:DETAIL_KEPT]))

    def _say_set(self, watcher: Watcher, what: What) -> None:
        word = Watching(watcher.number, watcher.way.channel, what)
        watcher.word = Request(watcher.way, word, is_patient=False)
        (self._requests.ask if watcher.is_doubtful else self._requests.say)(watcher.word)

    def _tell(self, watcher: Watcher, ending: Ending) -> None:
        self._requests.answered(watcher.word)
        ended = Ended(watcher.number, watcher.way.channel, ending.reason, ending.detail[:DETAIL_KEPT])
        watcher.word = Request(watcher.way, ended)
        self._requests.ask(watcher.word)

    def _end(self, peer: NodeSpec, number: int) -> None:
        origin = self._origins.get(peer.name)
        watcher = None if origin is None else origin.watchers.pop(number, None)
        if watcher is not None:
            self._forget(watcher)

    def _forget(self, watcher: Watcher) -> None:
        watcher.forget()
        self._requests.answered(watcher.word)

    def _drop_origin(self, origin: Origin) -> None:
        del self._origins[origin.spec.name]
        for watcher in origin.watchers.values():
            self._forget(watcher)
