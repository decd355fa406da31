"""Sessions: the messages of one lane, counted across its connections, in both directions.

Rules.
- There is one session per lane and life of the peer. Each end numbers the messages that it sends from 1, and
  counts what it has received. A data frame carries the number of its first message.
- A receiver delivers each number at most once and in ascending order: what it has had is skipped, what is
  missing is a gap and never delivered later.
- When a connection is made, the dialler offers its token and counts. The accepter resumes when the token is
  its own; otherwise it begins anew under a new token of its own choice, at zero in both directions.
- What the outbox keeps is sent again when a connection is made. It is no loss, and no duplicate, as it keeps its
  numbers. An accepter that begins anew sends nothing before it knows that the dialler has the token, too: were it to,
  and the welcome got lost, then nobody could say in which session the messages had been read.

The accepter, not the dialler, chooses the new token. Were it the dialler, and the welcome got lost, then the
accepter alone would have gone back to zero under a token that both have: the next handshake would resume it,
and the dialler take new messages for duplicates. As it is, both have one token only if both began it at zero.

Losses are known at the handshake, for each end says how much it has sent and received. `_settled` and
`_noticed` keep a loss from being told twice when handshakes follow one another without a message in between.
When a session begins anew, the sender counts all that is not known to have arrived, and the receiver is told of a
loss that nobody can count; but not before it has received anything, as then there is nothing to have a gap in.
"""

import random
from typing import NamedTuple

from partisan_core.errors import FrameError, HandshakeError
from partisan_core.wire.messages import Proof, Welcome
from partisan_core.wire.outbox import Kept, Outbox


class Admission(NamedTuple):
    """What to do with a data frame."""

    skip: int
    """Messages at its start that have been delivered before."""
    gap: int
    """Messages before it that are lost, and not told yet."""


class Losses(NamedTuple):
    """What a lane lost with its last connection."""

    outgoing: int
    """Messages sent that did not arrive. Not resumed: all that are not known to have arrived."""
    incoming: int | None
    """Messages of the peer that did not arrive. None: nobody knows, for a session in which something had been
    received was not resumed."""
    unknown: int = 0
    """Of those in `outgoing`, messages kept in a session that was not resumed: they have arrived, or not."""


class Answer(NamedTuple):
    """What the accepter says, and what it learnt."""

    welcome: Welcome
    losses: Losses


_IN_ORDER = Admission(0, 0)

_LAST = 2**62
"""No peer comes that far by counting, and what is counted in order from there still fits into a handshake."""


class Session:
    """One end of a session. The old connection is closed, or read to its end, before the next handshake."""

    __slots__ = ("_noticed", "_refused", "_settled", "arrived", "is_shared", "outbox", "received", "sent", "token")

    def __init__(self) -> None:
        self.token = 0
        """Names the session to both ends; 0 before the first handshake."""
        self.sent = 0
        """The number of the last message sent."""
        self.received = 0
        """The number of the last message received."""
        self.arrived = 0
        """The number of the last message sent that the peer had received at the last handshake."""
        self.outbox = Outbox()
        """Messages sent that will be sent again unless they are acknowledged."""
        self.is_shared = False
        """The peer is known to have the token, too: it made it, or has written something since."""
        self._refused = 0
        """The first message of the frame that was refused last; 0 when nothing has been since the last that was taken.
        """
        self._settled = 0
        """Up to here every message sent has arrived, is kept, or was told lost."""
        self._noticed = 0
        """Up to here every message of the peer was received or was told lost."""

    def number(self, count: int) -> int:
        """Number `count` messages about to be sent; returns the number of the first."""
        first = self.sent + 1
        self.sent += count
        return first

    def admit(self, first: int, count: int) -> Admission:
        """Account for `count` messages that arrived, from number `first`.

        Raises:
            FrameError: no message has such a number; nothing was accepted.
        """
        received = self.received
        self._refused = 0
        if first == received + 1:
            self.received = received + count
            return _IN_ORDER
        if not 1 <= first <= _LAST:
            raise FrameError(f"there is no message {first}; numbers begin at 1 and are counted up")
        last = first + count - 1
        if last <= received:
            return Admission(count, 0)
        self.received = last
        return Admission(max(0, received - first + 1), max(0, first - 1 - max(received, self._noticed)))

    def refuses(self, after: int) -> bool:
        """Whether a frame must wait, as message `after`, which comes before it and again, has not arrived."""
        return after > self.received

    def must_ask(self, first: int) -> bool:
        """Messages from number `first` were refused: does the peer have to be asked for what is missing?

        Once for each time that it sends all again: then the numbers go back.
        """
        asks = not self._refused or first <= self._refused
        self._refused = first
        return asks

    def confirm(self, number: int) -> list[Kept]:
        """The peer acknowledges all up to that message; returns what was kept of it.

        Raises:
            FrameError: it was never sent. Nothing has changed.
        """
        if number > self.sent:
            raise FrameError(f"message {number} is acknowledged, and {self.sent} were sent; nothing was changed")
        return self.outbox.confirm(number)

    def offer(self) -> Proof:
        """The dialler's word on the session."""
        return Proof(self.token, self.received, self._passed)

    def answer(self, proof: Proof, rng: random.Random) -> Answer:
        """The accepter's word: resume, or begin anew."""
        resumed = proof.session == self.token != 0 and proof.received <= self.sent
        if resumed:
            losses = self._settle(proof.received, proof.sent)
        else:
            losses = self._renew(rng.randrange(1, 2**63))
        self.is_shared = resumed
        return Answer(Welcome(self.token, self.received, resumed, self._passed), losses)

    def adopt(self, welcome: Welcome) -> Losses:
        """Take over what the accepter says.

        Raises:
            HandshakeError: it resumes a session that we do not have, or received what was never sent; nothing
            has
                changed here.
        """
        if not welcome.resumed:
            losses = self._renew(welcome.session)
        elif welcome.session != self.token or welcome.received > self.sent:
            raise HandshakeError(
                "the peer resumes a session that this end does not have, so its bookkeeping is wrong; "
                "the connection is not used and the session unchanged"
            )
        else:
            losses = self._settle(welcome.received, welcome.sent)
        self.is_shared = True
        return losses

    @property
    def _passed(self) -> int:
        """What the peer is told was sent: of what it lacks, nothing up to there comes again."""
        first = self.outbox.first_beyond(self.arrived)
        return self.sent if first is None else first - 1

    def _settle(self, arrived: int, peer_sent: int) -> Losses:
        settled = max(arrived, self._settled)
        outgoing = self.sent - settled - self.outbox.count_beyond(settled)
        incoming = max(0, peer_sent - max(self.received, self._noticed))
        self._settled, self.arrived = self.sent, arrived
        self._noticed = max(self._noticed, peer_sent)
        self._refused = 0
        return Losses(outgoing, incoming)

    def _renew(self, token: int) -> Losses:
        unknown = self.outbox.count_beyond(0)
        outgoing = self.sent - self._settled - self.outbox.count_beyond(self._settled) + unknown
        losses = Losses(outgoing, None if self.received or self._noticed else 0, unknown)
        self.outbox.clear()
        self.token = token
        self.sent = self.received = self.arrived = self._settled = self._noticed = self._refused = 0
        return losses
