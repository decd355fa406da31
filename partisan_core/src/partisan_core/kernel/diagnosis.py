"""Why can this node not reach that one? What one node knows about it, as plain data."""

import math

import trio

from partisan_core.identity import NodeSpec
from partisan_core.kernel._links import LinkState
from partisan_core.kernel.connection import Connection
from partisan_core.kernel.kernel import Kernel
from partisan_core.kernel.lane import Lane
from partisan_core.kernel.peer import MEMBERSHIP_LANE, LaneKey, Peer, Trouble
from partisan_core.views import ConnectionRow, LaneState, LinkRow, LinkStanding, MemberState

_NO_TROUBLE = Trouble("", math.nan, resolved=True)

_TOKEN_SHOWN = 8
"""Hexadecimal digits of a session's token: enough to compare two ends."""


def link(kernel: Kernel, name: str, member: MemberState | None) -> LinkRow:
    """The link to the peer of that name."""
    peer = kernel.peers.table.get(name)
    if peer is None:
        return LinkRow(name, member, LinkStanding.IDLE, None, (), ())
    now = trio.current_time()
    standing = LinkStanding[peer.link.state.name]
    return LinkRow(name, member, standing, now - peer.since, _wanted_by(peer, now), _lanes(peer, now))


def problems(kernel: Kernel, state: MemberState) -> tuple[str, ...]:
    """Why the node, which is of that state, is not healthy."""
    if state is not MemberState.UP:
        return (f"it is no member of the cluster any more: {state}",)
    absent = missing(kernel)
    if absent and len(absent) == sum(peer.wanted_by_overlay for peer in kernel.peers.table.values()):
        return (f"it is alone: no link to any of {', '.join(absent)}",)
    return ()


def missing(kernel: Kernel) -> tuple[str, ...]:
    """To whom a link has been wanted for longer than the grace, without there being one."""
    latest = trio.current_time() - kernel.config.links.reconnect_grace
    peers = kernel.peers.table.values()
    return tuple(sorted(p.spec.name for p in peers if p.wanted_by_overlay and not p.is_up and p.since < latest))


def texts(spec: NodeSpec) -> tuple[str, ...]:
    """The addresses of a node, as they are written."""
    return tuple(map(str, spec.addresses))


def _wanted_by(peer: Peer, now: float) -> tuple[str, ...]:
    wishes = {"overlay": peer.wanted_by_overlay, "message": peer.pinned_until > now, "peer": peer.interested}
    return tuple(who for who, wants in wishes.items() if wants)


def _lanes(peer: Peer, now: float) -> tuple[ConnectionRow, ...]:
    data = [((name, lane.index), lane) for name, lanes in sorted(peer.lanes.items()) for lane in lanes]
    return tuple(_row(peer, key, lane, now) for key, lane in [(MEMBERSHIP_LANE, peer.membership), *data])


def _row(peer: Peer, key: LaneKey, lane: Lane, now: float) -> ConnectionRow:
    connection = peer.connections.get(key)
    trouble = peer.troubles.get(key, _NO_TROUBLE)
    due = _due(peer, key) if connection is None else math.inf
    return ConnectionRow(
        peer=peer.spec.name,
        channel=lane.channel,
        lane=lane.index,
        state=_absence(peer, key) if connection is None else _presence(connection),
        dialled=None if connection is None else connection.dialled,
        address=None if connection is None else connection.wire.remote,
        age=None if connection is None else now - connection.since,
        rtt=None if connection is None or math.isnan(connection.pings.rtt) else connection.pings.rtt,
        bytes_in=0 if connection is None else connection.reader.bytes_in,
        bytes_out=0 if connection is None else connection.writer.bytes_out,
        frames_in=0 if connection is None else connection.frames_in,
        frames_out=0 if connection is None else connection.writer.frames_out,
        queue_messages=lane.messages,
        queue_bytes=lane.all_bytes,
        queue_messages_limit=lane.max_messages,
        queue_bytes_limit=lane.max_bytes,
        senders=lane.all_senders,
        session=f"{lane.session.token:016x}"[:_TOKEN_SHOWN] if lane.session.token else None,
        sent=lane.session.sent,
        received=lane.session.received,
        dropped=dict(lane.dropped),
        waits_for=_obstacle(peer, key, lane, connection),
        last_error=trouble.error,
        error_age=now - trouble.at if trouble.error else None,
        error_address=trouble.address,
        error_code=trouble.code,
        resolved=trouble.resolved,
        next_dial=max(0.0, due - now) if math.isfinite(due) else None,
        checksum=None if connection is None else connection.checksum,
        compression="" if connection is None else connection.packing.wish,
        packs=connection is not None and connection.packing.packs,
        bytes_before=0 if connection is None else connection.packing.bytes_before,
        bytes_after=0 if connection is None else connection.packing.bytes_after,
        unacknowledged=lane.session.outbox.count_beyond(0),
        unacknowledged_bytes=lane.session.outbox.bytes,
        resent=lane.session.outbox.written_again,
    )


def _presence(connection: Connection) -> LaneState:
    if connection.writer.is_ending:
        return LaneState.ENDING
    return LaneState.PAUSED if connection.paused else LaneState.CONNECTED


def _absence(peer: Peer, key: LaneKey) -> LaneState:
    retried = key == MEMBERSHIP_LANE and peer.link.wanted and peer.link.state is not LinkState.IDLE
    return LaneState.DIALLING if retried or key in peer.dialling or _is_ours(peer, key) else LaneState.WAITING


def _is_ours(peer: Peer, key: LaneKey) -> bool:
    """A data lane that this node has to dial."""
    return key != MEMBERSHIP_LANE and peer.connection is not None and peer.connection.dialled


def _due(peer: Peer, key: LaneKey) -> float:
    """When this node dials the lane again; infinite when it does not, or does so now."""
    if key in peer.dialling:
        return math.inf
    if key == MEMBERSHIP_LANE:
        return peer.dial_due if peer.link.wants_dial else math.inf
    return peer.resting.get(key, math.inf) if _is_ours(peer, key) else math.inf


def _obstacle(peer: Peer, key: LaneKey, lane: Lane, connection: Connection | None) -> str:
    """What keeps the lane from working."""
    if lane.waits_for is not None:
        return lane.waits_for.obstacle
    if connection is not None and connection.writer.is_blocked:
        return "the peer does not read"
    if connection is not None:
        return "the peer to acknowledge what was sent" if lane.is_shut and key != MEMBERSHIP_LANE else ""
    if key in peer.dialling:
        return "the peer to answer a dial"
    if key != MEMBERSHIP_LANE and peer.connection is None:
        return "the membership connection"
    if math.isfinite(_due(peer, key)):
        return "the next dial"
    return "the peer to dial it" if key != MEMBERSHIP_LANE or peer.interested else "somebody to want the link"
