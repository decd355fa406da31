"""The lane of a channel whose policy lets newer states take the place of older ones that have not been sent.

What waits is kept by the policy's queue (`kinds.StateQueue`); this is what the queue cannot do because it is pure: it
knows the time, asks whether what was sent has arrived, and lets senders wait.
"""

from collections.abc import Callable, Hashable, Sequence

import trio

from partisan_core.drops import DropReason
from partisan_core.errors import EncodeError
from partisan_core.kernel.arrivals import Arrivals
from partisan_core.kernel.lane import Carrier, Lane
from partisan_core.kernel.queue import Limits, Queue, Waiting
from partisan_core.kinds import ChannelPolicy, StateQueue

CallLater = Callable[[float, Callable[[], None]], None]


class StateLane(Lane):
    """A lane that keeps what is not known to have arrived, and sends it again after a connection broke."""

    __slots__ = ("_arrivals", "_call_later", "_max_message", "_queue", "_woken_at")

    def __init__(
        self,
        channel: str,
        index: int,
        policy: ChannelPolicy,
        limits: Limits,
        queue: StateQueue,
        call_later: CallLater,
        max_message: int,
    ) -> None:
        self._queue, self._call_later = queue, call_later
        self._max_message = max_message
        """Bytes of the largest message that the peer takes; 0 before the first link."""
        self._arrivals = Arrivals(self._on_arrival)
        self._woken_at = float("inf")
        super().__init__(channel, index, policy, limits)
        self.open_bytes = 0  # never the short way of `Outlet.post`

    @property
    def messages(self) -> int:
        """States that wait."""
        return self._queue.count

    @property
    def is_ready(self) -> bool:
        """Something can be written now."""
        return self._queue.due(trio.current_time()) <= 0

    def fits(self, size: int) -> bool:
        """See `Lane`."""
        queue = self._queue
        return not queue.count or (queue.count < self.max_messages and queue.size + size <= self.max_bytes)

    def begin(self, carrier: Carrier) -> None:
        """A new connection: what the last one lost goes first."""
        self._arrivals.begin()
        self._queue.resume(self.session.arrived)
        self._count()
        super().begin(carrier)

    def put_nowait(self, piece: bytes, slot: Hashable = None) -> None:
        """Let an encoded state wait in its slot; raises as `Queue.put_nowait`."""
        if self._down is not None:
            raise self._down
        states = self._settle(slot, piece)
        if len(states) > len(self._queue.waiting(slot)) and not self._make_room(len(piece)):
            return
        self._queue.store(slot, states, trio.current_time())
        self._count()
        self._rouse()

    def take(self) -> list[bytes]:
        """See `Lane`."""
        pieces = self._queue.take(self._batch_bytes, self.session.sent + 1, trio.current_time())
        self._count()
        self.taken += len(pieces)
        self._ask(self.session.sent + len(pieces))
        self._rouse_later()
        if self._waiting:
            self._serve()
        return pieces

    def finish(self) -> None:
        """The connection ends on purpose: what waits for its time goes now."""
        self._queue.release()

    async def put(self, piece: bytes, slot: Hashable = None) -> None:
        """The same, waiting for room. However large a state is, it waits with the others."""
        await Queue.put(self, piece, slot)

    def take_over(self, other: Lane, limit: int) -> None:
        """See `Lane`: the states of `other` are the older ones."""
        if isinstance(other, StateLane):
            self._absorb_states(other, limit)
        super().take_over(other, limit)

    # -- inside -------------------------------------------------------------------------------------------------

    def _absorb_states(self, other: "StateLane", limit: int) -> None:
        now = trio.current_time()
        for slot, pieces in other._queue.drain():
            fitting = [piece for piece in pieces if len(piece) <= limit]
            other.drop(DropReason.TOO_LARGE, len(pieces) - len(fitting))
            for piece in fitting:
                self._queue.store(slot, self._settle_or_keep(slot, piece), now)
        self._count()
        other._count()

    def _settle_or_keep(self, slot: Hashable, piece: bytes) -> Sequence[bytes]:
        """Without a sender who could be told what is wrong: both are sent."""
        try:
            return self._settle(slot, piece)
        except EncodeError:
            return (*self._queue.waiting(slot), piece)

    def _settle(self, slot: Hashable, piece: bytes) -> Sequence[bytes]:
        try:
            states = self._queue.settle(slot, piece)
        except Exception as error:  # a rule is the application's
            raise EncodeError(
                f"the rule of channel {self.channel!r} cannot compare the message with one that waits: {error!r}. "
                f"Nothing was queued"
            ) from error
        largest = max(map(len, states), default=0)
        if self._max_message and largest > self._max_message:  # a peer that is sent it would break the connection
            raise EncodeError(
                f"merged, a state of channel {self.channel!r} has {largest} bytes; the peer takes {self._max_message}. "
                f"Nothing was queued"
            )
        return states

    def _rouse(self) -> None:
        if self.is_ready and self.kick is not None:
            self.kick()
        else:
            self._rouse_later()

    def _rouse_later(self) -> None:
        """Something waits for its time: the writer rests until then."""
        now = trio.current_time()
        due = self._queue.due(now)
        if 0 < due < float("inf") and not now < self._woken_at <= now + due:
            self._woken_at = now + due
            self._call_later(due, self._rouse)

    def _ask(self, number: int) -> None:
        if self._queue.in_flight:
            self._arrivals.ask(self.carrier, number)

    def _on_arrival(self, number: int) -> None:
        self._queue.confirm(number)
        self._ask(self.session.sent)

    def _count(self) -> None:
        self.bytes = self._queue.size

    def _open(self) -> None:
        self.open_bytes = 0

    def _admit(self, waiting: Waiting) -> None:
        try:
            states = self._settle(waiting.slot, waiting.piece)
        except EncodeError as error:
            waiting.error = error
            return
        self._queue.store(waiting.slot, states, trio.current_time())
        self._count()
        self._rouse()

    def _drop_queued(self, reason: DropReason) -> None:
        self.drop(reason, self._queue.count)
        self._queue.clear()
        self._count()
