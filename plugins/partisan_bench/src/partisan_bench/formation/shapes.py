"""What a complete cluster is on each overlay, and in what order its nodes join. Pure."""

from collections.abc import Collection, Sequence

from msgspec import Struct

_RINGS = ("static",)
"""Overlays in which each node joins the one before it; in all others everybody joins the first."""

_ONE_SIDED = ("scamp_v1", "scamp_v2")
"""Overlays in which a node may hold another that does not hold it."""

_LEAST = {"static": 2, "hyparview": 3}
"""Neighbours of a complete node. Chosen: both sides of a ring; most of HyParView's five; of any other overlay one."""


class Shape(Struct, frozen=True):
    """When a node is complete."""

    neighbours: int
    """At least so many."""
    is_full: bool
    """It knows everybody, and is linked to them and to nobody else."""
    is_ring: bool = False
    is_mutual: bool = True
    """Whom a node has as a neighbour has it as one, too."""


class Plan(Struct, frozen=True):
    """What cluster is formed, and of which processes."""

    overlay: str
    nodes: int
    shares: tuple[range, ...]
    """The numbers of the nodes of each process, counted from 1."""
    is_star: bool = False
    """Everybody joins the first node, and looks for nobody else."""


def evenly(overlay: str, nodes: int, per_process: int = 1) -> Plan:
    """Plan a cluster with so many nodes in each process."""
    return Plan(overlay, nodes, _shares(range(1, nodes + 1), per_process))


def around_one(overlay: str, peers: int, per_process: int) -> Plan:
    """Plan a node that is alone in its process, and so many peers of it in others."""
    others = range(2, peers + 2)
    return Plan(overlay, peers + 1, (range(1, 2), *_shares(others, per_process)), is_star=True)


def _shares(numbers: range, per_process: int) -> tuple[range, ...]:
    return tuple(numbers[first : first + per_process] for first in range(0, len(numbers), per_process))


def shape_of(overlay: str, capabilities: Collection[str], nodes: int, is_star: bool = False) -> Shape:
    """Return what is complete among so many nodes; in a star, what the others are that are not in its middle."""
    if is_star:
        return Shape(1, is_full=False)
    if "full_view" in capabilities:
        return Shape(nodes - 1, is_full=True)
    least = min(_LEAST.get(overlay, 1), nodes - 1)
    return Shape(least, is_full=False, is_ring=overlay in _RINGS, is_mutual=overlay not in _ONE_SIDED)


def contact_of(index: int, ends: Sequence[tuple[str, str]], shape: Shape) -> str:
    """Return whom the first node of a process joins; nobody: an empty string.

    Args:
        index: which process.
        ends: the addresses of the first and the last node of each process.
        shape: of the cluster.
    """
    if shape.is_ring:
        return ends[index - 1][1] if len(ends) > 1 or ends[0][0] != ends[0][1] else ""
    return ends[0][0] if index else ""


def name_of(number: int) -> str:
    """Return the name of a node, counted from 1."""
    return f"node-{number:02}"


def role_of(number: int) -> str:
    """Return its label `role`, for overlays that have roles: two servers, and clients."""
    return "server" if number <= 2 else "client"
