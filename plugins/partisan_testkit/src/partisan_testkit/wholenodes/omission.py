"""Every frame of messages omitted in turn, with whole nodes: of all that one node writes exactly one is lost.

As `partisan_testkit.schedules.omission` does with strategies. Needs the extra `schedules`.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import NamedTuple

import trio
from trio.testing import MockClock

from partisan_core.config.model import DEFAULT_CHANNEL, MEMBERSHIP_CHANNEL
from partisan_core.downs import DownReason
from partisan_faults import Rule
from partisan_testkit.schedules.settings import ClusterSettings
from partisan_testkit.schedules.witness import Witness
from partisan_testkit.wholenodes.cast import Cast
from partisan_testkit.wholenodes.process import Process
from partisan_testkit.wholenodes.stage import WholeStage, open_stage
from partisan_testkit.wholenodes.workloads.neighbours import Neighbours

_SECTIONS: dict[str, dict[str, object]] = {"faults": {"enabled": True}, "logging": {"levels": {"partisan": "error"}}}

_KINDS = ("data", "fragment", "relay", "ack", "again")
"""What is lost: messages, and what acknowledges them. What connections tell each other is not, on a living one."""

_LOOK = 0.5
_MESSAGES: tuple[object, ...] = (0, b"x" * 200_000, 2, 3)

_BOX = "box"


@dataclass(slots=True)
class Omission:
    """What came of a run in which one frame was lost."""

    lost: str
    """Of which node, and which one it was."""
    objection: str | None
    """What promise was not kept in the end."""


class Scene:
    """Whole nodes that have joined each other, and what one of them loses."""

    def __init__(self, stage: WholeStage, cluster: ClusterSettings, loser: str, skip: int) -> None:
        self.stage, self.cluster = stage, cluster
        self.witness = Witness(cluster)
        Cast(stage, self.witness, [Neighbours(0)])
        self.nodes: dict[str, Process] = {}
        self._loser, self._skip = loser, skip

    async def open(self, *, losing: bool) -> str | None:
        """Let the nodes start and join, one after the other; with `losing`, while something of that is lost."""
        for name in self.cluster.names:
            node = self.nodes[name] = await self.stage.start(name, self.cluster.addresses[name])
            if losing and name == self._loser:
                self.lose(MEMBERSHIP_CHANNEL)
            if self.cluster.joins and len(self.nodes) > 1:
                self.stage.join(node, lambda: self.nodes[self.cluster.names[0]])
                await self.stage.run(_LOOK)
        return await self.wait()

    def lose(self, channel: str) -> None:
        """From now on one frame is lost."""
        rule = Rule(action="drop", direction="out", channels=(channel,), kinds=_KINDS, skip=self._skip, count=1)
        self.nodes[self._loser].node.faults.add("one", rule)

    @property
    def has_lost(self) -> bool:
        """It was."""
        return any(row.firings for row in self.nodes[self._loser].node.faults.rows())

    async def wait(self) -> str | None:
        """Wait for all to be well; return what is not after the overlay's patience."""
        end = self.stage.seconds + self.cluster.promises.patience + self.stage.patience
        while (objection := next(self.witness.objections(self.stage.living), None)) is not None:
            if self.stage.seconds >= end:
                break
            await self.stage.run(_LOOK)
        return objection


class Deed(NamedTuple):
    """Something of which no single frame may be needed."""

    do: Callable[[Scene], Awaitable[str | None]]
    """Does it, and returns what promise was not kept."""
    channel: str = DEFAULT_CHANNEL
    """Whose frames are lost."""
    is_opening: bool = False
    """They are lost from the first start on."""


async def leave(scene: Scene) -> str | None:
    """The youngest goes."""
    node = scene.nodes[scene.cluster.names[-1]]
    scene.witness.history.may_go(node.spec)
    scene.stage.leave(node)
    await scene.stage.run(_LOOK)
    return await scene.wait()


async def send(scene: Scene) -> str | None:
    """The oldest sends acknowledged messages to a neighbour, one of them large."""
    sender = scene.nodes[scene.cluster.names[0]]
    receiver = scene.nodes[sender.node.neighbours()[0]]
    async with receiver.node.open_mailbox(_BOX) as box:
        with trio.move_on_after(scene.stage.patience):
            for message in _MESSAGES:
                await sender.node.send(f"{receiver.name}/{_BOX}", message, ack=True)
            received = [await box.receive() for _ in _MESSAGES]
            await trio.sleep(_LOOK)
            if received == [*_MESSAGES] and not len(box):
                return None
    return f"of {len(_MESSAGES)} messages others were delivered than were sent"


async def monitor(scene: Scene) -> str | None:
    """The youngest monitors a mailbox of the one before it, perhaps through a relay; then that is closed."""
    *_, watched, watcher = scene.nodes.values()
    box, downs = watched.node.open_mailbox(_BOX), watcher.node.open_mailbox("downs")
    with trio.move_on_after(scene.stage.patience):
        await watcher.node.monitor(f"{watched.name}/{_BOX}", to=downs)
        box.close()
        down = await downs.receive()
        await trio.sleep(scene.stage.patience / 2)
        return None if down.reason is DownReason.NORMAL and not len(downs) else f"told {down}, or more than that"
    return "a monitor was told nothing"


DEEDS = {
    "join": Deed(Scene.wait, MEMBERSHIP_CHANNEL, is_opening=True),
    "leave": Deed(leave, MEMBERSHIP_CHANNEL),
    "send": Deed(send),
    "monitor": Deed(monitor),
}
"""By name."""


def omit_each(cluster: ClusterSettings, deed: Deed) -> Iterator[Omission]:
    """Run once for each frame that any node writes while the deed is done, and yield what came of each."""
    for loser in cluster.names:
        for skip in count():
            omission = trio.run(partial(_omit, cluster, deed, loser, skip), clock=MockClock(autojump_threshold=0))
            if omission is None:
                break
            yield omission


async def _omit(cluster: ClusterSettings, deed: Deed, loser: str, skip: int) -> Omission | None:
    """One run; None when there was no such frame."""
    async with open_stage(cluster, 0, _SECTIONS) as stage:
        scene = Scene(stage, cluster, loser, skip)
        objection = await scene.open(losing=deed.is_opening)
        if not deed.is_opening:
            scene.lose(deed.channel)
        objection = objection or await deed.do(scene)
        return Omission(f"{skip} of {loser}", objection) if scene.has_lost else None
