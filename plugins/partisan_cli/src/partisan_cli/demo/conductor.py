"""The conductor: starts the nodes, kills and restarts some, watches, and asks for the answer."""

import os
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import trio

from partisan_cli.demo.audience import Audience
from partisan_cli.demo.chronicle import Chronicle, Life
from partisan_cli.demo.plan import HOST, SERIALIZER, Plan, choose_addresses, labels_of, overlay_options
from partisan_cli.demo.reporting import Begin, Count, Failed, Finish, Join, Order
from partisan_cli.demo.workers import WorkerProcess

CLUSTER = "demo"

PATIENCE = 60.0
"""Seconds without any progress after which the run has failed; the pause between two files comes on top.

Chosen: many processes start on a busy machine.
"""

_REST = 0.2
"""Part of the pace for which a killed node stays dead after the others have noticed (chosen: long enough to see)."""


class DemoFailed(Exception):
    """The run cannot go on: a worker failed, or nothing happens any more."""


@dataclass(slots=True)
class Findings:
    """What a run has shown, beside the answer. Times in seconds."""

    formation: float = 0.0
    killed: list[str] = field(default_factory=list)
    spared: list[str] = field(default_factory=list)
    """Victims that were never caught at work: too few files, or too fast."""
    detected: list[float] = field(default_factory=list)
    rejoined: list[float] = field(default_factory=list)


