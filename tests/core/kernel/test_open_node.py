"""From nothing to a running node and back to nothing."""

import gc
import logging
import socket
import warnings
from pathlib import Path

import pytest
import trio
import trio.testing

from partisan_core import Node
from partisan_core.errors import AddressInUse, DataDirLocked, DataDirUnusable, NameInUse, PluginError
from partisan_core.events import Reason
from partisan_core.notices import NeighbourDown
from tests.core.kernel.nodes import PARTS, PATIENCE, Memory, link, notice_of, opened, pair, until
from tests.core.kernel.parts import Ticking


def tasks() -> int:
    return trio.lowlevel.current_statistics().tasks_living


async def test_an_exception_of_the_body_comes_out_bare_with_its_cause() -> None:
    cause = KeyError("why")
    with pytest.raises(ZeroDivisionError) as raised:
        async with pair():
            raise ZeroDivisionError from cause
    assert raised.value.__cause__ is cause


async def test_a_group_that_the_body_raises_stays_a_group() -> None:
    mine = ExceptionGroup("mine", [ZeroDivisionError()])
    with pytest.raises(ExceptionGroup) as raised:
        async with opened("alpha"):
            raise mine
    assert raised.value is mine


async def test_cancellation_passes_through_and_nothing_is_left() -> None:
    before = tasks()
    with trio.CancelScope() as scope:
        async with pair():
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert tasks() == before


async def test_the_end_of_the_block_leaves_no_task_and_no_socket() -> None:
    before = tasks()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        async with opened("alpha") as alpha, opened("beta") as beta:
            await link(beta, alpha)
            address = alpha.addresses[0]
        assert tasks() == before
        gc.collect()
    assert not [str(warning.message) for warning in caught]
    with pytest.raises(ConnectionRefusedError), socket.create_connection((address.host, address.port)):
        """Nobody listens any more."""


async def test_a_name_is_made_up_where_none_is_given() -> None:
    async with opened("") as one, opened("") as other:
        assert one.name != other.name
        await link(one, other)


async def test_two_nodes_in_one_data_dir_are_refused(tmp_path: Path) -> None:
    async with opened("alpha", node={"data_dir": str(tmp_path)}):
        with pytest.raises(DataDirLocked, match="is in use by another node"):
            async with opened("beta", node={"data_dir": str(tmp_path)}):
                """Not reached."""
    async with opened("alpha", node={"data_dir": str(tmp_path)}):
        """The lock is free again."""


async def test_a_data_dir_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataDirUnusable, match="nothing was started"):
        async with opened("alpha", node={"data_dir": str(tmp_path / "file" / "below")}):
            """Not reached."""


async def test_a_damaged_state_file_is_put_aside_and_counted(tmp_path: Path) -> None:
    async with opened("alpha", node={"data_dir": str(tmp_path)}):
        """Make the files."""
    (tmp_path / "state.msgpack").write_bytes(b"\xc1garbage")
    async with opened("alpha", node={"data_dir": str(tmp_path)}) as alpha:
        assert alpha.counters["state_damaged"] == 1
    assert (tmp_path / "state.corrupt-1").read_bytes() == b"\xc1garbage"


async def test_the_data_dir_of_another_node_is_refused_and_nothing_is_left_behind(tmp_path: Path) -> None:
    async with opened("alpha", node={"data_dir": str(tmp_path)}):
        """Make the files."""
    before = tasks()
    with pytest.raises(DataDirUnusable, match="belongs to node 'alpha', not 'beta'"):
        async with opened("beta", node={"data_dir": str(tmp_path)}):
            """Not reached."""
    assert tasks() == before
    async with opened("alpha", node={"data_dir": str(tmp_path)}):
        """It is free."""


async def test_each_start_in_a_data_dir_has_a_newer_incarnation(tmp_path: Path) -> None:
    incarnations = []
    for _ in range(3):
        async with opened("alpha", node={"data_dir": str(tmp_path)}) as alpha:
            incarnations.append(alpha.spec().incarnation)
    assert incarnations == sorted(set(incarnations))


@pytest.mark.parametrize("transport", ["tcp", "memory"])
async def test_an_address_in_use_is_refused_and_nothing_is_left_behind(transport: str) -> None:
    transports = {"transport": {"use": transport}}
    async with opened("alpha", **transports) as alpha:
        before = tasks()
        free_and_taken = ["127.0.0.1:0", str(alpha.addresses[0])]
        with pytest.raises(AddressInUse, match=str(alpha.addresses[0])):
            async with opened("beta", node={"listen": free_and_taken}, **transports):
                """Not reached."""
        assert tasks() == before


async def test_an_unknown_part_is_refused_before_anything_starts() -> None:
    with pytest.raises(PluginError, match="nothing-like-it"):
        async with opened("alpha", overlay={"use": "nothing-like-it"}):
            """Not reached."""


@pytest.mark.parametrize("strict", [True, False])
async def test_a_strategy_that_raises_is_loud_when_strict_and_counted_otherwise(
    strict: bool, caplog: pytest.LogCaptureFixture
) -> None:
    memory = Memory()
    stumbling = {"node": {"strict": strict}, "overlay": {"use": f"{PARTS}:Stumbling"}}

    async def join(contact: Node) -> None:
        async with memory.opened("beta", **stumbling) as beta:
            with trio.fail_after(PATIENCE):
                await beta.join(*contact.addresses)
            assert beta.counters["machine_errors"] == 1

    async with memory.opened("alpha", overlay={"use": f"{PARTS}:Stumbling"}) as alpha:
        if strict:
            with pytest.raises(ZeroDivisionError, match="a bug in the overlay"):
                await join(alpha)
        else:
            with caplog.at_level(logging.ERROR, "partisan.membership"):
                await join(alpha)
            assert "the overlay raised" in caplog.text


@pytest.mark.parametrize("strict", [True, False])
async def test_a_failure_detector_that_raises_is_loud_when_strict_and_counted_otherwise(strict: bool) -> None:
    memory = Memory()

    async def join(contact: Node) -> None:
        sections: dict[str, object] = {
            "node": {"strict": strict},
            "failure_detector": {"use": f"{PARTS}:panicking"},
        }
        async with memory.opened("beta", **sections) as beta:
            await link(beta, contact)
            assert beta.counters["machine_errors"] == 1

    async with memory.opened("alpha") as alpha:
        if strict:
            with pytest.raises(ZeroDivisionError, match="a bug in the detector"):
                await join(alpha)
        else:
            await join(alpha)


async def test_a_new_life_after_leave_does_not_inherit_the_timers_of_the_old(
    autojump_clock: trio.testing.MockClock,
) -> None:
    Ticking.ticks.clear()
    async with pair(overlay={"use": f"{PARTS}:Ticking"}) as (alpha, beta):
        await beta.leave()
        await beta.join(*alpha.addresses)
        Ticking.ticks.clear()
        await trio.sleep(10)
        assert 9 <= Ticking.ticks.count(beta.spec().incarnation) <= 11


async def test_leaving_is_told_as_left(autojump_clock: trio.testing.MockClock) -> None:
    async with pair() as (alpha, beta), alpha.open_events() as events:
        await beta.leave()
        assert (await notice_of(NeighbourDown, events)).reason is Reason.LEFT
        assert alpha.counters["NeighbourDown"] == 1
        assert "beta" not in {spec.name for spec in alpha.members()}


async def test_retiring_for_the_name_stops_the_body() -> None:
    async with Memory().opened("alpha") as alpha:
        with pytest.raises(NameInUse):
            async with opened("beta", overlay={"use": f"{PARTS}:Usurped"}) as beta:
                await until(lambda: beta is alpha)
