"""What monotonic channels are for: a hash ring that grows, objects with vector clocks, a counter that only grows.

Each example sends the states of one object over a connection that breaks at random and takes a few at a time; what the
receiver makes of all that arrives has to be what the sender has at the end.
"""

from bisect import bisect
from collections import Counter
from collections.abc import Iterable
from functools import reduce
from itertools import pairwise
from random import Random
from typing import Any
from zlib import crc32

import pytest
import trio
from trio.testing import MockClock

from tests.policy_monotonic.couples import couple

STATES = 400
SEEDS = range(3)
PERIOD = 0.001
"""Seconds of virtual time between two states."""
READING = 0.02
"""And between two looks into the mailbox, which holds few: most states are superseded."""


async def arriving(policy: dict[str, Any], states: Iterable[Any], rng: Random) -> list[Any]:
    """Send the states, all of one key, while connections break; what arrives."""
    async with couple({"use": "monotonic"} | policy) as (network, alpha, beta), trio.open_nursery() as nursery:
        box = beta.open_mailbox("box", limit=2)
        arrived: list[Any] = []

        @nursery.start_soon
        async def read() -> None:
            while True:
                arrived.extend(await box.receive_batch())
                await trio.sleep(READING)

        for state in states:
            await alpha.send("beta/box", state, channel="states", key="object")
            if rng.random() < 0.02:
                network.cut()
            await trio.sleep(PERIOD)
        await trio.sleep(30)
        nursery.cancel_scope.cancel()
    print(f"{len(arrived)} of {STATES} states arrived")
    assert len(arrived) < STATES
    return arrived


# -- a hash ring -------------------------------------------------------------------------------------------------

POINTS = 8
"""Of each node on the ring."""


def newer_ring(new: Any, old: Any) -> bool:
    """A total order."""
    return bool(new["version"] >= old["version"])


def owner(ring: Any, key: int) -> Any:
    """Which node of the ring has a key: the one with the next point."""
    points = sorted((crc32(f"{node}/{number}".encode()), node) for node in ring["nodes"] for number in range(POINTS))
    return points[bisect(points, (crc32(str(key).encode()), "")) % len(points)][1]


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_hash_ring_that_grows_never_shrinks_at_the_receiver_and_ends_as_it_is(
    seed: int, autojump_clock: MockClock
) -> None:
    """Some who send are late: their ring is older than what was sent before."""
    rng = Random(seed)
    rings: list[Any] = [
        {"version": size, "nodes": [f"node-{number}" for number in range(size)]} for size in range(1, STATES + 1)
    ]
    states = [rings[max(0, index - rng.choice((0, 0, 1, 5)))] for index in range(STATES - 1)] + rings[-1:]
    arrived = await arriving({"supersedes": f"{__name__}:newer_ring"}, states, rng)
    late = {index for index in range(1, STATES) if states[index]["version"] < states[index - 1]["version"]}
    assert late, f"seed {seed}"
    assert arrived[-1] == rings[-1], f"seed {seed}"
    assert all(owner(arrived[-1], key) == owner(rings[-1], key) for key in range(100))
    backwards = sum(new["version"] < old["version"] for old, new in pairwise(arrived))
    assert backwards < len(late), f"seed {seed}: only what was sent after a newer one had gone"


# -- an object with a vector clock -------------------------------------------------------------------------------


def dominates(new: Any, old: Any) -> bool:
    """Who has seen all that the other has; a partial order."""
    return all(new["clock"].get(writer, 0) >= count for writer, count in old["clock"].items())


def together(old: Any, new: Any) -> Any:
    """What two say who do not know of each other."""
    clock = {w: max(old["clock"].get(w, 0), new["clock"].get(w, 0)) for w in sorted({*old["clock"], *new["clock"]})}
    return {"clock": clock, "words": sorted({*old["words"], *new["words"]})}


def written_by_three(rng: Random) -> list[Any]:
    """The versions of an object that three writers change, each on its own; now and then one hears of another."""
    versions: dict[str, Any] = {writer: {"clock": {}, "words": []} for writer in "abc"}
    states = []
    for number in range(STATES):
        writer, other = rng.sample("abc", 2)
        mine = versions[writer]
        if rng.random() < 0.2:
            mine = together(mine, versions[other])
        clock = mine["clock"] | {writer: mine["clock"].get(writer, 0) + 1}
        versions[writer] = {"clock": clock, "words": [*mine["words"], f"{writer}{number}"]}
        states.append(versions[writer])
    return states


NOTHING: Any = {"clock": {}, "words": []}


@pytest.mark.parametrize("merges", [True, False], ids=["merged", "kept apart"])
@pytest.mark.parametrize("seed", SEEDS)
async def test_of_an_object_with_a_vector_clock_no_word_of_any_writer_is_lost(
    seed: int, merges: bool, autojump_clock: MockClock
) -> None:
    rng = Random(seed)
    states = written_by_three(rng)
    rule = {"supersedes": f"{__name__}:dominates"} | ({"merge": f"{__name__}:together"} if merges else {})
    arrived = await arriving(rule, states, rng)
    assert reduce(together, arrived, NOTHING) == reduce(together, states, NOTHING), f"seed {seed}"


# -- a counter ---------------------------------------------------------------------------------------------------


def greatest(old: Any, new: Any) -> Any:
    """Of each node what it has counted last."""
    return {node: max(old.get(node, 0), new.get(node, 0)) for node in sorted({*old, *new})}


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_counter_that_only_grows_arrives_whole_although_each_state_tells_of_one_node(
    seed: int, autojump_clock: MockClock
) -> None:
    rng, total = Random(seed), Counter[str]()
    states = []
    for _ in range(STATES):
        node = f"node-{rng.randrange(5)}"
        total[node] += 1
        states.append({node: total[node]})
    arrived = await arriving({"merge": f"{__name__}:greatest"}, states, rng)
    assert reduce(greatest, arrived, {}) == total, f"seed {seed}"
