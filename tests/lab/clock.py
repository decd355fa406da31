"""Wall clocks that jump by hours, and clocks that run too fast: no effect.

    python -m tests.lab.clock [--jumps 10] [--json]

Of six processes two have a wall clock that jumps two hours ahead and two hours back, and two have clocks, the monotonic
one as well, that run at 1.05 of the right rate; libfaketime (Debian: `apt-get install libfaketime`) does both. Messages
flow between all, and each arrives. Then one of those that jump is killed and started again two hours in its own past:
what `data_dir` remembers of its incarnation makes the new life the newer one all the same. Exits with 1 when a limit is
not met, and with 2 when there is no libfaketime.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.integration.agents import eventually
from tests.lab.crowd import Crowd, crowd
from tests.verdicts import Figures, at_least, at_most, conclude

_PLACES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1")
HOURS = 2
FAST = 1.05
_JUMPING, _FAST = ("jumps0", "jumps1"), ("fast0", "fast1")
_BETWEEN = 1.0
"""Seconds between two jumps."""
_SIZE, _RATE = 100, 50

LIMITS = (
    at_least("hours between the clocks", 1.9 * HOURS),
    at_least("rate of the fast clocks", (1 + FAST) / 2),
    at_most("downs", 0),
    at_most("suspicions", 0),
    at_most("seconds until the restarted is back", 5),
)


def library() -> Path | None:
    """Where libfaketime is; None: nowhere."""
    return next((path for place in _PLACES for path in Path("/").glob(place[1:])), None)


class Clock:
    """The wall clock of some processes."""

    def __init__(self, path: Path, faketime: Path) -> None:
        self.within = (
            "env",
            f"LD_PRELOAD={faketime}",
            f"FAKETIME_TIMESTAMP_FILE={path}",
            "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        )
        """Starts a process with this clock."""
        self._path = path
        self.set(0)

    def set(self, hours: float) -> None:
        """Let it be so many hours ahead of the right one. The file is replaced whole: it is read at each look."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(f"{hours * 3600:+.0f}\n")
        fresh.rename(self._path)


def measure(jumps: int, faketime: Path) -> Figures:
    """Let the clocks jump so often."""
    with TemporaryDirectory(prefix="partisan-clock-") as folder, crowd(2) as everybody:
        clock = Clock(Path(folder, "now"), faketime)
        for name in _JUMPING:
            everybody.start(name, within=clock.within, node={"data_dir": f"{folder}/{name}"})
        fast = ("env", f"LD_PRELOAD={faketime}", f"FAKETIME=+0 x{FAST}")
        everybody.start(*_FAST, within=fast)
        everybody.until_whole()
        everybody.gather()
        everybody.log.clear()
        begun, by_fast_clock = time.monotonic(), everybody[_FAST[0]].wall_clock()
        for one, other in permutations(everybody.residents, 2):
            everybody[one].flow(other, _SIZE, _RATE / len(everybody.residents))
        walls = []
        for jump in range(jumps):
            clock.set(-HOURS if jump % 2 else HOURS)
            time.sleep(_BETWEEN)
            walls.append(everybody[_JUMPING[0]].wall_clock() - time.time())
        rate = (everybody[_FAST[0]].wall_clock() - by_fast_clock) / (time.monotonic() - begun)
        _let_all_come(everybody)
        downs, suspicions = (everybody.count(kind) for kind in ("NeighbourDown", "PeerSuspected"))
        return {
            "hours between the clocks": (max(walls) - min(walls)) / 3600,
            "rate of the fast clocks": rate,
            "downs": downs,
            "suspicions": suspicions,
            "seconds until the restarted is back": _restart(everybody, clock, folder),
        }


def _let_all_come(everybody: Crowd) -> None:
    """End what flows, and wait for every message."""
    pairs = [*permutations(everybody.residents, 2)]
    sent = {(one, other): everybody[one].stem(other)[0] for one, other in pairs}

    def all_came() -> bool:
        accounts = {name: resident.account() for name, resident in everybody.residents.items()}
        assert not any(account.damaged or account.disordered for account in accounts.values())
        return all(accounts[other].received.get(one, 0) >= sent[one, other] for one, other in pairs)

    eventually(all_came, "all messages")


def _restart(everybody: Crowd, clock: Clock, folder: str) -> float:
    """Kill one whose clock was ahead, start it with one that is behind; seconds until all have it back."""
    name = _JUMPING[0]
    clock.set(HOURS)
    everybody.kill([name])
    everybody.start(name, within=clock.within, node={"data_dir": f"{folder}/{name}"})
    everybody.until_whole()
    everybody.kill([name])
    clock.set(-HOURS)
    begun = time.monotonic()
    everybody.start(name, within=clock.within, node={"data_dir": f"{folder}/{name}"})
    everybody.until_whole()
    return time.monotonic() - begun


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.clock", description=__doc__)
    parser.add_argument("--jumps", type=int, default=10)
    parser.add_argument("--json", action="store_true", help="the figures in a line, and no words")
    options = parser.parse_args(words)
    faketime = library()
    if faketime is None:
        print("there is no libfaketime; on Debian: apt-get install libfaketime", file=sys.stderr)
        return 2
    figures = measure(options.jumps, faketime)
    return int(not conclude("wrong clocks", figures, LIMITS, as_json=options.json))


if __name__ == "__main__":
    sys.exit(main())
