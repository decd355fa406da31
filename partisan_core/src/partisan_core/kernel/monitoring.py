"""Both ends of monitors in one node, and what they hear: words of other nodes, and what becomes of links."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
import trio

from partisan_core.downs import DownReason, Ending, NodeChange, NodeDown, Nodes, NodeUp
from partisan_core.drops import DropReason
from partisan_core.events import Reason
from partisan_core.identity import NodeSpec
from partisan_core.kernel import _links
from partisan_core.kernel.journal import Journal, Stream
from partisan_core.kernel.judge import Judge
from partisan_core.kernel.monitors import Monitors
from partisan_core.kernel.outlets import Outlets
from partisan_core.kernel.peers import Peers
from partisan_core.kernel.postoffice import PostOffice
from partisan_core.kernel.requests import Requests
from partisan_core.kernel.states import CallLater
from partisan_core.kernel.watchers import Watchers
from partisan_core.notices import DialRefused, Gap, Notice
from partisan_core.wire.monitoring import (
    MONITORS,
    Ended,
    Refused,
    Seen,
    Unwatch,
    Unwatched,
    Watch,
    Watching,
    Word,
    read,
)

_RESTARTED = (Reason.RESTARTED, Reason.REPLACED)


class Monitoring:
    """Wires them, and hands on."""

    def __init__(
        self,
        heard: Callable[[NodeSpec, _links.Change], None],
        me: Callable[[], NodeSpec],
        judge: Judge,
        outlets: Outlets,
        peers: Peers,
        postoffice: PostOffice,
        journal: Journal,
        call_later: CallLater,
        nursery: trio.Nursery,
        relays: bool,
        limit: int,
    ) -> None:
        self.requests = Requests(outlets, call_later, nursery)
        self.monitors = Monitors(me, judge.newest, outlets, peers.pins, self.requests, journal.drop)
        proxy = self.monitors.open_for
        self.watchers = Watchers(me, peers.table, postoffice, self.requests, journal.drop, proxy, relays, limit)
        self._ears = ears(self.monitors, self.watchers)
        self._heard = heard
        self._streams: list[Stream[NodeChange]] = []
        self._peers, self._drop = peers, journal.drop
        postoffice.desks[MONITORS] = self._take_in
        journal.observe(self._note)
        self.close = self.monitors.close

    def on_link(self, peer: NodeSpec, change: _links.Change) -> None:
        """The connection layer: what became of the link to a life of a peer; the membership hears it first."""
        self._heard(peer, change)
        if isinstance(change, _links.Up):
            self._tell(NodeUp(peer))
        elif isinstance(change, _links.Down):
            self._tell(NodeDown(peer, change.reason))
            reason = DownReason.RESTARTED if change.reason in _RESTARTED else DownReason.NOCONNECTION
            ending = Ending(reason, f"node {peer} is down: {change.reason}")
            self.watchers.on_link_down(peer)
            self.monitors.on_link_down(peer, change.reason, ending)

    @contextmanager
    def open_stream(self) -> Iterator[Stream[NodeChange]]:
        """See `Node.monitor_nodes`."""
        stream = Stream[NodeChange](lambda: Nodes(tuple(peer.up for peer in self._peers.table.values() if peer.up)))
        self._streams.append(stream)
        try:
            yield stream
        finally:
            self._streams.remove(stream)

    def _tell(self, change: NodeChange) -> None:
        for stream in self._streams:
            stream.put(change)

    def _take_in(self, peer: NodeSpec, data: Any) -> None:  # noqa: ANN401 - what arrives is whatever was sent
        try:
            word = read(data)
        except msgspec.ValidationError:
            self._drop(DropReason.BAD_MONITOR)
            return
        self._ears[type(word)](peer, word)

    def _note(self, notice: Notice) -> None:
        match notice:
            case DialRefused(peer, _, error):
                known = self._peers.table.get(peer.name)
                if known is None or not known.is_up:
                    self.monitors.on_unreached(peer, error)
            case Gap(peer, lost=None):
                self.monitors.on_anew(peer)
                self.watchers.on_anew(peer)


def ears(monitors: Monitors, watchers: Watchers) -> Mapping[type[Word], Callable[[NodeSpec, Any], None]]:
    """Who of both ends hears each word."""
    return {
        Watch: watchers.on_watch,
        Unwatch: watchers.on_unwatch,
        Seen: watchers.on_seen,
        Watching: monitors.on_watching,
        Ended: monitors.on_ended,
        Refused: monitors.on_refused,
        Unwatched: monitors.on_unwatched,
    }
