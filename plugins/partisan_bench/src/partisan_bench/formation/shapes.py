"""What a complete cluster is on each overlay, and in what order its nodes join. Pure."""

from collections.abc import Collection, Sequence

from msgspec import Struct

_RINGS = ("static",)
"""Overlays in which each node joins the one before it; in all others everybody joins the first."""

_LEAST = {"static": 2, "hyparview": 3}
"""Neighbours of a complete node. Chosen: both sides of a ring; most of HyParView's five; of any other overlay one."""


class Shape(Struct, frozen=True):
    """When a node is complete."""

    neighbours: int
    """At least so many."""
    is_full: bool
    """It knows everybody, and is linked to them and to nobody else."""
    is_ring: bool = False


def shape_of(overlay: str, capabilities: Collection[str], nodes: int) -> Shape:
    """Return what is complete among so many nodes."""
    if "full_view" in capabilities:
        return Shape(nodes - 1, is_full=True)
    return Shape(min(_LEAST.get(overlay, 1), nodes - 1), is_full=False, is_ring=overlay in _RINGS)


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
