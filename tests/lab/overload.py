"""Twice as many messages as a node can take: nobody is taken for dead, and soon after all is as before.

    python -m tests.lab.overload [--seconds 60] [--senders 2] [--json]

Each message costs its receiver some processor time. How many it takes in a second is measured with senders that wait
for room. Then they offer twice as many, and what finds no room is refused to them. Recovery is the time from the end of
the overload until the first message that each sender sent after it is received, behind all that was queued anywhere.
Exits with 1 when a limit is not met.
"""

import argparse
import sys
import time
from collections.abc import Sequence

from tests.integration.agents import eventually
from tests.lab.crowd import Crowd, crowd
from tests.verdicts import Figures, at_least, at_most, conclude

FACTOR = 2.0
_SIZE = 1000
_BURDEN = 50e-6
"""Seconds of a message: with less the senders of a machine with two cores cannot offer twice as many (measured)."""
_MEASURED = 3.0
"""Seconds in which the capacity is measured."""
_SINK = "n0"
_BOUNDS = {"mailboxes": {"messages": 1000}, "channels": {"default": {"queue_messages": 500}}}
"""Bounds that hold far less than five seconds of such work, as for an application that wants to be back by then. What
the system holds in its sockets comes on top, several megabytes of each sender."""

LIMITS = (
    at_least("offered/capacity", 0.9 * FACTOR),
    at_least("refused", 1),
    at_most("downs", 0),
    at_most("damaged or disordered", 0),
    at_most("seconds to recover", 5),
)


def measure(seconds: float, senders: int) -> Figures:
    """Overload one node for so long."""
    with crowd(senders + 1, **_BOUNDS) as everybody:
        names = sorted(everybody.residents.keys() - {_SINK})
        everybody[_SINK].do("burden", seconds=_BURDEN)
        for name in names:
            everybody[name].flow(_SINK, _SIZE)
        time.sleep(1)
        before = _received(everybody)
        time.sleep(_MEASURED)
        capacity = (_received(everybody) - before) / _MEASURED
        already = _stem(everybody, names)
        for name in names:
            everybody[name].flow(_SINK, _SIZE, FACTOR * capacity / senders)
        time.sleep(seconds)
        done = _stem(everybody, names)
        recovered = _recover(everybody, names, {name: sent for name, (sent, _) in done.items()})
        account = everybody[_SINK].account()
        refused = sum(refused for _, refused in done.values())
        offered = sum(done[name][0] - already[name][0] for name in names) + refused
        return {
            "capacity per second": capacity,
            "offered/capacity": offered / seconds / capacity,
            "refused": refused,
            "downs": everybody.count("NeighbourDown"),
            "suspicions": everybody.count("PeerSuspected"),
            "damaged or disordered": account.damaged + account.disordered,
            "seconds to recover": recovered,
        }


def _received(everybody: Crowd) -> int:
    return sum(everybody[_SINK].account().received.values())


def _stem(everybody: Crowd, names: Sequence[str]) -> dict[str, tuple[int, int]]:
    return {name: everybody[name].stem(_SINK) for name in names}


def _recover(everybody: Crowd, names: Sequence[str], sent: dict[str, int]) -> float:
    begun = time.monotonic()
    for name in names:
        everybody[name].flow(_SINK, _SIZE, 10)

    def all_came() -> bool:
        last = everybody[_SINK].account().last
        return all(last[name] > sent[name] for name in names)

    eventually(all_came, "what was sent after the overload")
    return time.monotonic() - begun


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--senders", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="the figures in a line, and no words")
    options = parser.parse_args(words)
    figures = measure(options.seconds, options.senders)
    return int(not conclude("overload", figures, LIMITS, as_json=options.json))


if __name__ == "__main__":
    sys.exit(main())
