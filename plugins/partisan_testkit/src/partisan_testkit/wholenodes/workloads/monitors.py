"""Monitors: told exactly once, with the right reason, and never of who lives."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from random import Random

import trio
from msgspec import Struct, field

from partisan_core import Mailbox, Ref
from partisan_core.downs import Down, DownReason, NodeDown
from partisan_core.errors import MonitorError, NodeClosed, SendError
from partisan_core.monitors import Monitor
from partisan_core.notices import Notice
from partisan_testkit.schedules.violation import Violation
from partisan_testkit.simulator import seeded
from partisan_testkit.wholenodes.process import Process

_PAUSE = (0.3, 2.0)
"""Seconds between two monitors of a node, and between two ends of its actors: some are set on what has ended."""

_SET = 5.0
"""Seconds that a monitor may take to be set, before its owner cancels it."""

_TOLD = 20.0
"""Seconds in which all is told once all is well: of what was said in vain the next try comes within 16."""

_RECENT = 10
"""Of so many actors that have ended one is watched, now and then."""

_ENDS = (DownReason.NORMAL, DownReason.FAILED, DownReason.KILLED)


class Actor(Struct, eq=False):
    """A mailbox that ends, or the whole of a node when it has no name."""

    process: Process
    name: str
    ended: DownReason | None = None
    stop: trio.CancelScope = field(default_factory=trio.CancelScope)

    @property
    def ref(self) -> Ref:
        """Of this life and no other."""
        return Ref(self.process.name, self.name, self.process.spec.incarnation)

    def __str__(self) -> str:
        return f"{self.name} of {self.process}"


class Case(Struct, eq=False):
    """One monitor, as whoever looks from outside knows it."""

    watcher: Process
    actor: Actor
    since: float
    monitor: Monitor | None = None
    was_set: bool = False
    """It was not down at once, say because there was no way."""
    is_cancelled: bool = False
    down: Down | None = None
    told_at: float = 0.0

    def __str__(self) -> str:
        return f"the monitor of {self.actor} by {self.watcher}"


class Monitors:
    """I5: one `Down` for each monitor whose end has come, for the right reason; and none is left behind."""

    sections: Mapping[str, Mapping[str, object]] = {}

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lives: list[Process] = []
        self._actors: list[Actor] = []
        self._cases: list[Case] = []
        self._broken: list[tuple[float, set[str]]] = []
        """When a link between two names was told to be down."""
        self._is_calm = False

    async def live(self, process: Process) -> None:
        """Have actors that end, and watch those of others."""
        rng = seeded(self._seed, f"monitors {process.endpoint.name}")
        self._lives.append(process)
        async with process.node.open_mailbox("downs") as downs, trio.open_nursery() as nursery:
            for number in range(2):
                nursery.start_soon(self._act, process, f"actor-{number}", rng)
            nursery.start_soon(self._watch, process, downs, rng)
            nursery.start_soon(self._note_links, process)
            async for down in downs:
                self._on_down(self._cases[down.tag], down)

    def on_notice(self, process: Process, notice: Notice) -> None:
        """What monitors tell is a message."""

    async def conclude(self, living: list[Process]) -> Iterator[str]:
        """All actors end, and everybody is told of all."""
        self._is_calm = True
        for actor in self._actors:
            actor.stop.cancel()
        await trio.sleep(_TOLD)
        living = [process for process in living if process.alive]
        return iter(
            [fault for case in self._cases for fault in self._judge(case)]
            + [fault for process in living for fault in _left_over(process)]
        )

    # -- what nodes do ------------------------------------------------------------------------------------------

    async def _act(self, process: Process, name: str, rng: Random) -> None:
        generation = 0
        while not self._is_calm:
            generation += 1
            actor = Actor(process, f"{name}-{generation}")
            self._actors.append(actor)
            with actor.stop, suppress(NodeClosed):
                async with process.node.open_mailbox(actor.name) as box:
                    await self._end(actor, box, rng)

    async def _end(self, actor: Actor, box: Mailbox, rng: Random) -> None:
        try:
            await trio.sleep(rng.uniform(*_PAUSE) * 2)
            actor.ended = rng.choice(_ENDS)
            if actor.ended is DownReason.FAILED:
                box.close("on purpose")
            elif actor.ended is DownReason.KILLED:
                actor.stop.cancel()
                await trio.lowlevel.checkpoint()
        finally:
            actor.ended = actor.ended or DownReason.KILLED

    async def _watch(self, process: Process, downs: Mailbox, rng: Random) -> None:
        while not self._is_calm:
            await trio.sleep(rng.uniform(*_PAUSE))
            case = Case(process, self._choose(rng), trio.current_time())
            self._cases.append(case)
            with trio.move_on_after(_SET), suppress(SendError, NodeClosed, MonitorError):
                tag = len(self._cases) - 1
                case.monitor = await process.node.monitor(case.actor.ref, tag=tag, to=downs)
                case.was_set = case.monitor.down is None
                if case.was_set and rng.random() < 0.2:
                    case.is_cancelled = True
                    case.monitor.cancel()

    def _choose(self, rng: Random) -> Actor:
        lasting = [actor for actor in self._actors if actor.ended is None]
        return rng.choice(lasting if rng.random() < 0.8 and lasting else self._actors[-_RECENT:])

    async def _note_links(self, process: Process) -> None:
        async with process.node.monitor_nodes() as changes:
            async for change in changes:
                if isinstance(change, NodeDown):
                    self._broken.append((trio.current_time(), {process.name, change.node.name}))

    # -- what they are told -------------------------------------------------------------------------------------

    def _on_down(self, case: Case, down: Down) -> None:
        case.watcher.endpoint.network.record("down", case.watcher.endpoint.name, str(case.actor), down.reason)
        if case.down is not None:
            raise Violation(f"{case} told {down.reason} after {case.down.reason}")
        if case.is_cancelled:
            raise Violation(f"{case} told {down.reason} after it was cancelled")
        case.down, case.told_at = down, trio.current_time()
        ended, process = case.actor.ended, case.actor.process
        if down.reason in _ENDS and down.reason is not ended:
            raise Violation(f"{case} told {down.reason}, and how it ended is {ended}")
        if down.reason is DownReason.NOPROC and ended is None and process.alive:
            raise Violation(f"{case} told that there is none, and it lives")
        if down.reason is DownReason.RESTARTED and not self._is_outlived(process):
            raise Violation(f"{case} told that its node has restarted, and no newer life ever was")

    def _is_outlived(self, process: Process) -> bool:
        return any(life.name == process.name and life.spec.life > process.spec.life for life in self._lives)

    def _judge(self, case: Case) -> Iterator[str]:
        if not case.watcher.alive or case.monitor is None or case.is_cancelled:
            return
        if case.down is None:
            yield f"{case}, set at {case.since:.3f} s, told nothing, and it is no more: {case.actor.ended}"
        elif case.down.reason is DownReason.NOCONNECTION and not self._had_reason(case):
            yield f"{case} told {case.down.detail!r}, and no link of either was down"

    def _had_reason(self, case: Case) -> bool:
        """Whether there was no way from the beginning, or something was told of a link of either end since."""
        if not (case.was_set and case.actor.process.alive):
            return True
        ends = {case.watcher.name, case.actor.process.name}
        return any(case.since <= at <= case.told_at and ends & names for at, names in self._broken)


def _left_over(process: Process) -> Iterator[str]:
    monitoring = process.node._kernel.monitoring
    if monitoring.monitors or monitoring.watchers:
        yield f"{process} still has {len(monitoring.monitors)} monitors, and watches for {len(monitoring.watchers)}"
