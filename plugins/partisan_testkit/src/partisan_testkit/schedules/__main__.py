"""The command for many seeds."""

import argparse
import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from random import Random
from time import perf_counter

from partisan_core.identity import NodeSpec
from partisan_core.kinds import OverlayPlugin
from partisan_core.plugins import Plugins
from partisan_core.strategy import MembershipStrategy
from partisan_testkit.schedules.plan import make_schedule
from partisan_testkit.schedules.run import Report, run_twice

_OBJECTS_PER_COLLECTION = 500_000
"""Measured: with the default of 700 a third of the time is spent on it."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the seeds that the command line `words` name; return the exit code."""
    arguments = _parser().parse_args(words)
    overlay = partial(_make, Plugins().overlay(arguments.overlay))
    first, _, last = arguments.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    started, events, islands, logs = perf_counter(), 0, 0, blake2b(digest_size=8)
    with _collecting_rarely():
        for seed in seeds:
            report = run_twice(seed, arguments.nodes, overlay)
            if report.violation is not None:
                _print_violation(arguments.overlay, arguments.nodes, seed, report)
                return 1
            events, islands = events + report.events, islands + report.islands
            logs.update(report.log_hash.encode())
    seconds = perf_counter() - started
    print(
        f"{arguments.overlay}: {len(seeds)} schedules of {arguments.nodes} nodes, each run twice, "
        f"no violation; {events} events, {islands} islands, logs {logs.hexdigest()}, "
        f"{seconds:.1f} s, {2 * events / seconds:.0f} events/s"
    )
    return 0


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    """Collect garbage less often: a run makes many objects that live for it all, and few cycles that die."""
    thresholds = gc.get_threshold()
    gc.set_threshold(_OBJECTS_PER_COLLECTION)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m partisan_testkit.schedules",
        description="Run random schedules of faults on an overlay.",
    )
    parser.add_argument("--overlay", default="fullmesh", help="name of an installed overlay with a full view")
    parser.add_argument("--nodes", type=int, default=16)
    parser.add_argument("--seeds", default="0-99", metavar="FIRST-LAST", help="one seed, or a range of them")
    return parser


def _make(plugin: OverlayPlugin, me: NodeSpec, rng: Random) -> MembershipStrategy:
    return plugin.make(me, plugin.config(), rng)


def _print_violation(overlay: str, nodes: int, seed: int, report: Report) -> None:
    schedule = make_schedule(seed, nodes)
    print(f"seed {seed}: {schedule.faults}")
    for planned in schedule.steps:
        print(f"  {planned.second:6.3f} s  {planned.step.value:9}  node-{planned.who}")
    print("the end of the log:", *report.last_lines, sep="\n  ")
    print(f"violation: {report.violation}")
    command = f"python -m partisan_testkit.schedules --overlay {overlay} --nodes {nodes} --seeds {seed}"
    print(f"repeat it with: {command}")


if __name__ == "__main__":
    sys.exit(main())
