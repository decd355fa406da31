"""A lane: the messages on their way to one peer over one connection of a channel. It outlives its connections."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple, Protocol

from partisan_core.drops import DropReason
from partisan_core.errors import NodeDown
from partisan_core.kernel.queue import Limits, Queue
from partisan_core.kernel.receipts import Progress, Receipt
from partisan_core.kernel.sides import LargeQueue, SideQueue
from partisan_core.kinds import ChannelPolicy
from partisan_core.wire.frames import Kind
from partisan_core.wire.outbox import Kept
from partisan_core.wire.session import Session


class Carrier(Protocol):
    """What a lane needs of its connection."""

    @property
    def dialled(self) -> bool:
        """True when this end dialled it."""

    def ping(self, answered: Callable[[float], None]) -> None:
        """Send a ping; `answered` is called when the peer has read all that was written before it, or never."""

    def give_up(self, why: str) -> None:
        """Break the connection, because the peer is too slow for it."""

    def replace(self) -> None:
        """A newer connection takes over: take in what has arrived, then break."""

    def wake(self) -> None:
        """There is something to write beside the lane's own queue."""


class Room(Protocol):
    """What keeps a lane from being read: a full mailbox, say."""

    @property
    def obstacle(self) -> str:
        """For people: what there is no room for."""

    async def wait_room(self) -> None:
        """Wait until reading may go on."""


class Mark(NamedTuple):
    """A moment in the life of a lane: how many messages of each kind there had been."""

    small: int
    large: int


