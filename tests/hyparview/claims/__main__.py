"""Measure a claim and hold it against its limits; the exit code is 1 when one is not met.

python -m tests.hyparview.claims steady                          # 10,000 nodes, seeds 1-3: minutes
python -m tests.hyparview.claims crash --nodes 2000 --seeds 1-10
python -m tests.hyparview.claims churn --nodes 2000 --seeds 1-1 --shorten 3
"""

import argparse
import sys
from functools import partial

from msgspec.json import encode

from partisan_testkit.garbage import collecting_rarely
from tests.hyparview.claims import churn, crash, mass_join, partition, steady

CLAIMS = {"steady": steady, "crash": crash, "mass_join": mass_join, "partition": partition, "churn": churn}


def seeds_of(text: str) -> range:
    """Read `3` or `1-10`."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("claim", choices=CLAIMS)
    parser.add_argument("--nodes", type=int, help="default: what the claim is made for")
    parser.add_argument("--seeds", type=seeds_of, metavar="A-B")
    parser.add_argument("--shorten", type=float, default=1.0, help="divide the simulated time of churn")
    parser.add_argument("--json", action="store_true", help="the figures of each seed, a line each, and no words")
    options = parser.parse_args()
    claim = CLAIMS[options.claim]
    nodes = options.nodes or claim.NODES
    measure = partial(churn.measure, shorten=options.shorten) if claim is churn else claim.measure
    seeds = []
    for seed in options.seeds or claim.SEEDS:
        with collecting_rarely():
            seeds.append(measure(nodes, seed))
        words = ", ".join(f"{name} {value:.5g}" for name, value in seeds[-1].items())
        named = {"claim": options.claim, "nodes": nodes, "seed": seed, **seeds[-1]}
        print(encode(named).decode() if options.json else f"{options.claim}, {nodes} nodes, seed {seed}: {words}")
        sys.stdout.flush()
    limits = claim.limits(nodes)
    if not options.json:
        print("\n".join(limit.line(seeds) for limit in limits))
    return int(not all(limit.is_met(seeds) for limit in limits))


if __name__ == "__main__":
    sys.exit(main())
