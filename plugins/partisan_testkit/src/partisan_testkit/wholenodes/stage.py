"""Whole nodes on a virtual network: what can be done to them, life by life."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import trio

from partisan_core import Address, NodeSpec
from partisan_core.errors import JoinError, NameInUse, NodeClosed
from partisan_core.notices import Notice
from partisan_testkit.schedules.settings import ClusterSettings
from partisan_testkit.simulator import Faults, seeded
from partisan_testkit.simulator.log import Log
from partisan_testkit.wholenodes.determinism import QUANTUM, deterministic
from partisan_testkit.wholenodes.network import Latency, VirtualNetwork
from partisan_testkit.wholenodes.process import Application, Observe, Process, rest, where
from partisan_testkit.wholenodes.transport import networks

Sections = Mapping[str, Mapping[str, object]]

_JOIN_AGAIN = 0.2
"""Seconds until a node that nobody let in asks somebody else."""

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
"""Where state files live, if there is such a folder: each is synced, and a disk takes milliseconds for that."""

_numbers = count()


class WholeStage:
    """The processes of one simulation, and their network. Made by `open_stage`."""

    patience = 30.0
    """A segment that was lost again and again comes after 8 s at the latest, and a redial on top (chosen)."""

    remembers_all = False
    """A node writes what it knows once a second."""

    def __init__(
        self,
        name: str,
        settings: ClusterSettings,
        seed: int,
        sections: Sections,
        network: VirtualNetwork,
        log: Log,
        nursery: trio.Nursery,
        folder: Path,
    ) -> None:
        self.settings, self.seed, self.network, self.log = settings, seed, network, log
        self.processes: list[Process] = []
        """Every life that was ever started, in that order."""
        self.application: Application = rest
        self.observe: Observe = _ignore
        self._name, self._sections, self._nursery, self._folder = name, sections, nursery, folder
        self._lives: Counter[str] = Counter()

    @property
    def living(self) -> list[Process]:
        """Processes that run and have not been told to leave."""
        return [process for process in self.processes if process.alive and not process.leaving]

    @property
    def seconds(self) -> float:
        """Virtual time."""
        return trio.current_time()

    async def run(self, seconds: float) -> None:
        """Let time pass."""
        await trio.sleep(seconds)

    # -- the network ---------------------------------------------------------------------------------------------

    def set_faults(self, faults: Faults) -> None:
        """From now on this happens to what is on the way."""
        self.network.faults = faults

    def partition(self, zones: Mapping[str, int], *, one_way: bool = False) -> None:
        """Cut the network between names of different zones."""
        self.network.partition(zones, one_way=one_way)

    def heal(self) -> None:
        """End every partition."""
        self.network.heal()

    def slow(self, node: Process, milliseconds: float) -> None:
        """Let everything from and to the node take so much longer."""
        self.network.slow(node.endpoint.host, milliseconds)

    # -- nodes ---------------------------------------------------------------------------------------------------

    async def start(self, name: str, address: Address | None = None, snapshot: bytes = b"") -> Process:
        """Start a new life of `name`, at its own or the given address, with what a killed one remembered."""
        number = self._lives[name]
        self._lives[name] += 1
        endpoint = self.network.endpoint(name, f"{name}/{number}")
        process = Process(endpoint, self._folder / f"{name}-{number}", self.seed, self.observe)
        if snapshot:
            process.remember(snapshot)
        own = {"name": name, "labels": dict(self.settings.labels(name))}
        listen = {"listen": [str(address or Address(f"{name}.{number}.virtual", 10_000))]}
        sections = {
            **self._sections,
            "node": {**listen, **self._sections.get("node", {}), **own},
            "overlay": {"use": self.settings.overlay, **self.settings.options(name)},
            "transport": {"use": "virtual", "network": self._name, "endpoint": endpoint.name},
        }
        self.processes.append(process)
        await self._nursery.start(process.run, sections, self.application)
        return process

    def join(self, node: Process, choose: Callable[[], Process | None]) -> None:
        """Join through the contact that `choose` names; asked again every 200 ms until one lets it in."""
        self._nursery.start_soon(self._join, node, choose)

    def leave(self, node: Process) -> None:
        """Let the node leave; then its process ends."""
        node.leaving = True
        self._nursery.start_soon(self._leave, node)

    def evict(self, node: Process, peer: NodeSpec) -> None:
        """Let the node evict a peer that it knows."""
        node.node.evict(peer.name)

    def reconcile(self, node: Process, peers: Iterable[NodeSpec]) -> None:
        """Tell the node of whom the cluster shall consist."""
        self._nursery.start_soon(self._reconcile, node, [str(peer.addresses[0]) for peer in peers])

    def crash(self, node: Process) -> bytes:
        """Kill the process of the node; return what it would remember."""
        return node.kill()

    async def _join(self, node: Process, choose: Callable[[], Process | None]) -> None:
        while node.alive and not node.leaving:
            contact = choose()
            try:
                if contact is not None:
                    await node.node.join(where(contact))
                    return
            except NameInUse:
                node.close()
            except (JoinError, NodeClosed):
                pass  # perhaps another contact will do
            await trio.sleep(_JOIN_AGAIN)

    async def _leave(self, node: Process) -> None:
        with suppress(NodeClosed):  # it was killed, or evicted, before it could
            await node.node.leave()
        node.close()

    async def _reconcile(self, node: Process, addresses: list[str]) -> None:
        with suppress(JoinError, NodeClosed):  # somebody could not be asked who it is; nothing was changed
            await node.node.reconcile(addresses)


@asynccontextmanager
async def open_stage(
    settings: ClusterSettings,
    seed: int,
    sections: Sections | None = None,
    *,
    latency: Latency | None = None,
    trace: BinaryIO | None = None,
    quantum: float = QUANTUM,
) -> AsyncIterator[WholeStage]:
    """Open an empty stage under trio's virtual clock; at the end of the block all processes are killed.

    Args:
        settings: who the nodes are, and what each is told.
        seed: decides everything.
        sections: of the configuration of every node, but for `overlay` and `transport`.
        latency: the one-way milliseconds of a pair of hosts, beside a draw from the range of the faults.
        trace: where the log is written, line by line.
        quantum: seconds between two moments at which anything happens.

    Raises:
        RuntimeError: the program does not run under trio's virtual clock.

    What the block raises, or a node, comes out bare.
    """
    log, name = Log(trace), f"stage-{next(_numbers)}"
    outcome: BaseException | None = None
    with deterministic(seed, quantum), _temporary() as folder:
        network = networks[name] = VirtualNetwork(seeded(seed, "network"), log, latency)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(network.run)
                stage = WholeStage(name, settings, seed, sections or {}, network, log, nursery, Path(folder))
                yield stage
                for process in stage.processes:
                    process.kill()
                nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            outcome = _bare(group)
        finally:
            del networks[name]
    if outcome is not None:
        raise outcome


def _temporary() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="partisan-", dir=_MEMORY if _MEMORY.is_dir() else None)


def _ignore(process: Process, notice: Notice) -> None:
    """Nobody observes."""


def _bare(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one exception that matters among the cancellations around it; all of them when there are several."""
    _, rest = group.split(trio.Cancelled)
    one: BaseException = rest or group
    while isinstance(one, BaseExceptionGroup) and len(one.exceptions) == 1:
        one = one.exceptions[0]
    return one
