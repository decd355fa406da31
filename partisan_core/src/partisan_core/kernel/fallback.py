"""The lane of a channel that falls back on the channel `default` while it has no connection of its own.

Order is kept over the switch, in both directions, by the same question: has all that was sent the other way arrived? A
peer reads in order, so the pong of a ping that was written behind the messages says so.

- A message goes over `default` only when nothing of this lane waits, and all that it sent has arrived, or was told lost
  when a connection was made. What was under way when a connection broke may still be read after it: until the next
  connection of the lane, messages wait for it.
- A lane that has a connection again holds what is sent from then on until what went over `default` has arrived.
"""

from collections.abc import Callable, Mapping
from functools import partial

from partisan_core.kernel.arrivals import Arrivals
from partisan_core.kernel.lane import Carrier, Lane, Mark
from partisan_core.kernel.queue import Limits
from partisan_core.kernel.states import CallLater
from partisan_core.kinds import ChannelPolicy

_FIRST_LOOK, _LAST_LOOK = 0.01, 1.0
"""Seconds between two looks whether the other lane has sent what came before: doubled from the first to the last, as it
may be down, or its peer not reading (chosen)."""


class FallbackLane(Lane):
    """Knows whether all that it sent has arrived, and holds messages behind those that went over other lanes."""

    __slots__ = ("_arrivals", "_arrived", "_call_later", "_sent", "behind")

    def __init__(
        self,
        channel: str,
        index: int,
        policy: ChannelPolicy,
        limits: Limits,
        call_later: CallLater,
    ) -> None:
        self.behind: set[Lane] = set()
        """Lanes of `default` in which older messages may be that belong before those of this lane."""
        self._call_later = call_later
        self._arrivals = Arrivals(self._on_arrival)
        self._sent = self._arrived = 0
        """The last message sent of this lane's own, and the last one known to have arrived, by number."""
        super().__init__(channel, index, policy, limits)

    @property
    def may_be_left(self) -> bool:
        """It has no connection, and a message that goes another way overtakes none."""
        return self.carrier is None and not (self.messages or self.all_senders) and self._arrived == self._sent

    @property
    def is_held(self) -> bool:
        """Messages that went over other lanes have not arrived."""
        return bool(self.behind)

    @property
    def is_ready(self) -> bool:
        """Something can be written now."""
        return bool(self.pieces) and not self.is_held

    def set_kick(self, kick: Callable[[], None] | None) -> None:
        """See `Lane`; while messages are held, none is written by its sender."""
        super().set_kick(None if self.behind else kick)

    def begin(self, carrier: Carrier) -> None:
        """A new connection: what the last one lost will not come any more."""
        self._arrivals.begin()
        self._sent = self._arrived = self.session.sent
        super().begin(carrier)
        self._look(carrier, {lane: lane.mark() for lane in self.behind}, _FIRST_LOOK)

    def take(self) -> list[bytes]:
        """See `Lane`."""
        pieces = super().take()
        self._note(self.session.sent + len(pieces))
        return pieces

    # -- inside -------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        super()._open()
        if self.large is not None and not self.large.messages:  # the last of them may have gone just now
            self._note(self.session.sent)

    def _note(self, sent: int) -> None:
        self._sent = sent
        self._ask()

    def _ask(self) -> None:
        if self._arrived < self._sent:
            self._arrivals.ask(self.carrier, self._sent)

    def _on_arrival(self, number: int) -> None:
        self._arrived = number
        self._ask()

    def _look(self, carrier: Carrier, marks: Mapping[Lane, Mark], pause: float) -> None:
        """Has each of those lanes sent what waited in it last? Then ask whether that has arrived."""
        if carrier is not self.carrier:
            return
        for lane in [lane for lane in self.behind if lane.has_written(marks[lane])]:
            if not lane.session.sent:
                self._go_on(carrier, lane)
            elif lane.carrier is not None:
                lane.carrier.ping(partial(self._go_on, carrier, lane))
        if self.behind:
            self._call_later(pause, partial(self._look, carrier, marks, min(2 * pause, _LAST_LOOK)))

    def _go_on(self, carrier: Carrier, lane: Lane, rtt: float = 0.0) -> None:
        """All that went over the other lane has arrived."""
        if carrier is self.carrier:
            self.behind.discard(lane)
            if not self.behind:
                carrier.wake()
