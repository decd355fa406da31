"""Some of many processes get a fifth of a core and stop now and then: nobody may be taken for dead.

    python -m tests.lab.starved [--processes 16] [--starved 4] [--minutes 1] [--seed 1] [--json]

A starved process is stopped (SIGSTOP) four fifths of every tenth of a second, and now and then up to two seconds at a
stretch. A down that a healthy node sees is false, whoever is meant, for all live; so is one that a starved node sees of
a healthy one, which is told, and is no reason to fail. Exits with 1 when a limit is not met.
"""

import argparse
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from tests.lab.crowd import crowd
from tests.verdicts import Figures, at_most, conclude

SHARE = 0.2
"""Of a core."""
_PERIOD = 0.1
_LONGEST_PAUSE = 2.0
_BETWEEN_PAUSES = 10.0
"""Seconds on the average (chosen)."""

LIMITS = (at_most("false downs at healthy nodes", 0), at_most("seconds to be whole again", 5))


class Starvation(threading.Thread):
    """Lets one process run only now and then, until it is ended. In a thread: processes wait for no answers of ours."""

    def __init__(self, victim: subprocess.Popen[bytes], rng: random.Random) -> None:
        super().__init__(daemon=True)
        self.pauses = 0
        self._victim, self._rng = victim, rng
        self._over = threading.Event()

    def run(self) -> None:
        """Stop it and let it go on."""
        while not self._over.is_set():
            self._signal(signal.SIGSTOP)
            self._over.wait(self._pause())
            self._signal(signal.SIGCONT)
            self._over.wait(_PERIOD * SHARE)

    def end(self) -> None:
        """Let it run for good."""
        self._over.set()
        self.join()

    def _pause(self) -> float:
        if self._rng.random() < _PERIOD / _BETWEEN_PAUSES:
            self.pauses += 1
            return self._rng.uniform(0, _LONGEST_PAUSE)
        return _PERIOD * (1 - SHARE)

    def _signal(self, number: signal.Signals) -> None:
        self._victim.send_signal(number)


def measure(processes: int, starved: int, minutes: float, seed: int) -> Figures:
    """Starve some for so long."""
    rng = random.Random(seed)
    with crowd(processes) as everybody:
        victims = rng.sample(sorted(everybody.residents), starved)
        everybody.gather()
        everybody.log.clear()
        starvations = [Starvation(everybody[name].process, random.Random(rng.random())) for name in victims]
        for starvation in starvations:
            starvation.start()
        try:
            time.sleep(60 * minutes)
        finally:
            for starvation in starvations:
                starvation.end()
        begun = time.monotonic()
        everybody.until_whole()
        whole = time.monotonic() - begun
        everybody.gather()
        seen = [(sight.kind, name in victims, sight.peer in victims) for name, sight in everybody.log]
    return {
        "pauses": sum(starvation.pauses for starvation in starvations),
        "false downs at healthy nodes": sum(kind == "NeighbourDown" and not at for kind, at, _ in seen),
        "of them of healthy nodes": seen.count(("NeighbourDown", False, False)),
        "false downs at starved nodes": sum(kind == "NeighbourDown" and at for kind, at, _ in seen),
        "suspicions at healthy nodes": sum(kind == "PeerSuspected" and not at for kind, at, _ in seen),
        "seconds to be whole again": whole,
    }


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.starved", description=__doc__)
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--starved", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="the figures in a line, and no words")
    options = parser.parse_args(words)
    figures = measure(options.processes, options.starved, options.minutes, options.seed)
    return int(not conclude(f"starved nodes, seed {options.seed}", figures, LIMITS, as_json=options.json))


if __name__ == "__main__":
    sys.exit(main())
