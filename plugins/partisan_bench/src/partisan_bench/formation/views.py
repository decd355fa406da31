"""What a complete cluster looks like in the listings of its nodes. Pure."""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from partisan_bench.formation.shapes import Shape
from partisan_core.config.model import Config
from partisan_core.views import ConnectionRow, LaneState, MemberRow, MemberState

LANES = sum(channel.parallelism for channel in Config().channels.values())
"""Connections between two nodes: one for each lane of each channel that always exists."""


class View(Struct, frozen=True):
    """What one node says of the others."""

    members: tuple[MemberRow, ...]
    connections: tuple[ConnectionRow, ...]


def lacking(connections: Sequence[ConnectionRow], shape: Shape) -> str:
    """Say what one node lacks of its connections; nothing when it is complete. A full one has no others."""
    connected = {(row.peer, row.channel, row.lane) for row in connections if row.state is LaneState.CONNECTED}
    expected = shape.neighbours * LANES
    exactly = len(connected) == len(connections) == expected
    if exactly or (not shape.is_full and len(connected) >= expected):
        return ""
    return f"{len(connected)} lanes connected of {len(connections)} known and {expected} expected"


def scattering(views: Mapping[str, View], shape: Shape) -> str:
    """Say in which way the views are not those of one cluster without a full view: a link with one end, or islands."""
    near = {name: {row.name for row in view.members if row.neighbour} for name, view in views.items()}
    linked = {name: {other for other in near if name in near[other]} | peers for name, peers in near.items()}
    for name, peers in near.items():
        if len(peers) < shape.neighbours:
            return f"{name} has {len(peers)} neighbours of {shape.neighbours} expected"
        if shape.is_mutual and (one_sided := [peer for peer in peers if name not in near.get(peer, ())]):
            return f"{name} has a neighbour that has not {name}: {min(one_sided)}"
    seen, edge = set[str](), {min(near)}
    while edge:
        seen |= edge
        edge = {peer for name in edge for peer in linked[name]} - seen
    return "" if len(seen) == len(near) else f"only {len(seen)} of {len(near)} are reached from {min(near)}"


def disagreement(views: Mapping[str, View]) -> str:
    """Say in which way the views, by the name of their node, are not those of one cluster in which all are linked."""
    (_, first), *_ = views.items()
    lives = {(row.name, row.incarnation) for row in first.members}
    for name, view in views.items():
        if {(row.name, row.incarnation) for row in view.members} != lives:
            return f"{name} sees other members than the first node: {_names(view.members)}"
        if fault := _fault(name, view, views.keys()):
            return f"{name} {fault}"
    return ""


def _fault(name: str, view: View, everyone: Collection[str]) -> str:
    up = [row for row in view.members if row.state is MemberState.UP and (row.neighbour or row.name == name)]
    if {row.name for row in up} != set(everyone):
        return f"is linked to {_names(up)} only"
    lack = lacking(view.connections, Shape(len(everyone) - 1, is_full=True))
    return f"has {lack}" if lack else ""


def _names(rows: Sequence[MemberRow]) -> str:
    return ", ".join(row.name for row in rows)
