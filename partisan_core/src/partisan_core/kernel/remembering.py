"""What a node remembers of the others, for the start after this one."""

import logging
from collections.abc import Callable

import trio

from partisan_core.errors import DataDirUnusable
from partisan_core.events import Reason
from partisan_core.identity import NodeSpec
from partisan_core.kernel.journal import Journal
from partisan_core.kernel.state import StateFile
from partisan_core.notices import MemberJoined, MemberLeft, NeighbourUp, Notice, Retired

log = logging.getLogger("partisan.state")

REMEMBERED_PEERS = 1000
"""Peers whose addresses are kept; the one not seen for longest goes first (chosen)."""

_SAVE_PAUSE = 1.0
"""Seconds between two writes while the membership changes (chosen: a write waits for the disk)."""

_REFRESH = 600.0
"""Seconds after which a quiet node writes, too, so that the age of its file tells how long it was down (chosen)."""


class Remembering:
    """Keeps the state file in step with the membership, from notices."""

    def __init__(self, file: StateFile, me: str, snapshot: Callable[[], bytes], journal: Journal) -> None:
        self.peers = dict(file.content.peers)
        """Addresses by name; the peer seen last is at the end."""
        self._file, self._me = file, me
        self._snapshot, self._journal = snapshot, journal
        self._member = True
        self._changed = trio.Event()
        if file.damaged is not None:
            journal.counters["state_damaged"] += 1
        journal.observe(self._note)

    async def begin_life(self) -> int:
        """The incarnation of a new life, which remembers again; see `StateFile.begin_life`."""
        incarnation = await self._file.begin_life()
        self._member = True
        return incarnation

    async def forget(self) -> None:
        """This node has left: the next start shall not bring it back."""
        self._end_membership()
        self._changed.set()
        await self.save()

    async def run(self) -> None:
        """Write what has changed, for ever."""
        while True:
            with trio.move_on_after(_REFRESH):
                await self._changed.wait()
            self._changed = trio.Event()
            await self.save()
            await trio.sleep(_SAVE_PAUSE)

    async def save(self) -> None:
        """Write now. What cannot be written is logged and counted: it costs the next start its memory, no more."""
        try:
            await self._file.save(self.peers, self._snapshot() if self._member else b"")
        except DataDirUnusable as error:
            self._journal.counters["state_errors"] += 1
            log.warning("%s; the node goes on", error)

    def _note(self, notice: Notice) -> None:
        match notice:
            case NeighbourUp(peer=peer) if self._member:
                self.peers.pop(peer.name, None)
                self._keep(peer)
            case MemberJoined(peer=peer) if self._member:
                self._keep(peer)
            case MemberLeft(peer=peer, reason=Reason.LEFT | Reason.EVICTED):
                self.peers.pop(peer.name, None)
            case Retired(reason=Reason.EVICTED):
                self._end_membership()
            case _:
                return
        self._changed.set()

    def _keep(self, peer: NodeSpec) -> None:
        if peer.name != self._me and peer.addresses:
            self.peers[peer.name] = peer.addresses
        if len(self.peers) > REMEMBERED_PEERS:
            del self.peers[next(iter(self.peers))]

    def _end_membership(self) -> None:
        self._member = False
        self.peers.clear()
