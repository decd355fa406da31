"""What a lane has lost: counted, and told to the application."""

from collections.abc import Callable

from partisan_core.drops import DropReason
from partisan_core.errors import NodeDown
from partisan_core.identity import NodeSpec
from partisan_core.kernel.journal import Journal
from partisan_core.kernel.lane import Lane
from partisan_core.notices import Gap, Notice, Undelivered
from partisan_core.wire.session import Losses


def tell_losses(journal: Journal, peer: NodeSpec, lane: Lane, losses: Losses) -> None:
    """What a handshake has shown to be lost with the connection before."""
    if losses.incoming != 0:
        tell_gap(journal, peer, lane, losses.incoming)
    lane.drop(DropReason.LOST_WITH_CONNECTION, losses.outgoing)
    if losses.unknown:
        lane.lose_sent("the peer had forgotten the session")
        journal.report(Undelivered(peer, lane.channel, losses.unknown, 0))


def fail_lane(
    report: Callable[[Notice], None], peer: NodeSpec, lane: Lane, error: NodeDown, reason: DropReason
) -> None:
    """The peer is down: what is queued is dropped, and what was to be acknowledged never will be."""
    unknown, never_sent = lane.count_acked()
    lane.fail(error, reason)
    if unknown or never_sent:
        report(Undelivered(peer, lane.channel, unknown, never_sent))


def tell_gap(journal: Journal, peer: NodeSpec, lane: Lane, lost: int | None) -> None:
    """Messages of the peer; None: nobody knows how many."""
    lane.drop(DropReason.GAP, lost or 0)
    journal.report(Gap(peer, lane.channel, lane.index, lost))
