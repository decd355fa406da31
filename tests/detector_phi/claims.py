"""Mistakes and detection times of the detector `phi` by threshold: `python -m tests.detector_phi.claims`.

Answers take 10 ms and an exponential part of 20 ms; one in a hundred waits for retransmissions of TCP, 200 ms and twice
as long again with each. The detector is asked without its `pause`, which would hide what the threshold does.
"""

import argparse
from random import Random
from statistics import fmean

from partisan_core.detection import PeerUp, Suspect
from partisan_core.identity import NodeSpec
from partisan_detector_phi import PhiConfig, PhiDetector
from tests.detector_phi.clockwork import Clockwork

BETA = NodeSpec("beta", 1, 1)
THRESHOLDS = (1.0, 3.0, 5.0, 8.0, 12.0)


def delay(rng: Random) -> float:
    """Seconds that an answer takes."""
    taken, wait = 0.01 + rng.expovariate(50), 0.2
    while rng.random() < 0.01:
        taken, wait = taken + wait, 2 * wait
    return taken


def measure(threshold: float, hours: float, pause: float, seed: int) -> tuple[int, float]:
    """How often a living peer was suspected in that time, and the mean time until a dead one is."""
    rng = Random(f"{seed} {threshold}")
    times: list[float] = []
    config = PhiConfig(threshold=threshold, pause=pause)
    clockwork = Clockwork(PhiDetector(config, Random(0)), lambda: delay(rng))
    clockwork.answering.add("beta")
    clockwork.tell(PeerUp(BETA))
    mistakes = sum(isinstance(one.effect, Suspect) for one in clockwork.run(3600 * hours))
    for _ in range(50):
        clockwork.run(rng.uniform(60, 61))
        clockwork.answering.clear()
        began = clockwork.now
        opinions = clockwork.run(60)
        times += [one.at - began for one in opinions if isinstance(one.effect, Suspect)]
        clockwork.answering.add("beta")
    return mistakes, fmean(times)


def main() -> None:
    """Print a table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--hours", type=float, default=24.0)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    print(f"seed {given.seed}, {given.hours:g} h of one peer\n\n| threshold | pause | mistakes | detection |")
    for threshold in THRESHOLDS:
        mistakes, time = measure(threshold, given.hours, 0.0, given.seed)
        print(f"| {threshold:g} | 0 s | {mistakes} | {time:.2f} s |")
    default = PhiConfig()
    mistakes, time = measure(default.threshold, given.hours, default.pause, given.seed)
    print(f"| {default.threshold:g} | {default.pause:g} s | {mistakes} | {time:.2f} s |")


if __name__ == "__main__":
    main()
