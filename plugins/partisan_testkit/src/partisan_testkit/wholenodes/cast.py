"""What the nodes of a schedule do, and who is told what happens to them."""

from collections.abc import Sequence

import trio

from partisan_core.effects import Retire
from partisan_core.notices import MemberJoined, MemberLeft, NeighbourDown, NeighbourUp, Notice, Retired
from partisan_testkit.schedules.violation import Violation
from partisan_testkit.schedules.witness import Witness
from partisan_testkit.wholenodes.process import Process
from partisan_testkit.wholenodes.stage import WholeStage
from partisan_testkit.wholenodes.workloads import Workload


class Cast:
    """Gives every life its workloads, and tells them and the witness what it is told."""

    def __init__(self, stage: WholeStage, witness: Witness, workloads: Sequence[Workload]) -> None:
        self.witness = witness
        self._stage, self._workloads = stage, workloads
        stage.application, stage.observe = self._live, self._on_notice

    async def conclude(self) -> None:
        """Let all workloads look at the end at once.

        Raises:
            Violation: the first objection.
        """
        objections: dict[Workload, list[str]] = {}
        async with trio.open_nursery() as nursery:
            for workload in self._workloads:
                nursery.start_soon(self._ask, workload, objections)
        for workload in self._workloads:
            for objection in objections[workload]:
                raise Violation(objection)

    async def _ask(self, workload: Workload, objections: dict[Workload, list[str]]) -> None:
        objections[workload] = list(await workload.conclude(self._stage.living))

    async def _live(self, process: Process) -> None:
        self.witness.history.starts(process.spec)
        async with trio.open_nursery() as nursery:
            for workload in self._workloads:
                nursery.start_soon(workload.live, process)

    def _on_notice(self, process: Process, notice: Notice) -> None:
        match notice:
            case MemberJoined() | MemberLeft() | NeighbourUp() | NeighbourDown():
                self.witness.on_outcome(process, notice)
            case Retired(reason=reason):
                self.witness.on_outcome(process, Retire(reason))
                self._stage.crash(process)  # as a supervisor would end it: it is alone for good
        for workload in self._workloads:
            workload.on_notice(process, notice)
