"""A large part of a network crashes at once: 200 broadcasts before any cycle, then the cycles of the recovery.

No node shuffles before the last of the broadcasts. The first is sent at the very moment of the crash, each other when
the repair that the one before led to has ended, as in the paper's simulator. The reliability of one is the share of the
survivors that a flood over the active views, as they are, reaches from a random survivor.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from traceback import print_exc

from msgspec.json import decode, encode

from partisan_hyparview import HyParView, HyParViewConfig
from partisan_hyparview.messages import Test
from partisan_testkit.simulator import LinkTimes, SimulatedNode
from tests.hyparview.claims.networks import CYCLE, Overlay
from tests.verdicts import Figures, Limit, at_least

NODES, SEEDS = 2_000, range(1, 11)
SHARES = {0.5: 0.999, 0.7: 0.99, 0.8: 0.98, 0.9: 0.95, 0.95: 0.9}
"""The share that crashes, and the least mean reliability when dead links are noticed as TCP resets do it."""
SILENT_SHARES = {0.7: 0.98, 0.8: 0.95}
"""The same from the second broadcast on, when only who sends over a dead link notices."""
RECOVERY = {0.5: (2, 1.0), 0.7: (2, 1.0), 0.8: (2, 1.0), 0.9: (4, 0.995)}
"""After how many cycles a broadcast reaches what share of the survivors."""
CYCLES_BEFORE = 10
BROADCASTS = 200
PAUSE = 1.0
"""At least between two broadcasts: a message that finds a dead link, the reset, a request over a connection made for it
and its answer over another, at the longest latencies."""
REPAIR_LIMIT, REPAIR_STEP = HyParViewConfig().neighbour_timeout, 0.1
"""At most for the requests that are then on their way, and between two looks."""
PATIENCE = 4
"""Cycles that the recovery is watched for."""


def measure(nodes: int, seed: int) -> Figures:
    """Build two networks, which differ in how a crash is noticed, and crash copies of them."""
    figures: dict[str, float] = {}
    for silent, shares in ((False, SHARES), (True, SILENT_SHARES)):
        overlay = Overlay(seed, times=LinkTimes(silent_crashes=silent))
        overlay.grow(nodes)
        overlay.simulation.run(CYCLES_BEFORE * CYCLE)
        for share in shares:
            figures |= _in_a_copy(partial(_crash, overlay, share, silent=silent))
    return figures


def _in_a_copy(experiment: Callable[[], Figures]) -> Figures:
    """Run in a copy of this process: building the network takes longer than what is done to it."""
    with TemporaryDirectory() as folder:
        report = Path(folder, "figures.json")
        child = os.fork()
        if not child:
            try:
                report.write_bytes(encode(experiment()))
            except BaseException:  # noqa: BLE001 - the copy must not live on as a second test run
                print_exc()
            finally:
                os._exit(not report.exists())
        _, status = os.waitpid(child, 0)
        if status:
            raise RuntimeError("the copy of the process failed; what it said is above")
        return decode(report.read_bytes(), type=dict[str, float])


def _crash(overlay: Overlay, share: float, *, silent: bool) -> Figures:
    simulation = overlay.simulation
    victims = overlay.rng.sample(simulation.living, round(share * len(simulation.nodes)))
    for node in victims:
        simulation.crash(node)
    frozen = fmean(_broadcast(overlay, silent=False) for _ in range(BROADCASTS))
    overlay.is_without_cycles = True
    reliability = []
    for _ in range(BROADCASTS):
        reliability.append(_broadcast(overlay, silent=silent))
        _repair(overlay)
    overlay.resume_cycles()
    if silent:
        return {f"silent, from the 2nd on, {share:.0%}": fmean(reliability[1:])}
    figures = {f"no repair, {share:.0%}": frozen, f"mean of {BROADCASTS}, {share:.0%}": fmean(reliability)}
    for cycle in range(1, PATIENCE + 1):
        simulation.run(CYCLE)
        figures[f"after {cycle} cycles, {share:.0%}"] = _broadcast(overlay, silent=False)
    return figures


def _repair(overlay: Overlay) -> None:
    """Let time pass until every request for a neighbour is answered."""
    overlay.simulation.run(PAUSE)
    survivors = overlay.simulation.living
    overlay.seconds_until(lambda: not any(map(_is_asking, survivors)), REPAIR_LIMIT, REPAIR_STEP)


def _is_asking(node: SimulatedNode) -> bool:
    assert isinstance(node.strategy, HyParView)
    return bool(node.strategy._near.pending)


def _broadcast(overlay: Overlay, *, silent: bool) -> float:
    """Return the share of the survivors that is reached; where crashes are silent, the sends find dead links."""
    living = {node.name: node for node in overlay.simulation.living}
    reached = overlay.reached(overlay.rng.choice(list(living)))
    if silent:
        for name in sorted(reached):
            for peer in living[name].strategy.links().values():
                if peer.name not in living:
                    overlay.simulation.network.send(living[name], peer, Test())
    return len(reached) / len(living)


def limits(nodes: int) -> list[Limit]:
    """Medians of the seeds."""
    return [
        *(at_least(f"mean of {BROADCASTS}, {share:.0%}", bound, median) for share, bound in SHARES.items()),
        *(at_least(f"silent, from the 2nd on, {share:.0%}", bound, median) for share, bound in SILENT_SHARES.items()),
        *(
            at_least(f"after {cycles} cycles, {share:.0%}", bound, median)
            for share, (cycles, bound) in RECOVERY.items()
        ),
    ]
