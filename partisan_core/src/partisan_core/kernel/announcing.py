"""New channels while links are up: both ends tell of theirs, and what both have becomes lanes (decision 0032)."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from partisan_core.kernel.channels import Channel, offer
from partisan_core.kernel.connection import Connection
from partisan_core.kernel.peer import Peer


class Announcing(Struct, eq=False):
    """Tells all peers of one node, and hears them."""

    _table: Mapping[str, Peer]
    _channels: Mapping[str, Channel]
    _dial_missing: Callable[[Peer], None]
    _routes_changed: Callable[[], None]
    _has_begun: bool = False

    def announce(self) -> None:
        """This node has new channels: tell everybody, and make the lanes for which the other end is ready."""
        self._has_begun = True
        for peer in self._table.values():
            if peer.connection is not None:
                self.repeat(peer.connection)
            if peer.is_up or peer.lanes:
                self.take_in(peer, peer.offered)

    def repeat(self, connection: Connection) -> None:
        """A membership connection begins, and the hello that was sent on it may be of before."""
        if self._has_begun:
            connection.tell_channels(offer(self._channels))

    def take_in(self, peer: Peer, offered: Mapping[str, int] | None) -> None:
        """The peer has these channels; None: it waits for its link, and nobody knows."""
        peer.add_lanes(offered)
        self._routes_changed()
        self._dial_missing(peer)
