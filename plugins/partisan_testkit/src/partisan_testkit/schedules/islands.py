"""Finds groups of nodes that cannot find each other by themselves."""

from collections.abc import Sequence

from partisan_testkit.simulator import SimulatedNode

Group = list[SimulatedNode]


def find_islands(nodes: Sequence[SimulatedNode]) -> list[Group]:
    """Split nodes into groups between which nobody wants a link to anybody; the largest first, at least one.

    What gossip can heal is one group: a single node that wants a link across connects two.
    """
    known = _acquaintances(nodes)
    unseen = dict.fromkeys(nodes)
    groups: list[Group] = []
    while unseen:
        groups.append(_take_group(next(iter(unseen)), unseen, known))
    return sorted(groups, key=len, reverse=True) or [[]]


def _acquaintances(nodes: Sequence[SimulatedNode]) -> dict[SimulatedNode, Group]:
    by_address = {node.spec.addresses[0]: node for node in nodes}
    known: dict[SimulatedNode, Group] = {node: [] for node in nodes}
    for node in nodes:
        for peer in node.strategy.links().values():
            other = by_address.get(peer.addresses[0])
            if other is not None and other.name == peer.name:
                known[node].append(other)
                known[other].append(node)
    return known


def _take_group(first: SimulatedNode, unseen: dict[SimulatedNode, None], known: dict[SimulatedNode, Group]) -> Group:
    group: Group = []
    frontier = [first]
    while frontier:
        node = frontier.pop()
        if node in unseen:
            del unseen[node]
            group.append(node)
            frontier += known[node]
    return group
