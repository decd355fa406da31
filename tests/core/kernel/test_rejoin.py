"""A node with a data_dir comes back to the peers that it remembers, without contacts."""

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import trio
import trio.testing

from partisan_core import Address, Node
from partisan_core.errors import NameInUse
from partisan_core.kernel.remembering import REMEMBERED_PEERS
from partisan_core.kernel.state import StateFile
from tests.core.kernel.nodes import PARTS, PATIENCE, Memory, link, opened, until
from tests.core.kernel.parts import Reminded

Opener = Callable[..., AbstractAsyncContextManager[Node]]


@pytest.fixture
def kept(tmp_path: Path) -> Opener:
    """Opens nodes over TCP that each have a data_dir, on a new port each time."""

    def open_kept(name: str, **node: object) -> AbstractAsyncContextManager[Node]:
        return opened(name, node={"data_dir": str(tmp_path / name)} | node)

    return open_kept


def remembered(tmp_path: Path, name: str) -> dict[str, tuple[Address, ...]]:
    return StateFile(tmp_path / name, name, "default", f"{PARTS}:Acquaintances").content.peers


async def test_a_restarted_node_comes_back_on_another_port(kept: Opener) -> None:
    async with kept("alpha") as alpha:
        async with kept("beta") as beta:
            await link(beta, alpha)
            before = beta.addresses
        async with kept("beta") as beta:
            assert beta.addresses != before
            await until(lambda: beta.neighbours() and alpha.neighbours())


async def test_opening_does_not_wait_for_peers_that_are_gone(kept: Opener) -> None:
    async with kept("alpha") as alpha, kept("beta") as beta:
        await link(beta, alpha)
    with trio.fail_after(PATIENCE):
        async with kept("beta") as beta:
            assert beta.neighbours() == ()


async def test_a_node_that_shall_not_rejoin_stays_alone_and_forgets_nothing(kept: Opener, tmp_path: Path) -> None:
    async with kept("alpha") as alpha:
        async with kept("beta") as beta:
            await link(beta, alpha)
        async with kept("beta", rejoin=False) as beta:
            with trio.move_on_after(0.5):
                await beta.wait_neighbours()
            assert beta.neighbours() == ()
        assert list(remembered(tmp_path, "beta")) == ["alpha"]
        async with kept("beta") as beta:
            await until(beta.neighbours)


async def test_a_node_that_left_stays_alone(kept: Opener, tmp_path: Path) -> None:
    async with kept("alpha") as alpha:
        async with kept("beta") as beta:
            await link(beta, alpha)
            await beta.leave()
            assert remembered(tmp_path, "beta") == {}, "on the disk as soon as leave returns"
        async with kept("beta") as beta:
            with trio.move_on_after(0.5):
                await beta.wait_neighbours()
            assert beta.neighbours() == ()


async def test_a_node_that_left_and_joined_again_comes_back(kept: Opener) -> None:
    async with kept("alpha") as alpha:
        async with kept("beta") as beta:
            await link(beta, alpha)
            await beta.leave()
            await link(beta, alpha)
        async with kept("beta") as beta:
            await until(beta.neighbours)


async def test_a_peer_that_leaves_is_forgotten(kept: Opener, tmp_path: Path) -> None:
    async with kept("alpha") as alpha, kept("beta") as beta:
        await link(beta, alpha)
        await alpha.leave()
        await until(lambda: not beta.members())
    assert remembered(tmp_path, "beta") == {}


async def test_the_new_address_of_a_peer_is_remembered_while_the_node_runs(kept: Opener, tmp_path: Path) -> None:
    async with kept("alpha") as alpha:
        async with kept("beta") as beta:
            await link(beta, alpha)
        async with kept("beta") as beta:
            await until(lambda: remembered(tmp_path, "alpha") == {"beta": beta.addresses})


async def test_a_copied_data_dir_does_not_make_a_second_node_of_one_name(kept: Opener, tmp_path: Path) -> None:
    async with kept("alpha") as alpha, kept("beta") as beta:
        await link(beta, alpha)
        await until(lambda: remembered(tmp_path, "beta"))
        shutil.copytree(tmp_path / "beta", tmp_path / "copy", ignore=shutil.ignore_patterns("*.sock"))
        with pytest.raises(NameInUse, match="the name beta is in use by a living node"), trio.fail_after(PATIENCE):
            async with kept("beta", data_dir=str(tmp_path / "copy")):
                await trio.sleep_forever()
        await alpha.ping("beta")
        assert beta.neighbours() == ("alpha",)


