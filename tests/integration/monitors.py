"""Monitors of a cluster whose nodes are killed, parted and closed at random: each is told once, and why.

`python -m tests.integration.monitors` runs in one process in virtual time, on the memory network.
"""

import argparse
import random
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import trio
from trio.testing import MockClock

from partisan_core import Node, open_node
from partisan_core.downs import Down, DownReason
from partisan_core.errors import NodeClosed
from partisan_core.monitors import Monitor
from tests.any_overlay.network import Network

REASONS = {DownReason.NORMAL: None, DownReason.FAILED: "on purpose"}
GONE = {DownReason.NOCONNECTION, DownReason.RESTARTED}


@dataclass
class Life:
    """One node, and its actors that live."""

    node: Node
    scope: trio.CancelScope
    born: float
    ended: trio.Event = field(default_factory=trio.Event)


@dataclass
class Case:
    """One monitor, as the checker knows it."""

    by: Life
    of: Life
    actor: str
    monitor: Monitor
    set_at: float
    ended: DownReason | None = None
    """How its actor ended, if it did."""
    parted: bool = False
    """Both nodes could not reach each other for a while."""


class Storm:
    """A full mesh, faults, and monitors."""

    def __init__(self, nodes: int, seed: int, nursery: trio.Nursery) -> None:
        self.rng = random.Random(seed)
        self.names = [f"n{number}" for number in range(nodes)]
        self.network, self.nursery = Network(), nursery
        self.lives: dict[str, Life] = {}
        self.cases: list[Case] = []
        self.told: Counter[int] = Counter()
        self.downs: dict[int, Down] = {}
        self.faults: Counter[str] = Counter()
        self._serial = 0

    async def start(self, name: str) -> None:
        """A life, which joins the others."""
        self.lives[name] = await self.nursery.start(self._live, name)

    async def run(self, monitors: int) -> None:
        """Set so many, among faults; then wait until all is calm, and end what is left."""
        for name in self.names:
            await self.start(name)
        await trio.sleep(5)
        while len(self.cases) < monitors:
            await self._set_some(max(1, monitors // 100))
            await self._harm()
            await trio.sleep(self.rng.uniform(0, 1))
        await trio.sleep(30)
        for case in self.cases:
            box = case.of.node._kernel.postoffice.find(case.actor)
            if box is not None and self.lives.get(case.of.node.name) is case.of:
                self._end(case.of, case.actor)
        await trio.sleep(60)

    def verify(self) -> list[str]:
        """What is wrong."""
        return [fault for number, case in enumerate(self.cases) for fault in self._judge(number, case)]

    # -- inside -------------------------------------------------------------------------------------------------

    async def _live(self, name: str, task_status: trio.TaskStatus[Life]) -> None:
        others = [life.node.addresses[0] for life in self.lives.values() if life.node.name != name]
        transport = {"use": "tests.any_overlay.network:transport", "network": self.network.name, "node": name}
        self._serial += 1
        listen = [f"{name}.memory:{1024 + self._serial}"]
        with trio.CancelScope() as scope:
            async with open_node(
                None,
                node={"name": name, "listen": listen, "strict": True},
                overlay={"use": "fullmesh"},
                transport=transport,
            ) as node:
                life = Life(node, scope, trio.current_time())
                if others:
                    await node.join(*others)
                self.nursery.start_soon(self._listen, life)
                task_status.started(life)
                await trio.sleep_forever()
        life.ended.set()

    async def _listen(self, life: Life) -> None:
        with suppress(Exception):
            async with life.node.open_mailbox("told", limit=1_000_000) as box:
                async for down in box:
                    self.told[down.tag] += 1
                    self.downs[down.tag] = down

    async def _set_some(self, count: int) -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(count):
                by, of = (self.lives[name] for name in self.rng.sample(sorted(self.lives), 2))
                nursery.start_soon(self._set, by, of)

    async def _set(self, by: Life, of: Life) -> None:
        actor = f"actor{self.rng.randrange(20)}"
        if of.node._kernel.postoffice.find(actor) is None:
            of.node.open_mailbox(actor)
        number = len(self.cases)
        told = by.node._kernel.postoffice.find("told")
        if told is None:
            return
        case = Case(by, of, actor, None, trio.current_time())  # type: ignore[arg-type]
        self.cases.append(case)
        with trio.move_on_after(30), suppress(NodeClosed):
            case.monitor = await by.node.monitor(f"{of.node.name}/{actor}", tag=number, to=told)

    async def _harm(self) -> None:
        kind = self.rng.choice(("kill", "part", "cut", "end", "end", "end", "nothing"))
        self.faults[kind] += 1
        one, other = self.rng.sample(sorted(self.lives), 2)
        if kind == "kill":
            life = self.lives.pop(one)
            for peer in self.lives:
                self.network.silence(one, peer)
            life.scope.cancel()
            await life.ended.wait()
            await self.start(one)
            await trio.sleep(1)
        elif kind == "part":
            self._note_parted(one, other)
            self.network.separate(one, other)
            await trio.sleep(self.rng.uniform(0, 15))
            self.network.rejoin(one, other)
            await trio.sleep(5)
        elif kind == "cut":
            self.network.cut(one, other)
        elif kind == "end":
            self._end(self.lives[one], f"actor{self.rng.randrange(20)}")

    def _note_parted(self, one: str, other: str) -> None:
        for case in self.cases:
            if {case.by.node.name, case.of.node.name} == {one, other}:
                case.parted = True

    def _end(self, life: Life, actor: str) -> None:
        box = life.node._kernel.postoffice.find(actor)
        if box is not None:
            reason = self.rng.choice(sorted(REASONS))
            for number, case in enumerate(self.cases):
                if case.of is life and case.actor == actor and case.ended is None and not self.told[number]:
                    case.ended = reason
            box.close(REASONS[reason])

    def _judge(self, number: int, case: Case) -> list[str]:
        if case.by.ended.is_set():
            return [] if self.told[number] <= 1 else [f"{number}: told {self.told[number]} times"]
        if self.told[number] != 1:
            return [f"{number}: told {self.told[number]} times: {case}"]
        reason = self.downs[number].reason
        died = case.of.ended.is_set()
        fits = reason is case.ended or (reason in GONE and (died or case.parted)) or reason is DownReason.NOPROC
        if reason is DownReason.NOPROC and case.ended is None:
            fits = died
        return [] if fits else [f"{number}: told {self.downs[number]}, but ended {case.ended}, died {died}"]


async def storm(nodes: int, monitors: int, seed: int) -> tuple[Storm, list[str]]:
    """One run; what is wrong with it."""
    async with trio.open_nursery() as nursery:
        cluster = Storm(nodes, seed, nursery)
        await cluster.run(monitors)
        faults = cluster.verify()
        for life in cluster.lives.values():
            monitoring = life.node._kernel.monitoring
            left = len(monitoring.monitors), len(monitoring.watchers), len(monitoring.requests)
            if left != (0, 0, 0):
                faults.append(f"{life.node.name} remembers {left}")
        nursery.cancel_scope.cancel()
    return cluster, faults


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=16)
    parser.add_argument("--monitors", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    run = partial(storm, options.nodes, options.monitors, options.seed)
    cluster, faults = trio.run(run, clock=MockClock(autojump_threshold=0))
    reasons = Counter(str(down.reason) for down in cluster.downs.values())
    print(f"seed {options.seed}: {len(cluster.cases)} monitors, {dict(cluster.faults)}, told {dict(reasons)}")
    for fault in faults[:20]:
        print(f"WRONG {fault}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
