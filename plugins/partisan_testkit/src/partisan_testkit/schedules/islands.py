"""Finds groups of nodes that cannot find each other by themselves."""

from collections.abc import Mapping, Sequence

from partisan_testkit.schedules.settings import ClusterSettings
from partisan_testkit.schedules.stage import N


def find_islands(nodes: Sequence[N], cluster: ClusterSettings) -> list[list[N]]:
    """Split nodes into groups between which nobody knows anybody it would talk to; the first is where to join.

    There is at least one, which may be empty.
    What gossip can heal is one group: a single node that knows somebody across connects two.
    """
    by_address = {node.spec.addresses[0]: node for node in nodes if cluster.is_approached(node.name)}
    known: dict[N, list[N]] = {}
    for node in nodes:
        peers = [*node.view.values(), *node.strategy.links().values()]
        reached = [by_address.get(peer.addresses[0]) for peer in peers if peer.addresses]
        known[node] = [other for other in reached if other is not None]
    groups = find_groups(known)
    groups.sort(key=lambda group: not any(cluster.is_approached(node.name) for node in group))
    return groups or [[]]


def find_groups(neighbours: Mapping[N, Sequence[N]]) -> list[list[N]]:
    """Return the components of a graph, whose links lead both ways; the largest first."""
    both: dict[N, list[N]] = {node: [] for node in neighbours}
    for node, others in neighbours.items():
        for other in others:
            both[node].append(other)
            both[other].append(node)
    unseen = dict.fromkeys(neighbours)
    groups: list[list[N]] = []
    while unseen:
        groups.append(_take_group(next(iter(unseen)), unseen, both))
    return sorted(groups, key=len, reverse=True)


def _take_group(first: N, unseen: dict[N, None], known: dict[N, list[N]]) -> list[N]:
    group: list[N] = []
    frontier = [first]
    while frontier:
        node = frontier.pop()
        if node in unseen:
            del unseen[node]
            group.append(node)
            frontier += known[node]
    return group
