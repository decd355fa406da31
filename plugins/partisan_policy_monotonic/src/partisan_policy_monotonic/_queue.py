"""What waits in one lane, when only states count that are not superseded. Pure: numbers and times are handed in.

A slot is one (recipient, key). What waits for it are states of which none supersedes another: one, or several that are
concurrent. A state that was sent is kept until it is known to have arrived: when the connection breaks before, it is
sent again, unless a newer one waits or was sent.
"""

from collections import deque
from collections.abc import Hashable, Sequence
from itertools import chain
from typing import Protocol


class Rule(Protocol):
    """Which of two encoded states of a slot counts."""

    def supersedes(self, new: bytes, old: bytes) -> bool:
        """Say whether who has `new` has no use for `old`."""

    def merge(self, old: bytes, new: bytes) -> bytes | None:
        """Make one of two states of which neither supersedes the other; None: both are sent."""


class StateQueue:
    """The states on their way to one peer over one lane.

    Args:
        rule: compares states.
        every: seconds. After a state of a slot was sent, the next one waits for the rest of them, superseded meanwhile:
            under constant change one goes out each time they are over. 0: as often as the connection takes it.
    """

    __slots__ = ("_every", "_held", "_in_flight", "_ready", "_rule", "_sent", "_sent_at", "count", "size")

    def __init__(self, rule: Rule, every: float = 0.0) -> None:
        self._rule, self._every = rule, every
        self._ready: dict[Hashable, Sequence[bytes]] = {}
        """In the order in which they began to wait: a state takes the place of the one that it supersedes."""
        self._held: dict[Hashable, Sequence[bytes]] = {}
        """Those whose time has not come."""
        self._sent: dict[Hashable, dict[int, bytes]] = {}
        """By number, what is not known to have arrived."""
        self._in_flight: deque[tuple[int, Hashable]] = deque()
        self._sent_at: dict[Hashable, float] = {}
        """In the order of sending; only what is not `every` seconds ago."""
        self.count = self.size = 0

    # -- the sender's side --------------------------------------------------------------------------------------

    def settle(self, slot: Hashable, piece: bytes) -> Sequence[bytes]:
        """Return what would wait for the slot with `piece`, an encoded state; nothing has changed.

        Raises:
            Exception: whatever the rule raises.
        """
        waiting = self.waiting(slot)
        if any(self._is_superseded(piece, sent) for sent in self._sent.get(slot, {}).values()):
            return waiting
        return self._add(waiting, piece)

    def waiting(self, slot: Hashable) -> Sequence[bytes]:
        """Return what waits for the slot."""
        return self._ready.get(slot) or self._held.get(slot, ())

    def store(self, slot: Hashable, states: Sequence[bytes], now: float) -> None:
        """Let `states`, which `settle` returned, wait for the slot instead of what waits."""
        old = self.waiting(slot)
        self.count += len(states) - len(old)
        self.size += sum(map(len, states)) - sum(map(len, old))
        self._release(now)
        queue = self._held if slot in self._sent_at and slot not in self._ready else self._ready
        if states:
            queue[slot] = states

    # -- the connection's side ----------------------------------------------------------------------------------

    def due(self, now: float) -> float:
        """Return the seconds until something can be taken: 0, or infinity when nothing waits at all."""
        self._release(now)
        if self._ready:
            return 0.0
        return next(iter(self._sent_at.values())) + self._every - now if self._held else float("inf")

    def take(self, room: int, first: int, now: float) -> list[bytes]:
        """Remove what goes into the next frame, about `room` bytes, at least one state, numbered from `first`."""
        self._release(now)
        pieces: list[bytes] = []
        while self._ready:
            slot, (piece, *others) = next(iter(self._ready.items()))
            if pieces and len(piece) > room:
                break
            self._keep(slot, first + len(pieces), piece)
            pieces.append(piece)
            room -= len(piece)
            if others:
                self._ready[slot] = others  # at the same place: first in the next turn
            else:
                self._leave(slot, now)
        self.count -= len(pieces)
        self.size -= sum(map(len, pieces))
        return pieces

    @property
    def in_flight(self) -> int:
        """How many sent states are not known to have arrived."""
        return len(self._in_flight)

    def confirm(self, number: int) -> None:
        """All states up to `number` have arrived."""
        while self._in_flight and self._in_flight[0][0] <= number:
            sent, slot = self._in_flight.popleft()
            self._discard(slot, sent)

    def resume(self, number: int) -> None:
        """A new connection: what was sent after `number` is lost, and goes first."""
        self.confirm(number)
        lost, self._sent = self._sent, {}
        self._in_flight.clear()
        waiting, self._ready = self._ready, {}
        for slot, sent in lost.items():
            states: Sequence[bytes] = tuple(sent.values())
            for piece in chain(waiting.pop(slot, ()), self._held.pop(slot, ())):
                states = self._add_safely(states, piece)
            self._ready[slot] = states
        self._ready.update(waiting)
        self._count()

    def drain(self) -> list[tuple[Hashable, Sequence[bytes]]]:
        """Remove and return what waits, by slot."""
        waiting = [*self._ready.items(), *self._held.items()]
        self._ready.clear()
        self._held.clear()
        self._count()
        return waiting

    def release(self) -> None:
        """The lane ends: nothing waits for its time any more."""
        self._every = 0.0
        self._sent_at.clear()
        self._ready.update(self._held)
        self._held.clear()

    def clear(self) -> None:
        """The peer is gone: nothing waits, and nothing is on its way."""
        for kept in (self._ready, self._held, self._sent, self._sent_at, self._in_flight):
            kept.clear()
        self._count()

    # -- inside -------------------------------------------------------------------------------------------------

    def _add(self, states: Sequence[bytes], piece: bytes) -> Sequence[bytes]:
        kept = [old for old in states if not self._rule.supersedes(piece, old)]
        if any(self._is_superseded(piece, old) for old in kept):
            return states
        apart: list[bytes] = []
        for old in kept:
            merged = self._rule.merge(old, piece)
            if merged is None:
                apart.append(old)
            else:
                piece = merged
        return (*apart, piece)

    def _add_safely(self, states: Sequence[bytes], piece: bytes) -> Sequence[bytes]:
        """Without a sender who could be told what the rule raises: both are sent."""
        try:
            return self._add(states, piece)
        except Exception:  # noqa: BLE001 - a rule is the application's
            return (*states, piece)

    def _supersedes_safely(self, new: bytes, old: bytes) -> bool:
        try:
            return self._rule.supersedes(new, old)
        except Exception:  # noqa: BLE001 - a rule is the application's
            return False

    def _is_superseded(self, piece: bytes, by: bytes) -> bool:
        """A rule that says so of both says that the later one counts."""
        return self._rule.supersedes(by, piece) and not self._rule.supersedes(piece, by)

    def _keep(self, slot: Hashable, number: int, piece: bytes) -> None:
        sent = self._sent.setdefault(slot, {})
        for old in [old for old, state in sent.items() if self._supersedes_safely(piece, state)]:
            del sent[old]
        sent[number] = piece
        self._in_flight.append((number, slot))

    def _leave(self, slot: Hashable, now: float) -> None:
        """All of its states were taken."""
        del self._ready[slot]
        if self._every:
            self._sent_at.pop(slot, None)
            self._sent_at[slot] = now

    def _discard(self, slot: Hashable, number: int) -> None:
        sent = self._sent.get(slot, {})
        sent.pop(number, None)
        if not sent:
            self._sent.pop(slot, None)

    def _release(self, now: float) -> None:
        while self._sent_at and next(iter(self._sent_at.values())) + self._every <= now:
            slot = next(iter(self._sent_at))
            del self._sent_at[slot]
            if slot in self._held:
                self._ready[slot] = self._held.pop(slot)

    def _count(self) -> None:
        states = list(chain.from_iterable(chain(self._ready.values(), self._held.values())))
        self.count, self.size = len(states), sum(map(len, states))
