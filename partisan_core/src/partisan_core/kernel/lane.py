"""A lane: the messages on their way to one peer over one connection of a channel. It outlives its connections."""

from collections import Counter, deque
from collections.abc import Callable, Hashable
from typing import Protocol

import trio

from partisan_core.drops import DropReason
from partisan_core.errors import EncodeError, NodeDown, SendError, WouldBlock
from partisan_core.kinds import ChannelPolicy, Verdict
from partisan_core.mailboxes import Mailbox
from partisan_core.wire.session import Session


class Carrier(Protocol):
    """What a lane needs of its connection."""

    @property
    def dialled(self) -> bool:
        """True when this end dialled it."""

    def ping(self, answered: Callable[[float], None]) -> None:
        """Send a ping; `answered` is called when the peer has read all that was written before it, or never."""

    def close(self, why: str) -> None:
        """Break the connection."""

    def give_up(self, why: str) -> None:
        """Break the connection, because the peer is too slow for it."""

    def replace(self) -> None:
        """A newer connection takes over: take in what has arrived, then break."""

    def wake(self) -> None:
        """There is something to write in transit."""


class Waiting:
    """A sender that waits for room, with its message: served in order."""

    __slots__ = ("error", "lane", "piece", "slot", "task")

    def __init__(self, lane: "Lane", piece: bytes, slot: Hashable = None) -> None:
        self.lane, self.piece, self.slot = lane, piece, slot
        self.task = trio.lowlevel.current_task()
        self.error: SendError | None = None

    def fail(self, error: SendError) -> None:
        """The message was not queued."""
        self.error = error
        trio.lowlevel.reschedule(self.task)


