"""How a link ends on purpose: what is queued goes first, the goodbye of the link comes last."""

from collections.abc import Callable, Mapping
from functools import partial

import trio
from msgspec import Struct

from partisan_core.config.model import LinkConfig
from partisan_core.events import Reason
from partisan_core.kernel.connection import Connection
from partisan_core.kernel.journal import Journal
from partisan_core.kernel.peer import MEMBERSHIP_LANE, Peer
from partisan_core.kernel.timers import Timers


async def finish_dials(peers: Mapping[str, Peer], journal: Journal, patience: float) -> None:
    """Wait for connections that are being made while messages wait for them, at most `patience` seconds."""
    with journal.open_stream() as notices, trio.move_on_after(patience):
        while any(peer.is_reaching for peer in peers.values()):
            await notices.receive()


async def end_peer(peer: Peer, reason: Reason, patience: float) -> None:
    """Flush every lane, say goodbye, and close: data lanes first; what takes longer than `patience` seconds is cut."""
    peer.ending = True
    with trio.move_on_after(patience):
        lanes = [connection for key, connection in peer.connections.items() if key != MEMBERSHIP_LANE]
        for connection in lanes:
            connection.finish(reason)
        for connection in lanes:
            await connection.ended.wait()
        if peer.connection is not None:
            peer.connection.finish(reason)
            await peer.connection.ended.wait()
    for connection in list(peer.connections.values()):
        connection.close("not flushed in time")
    peer.ending = False


class Lingering(Struct, eq=False):
    """Ends links that neither end wants any more, after a while in which one may change its mind."""

    _settings: Callable[[], LinkConfig]
    _timers: Timers
    _nursery: trio.Nursery

    def consider(self, peer: Peer) -> None:
        """One end no longer wants the link: ask again later whether that is still so."""
        connection = peer.connection
        if peer.link.wanted or peer.interested or connection is None or connection is peer.lingering:
            return
        peer.lingering = connection
        self._timers.call_later(self._settings().linger, partial(self._end_unwanted, peer, connection))

    def _end_unwanted(self, peer: Peer, connection: Connection) -> None:
        peer.lingering = None
        still = peer.connection is connection and not peer.link.wanted and not peer.interested
        if still and not peer.ending:
            self._nursery.start_soon(end_peer, peer, Reason.RELEASED, self._settings().flush_timeout)
