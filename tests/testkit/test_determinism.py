"""What makes a simulated cluster repeatable, and that it is."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
import trio
from trio._core import _run as scheduler
from trio.testing import MockClock

from partisan_core.surroundings import OF_THE_SYSTEM, Surroundings
from partisan_testkit import cluster
from partisan_testkit.simulator import Faults
from partisan_testkit.wholenodes.determinism import QUANTUM, deterministic

ROUGH = Faults(loss=0.05, resets=0.01, flips=0.005, dial_failures=0.1)


def test_trio_still_has_the_private_names_that_determinism_needs() -> None:
    """Without them nothing fails but repeatability: whoever upgrades trio has to see it here."""
    assert isinstance(scheduler._ALLOW_DETERMINISTIC_SCHEDULING, bool)
    assert isinstance(scheduler._r, Random)
    assert callable(MockClock()._autojump)
    assert "clock._autojump()" in Path(str(scheduler.__file__)).read_text()


def run(main: object, *words: object) -> object:
    return trio.run(main, *words, clock=MockClock(autojump_threshold=0))  # type: ignore[arg-type]


def test_time_stands_still_but_at_multiples_of_the_quantum() -> None:
    async def sleeps() -> list[float]:
        with deterministic(1):
            moments = []
            for _ in range(100):
                await trio.sleep(0.0007)
                moments.append(trio.current_time())
            return moments

    moments = run(sleeps)
    assert isinstance(moments, list)
    assert all(moment % QUANTUM == 0 for moment in moments)
    assert moments == sorted(set(moments))


async def order_of_tasks(seed: int) -> list[int]:
    order: list[int] = []

    async def note(number: int) -> None:
        await trio.sleep(1)
        order.append(number)

    with deterministic(seed):
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(note, number)
    return order


def test_the_order_of_tasks_follows_from_the_seed() -> None:
    orders = [run(order_of_tasks, seed) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def test_afterwards_trio_is_as_it_was() -> None:
    async def main() -> None:
        before = scheduler._r.getstate(), scheduler._ALLOW_DETERMINISTIC_SCHEDULING
        with deterministic(3):
            assert (scheduler._r.getstate(), scheduler._ALLOW_DETERMINISTIC_SCHEDULING) != before
        assert (scheduler._r.getstate(), scheduler._ALLOW_DETERMINISTIC_SCHEDULING) == before

    run(main)


@pytest.mark.parametrize("clock", [None, MockClock()])
def test_without_a_virtual_clock_the_reason_is_told(clock: MockClock | None) -> None:
    async def main() -> None:
        async with cluster(2):
            raise AssertionError("it began")

    with pytest.raises(RuntimeError, match=r"needs trio's virtual clock.*nothing was started.*autojump_clock"):
        trio.run(main, clock=clock)


async def rough_life(seed: int, overlay: str) -> str:
    async with cluster(4, seed=seed, overlay=overlay, faults=ROUGH) as nodes:
        await nodes.run_for(seconds=3)
        nodes.crash("node-1")
        await nodes.restart("node-1", keep_state=True)
        nodes.partition({"node-0", "node-1"}, {"node-2", "node-3"})
        await nodes.run_for(seconds=3)
        nodes.heal()
        await nodes.run_for(seconds=3)
        return nodes.log_hash


SCRIPT = "from tests.testkit.test_determinism import *; print(run(rough_life, 5, 'hyparview'))"


def test_one_seed_has_one_log_in_every_process_whatever_its_hash_seed() -> None:
    here = run(rough_life, 5, "hyparview")
    for hash_seed in ("1", "2"):
        command = [sys.executable, "-W", "ignore", "-c", SCRIPT]
        done = subprocess.run(
            command, capture_output=True, text=True, env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": "."}, check=True
        )
        assert done.stdout.strip() == here, f"PYTHONHASHSEED={hash_seed}"


def test_another_seed_has_another_log() -> None:
    assert run(rough_life, 1, "fullmesh") != run(rough_life, 2, "fullmesh")


def test_two_systems_are_never_the_same() -> None:
    assert OF_THE_SYSTEM.chance.getrandbits(64) != Surroundings().chance.getrandbits(64)
