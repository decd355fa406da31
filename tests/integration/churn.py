"""Kills a node and restarts it at once, again and again: `python -m tests.integration.churn --times 200 --nodes 4`.

Each time a process of the same name, which waited with all imports done, comes to life up to 50 ms after the kill, in
turn on the same port and on another one. Every other node has to see exactly one down (`restarted`) and one up; then
nobody may know anything of the life that is over.
"""

import argparse
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TypeVar

import trio

from partisan_control.client import ask
from partisan_core import Address, Node
from partisan_core.events import Reason
from partisan_core.notices import NeighbourDown, NeighbourUp
from partisan_core.views import ConnectionRow, LaneState, MemberRow, MemberState
from tests.integration.nodes import PATIENCE, Witness, opened, until, witnesses
from tests.integration.processes import Victim, standby
from tests.integration.victim import Life

_T = TypeVar("_T")

NAME = "phoenix"

LANES = 2
"""`membership` and `default`."""

LONGEST_ABSENCE = 0.05
"""Seconds between the kill and the word that starts the next life."""


@asynccontextmanager
async def mesh(count: int) -> AsyncIterator[list[Node]]:
    """So many nodes, all linked."""
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(opened(f"node-{number}")) for number in range(count)]
        for node in nodes[1:]:
            await node.join(*nodes[0].addresses)
        await until(lambda: all(len(node.neighbours()) == count - 1 for node in nodes))
        yield nodes


class Churn:
    """One name, one life after the other, and what the nodes see of them."""

    def __init__(self, nodes: Sequence[Node], seen: Sequence[Witness], folder: Path) -> None:
        self.absences: list[float] = []
        """Seconds from each kill until the next life listened."""
        self.blind: list[float] = []
        """Seconds from each kill until every node had seen the next life come up."""
        self._nodes, self._seen, self._folder = nodes, seen, folder
        self._address = Address("127.0.0.1", 0)
        self._incarnation = 0

    async def run(self, times: int) -> None:
        """Begin a first life, then restart it so many times."""
        async with trio.open_nursery() as nursery:
            old: Victim = await nursery.start(_hold)
            await self._begin(old, 0, Address("127.0.0.1", 0))
            await until(lambda: all(NAME in node.neighbours() for node in self._nodes))
            self._incarnation = next(spec.incarnation for spec in self._nodes[0].members() if spec.name == NAME)
            await self._wait_whole()
            for witness in self._seen:
                witness.seen.clear()
            for turn in range(times):
                new: Victim = await nursery.start(_hold)
                await self._restart(old, new, turn, LONGEST_ABSENCE * turn / times)
                await self._wait_whole()
                old = new
            nursery.cancel_scope.cancel()
        assert all(len(witness.seen) == 2 * times for witness in self._seen), "nothing came late"

    async def _restart(self, old: Victim, new: Victim, turn: int, absence: float) -> None:
        before, killed = self._incarnation, trio.current_time()
        old.process.kill()
        await old.wait()  # the system has closed its port and released its data_dir
        await trio.sleep_until(killed + absence)
        await self._begin(new, turn, self._address if turn % 2 else Address("127.0.0.1", 0))
        self.absences.append(trio.current_time() - killed)
        assert await new.hear() == "joined"
        await until(lambda: all(len(witness.seen) >= 2 * turn + 2 for witness in self._seen))
        self.blind.append(trio.current_time() - killed)
        for witness in self._seen:
            down, up = witness.seen[2 * turn :]
            assert isinstance(down, NeighbourDown), witness.seen
            assert (down.reason, down.peer.incarnation) == (Reason.RESTARTED, before), (turn, down)
            assert isinstance(up, NeighbourUp), witness.seen
            self._incarnation = up.peer.incarnation
            assert up.peer.incarnation > before

    async def _begin(self, victim: Victim, turn: int, listen: Address) -> None:
        contact = self._nodes[turn % len(self._nodes)].addresses[0]
        await victim.live(Life(NAME, [str(contact)], str(listen), str(self._folder)))
        self._address = Address.parse(await victim.hear())

    async def _wait_whole(self) -> None:
        """Wait until nobody knows anything but one life of every name, with all of its lanes."""
        await until(lambda: all(self._is_whole(node.member_states(), node.connections()) for node in self._nodes))
        with trio.fail_after(PATIENCE):
            while not self._is_whole(
                await self._ask("members", list[MemberRow]), await self._ask("connections", list[ConnectionRow])
            ):
                await trio.sleep(0.005)

    async def _ask(self, command: str, result: type[_T]) -> _T:
        return await trio.to_thread.run_sync(ask, self._folder, command, result)

    def _is_whole(self, members: Sequence[MemberRow], connections: Sequence[ConnectionRow]) -> bool:
        lives = {node.name: node.status().incarnation for node in self._nodes} | {NAME: self._incarnation}
        return (
            all(row.state is MemberState.UP for row in members)
            and sorted((row.name, row.incarnation) for row in members) == sorted(lives.items())
            and all(row.state is LaneState.CONNECTED for row in connections)
            and len(connections) == LANES * len(self._nodes)
        )


async def _hold(task_status: trio.TaskStatus[Victim] = trio.TASK_STATUS_IGNORED) -> None:
    async with standby() as victim:
        task_status.started(victim)
        await victim.process.wait()


async def churn(times: int, nodes: int) -> Churn:
    """Restart one of so many nodes so many times; an `AssertionError` says what was seen instead of a restart."""
    with TemporaryDirectory(prefix="partisan-churn-") as folder:
        async with mesh(nodes - 1) as others, witnesses(*others, of=NAME) as seen:
            run = Churn(others, seen, Path(folder))
            await run.run(times)
    return run


def main() -> None:
    """The nightly run."""
    parser = argparse.ArgumentParser(prog="python -m tests.integration.churn", description=__doc__)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--nodes", type=int, default=4)
    arguments = parser.parse_args()
    run = trio.run(churn, arguments.times, arguments.nodes)
    print(
        f"{arguments.times} restarts among {arguments.nodes} nodes: each one down (restarted) and one up everywhere.\n"
        f"kill to listening: median {median(run.absences) * 1000:.0f} ms, longest {max(run.absences) * 1000:.0f} ms; "
        f"kill to up everywhere: median {median(run.blind) * 1000:.0f} ms, longest {max(run.blind) * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main()
