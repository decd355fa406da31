"""Partitions of real processes, both ways or one way, short or long, and how soon all hang together again.

    python -m tests.lab.partitions [--overlay fullmesh] [--nodes 8] [--times 4] [--seed 1] [--json]

Each node has a machine of its own. Each time the wire cuts a random part off from the rest, in both directions or in
one of them, for three seconds or for twelve: the connections live through the one, and are given up in the other. Then
it heals, and until every link has two ends and leads from everybody to everybody no more than fifteen seconds may pass.
Exits with 1 when a limit is not met.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence

from partisan_cli.demo.plan import NAMES, labels_of
from tests.any_overlay.settings import SETTINGS, Setting
from tests.integration.agent import Look
from tests.integration.agents import eventually
from tests.integration.sixteen import is_whole, linked
from tests.lab.packets import Weather
from tests.lab.site import Lab, opened_lab
from tests.lab.wire import address_of
from tests.verdicts import Figures, at_least, at_most, conclude

_SHORT, _LONG = 3.0, 12.0
_PORT = 9090

LIMITS = (at_least("suspicions", 1), at_most("seconds until whole, longest", 15))
"""Reliability reference, T9: within 15 s by default."""


class Split:
    """The nodes of one overlay, each in a site of its own."""

    def __init__(self, lab: Lab, setting: Setting, nodes: int) -> None:
        self.names = NAMES[:nodes]
        self._lab = lab
        self._ring = {name: f"{address_of(site)}:{_PORT}" for site, name in enumerate(self.names)}
        for site, name in enumerate(self.names):
            node = {"listen": [self._ring[name]], "labels": labels_of(site)}
            lab.settle(site, name, node=node, overlay=setting.table(name, self._ring))
        for resident in lab.residents.values():
            resident.started()
        if not setting.by_configuration:
            for name in self.names[1:]:
                lab.residents[name].do("join", contacts=[self._ring[self.names[0]]])
        self.until_whole()

    def cut(self, rng: random.Random) -> float:
        """Cut a part off for a while; seconds until all hang together again after it."""
        sites = range(len(self.names))
        part = rng.sample(sites, rng.randint(1, len(self.names) // 2))
        rest = [site for site in sites if site not in part]
        self._lab.weather(Weather(loss=1), part, rest)
        self._lab.weather(Weather(loss=rng.choice((0, 1))), rest, part)
        time.sleep(rng.choice((_SHORT, _LONG)))
        self._lab.weather(Weather())
        begun = time.monotonic()
        self.until_whole()
        return time.monotonic() - begun

    def until_whole(self) -> None:
        """Wait until every link has two ends, and leads from everybody to everybody."""
        eventually(lambda: is_whole({name: linked(look) for name, look in self._looks().items()}), "one cluster")

    def count(self, kind: str) -> int:
        """How often all together have noticed something."""
        return sum(look.notices.get(kind, 0) for look in self._looks().values())

    def _looks(self) -> dict[str, Look]:
        return {name: resident.look() for name, resident in self._lab.residents.items()}


def measure(setting: Setting, nodes: int, times: int, seed: int) -> Figures:
    """Cut and heal so often."""
    rng = random.Random(seed)
    with opened_lab(nodes, seed) as lab:
        split = Split(lab, setting, nodes)
        until_whole = [split.cut(rng) for _ in range(times)]
        return {
            "cuts": times,
            "suspicions": split.count("PeerSuspected"),
            "downs": split.count("NeighbourDown"),
            "seconds until whole, longest": max(until_whole),
        }


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.partitions", description=__doc__)
    overlays = {setting.overlay: setting for setting in SETTINGS}
    parser.add_argument("--overlay", choices=overlays, default="fullmesh")
    parser.add_argument("--nodes", type=int, default=8)
    parser.add_argument("--times", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="the figures in a line, and no words")
    options = parser.parse_args(words)
    figures = measure(overlays[options.overlay], options.nodes, options.times, options.seed)
    title = f"partitions, {options.overlay}, seed {options.seed}"
    return int(not conclude(title, figures, LIMITS, as_json=options.json))


if __name__ == "__main__":
    sys.exit(main())