class Lane(Queue):
    """The queue of small messages, with the session that numbers all messages of the lane."""

    __slots__ = (
        "_limits",
        "carrier",
        "channel",
        "dropped",
        "index",
        "large",
        "session",
        "sides",
        "transit",
        "waits_for",
        "watch",
    )

    def __init__(self, channel: str, index: int, policy: ChannelPolicy, limits: Limits) -> None:
        self.large: LargeQueue | None = None
        """Messages that are too large for one frame."""
        self.transit: SideQueue | None = None
        """What goes to or comes from a third node."""
        self.sides: tuple[SideQueue, ...] = ()
        """Those two, as far as there are."""
        super().__init__(f"lane {index} of channel {channel!r}", policy, limits)
        self._limits = limits
        self.channel, self.index = channel, index
        self.session = Session()
        self.dropped: Counter[str] = Counter()
        """Messages that were not delivered, by reason, of either direction."""
        self.carrier: Carrier | None = None
        self.waits_for: Room | None = None
        """What keeps the lane from being read, on whichever connection."""
        self.watch: Callable[[], None] = lambda: None
        """Told when something is kept until it is acknowledged."""

    @property
    def messages(self) -> int:
        """Messages queued, large ones too."""
        return len(self.pieces) + (0 if self.large is None else self.large.messages)

    @property
    def all_bytes(self) -> int:
        """Bytes queued, those of large messages too."""
        return self.bytes + (0 if self.large is None else self.large.bytes)

    @property
    def all_senders(self) -> int:
        """How many senders wait for room, those of large messages too."""
        return self.senders + (0 if self.large is None else self.large.senders)

    def mark(self) -> Mark:
        """All that waits in it now."""
        return Mark(self.end, 0 if self.large is None else self.large.end)

    def has_written(self, mark: Mark) -> bool:
        """All that waited then has gone."""
        has_gone = self.is_past(mark.small) and (self.large is None or self.large.is_past(mark.large))
        return has_gone and not self.session.outbox.is_behind

    def begin(self, carrier: Carrier) -> None:
        """It has a connection, even if it was failed beside the handshake: another dial of the peer was in vain."""
        self.carrier = carrier
        outbox = self.session.outbox
        _confirm(outbox.confirm(self.session.arrived))
        outbox.rewind()
        self.set_kick(None)
        for queue in (self, *self.sides):
            queue.revive()

    def put_nowait(self, piece: bytes, slot: Hashable = None) -> None:
        """See `Queue`: a large message, and what must not overtake it, goes to a queue of its own."""
        if self._takes(piece, slot):
            Queue.put_nowait(self, piece)
        else:
            self._open_large().put_nowait(piece, slot)

    async def put(self, piece: bytes, slot: Hashable = None) -> None:
        """The same, waiting for room."""
        if self._takes(piece, slot):
            await super().put(piece, slot)
        else:
            await self._open_large().put(piece, slot)

    def put_acked_nowait(self, piece: bytes, slot: Hashable = None) -> Receipt:
        """See `Queue`."""
        if self._takes(piece, slot):
            return super().put_acked_nowait(piece)
        return self._open_large().put_acked_nowait(piece, slot)

    async def put_acked(self, piece: bytes, slot: Hashable = None) -> Receipt:
        """See `Queue`."""
        if self._takes(piece, slot):
            return await super().put_acked(piece)
        return await self._open_large().put_acked(piece, slot)

    # -- what has been sent and is to be acknowledged ------------------------------------------------------------

    @property
    def is_settled(self) -> bool:
        """Nothing waits in it, nor to be acknowledged."""
        return not (self.messages or self.session.outbox)

    @property
    def is_shut(self) -> bool:
        """Nothing new may be written: too much is not acknowledged, or the peer may not have the session yet."""
        return self.session.outbox.bytes >= self.max_bytes or not self.session.is_shared

    def number(self, queue: Queue, count: int, content: bytes, *, is_large: bool = False) -> tuple[int, int | None]:
        """Number the `count` messages that `queue` gave last; keep them when one of them is to be acknowledged.

        Returns:
            The number of the first; and which message they come after, None while nothing is kept.
        """
        session = self.session
        first, outbox = session.number(count), session.outbox
        is_kept = queue.acked_until > queue.taken - count
        if not (is_kept or outbox):
            return first, None
        after = outbox.last
        if is_kept:
            outbox.keep(Kept(first, count, content, is_large, queue.progress.confirm, queue.taken))
            self.watch()
        return first, after

    def confirm(self, number: int) -> None:
        """The peer has all up to that message; raises as `Session.confirm`."""
        _confirm(self.session.confirm(number))

    def lose_sent(self, why: str) -> None:
        """What was sent and not acknowledged never will be."""
        self.session.outbox.clear()
        for queue in (self, *self.sides):
            queue.lose_taken(why)

    def lose_waiting(self, why: str) -> None:
        """What waits is sent, and not acknowledged."""
        for queue in (self, *self.sides):
            queue.progress.lose(why, queue.end)
            queue.progress, queue.acked_until = Progress(), 0

    def count_acked(self) -> tuple[int, int]:
        """Messages sent and not acknowledged; and those that wait to be sent, up to the last to be acknowledged."""
        waiting = sum(max(0, queue.acked_until - queue.gone) for queue in (self, *self.sides))
        return self.session.outbox.count_beyond(0), waiting

    def ask(self, answered: Callable[[float], None]) -> None:
        """Ping the peer, if there is a connection."""
        if self.carrier is not None:
            self.carrier.ping(answered)

    def resize(self, max_messages: int, max_bytes: int) -> None:
        """See `Queue`."""
        self._limits = self._limits._replace(messages=max_messages, bytes=max_bytes)
        for side in self.sides:
            side.resize(max_messages, max_bytes)
        super().resize(max_messages, max_bytes)

    def finish(self) -> None:
        """The connection ends on purpose: whatever waits goes now."""

    def open_transit(self) -> SideQueue:
        """The queue of messages that the peer relays, or that are relayed to it."""
        if self.transit is None:
            self.transit = SideQueue(Kind.RELAY, f"the way through {self.name}", self.policy, self._limits)
            self._add(self.transit)
        return self.transit

    def drop(self, reason: DropReason, count: int = 1) -> None:
        """Count messages of this lane that are not delivered."""
        if count:
            self.dropped[reason.value] += count
            self.on_dropped(reason, count)

    def fail(self, error: NodeDown, reason: DropReason) -> None:
        """The peer is down: drop what is queued, tell waiting senders."""
        for side in self.sides:
            side.fail(error, reason)
        super().fail(error, reason)
        self.session.outbox.clear()

    def take_over(self, other: "Lane", limit: int) -> None:
        """`absorb` all that waits in `other`."""
        self.absorb(other, limit)
        if other.large is not None and (other.large.messages or other.large.senders):
            self._open_large().take_over(other.large, limit)

    def too_slow(self, why: str) -> None:
        """See `Queue`: the connection goes, too."""
        if self.carrier is not None:
            self.carrier.give_up(why)

    def _takes(self, piece: bytes, slot: Hashable) -> bool:
        """Whether it may wait here, and not with the large messages."""
        return len(piece) < self.large_from and (self.large is None or not self.large.is_ahead(slot))

    def _open_large(self) -> LargeQueue:
        if self.large is None:
            self.large = LargeQueue(self, f"{self.name}, for large messages,", self._limits, self._open)
            self._add(self.large)
        return self.large

    def _add(self, side: SideQueue) -> None:
        self.sides += (side,)
        side.on_dropped = self.drop
        side.set_kick(self.wake)

    def _open(self) -> None:
        super()._open()
        if self.large is not None and self.large.messages:
            self.open_bytes = 0

    def wake(self) -> None:
        """There is something to write beside its own queue."""
        if self.carrier is not None:
            self.carrier.wake()


def _confirm(arrived: Sequence[Kept]) -> None:
    for kept in arrived:
        kept.confirm(kept.position)
