"""Random histories of causal order against the checker of happens-before.

    python -m tests.causality [--seeds 0-9999]

Exits with 1, the seed and its log at the first that breaks a promise or leaves something behind.
"""

import argparse
import sys
from time import perf_counter

from tests.causality.histories import History


def main() -> int:
    """Run them, and tell the largest figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.causality", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", default="0-9999", help="FIRST-LAST (default: %(default)s)")
    first, _, last = parser.parse_args().seeds.partition("-")
    seeds, begun = range(int(first), int(last or first) + 1), perf_counter()
    events = probes = refused = most_triples = most_held = 0
    for seed in seeds:
        outcome = History(seed).run()
        if outcome.faults:
            print(outcome)
            return 1
        events, probes, refused = events + len(outcome.log), probes + outcome.probes, refused + outcome.refused
        most_triples = max(most_triples, outcome.most_triples)
        most_held = max(most_held, outcome.most_held)
    print(f"{len(seeds)} histories, {events} sends and deliveries, 0 violations, nothing left behind")
    print(f"{probes} probes, {refused} refused too late; at most {most_triples} triples, {most_held} messages held")
    print(f"{perf_counter() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
