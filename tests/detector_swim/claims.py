"""False suspicions of `swim` with Lifeguard and without: `python -m tests.detector_swim.claims`.

128 members, of which a few are slow: they neither send nor receive for some seconds, run for one, and so on. A
suspicion is false when it is about one of the others. Last, how long it takes until a dead one is suspected by all.
"""

import argparse
from random import Random
from statistics import median

from partisan_core.detection import Suspect
from tests.detector_swim.village import stalling, village


def false_suspicions(size: int, slow: int, stall: float, seconds: float, seed: int, *, lifeguard: bool) -> int:
    """How often a member that is not slow was suspected."""
    company = village(size, seed, lifeguard=lifeguard)
    names = [f"n{number}" for number in range(slow)]
    company.wakes = stalling(names, stall, 1.0, Random(f"{seed} stalls"))
    opinions = company.run(seconds)
    return sum(isinstance(one.effect, Suspect) and one.about not in names for one in opinions)


def detection(size: int, seed: int, *, lifeguard: bool) -> tuple[float, float, float]:
    """Seconds until the first, the median and the last member suspects one that has crashed; all others are well."""
    company = village(size, seed, lifeguard=lifeguard)
    company.run(30.0)
    company.crash("n0")
    began = company.now
    times = sorted({one.by: one.at - began for one in company.run(120.0) if one.about == "n0"}.values())
    assert len(times) == size - 1, f"seed {seed}: {size - 1 - len(times)} did not notice"
    return times[0], median(times), times[-1]


def main() -> None:
    """Print two tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--members", type=int, default=128)
    arguments.add_argument("--slow", type=int, nargs="*", default=[1, 4, 8, 16])
    arguments.add_argument("--stalls", type=float, nargs="*", default=[2, 4, 8, 16, 32])
    arguments.add_argument("--seconds", type=float, default=300.0)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    print(f"seed {given.seed}, {given.members} members, {given.seconds:g} s each\n")
    print("| slow | stalls | without Lifeguard | with |")
    totals = [0, 0]
    for slow in given.slow:
        for stall in given.stalls:
            run = (given.members, slow, stall, given.seconds, given.seed)
            counts = [false_suspicions(*run, lifeguard=lifeguard) for lifeguard in (False, True)]
            totals = [total + one for total, one in zip(totals, counts, strict=True)]
            print(f"| {slow} | {stall:g} s | {counts[0]} | {counts[1]} |", flush=True)
    print(f"\ntogether {totals[0]} without, {totals[1]} with")
    assert totals[1] * 10 <= totals[0], "more than a tenth"
    for lifeguard in (False, True):
        first, middle, last = detection(given.members, given.seed, lifeguard=lifeguard)
        print(f"a crash, {lifeguard=}: first {first:.1f} s, median {middle:.1f} s, last {last:.1f} s")


if __name__ == "__main__":
    main()