class Conductor:
    """Leads one run. Everything it starts ends with its nursery; everything it writes is in `folder`."""

    def __init__(self, plan: Plan, folder: Path, audience: Audience, nursery: trio.Nursery) -> None:
        self.chronicle = Chronicle(plan.names, len(plan.files))
        self.findings = Findings()
        self._answer = folder / "answer"
        self._plan, self._folder, self._audience, self._nursery = plan, folder, audience, nursery
        self._workers: dict[str, WorkerProcess] = {}
        self._addresses = choose_addresses(plan.names) if plan.needs_peers else {}
        self._paths = folder / "files"
        self._paths.write_bytes(b"".join(os.fsencode(file) + b"\0" for file in plan.files))
        self._news = trio.lowlevel.ParkingLot()
        self._milestones = 0
        self._moved_at = trio.current_time()

    async def run(self) -> None:
        """Lead the run until every node has told its fingerprints, and one of them the answer."""
        await self._form()
        await self._to_all(Count())
        async with trio.open_nursery() as troubles:
            for victim in self._plan.victims:
                troubles.start_soon(self._trouble, victim)
        await self._until(lambda: self.chronicle.is_complete, "every node to know every result")
        await self._finish()

    def read_answer(self) -> dict[int, bytes]:
        """What one of the nodes holds after a run: a result for each file."""
        return msgspec.msgpack.decode(self._answer.read_bytes(), type=dict[int, bytes])

    # -- acts ---------------------------------------------------------------------------------------------------

    async def _form(self) -> None:
        self._audience.say(f"starting {len(self._plan.names)} nodes, overlay {self._plan.overlay}")
        begun = time.monotonic()
        async with trio.open_nursery() as starts:
            for name in self._plan.names:
                starts.start_soon(self._start, name)
        await self._until(lambda: self.chronicle.are_started(self._plan.names), "every node to listen")
        if not self._plan.needs_peers:
            first, *others = self._plan.names
            for name in others:
                await self._workers[name].order(Join((self._address(first),)))
        self.findings.formation = await self._time_of(self.chronicle.formed_at, "the cluster to form") - begun
        self._audience.say(f"everybody knows everybody after {self.findings.formation:.2f} s")

    async def _trouble(self, victim: str) -> None:
        """Kill a node at work, see that it is noticed, and start it again."""
        chronicle = self.chronicle
        await self._until(lambda: chronicle.is_at_work(victim) or chronicle.is_complete, f"{victim} to work")
        if not chronicle.is_at_work(victim):
            self.findings.spared.append(victim)
            return
        killed = time.monotonic()
        worker = self._workers[victim]
        worker.kill()
        chronicle.end(victim)
        self._audience.say(f"killed {victim}")
        noticed = await self._time_of(lambda: chronicle.noticed_at(victim), f"the end of {victim} to be noticed")
        self.findings.killed.append(victim)
        self.findings.detected.append(noticed - killed)
        self._audience.say(f"the end of {victim} was noticed after {(noticed - killed) * 1000:.1f} ms")
        await trio.sleep(_REST * self._plan.pace)
        await worker.wait()
        await self._revive(victim)

    async def _revive(self, victim: str) -> None:
        chronicle = self.chronicle
        begun = time.monotonic()
        if self._plan.needs_peers:
            self._addresses |= choose_addresses([victim])
        await self._start(victim)
        await self._until(lambda: chronicle.are_started([victim]), f"{victim} to listen again")
        if not self._plan.needs_peers:
            await self._workers[victim].order(Join(self._contacts(victim)))
        back = await self._time_of(lambda: chronicle.rejoined_at(victim), f"{victim} to rejoin")
        self.findings.rejoined.append(back - begun)
        self._audience.say(f"{victim} has rejoined after {back - begun:.2f} s")
        await self._workers[victim].order(Count())

    async def _finish(self) -> None:
        """Ask everybody for fingerprints, and for the answer one who had to learn it again, if there is one."""
        teller = next(iter(self.findings.killed), self._plan.names[0])
        for name, worker in self._workers.items():
            await worker.order(Finish(str(self._answer) if name == teller else None))
        await self._until(lambda: self.chronicle.are_finished, "every node to tell what it knows")
        async with trio.open_nursery() as farewells:
            for worker in self._workers.values():
                farewells.start_soon(worker.dismiss)

    # -- workers ------------------------------------------------------------------------------------------------

    async def _start(self, name: str) -> None:
        log = self._folder / f"{name}.log"
        worker = self._workers[name] = await WorkerProcess.start(self._nursery, name, log)
        self._nursery.start_soon(self._listen, worker, self.chronicle.begin(name))
        await worker.order(
            Begin(
                name=name,
                cluster=CLUSTER,
                data_dir=str(self._folder / name),
                listen=self._addresses.get(name, f"{HOST}:0"),
                labels=labels_of(self._plan.names.index(name)),
                overlay=overlay_options(self._plan.overlay, name, self._addresses),
                serializer=SERIALIZER,
                files=str(self._paths),
                pause=self._plan.pause,
            )
        )

    async def _listen(self, worker: WorkerProcess, life: Life) -> None:
        error = ""
        async with aclosing(worker.reports()) as reports:
            async for report in reports:
                if isinstance(report, Failed):
                    error = report.error
                life.take(report)
                self._spread()
        if not worker.is_expected_to_end:
            raise DemoFailed(f"node {worker.name} has failed: {error or worker.last_words() or 'it said nothing'}")

    async def _to_all(self, order: Order) -> None:
        for worker in self._workers.values():
            await worker.order(order)

    def _address(self, name: str) -> str:
        started = self.chronicle.living[name].started
        assert started is not None
        return started.address

    def _contacts(self, newcomer: str) -> tuple[str, ...]:
        """The addresses of everybody else who lives."""
        others = [name for name in self.chronicle.living if name != newcomer]
        return tuple(self._address(name) for name in others if self.chronicle.are_started([name]))

    # -- waiting ------------------------------------------------------------------------------------------------

    async def _until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for reports that make the condition true."""
        patience = PATIENCE + self._plan.pause
        self._moved_at = trio.current_time()
        while not condition():
            with trio.move_on_at(self._moved_at + patience) as waiting:
                await self._news.park()
            if waiting.cancelled_caught and trio.current_time() >= self._moved_at + patience:
                raise DemoFailed(f"waited for {what}, and nothing has moved for {patience:.0f} s")

    def _spread(self) -> None:
        """Something was reported: look again."""
        if self._milestones != self.chronicle.milestones:
            self._milestones = self.chronicle.milestones
            self._moved_at = trio.current_time()
        self._audience.show(self.chronicle)
        self._news.unpark_all()

    async def _time_of(self, moment: Callable[[], float | None], what: str) -> float:
        await self._until(lambda: moment() is not None, what)
        time_of = moment()
        assert time_of is not None
        return time_of
