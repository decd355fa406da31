"""A cluster of whole nodes under the hands of a test: `partisan_testkit.cluster`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

import trio

from partisan_core import Node
from partisan_testkit.schedules.islands import find_groups
from partisan_testkit.schedules.settings import settings_of
from partisan_testkit.simulator import CALM, Faults
from partisan_testkit.wholenodes.network import Latency
from partisan_testkit.wholenodes.process import Process
from partisan_testkit.wholenodes.stage import WholeStage, open_stage

Who = str | Node
"""A node, or its name: the name outlives a crash."""

_FORMED = 60.0
"""Virtual seconds that a cluster may take to form. Chosen: twenty times what any overlay was seen to take."""

_LOOK = 0.01
"""Virtual seconds between two looks at a condition. Chosen: less than what a test would notice."""


class Cluster:
    """What can be done to the nodes of a simulation. Made by `cluster`."""

    def __init__(self, stage: WholeStage, seed: int) -> None:
        self.seed = seed
        self._stage = stage
        self._newest: dict[str, Process] = {}
        self._remembered: dict[str, bytes] = {}

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The living nodes, by name; after a restart another object."""
        return {name: process.node for name, process in self._newest.items() if process.alive}

    @property
    def is_settled(self) -> bool:
        """Every link that a living node wants to another works, they lead from each to all, and full views have all."""
        living = {name: process for name, process in self._newest.items() if process.alive}
        has_full_view = "full_view" in self._stage.settings.plugin.capabilities
        for process in living.values():
            wanted = process.strategy.links().keys() & living.keys()
            if wanted - process.host.neighbours.keys() or (has_full_view and living.keys() - process.view.keys()):
                return False
        linked = {node: [living[name] for name in node.host.neighbours if name in living] for node in living.values()}
        return len(find_groups(linked)) == 1

    @property
    def log_hash(self) -> str:
        """A fingerprint of all that happened so far: equal for equal seeds and equal code."""
        return self._stage.log.hash

    @property
    def faults(self) -> Faults:
        """What happens to what is on its way; may be set at any time."""
        return self._stage.network.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._stage.set_faults(faults)

    # -- the network ---------------------------------------------------------------------------------------------

    def partition(self, *groups: Iterable[Who], one_way: bool = False) -> None:
        """Let nodes of different groups not reach each other; who is in none is in the first.

        Connections stay, and what is sent over them is held up; so nodes notice when their pings are not answered.

        Args:
            *groups: nodes or names.
            one_way: only what goes from an earlier group to a later one is lost.

        Raises:
            KeyError: there is no such node.
        """
        zones = {self._name(who): zone for zone, group in enumerate(groups) for who in group}
        self._stage.partition(zones, one_way=one_way)

    def cut(self, source: Who, target: Who) -> None:
        """Lose what goes from one node to another, beside what is cut already, until `heal`."""
        self._stage.network.cut(self._name(source), self._name(target))

    def heal(self) -> None:
        """Let everybody reach everybody; what was held up arrives when it is sent again, within seconds."""
        self._stage.heal()

    def reset(self, one: Who, other: Who) -> int:
        """Break all connections between two nodes, for both ends; return how many there were."""
        return self._stage.network.reset(self._name(one), self._name(other))

    def slow(self, who: Who, milliseconds: float) -> None:
        """Let everything from and to a node take so much longer; 0 ends it."""
        self._stage.network.slow(self._name(who), milliseconds)

    # -- nodes ---------------------------------------------------------------------------------------------------

    def crash(self, who: Who, *, silently: bool = False) -> None:
        """Kill the process of a node: no goodbye, nothing flushed, its application cancelled.

        Args:
            who: a living node, or its name.
            silently: its machine is gone, too: nobody is told by the network, and nobody answers there.

        Raises:
            KeyError: there is no such node.
        """
        process = self._newest[self._name(who)]
        self._remembered[process.name] = process.kill(silently=silently) or self._remembered.get(process.name, b"")

    async def restart(self, who: Who, *, keep_state: bool = False) -> Node:
        """Start a new life of a node at the same address, after a crash if it lives.

        Args:
            who: a node, or its name.
            keep_state: with its state file: it finds its way back by itself. Otherwise it knows nothing, and joins.

        Raises:
            KeyError: there was never such a node.
        """
        old = self._newest[self._name(who)]
        self.crash(old.name)
        contact = next((other for other in self._newest.values() if other.alive), None)
        state = self._remembered[old.name] if keep_state else b""
        fresh = self._newest[old.name] = await self._stage.start(old.name, old.spec.addresses[0], state)
        if self._stage.settings.joins and contact is not None and not keep_state:
            self._stage.join(fresh, lambda: contact)
        return fresh.node

    def set_clock(self, who: Who, ahead: float) -> None:
        """Let the wall clock of a living node be `ahead` seconds ahead of the others', or behind."""
        self._newest[self._name(who)].clock_offset = ahead

    # -- time ----------------------------------------------------------------------------------------------------

    async def run_for(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0) -> None:
        """Let virtual time pass."""
        await self._stage.run(seconds + 60 * (minutes + 60 * hours))

    async def run_until(self, condition: Callable[[], bool], *, seconds: float = 60) -> float:
        """Let virtual time pass until the condition holds; return the seconds that took.

        Raises:
            TimeoutError: it does not hold after `seconds`.
        """
        begin = self._stage.seconds
        while not condition():
            if self._stage.seconds - begin >= seconds:
                raise TimeoutError(f"not within {seconds:g} virtual seconds (seed {self.seed})")
            await self._stage.run(_LOOK)
        return self._stage.seconds - begin

    # -- making --------------------------------------------------------------------------------------------------

    async def form(self) -> None:
        """Start all nodes, and wait until they have settled."""
        settings = self._stage.settings
        for name in settings.names:
            self._newest[name] = await self._stage.start(name, settings.addresses[name])
        first, *others = self._newest.values()
        for process in others if settings.joins else ():
            self._stage.join(process, lambda: first)
        await self.run_until(lambda: self.is_settled, seconds=_FORMED)

    def _name(self, who: Who) -> str:
        name = who if isinstance(who, str) else who.name
        if name not in self._newest:
            raise KeyError(f"{name} is no node of this cluster: {', '.join(self._newest)}")
        return name


