"""Full meshes with a planted defect each: the witness of the schedules has to find every one."""

from collections.abc import Iterable

from partisan_core.events import Event, Leave, LinkDown
from partisan_core.identity import NodeSpec
from partisan_core.kinds import OverlayPlugin
from partisan_core.membership import Entry, Status
from partisan_fullmesh import FullMesh, FullMeshConfig


class EvictsTheCrashed(FullMesh):
    """Takes a broken link for the end of a membership."""

    def _dispatch(self, event: Event) -> None:
        super()._dispatch(event)
        if isinstance(event, LinkDown):
            self._learn([Entry(event.peer, Status.EVICTED)], ())


class LeavesInSilence(FullMesh):
    """Goes without telling anybody."""

    def _dispatch(self, event: Event) -> None:
        if isinstance(event, Leave):
            self._retired = True
        else:
            super()._dispatch(event)


class IgnoresTombstones(FullMesh):
    """Drops what it is told about the end of others."""

    def _learn(self, entries: Iterable[Entry], audience: Iterable[NodeSpec]) -> None:
        super()._learn([entry for entry in entries if entry.status is Status.ALIVE], audience)


class DependsOnHashes(FullMesh):
    """Tells its audience in an order that differs from run to run."""

    def _learn(self, entries: Iterable[Entry], audience: Iterable[NodeSpec]) -> None:
        super()._learn(entries, sorted(audience, key=id))


EVICTS_THE_CRASHED = OverlayPlugin(make=EvictsTheCrashed, config=FullMeshConfig)
