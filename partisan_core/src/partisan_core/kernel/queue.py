"""A bounded queue of encoded messages: what waits for a writer, and the senders who wait for room in it."""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Hashable
from typing import NamedTuple

import trio

from partisan_core.drops import DropReason
from partisan_core.errors import EncodeError, NodeDown, SendError, WouldBlock
from partisan_core.kernel.receipts import Progress, Receipt
from partisan_core.kinds import ChannelPolicy, Verdict


class Limits(NamedTuple):
    """The bounds of a queue."""

    messages: int
    bytes: int
    batch: int
    """Bytes that are taken at once, about."""


class Waiting:
    """A sender that waits for room, with its message: served in order."""

    __slots__ = ("acked", "error", "piece", "position", "queue", "slot", "task")

    def __init__(self, queue: "Queue", piece: bytes, slot: Hashable, *, acked: bool = False) -> None:
        self.queue, self.piece, self.slot, self.acked = queue, piece, slot, acked
        self.position = 0
        """Where it was queued."""
        self.task = trio.lowlevel.current_task()
        self.error: SendError | None = None

    def fail(self, error: SendError) -> None:
        """The message was not queued."""
        self.error = error
        trio.lowlevel.reschedule(self.task)


class Queue:
    """The hot path of `send` is a bound check and an append."""

    __slots__ = (
        "_batch_bytes", "_down", "_waiting", "acked_until", "bytes", "kick", "large_from", "max_bytes", "max_messages",
        "name", "on_dropped", "open_bytes", "pieces", "policy", "progress", "taken",
    )  # fmt: skip

    def __init__(self, name: str, policy: ChannelPolicy, limits: Limits) -> None:
        self.name = name
        """For people."""
        self.policy = policy
        self.max_messages, self.max_bytes, self._batch_bytes = limits
        self.large_from = 2 * limits.batch + 1
        """A message of so many bytes is alone in what `take` returns, and leaves in slices of about that size."""
        self.pieces: list[bytes] = []
        self.bytes = 0
        self.taken = 0
        """How many messages have left it, by whichever way."""
        self.acked_until = 0
        """Position of the last message in it that is to be acknowledged; those before it are kept with it."""
        self.progress = Progress()
        self.on_dropped: Callable[[DropReason, int], None] = lambda reason, count: None
        """Told of messages that are not delivered."""
        self.kick: Callable[[], None] | None = None
        """Set while the writer rests: tells it that there is something to write."""
        self._waiting: deque[Waiting] = deque()
        self._down: NodeDown | None = None
        self.open_bytes = limits.bytes
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
    def gone(self) -> int:
        """How many messages have left it for good."""
        return self.taken

    @property
    def end(self) -> int:
        """How many will have gone when all that waits now has."""
        return self.taken + len(self.pieces) + len(self._waiting)

    def is_past(self, end: int) -> bool:
        """Whether all has gone that was to go until then; but for senders who gave up."""
        return self.gone >= end or not (self.messages or self._waiting)

    @property
    def is_held(self) -> bool:
        """Nothing of it may be written yet."""
        return False

    @property
    def senders(self) -> int:
        """How many senders wait for room."""
        return len(self._waiting)

    def fits(self, size: int) -> bool:
        """True when a message of `size` bytes can be queued; an empty queue takes any one message."""
        return not self.pieces or (len(self.pieces) < self.max_messages and self.bytes + size <= self.max_bytes)

    def set_kick(self, kick: Callable[[], None] | None) -> None:
        """The writer rests, and wants `kick` called for the next message; or (None) it is awake."""
        self.kick = kick
        self._open()

    def put_nowait(self, piece: bytes, slot: Hashable = None) -> None:
        """Queue an encoded message, or let the channel's policy drop it or another.

        `slot` is whose messages stay in order: one recipient and key.

        Raises:
            WouldBlock: the queue is full and its policy waits.
            NodeDown: the peer went down.
        """
        size = self.bytes + len(piece)
        if size > self.open_bytes or len(self.pieces) >= self.max_messages:
            if not self._make_room(len(piece)):
                return
            size = self.bytes + len(piece)
        self.pieces.append(piece)
        self.bytes = size
        if self.kick is not None:
            self.kick()

    async def put(self, piece: bytes, slot: Hashable = None) -> None:
        """Queue an encoded message; when there is no room wait for it, in the order of the callers.

        Raises:
            NodeDown: the peer went down meanwhile; the message was not sent.
        """
        try:
            self.put_nowait(piece, slot)
        except WouldBlock:
            await self._wait(Waiting(self, piece, slot))

    def put_acked_nowait(self, piece: bytes, slot: Hashable = None) -> Receipt:
        """Queue an encoded message that is to be acknowledged; raises as `put_nowait`. For policies that only wait."""
        before, position = self.acked_until, self.taken + len(self.pieces) + 1
        self.acked_until = position  # before the writer may take it
        try:
            self.put_nowait(piece, slot)
        except SendError:
            self.acked_until = before
            raise
        return Receipt(self.progress, position)

    async def put_acked(self, piece: bytes, slot: Hashable = None) -> Receipt:
        """The same, waiting for room; raises as `put`."""
        try:
            return self.put_acked_nowait(piece, slot)
        except WouldBlock:
            waiting = Waiting(self, piece, slot, acked=True)
            await self._wait(waiting)
            return Receipt(waiting.queue.progress, waiting.position)

    def take(self) -> list[bytes]:
        """Remove what goes into the next frame: about the batch's bytes, at least one message."""
        pieces, size = self.pieces, self.bytes
        if size > self._batch_bytes and len(pieces) > 1:
            pieces = self._cut()
            size = sum(map(len, pieces))
            del self.pieces[: len(pieces)]
        else:
            self.pieces = []
        self.bytes -= size
        self.taken += len(pieces)
        if self._waiting and 2 * len(self.pieces) <= self.max_messages and 2 * self.bytes <= self.max_bytes:
            self._serve()  # half empty: who waits goes on for a while, and not for one batch at a time (measured)
        return pieces

    def drop_oldest(self) -> int:
        """Drop the message queued first; returns the bytes that it held."""
        size = len(self.pieces.pop(0))
        self.bytes -= size
        self.taken += 1
        self.drop(DropReason.QUEUE_FULL)
        return size

    def drop(self, reason: DropReason, count: int = 1) -> None:
        """Count messages that are not delivered."""
        if count:
            self.on_dropped(reason, count)

    def fail(self, error: NodeDown, reason: DropReason) -> None:
        """The peer is down: drop what is queued, tell waiting senders."""
        self.progress.lose(str(error), self.gone)
        self.progress = Progress()
        self._drop_queued(reason)
        self.open_bytes, self._down = 0, error
        for waiting in self._waiting:
            waiting.fail(error)
        self._waiting.clear()

    def resize(self, max_messages: int, max_bytes: int) -> None:
        """Other bounds from now on: what is queued stays, and who waits is served when there is room."""
        self.max_messages, self.max_bytes = max_messages, max_bytes
        self._serve()

    def revive(self) -> None:
        """The peer is there, after all."""
        self._down = None
        self._open()

    def absorb(self, other: "Queue", limit: int) -> None:
        """Take over what waits in `other`, but nothing above `limit` bytes: the peer would break the connection."""
        fitting = [piece for piece in other.pieces if len(piece) <= limit]
        other.drop(DropReason.TOO_LARGE, len(other.pieces) - len(fitting))
        self._continue(other, [at for at, piece in enumerate(other.pieces, other.taken + 1) if len(piece) > limit])
        self.pieces += fitting
        self.bytes += sum(map(len, fitting))
        for waiting in other._waiting:
            if len(waiting.piece) > limit:
                waiting.fail(EncodeError(f"the message has {len(waiting.piece)} bytes; the peer takes {limit}"))
            else:
                waiting.queue = self
                self._waiting.append(waiting)
        other.pieces, other.bytes, other._waiting = [], 0, deque()
        self._serve()

    def lose_taken(self, why: str) -> None:
        """Nobody knows whether what left it and was not acknowledged has arrived, nor will."""
        before, self.progress = self.progress, Progress()
        before.lose(why, self.gone, self.gone)
        before.move(self.progress, 0, ())

    def too_slow(self, why: str) -> None:
        """The policy has had enough of the peer: what waited was dropped."""

    # -- inside -------------------------------------------------------------------------------------------------

    def _continue(self, other: "Queue", dropped: list[int]) -> None:
        """What waits in `other` will be behind what waits here, but for `dropped` ones: so are its receipts."""
        before, shift = other.progress, self.taken + len(self.pieces) - other.taken
        other.progress = Progress()
        before.move(self.progress, shift, dropped)
        if other.acked_until > other.taken:
            self.acked_until = other.acked_until + shift - bisect_right(dropped, other.acked_until)
        other.acked_until = 0

    def _open(self) -> None:
        shut = self.kick is not None or self._waiting or self._down is not None
        self.open_bytes = 0 if shut else self.max_bytes

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
            case Verdict.DISCONNECT:  # the new message is the first to come
                self._drop_queued(DropReason.SLOW_PEER)
                self.too_slow(f"the peer is too slow: {self.name} is full")
                return True
        raise WouldBlock(self._full())

    def _drop_queued(self, reason: DropReason) -> None:
        self.drop(reason, len(self.pieces))
        self.taken += len(self.pieces)
        self.pieces.clear()
        self.bytes = 0

    def _full(self) -> str:
        return (
            f"{self.name} is full ({len(self.pieces)} messages, {self.bytes} bytes);"
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
        if waiting.acked:
            waiting.position = self.acked_until = self.taken + len(self.pieces)

    async def _wait(self, waiting: Waiting) -> None:
        """Wait until its message is queued; raises as `put`."""
        self._waiting.append(waiting)
        self._open()

        def abort(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            waiting.queue._waiting.remove(waiting)
            waiting.queue._serve()
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        if waiting.error is not None:
            raise waiting.error
