"""Companies of this detector, of which some are slow."""

from collections.abc import Callable, Iterable
from random import Random

from partisan_detector_swim import SwimConfig, SwimDetector
from partisan_testkit.company import Company


def village(size: int, seed: int, *, lifeguard: bool = True, loss: float = 0.0) -> Company:
    """So many of them, with the defaults."""
    config = SwimConfig(lifeguard=lifeguard)
    return Company(lambda rng: SwimDetector(config, rng), size, seed, loss)


def stalling(names: Iterable[str], stall: float, between: float, rng: Random) -> Callable[[str, float], float]:
    """Those are stalled for `stall` seconds each time, and run for `between` seconds, each in a phase of its own."""
    phases = {name: rng.uniform(0, stall + between) for name in names}

    def wakes(name: str, now: float) -> float:
        if name not in phases:
            return now
        into = (now + phases[name]) % (stall + between)
        return now + stall - into if into < stall else now

    return wakes
