"""Many processes, one of which is killed and started again every so often: what the others hold stays as it is.

    python -m tests.lab.soak [--processes 8] [--minutes 60] [--every 10] [--json]

Messages trickle between all. After each restart, when all are linked again, each process that was never killed says
what it holds. The first tenth is to warm up; then memory must not grow by more than a megabyte an hour (in runs of
less than half an hour by more than half a megabyte), and descriptors and tasks must be as many at the end as at the
beginning. Exits with 1 when a limit is not met.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from statistics import linear_regression

from tests.lab.crowd import Crowd, crowd
from tests.lab.inhabitant import Size
from tests.verdicts import Figures, at_most, conclude

_SIZE, _RATE = 200, 20
_WARM_UP = 0.1
"""Of the whole run."""
_ELDERS = 2
"""Processes that are never killed."""
_HOUR = 3600.0
_SHORT, _ALLOWED_SHORT = 0.5, 0.5
"""Hours of a run that is too short for a slope, and MiB that are allowed in it."""

LIMITS = (
    at_most("MiB grown/allowed", 1),
    at_most("more descriptors", 0),
    at_most("more tasks", 0),
    at_most("downs that were no kill", 0),
    at_most("damaged", 0),
)


class Soak:
    """The processes, and what was seen of them."""

    def __init__(self, everybody: Crowd) -> None:
        self.kills = 0
        self.sizes: list[tuple[float, list[Size]]] = []
        """When, and what each elder held."""
        self._everybody = everybody
        names = sorted(everybody.residents)
        self._elders, self._others = names[:_ELDERS], names[_ELDERS:]
        for name in names:
            self._talk(name)

    def turn(self, rng: random.Random) -> None:
        """Kill one, start it again, look at the elders."""
        victim = rng.choice(self._others)
        self._everybody.kill([victim])
        self.kills += 1
        self._everybody.start(victim)
        self._everybody.until_whole()
        self._talk(victim)
        self.sizes.append((time.monotonic(), [self._everybody[elder].size() for elder in self._elders]))

    def figures(self) -> Figures:
        """What became of it, by the elders."""
        sizes = self.sizes[round(len(self.sizes) * _WARM_UP) :]
        times, held = zip(*sizes, strict=True)
        hours = (times[-1] - times[0]) / _HOUR
        allowed = _ALLOWED_SHORT if hours < _SHORT else hours
        slopes = [linear_regression(times, [one.resident for one in elder]).slope for elder in zip(*held, strict=True)]
        accounts = [self._everybody[elder].account() for elder in self._elders]
        return {
            "kills": self.kills,
            "hours": hours,
            "MiB at the end": max(size.resident for size in held[-1]),
            "MiB grown/allowed": max(slopes) * hours * _HOUR / allowed,
            "more descriptors": max(b.descriptors - a.descriptors for a, b in zip(held[0], held[-1], strict=True)),
            "more tasks": max(b.tasks - a.tasks for a, b in zip(held[0], held[-1], strict=True)),
            "downs that were no kill": abs(self._downs() - self.kills * _ELDERS),
            "damaged": sum(account.damaged for account in accounts),
        }

    def _downs(self) -> int:
        """That elders saw: each sees each kill once, and nothing else."""
        self._everybody.gather()
        return sum(sight.kind == "NeighbourDown" for name, sight in self._everybody.log if name in self._elders)

    def _talk(self, name: str) -> None:
        """To and from each elder."""
        for elder in self._elders:
            if elder != name:
                self._everybody[name].flow(elder, _SIZE, _RATE)
                self._everybody[elder].flow(name, _SIZE, _RATE)


def measure(processes: int, minutes: float, every: float, seed: int) -> Figures:
    """Soak so many processes for so long."""
    rng = random.Random(seed)
    with crowd(processes) as everybody:
        soak = Soak(everybody)
        end = time.monotonic() + 60 * minutes
        while (now := time.monotonic()) < end:
            soak.turn(rng)
            time.sleep(max(0.0, now + every - time.monotonic()))
        return soak.figures()


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.soak", description=__doc__)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--every", type=float, default=10, help="seconds between two kills")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="the figures in a line, and no words")
    options = parser.parse_args(words)
    figures = measure(options.processes, options.minutes, options.every, options.seed)
    return int(not conclude(f"soak, seed {options.seed}", figures, LIMITS, as_json=options.json))


if __name__ == "__main__":
    sys.exit(main())
