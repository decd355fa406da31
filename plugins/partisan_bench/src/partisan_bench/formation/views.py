"""What a complete cluster looks like in the listings of its nodes. Pure."""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from partisan_core.config.model import Config
from partisan_core.views import ConnectionRow, LaneState, MemberRow, MemberState

LANES = sum(channel.parallelism for channel in Config().channels.values())
"""Connections between two nodes: one for each lane of each channel that always exists."""


class View(Struct, frozen=True):
    """What one node says of the others."""

    members: tuple[MemberRow, ...]
    connections: tuple[ConnectionRow, ...]


def lacking(connections: Sequence[ConnectionRow], nodes: int) -> str:
    """Say what one node of `nodes` lacks of its connections; nothing when it is complete."""
    connected = {(row.peer, row.channel, row.lane) for row in connections if row.state is LaneState.CONNECTED}
    if len(connected) == len(connections) == (nodes - 1) * LANES:
        return ""
    return f"{len(connected)} lanes connected of {len(connections)} known and {(nodes - 1) * LANES} expected"


def disagreement(views: Mapping[str, View]) -> str:
    """Say in which way the views, by the name of their node, are not those of one complete cluster."""
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
    lack = lacking(view.connections, len(everyone))
    return f"has {lack}" if lack else ""


def _names(rows: Sequence[MemberRow]) -> str:
    return ", ".join(row.name for row in rows)
