"""What whole nodes do far apart, and cut apart.

    python -m tests.testkit.claims wide [--nodes 12] [--minutes 30] [--overlay fullmesh] [--seed 0] [--json]
    python -m tests.testkit.claims apart [--nodes 16] [--cuts 20] [--overlay fullmesh] [--seed 0] [--json]

`wide`: three zones, 1, 80 and 250 ms from each other one way, 30 % jitter, 0.5 % of segments lost. No node may take
another for dead, and the cluster forms within ten of the longest round trips.

`apart`: the nodes are split in two, or one no longer hears another, for 20 s; then it is healed. As long as it lasts
nobody keeps a neighbour that it cannot reach in both directions; afterwards all links are back.

All of it in virtual time. Exits with 1 when a limit is not met.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import partial

import trio
from trio.testing import MockClock

from partisan_core import Node
from partisan_core.events import Reason
from partisan_core.notices import NeighbourDown, PeerSuspected
from partisan_testkit import Cluster, cluster
from partisan_testkit.simulator import Faults, seeded
from tests.verdicts import Figures, Limit, at_most, conclude

MILLISECONDS = {0: 1.0, 1: 80.0, 2: 250.0}
"""One way, by the difference of two nodes' zones."""
ROUND_TRIP = 0.5
JITTER = 1.3
QUIET = {"levels": {"partisan": "error"}}
CUT = 20.0
NOTICED = 10.0
"""Silence that is pinged (2 s), three pings of 1 s, and the grace of 3 s, with the stall of what is under way."""
BACK = 25.0
"""The longest pause between two dials (10 s), which may have begun just before, and a stalled segment."""


def run(main: Callable[[], object]) -> object:
    return trio.run(main, clock=MockClock(autojump_threshold=0))  # type: ignore[arg-type]


# Far apart.


async def wide(nodes: int, minutes: float, overlay: str, seed: int) -> Figures:
    """Count who was taken for dead, or suspected, in so many minutes."""
    rng, noted = seeded(seed, "jitter"), [0, 0]

    def latency(source: str, target: str) -> float:
        return MILLISECONDS[abs(zone(source) - zone(target))] * rng.uniform(1.0, JITTER)

    async def watch(node: Node) -> None:
        async with node.open_events() as events:
            async for event in events:
                noted[0] += isinstance(event, NeighbourDown) and event.reason in (Reason.UNREACHABLE, Reason.GONE)
                noted[1] += isinstance(event, PeerSuspected)

    faults = Faults(loss=0.005, latency=(0, 1))
    opened = cluster(
        nodes, seed=seed, overlay=overlay, application=watch, faults=faults, latency=latency, logging=QUIET
    )
    async with opened as simulated:
        formed = trio.current_time()
        await simulated.run_for(minutes=minutes)
        return {"formation_round_trips": formed / ROUND_TRIP, "false_downs": noted[0], "suspicions": noted[1]}


def zone(name: str) -> int:
    return int(name.rpartition("-")[2]) % 3


WIDE = (at_most("formation_round_trips", 10), at_most("false_downs", 0))


# Cut apart.


async def apart(nodes: int, cuts: int, overlay: str, seed: int) -> Figures:
    """Cut and heal so many times; return the longest times until it was noticed, and until all was back."""
    rng, noticed, back = seeded(seed, "cuts"), 0.0, 0.0
    async with cluster(nodes, seed=seed, overlay=overlay, logging=QUIET) as simulated:
        names = [*simulated.nodes]
        for number in range(cuts):
            rng.shuffle(names)
            one_way = number % 2 == 1
            ones, others = (names[:1], names[1:2]) if one_way else (names[: nodes // 2], names[nodes // 2 :])
            if one_way:
                simulated.cut(ones[0], others[0])
            else:
                simulated.partition(ones, others)
            told = await simulated.run_until(partial(are_apart, simulated, ones, others), seconds=CUT)
            noticed = max(noticed, told)
            await simulated.run_for(seconds=CUT - told)
            simulated.heal()
            back = max(back, await simulated.run_until(lambda: simulated.is_settled, seconds=300))
    return {"noticed_s": noticed, "back_s": back}


def are_apart(simulated: Cluster, ones: Sequence[str], others: Sequence[str]) -> bool:
    """Nobody of one side has a neighbour on the other."""
    nodes = simulated.nodes
    sides = ((ones, others), (others, ones))
    return all(set(nodes[name].neighbours()).isdisjoint(there) for here, there in sides for name in here)


APART = (at_most("noticed_s", NOTICED), at_most("back_s", BACK))


def main(words: Sequence[str] | None = None) -> int:
    parser = ArgumentParser(prog="python -m tests.testkit.claims")
    parser.add_argument("claim", choices=("wide", "apart"))
    parser.add_argument("--nodes", type=int)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--overlay", default="fullmesh")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(words)
    figures, limits = measure(given)
    title = f"{given.claim}, {given.overlay}, seed {given.seed}"
    return not conclude(title, figures, limits, as_json=given.json)


def measure(given: Namespace) -> tuple[Figures, Sequence[Limit]]:
    if given.claim == "wide":
        figures = run(partial(wide, given.nodes or 12, given.minutes, given.overlay, given.seed))
        limits = WIDE
    else:
        figures = run(partial(apart, given.nodes or 16, given.cuts, given.overlay, given.seed))
        limits = APART
    assert isinstance(figures, dict)
    return figures, limits


if __name__ == "__main__":
    sys.exit(main())
