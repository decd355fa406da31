"""Three zones far apart: a cluster forms over them, and nobody is taken for dead.

    python -m tests.lab.wide_area [--nodes 3] [--minutes 5] [--seed 1] [--json]

So many nodes in each zone. Between the zones a round trip takes 80 or 250 ms, and up to 30 % more; one packet of 200 is
lost. All join the first node at once: formed means that each is linked to each. Then messages trickle between all,
and each has to arrive. Exits with 1 when a limit is not met.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import permutations

from tests.integration.agents import eventually
from tests.lab.packets import Weather
from tests.lab.site import Lab, opened_lab
from tests.verdicts import Figures, at_most, conclude

_ROUND_TRIPS = {frozenset({0, 1}): 0.08, frozenset({0, 2}): 0.25, frozenset({1, 2}): 0.25}
"""Seconds between two zones."""
_JITTER, _LOSS = 0.3, 0.005
_SIZE, _RATE = 500, 5

LIMITS = (
    at_most("formed, longest round trips", 10),
    at_most("downs", 0),
    at_most("damaged or disordered", 0),
)


def distances() -> Iterator[tuple[int, int, Weather]]:
    """The weather from each zone to each other one."""
    for zones, seconds in _ROUND_TRIPS.items():
        for origin, target in permutations(zones):
            yield origin, target, Weather(seconds / 2, _JITTER * seconds / 2, _LOSS)


def measure(nodes: int, minutes: float, seed: int) -> Figures:
    """Form a cluster, and let it live for so long."""
    with opened_lab(3, seed) as lab:
        for origin, target, weather in distances():
            lab.weather(weather, [origin], [target])
        formed = _form(lab, nodes)
        pairs = [*permutations(lab.residents, 2)]
        for one, other in pairs:
            lab.residents[one].flow(other, _SIZE, _RATE)
        time.sleep(60 * minutes)
        sent = {(one, other): lab.residents[one].stem(other)[0] for one, other in pairs}
        eventually(lambda: _all_came(lab, sent), "all messages")
        seen = [sight.kind for resident in lab.residents.values() for sight in resident.sights()]
        accounts = [resident.account() for resident in lab.residents.values()]
        return {
            "formed, seconds": formed,
            "formed, longest round trips": formed / max(_ROUND_TRIPS.values()),
            "messages": sum(sent.values()),
            "downs": seen.count("NeighbourDown"),
            "suspicions": seen.count("PeerSuspected"),
            "damaged or disordered": sum(account.damaged + account.disordered for account in accounts),
            "longest on the way, ms": max(account.longest for account in accounts) * 1000,
        }


def _form(lab: Lab, nodes: int) -> float:
    """Start all and let them join the first; seconds until each is linked to each."""
    residents = [lab.settle(zone, f"zone{zone}-{number}") for zone in range(3) for number in range(nodes)]
    addresses = [resident.started().addresses for resident in residents]
    begun = time.monotonic()
    for resident in residents[1:]:
        resident.tell("join", contacts=addresses[0])
    for resident in residents[1:]:
        resident.answer(type(None))

    def is_whole() -> bool:
        return all(len(resident.neighbours()) == len(residents) - 1 for resident in residents)

    eventually(is_whole, "all to be linked")
    return time.monotonic() - begun


def _all_came(lab: Lab, sent: dict[tuple[str, str], int]) -> bool:
    accounts = {name: resident.account() for name, resident in lab.residents.items()}
    return all(accounts[other].received.get(one, 0) >= count for (one, other), count in sent.items())


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.wide_area", description=__doc__)
    parser.add_argument("--nodes", type=int, default=3, help="in each zone")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="the figures in a line, and no words")
    options = parser.parse_args(words)
    figures = measure(options.nodes, options.minutes, options.seed)
    return int(not conclude(f"three zones, seed {options.seed}", figures, LIMITS, as_json=options.json))


if __name__ == "__main__":
    sys.exit(main())