async def test_nodes_that_restart_all_at_once_are_one_cluster_again(tmp_path: Path) -> None:
    """Each stops trying when it has a neighbour, and so might find only the one that found it."""
    memory, names = Memory(), [f"n{number}" for number in range(6)]

    def kept(name: str) -> AbstractAsyncContextManager[Node]:
        place = {"listen": [f"{name}.memory:1"], "data_dir": str(tmp_path / name)}
        return memory.opened(name, node=place)

    async def live(name: str, contacts: list[str], everybody: trio.Event) -> None:
        async with kept(name) as node:
            for contact in contacts:
                await node.join(contact)
            await until(lambda: len(node.neighbours()) == len(names) - 1)
            met.append(name)
            if len(met) == len(names):
                everybody.set()
            await everybody.wait()

    for contacts in ([f"{name}.memory:1" for name in names], []):
        met: list[str] = []
        everybody = trio.Event()
        async with trio.open_nursery() as nursery:
            for index, name in enumerate(names):
                nursery.start_soon(live, name, contacts[index + 1 :], everybody)


async def test_a_node_whose_peers_are_all_gone_goes_on_trying(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    memory = Memory()

    def kept(name: str) -> AbstractAsyncContextManager[Node]:
        return memory.opened(name, node={"listen": [f"{name}.memory:1"], "data_dir": str(tmp_path / name)})

    async with kept("alpha") as alpha, kept("beta") as beta:
        await link(beta, alpha)
    async with kept("beta") as beta:
        await trio.sleep(1000)
        async with memory.opened("alpha", node={"listen": ["alpha.memory:1"]}):
            with trio.fail_after(20):
                await beta.wait_neighbours()


async def test_a_burst_of_changes_is_one_write_or_two(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def counting(descriptor: int) -> None:
        synced.append(descriptor)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", counting)
    memory = Memory()
    async with memory.opened("alpha", node={"data_dir": str(tmp_path)}) as alpha:
        for number in range(20):
            async with memory.opened(f"n{number}") as node:
                await node.join(*alpha.addresses)
        elapsed = trio.current_time()
    writes = len(synced) / 2
    assert 2 <= writes <= 3 + elapsed, "the start, the end, and between them at most one in a second"
    peers = StateFile(tmp_path, "alpha", "default", "").content.peers
    assert list(peers) == [f"n{number}" for number in range(20)], "the one seen last is at the end"


async def test_a_quiet_node_says_from_time_to_time_that_it_still_runs(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    """The clock is virtual, the thread that writes is not."""
    async with Memory().opened("alpha", node={"data_dir": str(tmp_path)}):
        await trio.sleep(10)
        before = (tmp_path / "state.msgpack").read_bytes()
        with trio.fail_after(100_000):
            while (tmp_path / "state.msgpack").read_bytes() == before:
                await trio.sleep(1)
        assert trio.current_time() >= 590


async def test_the_number_of_remembered_peers_is_bounded(kept: Opener, tmp_path: Path) -> None:
    file = StateFile(tmp_path / "beta", "beta", "default", f"{PARTS}:Acquaintances")
    (tmp_path / "beta").mkdir()
    await file.save({f"n{number}": (Address("127.0.0.1", 1),) for number in range(REMEMBERED_PEERS)}, b"")
    async with kept("alpha") as alpha, kept("beta", rejoin=False) as beta:
        await link(beta, alpha)
    peers = list(remembered(tmp_path, "beta"))
    assert (len(peers), peers[0], peers[-1]) == (REMEMBERED_PEERS, "n1", "alpha")


async def test_a_state_that_cannot_be_saved_is_counted_and_the_node_goes_on(kept: Opener, tmp_path: Path) -> None:
    async with kept("alpha") as alpha, kept("beta") as beta:
        (tmp_path / "beta" / "state.new").mkdir()
        await link(beta, alpha)
        await until(lambda: beta.counters["state_errors"])
        await beta.ping("alpha")
        (tmp_path / "beta" / "state.new").rmdir()
    assert list(remembered(tmp_path, "beta")) == ["alpha"]


async def test_the_overlay_gets_its_snapshot_back_unless_the_node_left(tmp_path: Path) -> None:
    Reminded.reminders.clear()
    lives = []
    for leaves in (False, True, False):
        reminded = opened("alpha", node={"data_dir": str(tmp_path)}, overlay={"use": f"{PARTS}:Reminded"})
        async with reminded as alpha:
            lives.append(alpha.spec().incarnation)
            if leaves:
                await alpha.leave()
    assert Reminded.reminders == [b"%d" % lives[0]]


async def test_an_overlay_that_cannot_remember_is_counted(tmp_path: Path) -> None:
    forgetful = {"use": f"{PARTS}:Forgetful"}
    node = {"strict": False, "data_dir": str(tmp_path)}
    async with (
        opened("alpha", node=node, overlay=forgetful) as alpha,
        opened("beta", node={"strict": False}, overlay=forgetful) as beta,
    ):
        await alpha.join(*beta.addresses)
        await until(lambda: alpha.counters["machine_errors"])
    assert list(StateFile(tmp_path, "alpha", "default", "").content.peers) == ["beta"]
