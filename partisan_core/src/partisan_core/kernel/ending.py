"""How a link ends on purpose: what is queued goes first, the goodbye of the link comes last."""

from collections.abc import Mapping

import trio

from partisan_core.events import Reason
from partisan_core.kernel.journal import Journal
from partisan_core.kernel.peer import MEMBERSHIP_LANE, Peer


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
