"""More than can be sent, over a narrow channel, to who reads slowly: nothing grows beyond its bound."""

from collections.abc import Iterator, Mapping

import trio

from partisan_core.kernel.lane import Lane
from partisan_core.kernel.queue import Queue
from partisan_testkit.wholenodes.process import Process
from partisan_testkit.wholenodes.workloads.acked import Acked

_MESSAGES = 8
"""That a lane may hold."""

_DRAINS = 15.0
"""Seconds in which all that eight nodes may have queued is read (chosen)."""

_COST = 256
"""Bytes that a frame takes beside its content while it is kept: see `partisan_core.wire.outbox`."""


class Bounds(Acked):
    """I9: of what is queued, of what is kept until it is acknowledged, and of mailboxes."""

    sections: Mapping[str, Mapping[str, object]] = {
        "channels": {"narrow": {"queue_messages": _MESSAGES, "queue_bytes": "4KiB"}}
    }
    mailbox = "burst"
    channels = ("narrow",)
    sizes = (300, 1_000)
    pause = (0.5, 3.0)
    burst = 10
    favourites = 1
    limit = 10
    reading = 0.1

    async def conclude(self, living: list[Process]) -> Iterator[str]:
        """Not before what is queued has been read."""
        self.is_calm = True
        await trio.sleep(_DRAINS)
        return await super().conclude(living)

    def find_faults(self, process: Process) -> Iterator[str]:
        """What is wrong with a life now: it holds too much of something."""
        yield from super().find_faults(process)
        kernel = process.node._kernel
        peers = kernel.peers.table.values()
        for peer in peers:
            for lane in (peer.membership, *(lane for lanes in peer.lanes.values() for lane in lanes)):
                yield from (f"{process} holds {fault} in {lane.name} to {peer.spec.name}" for fault in _of_lane(lane))
        box = kernel.postoffice.find(self.mailbox)
        if box is not None and len(box) > box.limit + _MESSAGES * len(peers):  # a frame of each may be beyond it
            yield f"{process} holds {len(box)} messages in mailbox {box.name}"


def _of_lane(lane: Lane) -> Iterator[str]:
    for queue in (lane, *lane.sides):
        if _is_over(queue):
            yield f"{len(queue.pieces)} messages of {queue.bytes} bytes queued"
    kept = lane.session.outbox
    if kept.bytes > 2 * lane.max_bytes + _COST * len(kept):  # the last frame may have been all that was queued
        yield f"{kept.bytes} bytes that are not acknowledged"


def _is_over(queue: Queue) -> bool:
    """One message that is larger than a bound may be alone."""
    count = len(queue.pieces)
    return count > queue.max_messages or (count > 1 and queue.bytes > queue.max_bytes)