class Lane:
    """A bounded queue of encoded messages with the session that numbers them.

    The hot path of `send` is a bound check and an append.
    """

    __slots__ = (
        "_batch_bytes", "_down", "_waiting", "bytes", "carrier", "channel", "dropped", "index", "kick", "max_bytes",
        "max_messages", "on_dropped", "open_bytes", "pieces", "policy", "session", "transit", "waits_for",
    )  # fmt: skip

    def __init__(
        self, channel: str, index: int, policy: ChannelPolicy, max_messages: int, max_bytes: int, batch_bytes: int
    ) -> None:
        self.channel, self.index = channel, index
        self.policy = policy
        self.max_messages, self.max_bytes = max_messages, max_bytes
        self.session = Session()
        self.pieces: list[bytes] = []
        self.bytes = 0
        self.dropped: Counter[str] = Counter()
        """Messages that were not delivered, by reason, of either direction."""
        self.on_dropped: Callable[[DropReason, int], None] = lambda reason, count: None
        """Told of them."""
        self.carrier: Carrier | None = None
        self.kick: Callable[[], None] | None = None
        """Set while the carrier's writer rests: tells it that there is something to write."""
        self.waits_for: Mailbox | None = None
        """The full mailbox that keeps the lane from being read, on whichever connection."""
        self.transit: Lane | None = None
        """What goes to or comes from a third node: a queue of its own on the same connection, in the same session."""
        self._batch_bytes = batch_bytes
        self._waiting: deque[Waiting] = deque()
        self._down: NodeDown | None = None
        self.open_bytes = max_bytes
        """Up to here a message is just appended: 0 while the writer rests, senders wait or the peer is down, so that
        the hot path needs one comparison for all of it."""

    @property
    def messages(self) -> int:
        """Messages queued."""
        return len(self.pieces)

    @property
    def is_ready(self) -> bool:
        """Something can be written now."""
        return bool(self.pieces)

    @property
    def senders(self) -> int:
        """How many senders wait for room."""
        return len(self._waiting)

    def begin(self, carrier: Carrier) -> None:
        """It has a connection, even if it was failed beside the handshake: another dial of the peer was in vain."""
        self.carrier, self._down = carrier, None
        self.set_kick(None)

    def fits(self, size: int) -> bool:
        """True when a message of `size` bytes can be queued; an empty lane takes any one message."""
        return not self.pieces or (len(self.pieces) < self.max_messages and self.bytes + size <= self.max_bytes)

    def set_kick(self, kick: Callable[[], None] | None) -> None:
        """The writer rests, and wants `kick` called for the next message; or (None) it is awake."""
        self.kick = kick
        self._open()

    def put_nowait(self, piece: bytes) -> None:
        """Queue an encoded message, or let the channel's policy drop it or another.

        Raises:
            WouldBlock: the lane is full and its policy waits.
            NodeDown: the peer went down.
        """
        pieces = self.pieces
        size = self.bytes + len(piece)
        if size > self.open_bytes or len(pieces) >= self.max_messages:
            if not self._make_room(len(piece)):
                return
            size = self.bytes + len(piece)
        pieces.append(piece)
        self.bytes = size
        if self.kick is not None:
            self.kick()

    async def put(self, piece: bytes) -> None:
        """Queue an encoded message; when there is no room wait for it, in the order of the callers.

        Raises:
            NodeDown: the peer went down meanwhile; the message was not sent.
        """
        try:
            self.put_nowait(piece)
        except WouldBlock:
            await self.wait(Waiting(self, piece))

    def take(self) -> list[bytes]:
        """Remove what goes into the next frame: about `batch_bytes`, at least one message."""
        pieces, size = self.pieces, self.bytes
        if size > self._batch_bytes and len(pieces) > 1:
            pieces = self._cut()
            size = sum(map(len, pieces))
            del self.pieces[: len(pieces)]
        else:
            self.pieces = []
        self.bytes -= size
        if self._waiting:
            self._serve()
        return pieces

    def finish(self) -> None:
        """The connection ends on purpose: whatever waits goes now."""

    def open_transit(self) -> "Lane":
        """The queue of messages that the peer relays, or that are relayed to it."""
        if self.transit is None:
            limits = self.max_messages, self.max_bytes, self._batch_bytes
            self.transit = Lane(self.channel, self.index, self.policy, *limits)
            self.transit.on_dropped = self.on_dropped
            self.transit.set_kick(self._wake)
        return self.transit

    def drop_oldest(self) -> int:
        """Drop the message queued first; returns the bytes that it held."""
        size = len(self.pieces.pop(0))
        self.bytes -= size
        self.drop(DropReason.QUEUE_FULL)
        return size

    def drop(self, reason: DropReason, count: int = 1) -> None:
        """Count messages of this lane that are not delivered."""
        if count:
            self.dropped[reason.value] += count
            self.on_dropped(reason, count)

    def fail(self, error: NodeDown, reason: DropReason) -> None:
        """The peer is down: drop what is queued, tell waiting senders."""
        if self.transit is not None:
            self.transit.fail(error, reason)
        self._drop_queued(reason)
        self.open_bytes, self._down = 0, error
        for waiting in self._waiting:
            waiting.fail(error)
        self._waiting.clear()

    def absorb(self, other: "Lane", limit: int) -> None:
        """Take over what waits in `other`, but nothing above `limit` bytes: the peer would break the connection."""
        fitting = [piece for piece in other.pieces if len(piece) <= limit]
        other.drop(DropReason.TOO_LARGE, len(other.pieces) - len(fitting))
        self.pieces += fitting
        self.bytes += sum(map(len, fitting))
        for waiting in other._waiting:
            if len(waiting.piece) > limit:
                waiting.fail(EncodeError(f"the message has {len(waiting.piece)} bytes; the peer takes {limit}"))
            else:
                waiting.lane = self
                self._waiting.append(waiting)
        other.pieces, other.bytes, other._waiting = [], 0, deque()
        self._serve()

    def _open(self) -> None:
        shut = self.kick is not None or self._waiting or self._down is not None
        self.open_bytes = 0 if shut else self.max_bytes

    def _wake(self) -> None:
        if self.carrier is not None:
            self.carrier.wake()

    def _make_room(self, size: int) -> bool:
        """Room for `size` bytes? False: the policy dropped the message instead."""
        if self._down is not None:
            raise self._down
        if self._waiting:
            raise WouldBlock(self._full())
        if self.fits(size):
            return True
        match self.policy.make_room(self, size):
            case Verdict.ROOM:
                return True
            case Verdict.REJECT:
                self.drop(DropReason.QUEUE_FULL)
                return False
            case Verdict.DISCONNECT:
                self._start_afresh()
                return True
        raise WouldBlock(self._full())

    def _start_afresh(self) -> None:
        """The peer is too slow: the connection goes with what waits for it; the new message is the first to come."""
        self._drop_queued(DropReason.SLOW_PEER)
        if self.carrier is not None:
            self.carrier.give_up(f"the peer is too slow: lane {self.index} of channel {self.channel!r} is full")

    def _drop_queued(self, reason: DropReason) -> None:
        self.drop(reason, len(self.pieces))
        self.pieces.clear()
        self.bytes = 0

    def _full(self) -> str:
        return (
            f"lane {self.index} of channel {self.channel!r} is full ({len(self.pieces)} messages, {self.bytes} bytes);"
            f" nothing was queued. Use `await send`, a larger queue_bytes, or a policy that drops"
        )

    def _cut(self) -> list[bytes]:
        """The first pieces, about a batch of bytes: guessed from the mean size, counted only when that is far off."""
        guess = max(1, len(self.pieces) * self._batch_bytes // self.bytes)
        pieces = self.pieces[:guess]
        if sum(map(len, pieces)) <= 2 * self._batch_bytes:
            return pieces
        room = self._batch_bytes
        for count, piece in enumerate(pieces):
            room -= len(piece)
            if room < 0:
                return pieces[: max(1, count)]
        return pieces

    def _serve(self) -> None:
        while self._waiting and self.fits(len(self._waiting[0].piece)):
            waiting = self._waiting.popleft()
            self._admit(waiting)
            trio.lowlevel.reschedule(waiting.task)
        self._open()

    def _admit(self, waiting: Waiting) -> None:
        self.pieces.append(waiting.piece)
        self.bytes += len(waiting.piece)

    async def wait(self, waiting: Waiting) -> None:
        """Wait until its message is queued; raises as `put`."""
        self._waiting.append(waiting)
        self._open()

        def abort(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            waiting.lane._waiting.remove(waiting)
            waiting.lane._serve()
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        if waiting.error is not None:
            raise waiting.error
