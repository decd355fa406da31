"""One life of a whole node: a real node, in its own task, that can be killed at any moment."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import trio

from partisan_core import Address, Node, NodeSpec, load_config
from partisan_core.errors import NameInUse
from partisan_core.host import StrategyHost
from partisan_core.kernel.journal import describe
from partisan_core.kernel.state import STATE_FILE
from partisan_core.notices import Notice
from partisan_core.opening import open_node_in
from partisan_core.strategy import MembershipStrategy
from partisan_core.surroundings import Surroundings
from partisan_testkit.wholenodes.network import Endpoint

EPOCH = 1_750_000_000.0
"""Seconds since 1970 at which a simulation begins: of today's size, so that encoded messages are too."""

Application = Callable[["Process"], Awaitable[None]]
"""What runs in each life of a node: when it returns, the node ends in good order."""

Observe = Callable[["Process", Notice], None]


class Process:
    """One life. A restart is another object; so are two nodes that claim one name."""

    def __init__(self, endpoint: Endpoint, folder: Path, seed: int, observe: Observe) -> None:
        self.endpoint = endpoint
        self.alive = True
        self.leaving = False
        self.is_over = False
        """All its tasks have ended."""
        self.clock_offset = 0.0
        """Seconds by which its wall clock is wrong."""
        self.node: Node
        self._folder, self._observe = folder, observe
        self._chance = Random(f"{seed}-{endpoint.name}")
        self._scope = trio.CancelScope()

    # -- what is asked of it, as of a simulated node -------------------------------------------------------------

    @property
    def spec(self) -> NodeSpec:
        """What it tells about itself."""
        return self.node._kernel.me

    @property
    def name(self) -> str:
        """The name, which other nodes may claim too."""
        return self.node.name

    @property
    def view(self) -> Mapping[str, NodeSpec]:
        """Whom it knows."""
        return self.strategy.members()

    @property
    def strategy(self) -> MembershipStrategy:
        """Its overlay. The public face of a node has no use for it; a witness has."""
        return self.node._kernel.strategy

    @property
    def host(self) -> StrategyHost:
        """Whom its overlay is linked to."""
        return self.node._kernel.driver.host

    @property
    def others(self) -> list[str]:
        """The names of all whom it knows, but for its own."""
        return [member.name for member in self.node.members() if member.name != self.name]

    def __str__(self) -> str:
        return str(self.spec)

    # -- life ----------------------------------------------------------------------------------------------------

    def remember(self, state: bytes) -> None:
        """Give it what another life remembered; before it runs."""
        self._folder.mkdir()
        (self._folder / STATE_FILE).write_bytes(state)

    async def run(
        self,
        settings: Mapping[str, Mapping[str, object]],
        application: Application,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Live, until killed or closed."""
        of_node = {**settings.get("node", {}), "data_dir": str(self._folder), "strict": True}
        config = load_config(environ={}, overrides={**settings, "node": of_node})
        surroundings = Surroundings(self._chance, self._wall_clock, self._run_blocking)
        with self._ending(), self._scope:
            async with open_node_in(surroundings, lambda: config) as self.node:
                self.node._kernel.journal.observe(self._note)
                self.endpoint.network.record("start", self.endpoint.name, str(self.spec))
                task_status.started()
                await application(self)

    def kill(self, *, silently: bool = False) -> bytes:
        """End the process at once; return what it would remember in another life."""
        if not self.alive:
            return b""
        self.endpoint.network.record("kill", self.endpoint.name)
        self.alive = False
        if silently:
            self.endpoint.darken()
        else:
            self.endpoint.end()
        self._scope.cancel()
        file = self._folder / STATE_FILE
        return file.read_bytes() if file.exists() else b""

    def close(self) -> None:
        """Let the process end in good order."""
        self.leaving = True
        self._scope.cancel()

    @contextlib.contextmanager
    def _ending(self) -> Iterator[None]:
        """A node whose name somebody newer has ends by itself."""
        try:
            yield
        except NameInUse:
            self.endpoint.network.record("retired", self.endpoint.name)
        finally:
            self.alive = False
            self.is_over = True
            self.endpoint.end()

    def _wall_clock(self) -> float:
        return EPOCH + trio.current_time() + self.clock_offset

    async def _run_blocking(self, function: Callable[..., Any], *words: Any, limiter: object = None) -> Any:  # noqa: ANN401
        """In this thread: a virtual clock does not wait for others. A dead process writes nothing."""
        await trio.lowlevel.checkpoint()
        return function(*words) if self.alive else None

    def _note(self, notice: Notice) -> None:
        if self.alive:
            self.endpoint.network.record(self.endpoint.name, describe(notice))
            self._observe(self, notice)


async def rest(process: Process) -> None:
    """The application of a node that has none."""
    await trio.sleep_forever()


def where(process: Process) -> Address:
    """Where it listens."""
    return process.spec.addresses[0]
