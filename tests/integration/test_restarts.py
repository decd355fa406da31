"""What survives a restart, as full-mesh nodes and processes show it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from itertools import permutations
from pathlib import Path

import pytest
import trio

from partisan_core import Address, Node
from partisan_core.events import Reason
from partisan_core.kernel.state import State, StateFile
from tests.integration.nodes import opened, trio_of_nodes, until, witnesses
from tests.integration.processes import Victim, running

NAMES = ("alpha", "beta", "gamma")

Opener = Callable[..., AbstractAsyncContextManager[Node]]


@pytest.fixture
def kept(tmp_path: Path) -> Opener:
    """Opens nodes that each have a data_dir, on a new port each time."""

    def open_kept(name: str, **node: object) -> AbstractAsyncContextManager[Node]:
        return opened(name, node={"data_dir": str(tmp_path / name)} | node)

    return open_kept


def resident(name: str, data_dir: Path, *contacts: Address) -> AbstractAsyncContextManager[Victim]:
    return running("tests.integration.resident", name, str(data_dir), *map(str, contacts))


def content(tmp_path: Path, name: str) -> State:
    return StateFile(tmp_path / name, name, "default", "fullmesh").content


def all_linked(nodes: Sequence[Node]) -> bool:
    return all(len(node.neighbours()) == len(nodes) - 1 for node in nodes)


class Tenant:
    """A node that can be restarted while others live."""

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[Node]]) -> None:
        self._make = make
        self._life, self._ended = trio.CancelScope(), trio.Event()
        self.node: Node

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Live once."""
        self._ended = trio.Event()
        with trio.CancelScope() as self._life:
            async with self._make() as self.node:
                task_status.started()
                await trio.sleep_forever()
        self._ended.set()

    async def restart(self, nursery: trio.Nursery) -> None:
        """End the life that there is, begin another."""
        self._life.cancel()
        await self._ended.wait()
        await nursery.start(self.run)


async def test_three_nodes_that_restart_one_by_one_stay_one_cluster(kept: Opener) -> None:
    tenants = [Tenant(partial(kept, name)) for name in NAMES]
    async with trio.open_nursery() as nursery:
        for tenant in tenants:
            await nursery.start(tenant.run)
            if tenant is not tenants[0]:
                await tenant.node.join(*tenants[0].node.addresses)
        for tenant in tenants * 2:
            await until(lambda: all_linked([tenant.node for tenant in tenants]))
            before = tenant.node
            await tenant.restart(nursery)
            assert tenant.node.addresses != before.addresses
        await until(lambda: all_linked([tenant.node for tenant in tenants]))
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("order", list(permutations(NAMES)))
@pytest.mark.parametrize("forgetting", [False, True], ids=["with snapshots", "with peers alone"])
async def test_three_nodes_that_all_stopped_meet_where_one_address_still_listens(
    kept: Opener, tmp_path: Path, order: Sequence[str], forgetting: bool
) -> None:
    async with kept("alpha") as alpha, kept("beta") as beta, kept("gamma") as gamma:
        await beta.join(*alpha.addresses)
        await gamma.join(*alpha.addresses)
        await until(lambda: all_linked([alpha, beta, gamma]))
        listen = [str(alpha.addresses[0])]
    if forgetting:
        for name in NAMES:
            await StateFile(tmp_path / name, name, "default", "fullmesh").save(content(tmp_path, name).peers, b"")
    async with AsyncExitStack() as stack:
        nodes = []
        for name in order:
            place: dict[str, object] = {"listen": listen} if name == "alpha" else {}
            nodes.append(await stack.enter_async_context(kept(name, **place)))
        await until(lambda: all_linked(nodes))


async def test_a_restarted_node_knows_the_members_that_are_down(kept: Opener) -> None:
    async with kept("alpha") as alpha, kept("beta") as beta:
        await beta.join(*alpha.addresses)
        await until(lambda: all_linked([alpha, beta]))
    async with kept("beta") as beta:
        assert [spec.name for spec in beta.members()] == ["alpha", "beta"]
        assert beta.neighbours() == ()


async def test_a_node_that_left_does_not_come_back(kept: Opener) -> None:
    async with kept("alpha") as alpha:
        async with kept("beta") as beta:
            await beta.join(*alpha.addresses)
            await beta.leave()
        async with kept("beta") as beta:
            with trio.move_on_after(0.5):
                await beta.wait_neighbours()
            assert [spec.name for spec in beta.members()] == ["beta"]


async def test_a_node_that_was_evicted_does_not_come_back(kept: Opener, tmp_path: Path) -> None:
    async with kept("alpha") as alpha:
        async with kept("beta") as beta:
            await beta.join(*alpha.addresses)
            await until(lambda: all_linked([alpha, beta]))
            alpha.evict("beta")
            await until(lambda: beta.status().state == "evicted")
        assert (content(tmp_path, "beta").peers, content(tmp_path, "beta").snapshot) == ({}, b"")
        async with kept("beta") as beta:
            with trio.move_on_after(0.5):
                await beta.wait_neighbours()
            assert beta.neighbours() == ()


async def test_a_node_that_was_evicted_while_it_was_down_comes_back(kept: Opener) -> None:
    async with kept("alpha") as alpha:
        async with kept("beta") as beta:
            await beta.join(*alpha.addresses)
            await until(lambda: all_linked([alpha, beta]))
        await until(lambda: not alpha.neighbours())
        alpha.evict("beta")
        async with kept("beta") as beta:
            await until(lambda: all_linked([alpha, beta]))


async def test_a_killed_process_comes_back_on_another_port_without_contacts(tmp_path: Path) -> None:
    data_dir = tmp_path / "gamma"
    async with trio_of_nodes() as (alpha, beta), resident("gamma", data_dir, *alpha.addresses) as old:
        before = await old.start()
        await until(lambda: "gamma" in alpha.neighbours() and "gamma" in beta.neighbours())
        await until(lambda: content(tmp_path, "gamma").peers)
        async with witnesses(alpha, beta, of="gamma") as (first, second):
            old.process.kill()
            await old.wait()
            async with resident("gamma", data_dir) as new:
                assert await new.start() != before
                await until(lambda: len(first.seen) >= 2 and len(second.seen) >= 2)
                await until(lambda: "gamma" in alpha.neighbours() and "gamma" in beta.neighbours())
                assert first.kinds == second.kinds == ["NeighbourDown", "NeighbourUp"]
                assert {witness.downs[0].reason for witness in (first, second)} <= {Reason.GONE, Reason.RESTARTED}
                assert await new.close() == 0
