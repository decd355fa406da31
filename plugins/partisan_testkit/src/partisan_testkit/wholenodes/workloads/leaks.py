"""What a node leaves behind: tasks and connections, of lives that are over and of links that are."""

from collections.abc import Iterator, Mapping

import trio
from msgspec import Struct

from partisan_core.notices import Notice
from partisan_testkit.wholenodes.process import Process

_LOOK, _LOOKS = 0.1, 50
"""Seconds between two looks, and how many. Chosen: longer than flush and linger, and than a dial of somebody dead."""

_OF_CONNECTION = 2
"""Tasks: one reads and one writes."""


class Life(Struct, eq=False):
    """One node, and what is its application's: the tasks beside this workload's."""

    process: Process
    application: trio.Nursery
    at_start: int = 0
    """Tasks that it had before it had any connection."""
    least: int = 0
    """Tasks beside those of its connections, in the best moment."""

    @property
    def connections(self) -> int:
        """Of its lanes."""
        return sum(len(peer.connections) for peer in self.process.node._kernel.peers.table.values())

    def count_tasks(self) -> int:
        """Those of the node, but for its connections'."""
        tasks = sum(_tasks(nursery) for nursery in self._nurseries if nursery is not self.application)
        return tasks - _OF_CONNECTION * self.connections

    @property
    def _nurseries(self) -> list[trio.Nursery]:
        return self.application.parent_task.child_nurseries


class Leaks:
    """L6: a life that is over has nothing left; a living node has the connections and tasks of its lanes, no others."""

    sections: Mapping[str, Mapping[str, object]] = {}

    def __init__(self, seed: int) -> None:
        self._lives: list[Life] = []

    async def live(self, process: Process) -> None:
        """It is only looked at."""
        application = trio.lowlevel.current_task().parent_nursery
        assert application is not None
        life = Life(process, application)
        life.at_start = life.count_tasks()
        self._lives.append(life)
        await trio.sleep_forever()

    def on_notice(self, process: Process, notice: Notice) -> None:
        """Nothing that is told matters."""

    async def conclude(self, living: list[Process]) -> Iterator[str]:
        """Count what is left."""
        lasting = [life for life in self._lives if life.process.alive]
        for life in lasting:
            life.least = life.count_tasks()
        for _ in range(_LOOKS):
            await trio.sleep(_LOOK)
            for life in lasting:
                life.least = min(life.least, life.count_tasks())
        return (fault for life in self._lives for fault in _left_over(life))


def _tasks(nursery: trio.Nursery) -> int:
    return sum(1 + sum(map(_tasks, task.child_nurseries)) for task in nursery.child_tasks)


def _left_over(life: Life) -> Iterator[str]:
    process, wires = life.process, len(life.process.endpoint.wires)
    if process.is_over:
        if wires:
            yield f"{process}, which is over, has {wires} connections"
    elif not process.alive:
        yield f"{process}, which was ended, still has tasks"
    else:
        if wires != life.connections:
            yield f"{process} has {wires} connections for {life.connections} lanes"
        if life.least > life.at_start:
            yield f"{process} began with {life.at_start} tasks, and has {life.least} beside those of its connections"
