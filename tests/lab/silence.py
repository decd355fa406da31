"""Silent disappearance: packets are dropped, nobody is told, and all nodes on the other side have to find out.

    python -m tests.lab.silence [--runs 5] [--nodes 4] [--one-way] [--json]

Two sites with so many nodes each, all linked. Nothing is sent but what the nodes send by themselves. In each run the
wire drops every packet between the sites (`--one-way`: every packet in one direction) until all nodes have noticed,
then carries them again until all are linked as before. One sample is one node that notices one other. Exits with 1
when a limit is not met: a peer is known to be lost when it is suspected or down.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from tests.integration.agents import eventually
from tests.lab.packets import Weather
from tests.lab.samples import percentile
from tests.lab.site import Lab, opened_lab
from tests.verdicts import Figures, Limit, at_most, conclude

_KNOWN = {"PeerSuspected", "NeighbourDown"}
LIMITS: tuple[Limit, ...] = (at_most("known, p99", 5),)
"""Issue: within 5 s by default, p99 of 50 runs."""


class Silence:
    """Two sites, and what is known in the one of the other."""

    def __init__(self, lab: Lab, nodes: int, sections: Mapping[str, Any]) -> None:
        self.known: list[float] = []
        """Seconds until a node knew of one other."""
        self.down: list[float] = []
        self.back: list[float] = []
        """Seconds until all were linked again."""
        self._lab = lab
        self._sites = [
            [lab.settle(site, f"{'ab'[site]}{number}", **sections) for number in range(nodes)] for site in (0, 1)
        ]
        self._residents = [*lab.residents.values()]

    def form(self) -> None:
        """Link all with all."""
        first, *others = [resident.started().addresses for resident in self._residents]
        for resident in self._residents[1:]:
            resident.do("join", contacts=first)
        eventually(self._is_whole, f"{len(others) + 1} nodes to be linked")

    def run(self, *, one_way: bool) -> None:
        """Drop, wait until all have noticed, heal, wait until all is as before."""
        for resident in self._residents:
            resident.sights()
        self._lab.weather(Weather(loss=1), [0], [1])
        self._lab.weather(Weather(loss=0 if one_way else 1), [1], [0])
        begun = time.monotonic()
        sights = self._until_down()
        self.known += [known - begun for known, _ in sights]
        self.down += [down - begun for _, down in sights]
        self._lab.weather(Weather())
        healed = time.monotonic()
        eventually(self._is_whole, "all to be linked again")
        self.back.append(time.monotonic() - healed)

    def _until_down(self) -> list[tuple[float, float]]:
        """When each knew of each on the other side, and when it was down."""
        pairs = [(one.name, other.name) for ends in (self._sites, self._sites[::-1]) for one, other in product(*ends)]
        known: dict[tuple[str, str], float] = {}
        down: dict[tuple[str, str], float] = {}

        def all_are_down() -> bool:
            for resident in self._residents:
                for sight in resident.sights():
                    if sight.kind in _KNOWN:
                        known.setdefault((resident.name, sight.peer), sight.at)
                    if sight.kind == "NeighbourDown":
                        down.setdefault((resident.name, sight.peer), sight.at)
            return all(pair in down for pair in pairs)

        eventually(all_are_down, "all to notice")
        return [(known[pair], down[pair]) for pair in pairs]

    def _is_whole(self) -> bool:
        return all(len(resident.neighbours()) == len(self._residents) - 1 for resident in self._residents)


def measure(runs: int, nodes: int, *, one_way: bool, **sections: Any) -> Figures:
    """Build the lab, and silence it again and again."""
    with opened_lab(2, seed=1) as lab:
        silence = Silence(lab, nodes, sections)
        silence.form()
        for _ in range(runs):
            silence.run(one_way=one_way)
    return {
        "samples": len(silence.known),
        "known, median": percentile(silence.known, 50),
        "known, p99": percentile(silence.known, 99),
        "known, longest": max(silence.known),
        "down, p99": percentile(silence.down, 99),
        "all linked again, longest": max(silence.back),
    }


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.silence", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--nodes", type=int, default=4, help="on each side")
    parser.add_argument("--one-way", action="store_true", help="packets of one direction alone are dropped")
    parser.add_argument("--json", action="store_true", help="the figures in a line, and no words")
    options = parser.parse_args(words)
    figures = measure(options.runs, options.nodes, one_way=options.one_way)
    title = "silence in one direction" if options.one_way else "silence"
    return int(not conclude(f"{title}, seconds", figures, LIMITS, as_json=options.json))


if __name__ == "__main__":
    sys.exit(main())
