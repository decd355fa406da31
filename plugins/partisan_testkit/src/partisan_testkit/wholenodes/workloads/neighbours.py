"""Who is a neighbour: told in turns, and of one life after the other."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

import trio

from partisan_core.identity import NodeSpec
from partisan_core.notices import NeighbourDown, NeighbourUp, Notice
from partisan_testkit.schedules.violation import Violation
from partisan_testkit.wholenodes.process import Process


class Neighbours:
    """Every up is followed by one down of the same life before the next up; lives of a name only become newer (I7)."""

    sections: Mapping[str, Mapping[str, object]] = {}

    def __init__(self, seed: int) -> None:
        self._up: dict[Process, dict[str, NodeSpec]] = defaultdict(dict)
        self._newest: dict[Process, dict[str, NodeSpec]] = defaultdict(dict)

    async def live(self, process: Process) -> None:
        """It only listens."""
        await trio.sleep_forever()

    def on_notice(self, process: Process, notice: Notice) -> None:
        """Compare with what was told before."""
        match notice:
            case NeighbourUp(peer=peer):
                self._on_up(process, peer)
            case NeighbourDown(peer=peer):
                up = self._up[process].pop(peer.name, None)
                if up is None or up.life != peer.life:
                    raise Violation(f"{process} was told that {peer} is down, and not before that it is up")

    async def conclude(self, living: list[Process]) -> Iterator[str]:
        """What was told is what is."""
        return (
            f"{process} has other neighbours than it was told of"
            for process in living
            if self._up[process].keys() != process.host.neighbours.keys()
        )

    def _on_up(self, process: Process, peer: NodeSpec) -> None:
        if peer.name in self._up[process]:
            raise Violation(f"{process} was told twice that {peer} is up")
        before = self._newest[process].get(peer.name, peer)
        if peer.life < before.life:
            raise Violation(f"{process} was told that {peer} is up, after the newer {before}")
        self._up[process][peer.name] = self._newest[process][peer.name] = peer