@asynccontextmanager
async def cluster(
    count: int,
    *,
    seed: int = 0,
    overlay: str = "fullmesh",
    application: Callable[[Node], Awaitable[object]] | None = None,
    faults: Faults = CALM,
    latency: Latency | None = None,
    options: Mapping[str, object] | None = None,
    **sections: Mapping[str, object],
) -> AsyncIterator[Cluster]:
    """Open `count` real nodes, `node-0` to `node-…`, on a virtual network; the block begins when they have formed.

    It takes trio's virtual clock; pytest's fixture `partisan_cluster` brings it along.

    Args:
        count: how many nodes.
        seed: decides all chance: latencies, faults, jitter, identities, the order of tasks.
        overlay: an installed name, or `package.module:object`.
        application: run for each life of each node, and cancelled when that life ends.
        faults: what happens to what is on its way, from the beginning.
        latency: the one-way milliseconds of a pair of names, beside a draw from the range of the faults.
        options: of the overlay, as in its table.
        **sections: of the configuration of every node, for example `links={"reconnect_grace": "1s"}`.

    Raises:
        RuntimeError: the program does not run under trio's virtual clock.
        TimeoutError: they did not form a cluster.
    """
    settings = settings_of(overlay, count, options=options)
    try:
        async with open_stage(settings, seed, sections, latency=latency) as stage:
            if application is not None:
                stage.application = lambda process: _apply(application, process)
            stage.set_faults(faults)
            made = Cluster(stage, seed)
            await made.form()
            yield made
    except Exception as error:
        error.add_note(f"in a simulated cluster of {count} nodes of {overlay} with seed={seed}")
        raise


async def _apply(application: Callable[[Node], Awaitable[object]], process: Process) -> None:
    await application(process.node)
    await trio.sleep_forever()
