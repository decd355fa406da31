"""When is a peer up, when is it down? The rule of the design, section 7, as a pure machine: one per peer.

A lost membership connection is redialled at once. Refused at every address, and again after a pause: down (gone). A
newer incarnation answers, or is heard of: down (restarted), up. The same incarnation: the session resumes, no event.
No answer, or a peer that cannot be dialled: down (unreachable) after the grace. Only this machine says down.

The pause is for a process that is restarted at once: between its two lives nobody listens, and its new one may listen
elsewhere. Without it the same restart would be `gone` or `restarted` by the luck of a few milliseconds.
"""

import random
from enum import Enum, auto

from msgspec import Struct

from partisan_core.events import Reason

Life = tuple[int, int]


class LinkState(Enum):
    """Where a link stands; the words of `views.LinkStanding`."""

    IDLE = auto()
    DIALLING = auto()
    UP = auto()
    LOST = auto()


class Dial(Struct, frozen=True):
    """Dial the peer's membership connection after `after` seconds."""

    after: float


class StartGrace(Struct, frozen=True):
    """Call `grace_expired(token)` when the grace is over."""

    token: int


class Up(Struct, frozen=True):
    """The peer is up."""


class Lost(Struct, frozen=True):
    """The connection broke; the peer is not down yet."""


class Resumed(Struct, frozen=True):
    """The same life is back within the grace."""


class Down(Struct, frozen=True):
    """The peer is down."""

    reason: Reason


class Failed(Struct, frozen=True):
    """A dial of a peer that is not up failed."""

    reason: Reason


Change = Up | Lost | Resumed | Down | Failed
"""What the membership hears of."""

Action = Dial | StartGrace | Change


class Backoff:
    """Decorrelated jitter: random between the first delay and three times the last, capped; reset by progress.

    Source: M. Brooker, "Exponential Backoff And Jitter" (2015).
    """

    def __init__(self, first: float, limit: float, rng: random.Random) -> None:
        self._first, self._limit, self._rng = first, limit, rng
        self._last = first

    def next(self) -> float:
        """Seconds to wait before the next try."""
        self._last = min(self._limit, self._rng.uniform(self._first, self._last * 3))
        return self._last

    def reset(self) -> None:
        """There was progress."""
        self._last = self._first


class Link:
    """The link to one peer: what happened goes in as a method call, what to do comes out as actions."""

    def __init__(self, backoff: Backoff, refusal_pause: float) -> None:
        self.state = LinkState.IDLE
        self.wanted = False
        self.life: Life | None = None
        self._backoff, self._refusal_pause = backoff, refusal_pause
        self._losses = 0
        self._refused = False
        """Since the last loss a dial was refused at every address."""

    def want(self) -> list[Action]:
        """The local node wants this link."""
        if self.wanted:
            return []
        self.wanted = True
        if self.state is LinkState.UP:
            return []
        if self.state is LinkState.IDLE:
            self.state = LinkState.DIALLING
        return [Dial(0.0)]

    @property
    def wants_dial(self) -> bool:
        """True while a dial that was asked for still makes sense."""
        return self.wanted and self.state in (LinkState.DIALLING, LinkState.LOST)

    def release(self) -> None:
        """The local node no longer wants it; a link that is up stays so until its connection ends."""
        self.wanted = False
        if self.state is LinkState.DIALLING:
            self.state = LinkState.IDLE

    def connected(self, life: Life) -> list[Action]:
        """A membership connection with this life of the peer is authenticated."""
        before, old = self.state, self.life
        self.state, self.life = LinkState.UP, life
        self._losses += 1  # makes the token of a running grace stale
        self._backoff.reset()
        if before not in (LinkState.UP, LinkState.LOST):
            return [Up()]
        if old != life:
            return [Down(Reason.RESTARTED), Up()]
        return [Resumed()] if before is LinkState.LOST else []

    def lost(self) -> list[Action]:
        """The membership connection broke without a goodbye."""
        if self.state is not LinkState.UP:
            return []
        self.state = LinkState.LOST
        self._refused = False
        self._losses += 1
        actions: list[Action] = [Lost(), StartGrace(self._losses)]
        return [*actions, Dial(0.0)] if self.wanted else actions

    def ended(self, reason: Reason) -> list[Action]:
        """The peer said goodbye, or both ends let the link go."""
        if self.state not in (LinkState.UP, LinkState.LOST):
            return []
        return self._down(reason)

    def dial_failed(self, reason: Reason) -> list[Action]:
        """A dial ended without a connection: `GONE` (refused everywhere), `UNREACHABLE` or `REJECTED`."""
        if self.state is LinkState.LOST and reason is Reason.GONE:
            if self._refused:
                return self._down(Reason.GONE)
            self._refused = True
            return [Dial(self._refusal_pause)]
        if self.state is LinkState.LOST:
            return [Dial(self._backoff.next())]
        if self.state is LinkState.DIALLING:
            return [Failed(reason), Dial(self._backoff.next())]
        # released meanwhile: a message sent on demand may wait for this dial
        return [Failed(reason)] if self.state is LinkState.IDLE else []

    def dial_yielded(self) -> list[Action]:
        """The peer's own dial goes on instead of ours; look again later whether it came through."""
        return [Dial(self._backoff.next())] if self.wants_dial else []

    def superseded(self) -> list[Action]:
        """A newer life than the one connected was learnt elsewhere: that one is dialled."""
        if self.state in (LinkState.UP, LinkState.LOST):
            self.state = LinkState.DIALLING if self.wanted else LinkState.IDLE
            return [Down(Reason.RESTARTED), Dial(0.0)]
        return []

    def grace_expired(self, token: int) -> list[Action]:
        """The grace of one loss is over; a stale token is of a loss that has healed."""
        if self.state is not LinkState.LOST or token != self._losses:
            return []
        return self._down(Reason.UNREACHABLE)

    def _down(self, reason: Reason) -> list[Action]:
        if not self.wanted:
            self.state = LinkState.IDLE
            return [Down(reason)]
        self.state = LinkState.DIALLING
        return [Down(reason), Dial(self._backoff.next())]
