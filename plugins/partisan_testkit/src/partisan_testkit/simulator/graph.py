"""What an overlay looks like from above: its links as a graph, and the figures that papers give of one.

Definitions as in the papers on HyParView (Leitão, Pereira, Rodrigues, DSN 2007) and Plumtree (SRDS 2007). Links
are directed: a node's own are those that it wants. Components and clustering take them undirected.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from random import Random
from statistics import fmean
from typing import Self

from msgspec import Struct

from partisan_testkit.simulator.node import SimulatedNode


class Flood(Struct, frozen=True):
    """What it takes to tell everybody: each node that is told passes it on to all but the one who told it first."""

    reached: int
    """Nodes that know in the end, the source among them."""
    hops: int
    """The links between the source and the node that is the most of them away."""
    payloads: int
    """How often it was passed on."""

    @property
    def redundancy(self) -> float:
        """How often a node is told in vain: the papers' relative message redundancy. 0 for a tree, or nobody told."""
        return self.payloads / (self.reached - 1) - 1 if self.reached > 1 else 0.0


class Graph:
    """The directed graph of whom each node calls a neighbour; those that are no nodes themselves are left out.

    Nodes are numbers inside, so that a search of 10,000 nodes takes milliseconds.
    """

    def __init__(self, neighbours: Mapping[str, Iterable[str]]) -> None:
        self.names = tuple(neighbours)
        self._numbers = {name: number for number, name in enumerate(self.names)}
        numbers = self._numbers
        self._links = [
            list(dict.fromkeys(numbers[name] for name in named if name in numbers and name != own))
            for own, named in neighbours.items()
        ]

    @classmethod
    def of(cls, nodes: Iterable[SimulatedNode]) -> Self:
        """Return the graph of the links that the strategies of `nodes` want."""
        return cls({node.name: node.strategy.links() for node in nodes})

    def __len__(self) -> int:
        return len(self.names)

    def degrees(self) -> list[int]:
        """Return how many neighbours each node has, in the order of `names`."""
        return [len(links) for links in self._links]

    def in_degrees(self) -> list[int]:
        """Return how many nodes have each node for a neighbour, in the order of `names`."""
        degrees = [0] * len(self)
        for links in self._links:
            for target in links:
                degrees[target] += 1
        return degrees

    def asymmetric(self) -> int:
        """Return how many links the other end does not have."""
        ends = set(self._ends())
        return sum((target, source) not in ends for source, target in ends)

    def cross_share(self, zones: Mapping[str, int]) -> float:
        """Return the share of the links that lead from one zone to another; who is not mentioned is in zone 0."""
        zone = [zones.get(name, 0) for name in self.names]
        across = [zone[source] != zone[target] for source, target in self._ends()]
        return fmean(across) if across else 0.0

    def component_sizes(self) -> list[int]:
        """Return the sizes of the groups without a link between them, the largest first."""
        seen = bytearray(len(self))
        first_ones = (number for number in range(len(self)) if not seen[number])
        groups = (_levels(self._acquaintances, first, seen) for first in first_ones)
        return sorted((sum(map(len, levels)) for levels in groups), reverse=True)

    def clustering(self) -> float:
        """Return the mean clustering coefficient: of the pairs of a node's neighbours, the share that is linked.

        A node with less than two neighbours counts as 0.
        """
        linked = [set(others) for others in self._acquaintances]
        shares = []
        for others in self._acquaintances:
            pairs = len(others) * (len(others) - 1)
            shares.append(sum(len(linked[one].intersection(others)) for one in others) / pairs if pairs else 0.0)
        return fmean(shares) if shares else 0.0

    def average_shortest_path(self, sources: int, rng: Random) -> float:
        """Return the mean hops from `sources` drawn nodes (at most all) to every node that they reach.

        Nodes that cannot be reached are left out: look at `component_sizes` too. 0 when nobody reaches anybody.
        """
        hops = pairs = 0
        for source in rng.sample(range(len(self)), min(sources, len(self))):
            for distance, level in enumerate(_levels(self._links, source, bytearray(len(self)))):
                hops += distance * len(level)
                pairs += len(level) if distance else 0
        return hops / pairs if pairs else 0.0

    def flood(self, source: str) -> Flood:
        """Return what a broadcast from `source` comes to when every link takes equally long.

        Raises:
            KeyError: there is no such node.
        """
        links, payloads, hops = self._links, 0, 0
        tellers = {self._numbers[source]: -1}
        level = [self._numbers[source]]
        while level:
            told = []
            for node in level:
                others = links[node]
                payloads += len(others) - (tellers[node] in others)
                for other in others:
                    if other not in tellers:
                        tellers[other] = node
                        told.append(other)
            level = told
            hops += bool(told)
        return Flood(len(tellers), hops, payloads)

    @cached_property
    def _acquaintances(self) -> list[list[int]]:
        """The neighbours of each number when links are taken undirected."""
        both: list[dict[int, None]] = [dict.fromkeys(links) for links in self._links]
        for source, target in self._ends():
            both[target][source] = None
        return [list(others) for others in both]

    def _ends(self) -> Iterator[tuple[int, int]]:
        return ((source, target) for source, links in enumerate(self._links) for target in links)


def _levels(links: list[list[int]], source: int, seen: bytearray) -> Iterator[list[int]]:
    """Yield the source, those one hop away, those two: a breadth-first search that marks whom it has `seen`."""
    level = [source]
    seen[source] = 1
    while level:
        yield level
        following = []
        for node in level:
            for other in links[node]:
                if not seen[other]:
                    seen[other] = 1
                    following.append(other)
        level = following
