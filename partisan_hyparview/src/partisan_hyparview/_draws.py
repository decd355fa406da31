"""Random draws, with randomness handed in. Pure."""

from collections.abc import Iterable, Iterator
from random import Random

from partisan_core.identity import NodeSpec


def draw(rng: Random, peers: list[NodeSpec]) -> NodeSpec | None:
    """One of `peers`, when there are any."""
    return peers[int(rng.random() * len(peers))] if peers else None


def in_random_order(rng: Random, peers: Iterable[NodeSpec]) -> Iterator[NodeSpec]:
    """Draw one after the other; who stops early has not paid for the rest."""
    left = list(peers)
    while left:
        drawn = int(rng.random() * len(left))
        left[drawn], left[-1] = left[-1], left[drawn]
        yield left.pop()
