"""Both ends of a session with a bad line between them: what lanes, writers and readers do, without any of them."""

import random
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from partisan_core.wire.outbox import Kept
from partisan_core.wire.session import Losses, Session


class Message(NamedTuple):
    number: int
    """Ascending per end, so that order and duplicates show."""
    is_acked: bool


class Batch(NamedTuple):
    first: int
    messages: tuple[Message, ...]
    after: int | None


class Word(NamedTuple):
    received: int
    again: bool


@dataclass(eq=False)
class End:
    """One of the two."""

    rng: random.Random
    session: Session = field(default_factory=Session)
    queue: deque[Message] = field(default_factory=deque)
    made: int = 0
    line: deque[Batch | Word] = field(default_factory=deque)
    """What it wrote, and the other end has not read."""
    delivered: list[Message] = field(default_factory=list)
    """What it received."""
    confirmed: set[int] = field(default_factory=set)
    acked: set[int] = field(default_factory=set)
    """All that it sent to be acknowledged, by number."""
    unknown: set[int] = field(default_factory=set)
    """What it was told to be undelivered."""
    frames: dict[int, tuple[Message, ...]] = field(default_factory=dict)
    """What is kept, by its first number."""
    gaps: int = 0
    """Messages that it was told not to have got."""
    losses: int = 0
    """Messages that it was told the other end has not got, by handshakes."""

    def send(self, count: int, *, is_acked: bool) -> None:
        for _ in range(count):
            self.made += 1
            self.queue.append(Message(self.made, is_acked))
            if is_acked:
                self.acked.add(self.made)

    def write(self, most: int = 3) -> bool:
        """Write one frame. False: there is none."""
        outbox = self.session.outbox
        if outbox.is_behind:
            kept, after = outbox.take_again()
            self.line.append(Batch(kept.first, self.frames[kept.first], after))
        elif self.queue and self.session.is_shared:
            count = min(most, len(self.queue))
            self._write_new(tuple(self.queue.popleft() for _ in range(count)))
        else:
            return False
        return True

    def finish_large(self) -> None:
        """Write a message whose slices had begun, whatever else is due."""
        if self.queue and self.session.is_shared:
            self._write_new((self.queue.popleft(),))

    def _write_new(self, messages: tuple[Message, ...]) -> None:
        outbox = self.session.outbox
        first, after = self.session.number(len(messages)), outbox.last
        is_kept = any(message.is_acked for message in messages)
        if is_kept or outbox:
            self.line.append(Batch(first, messages, after))
        else:
            self.line.append(Batch(first, messages, None))
        if is_kept:
            self.frames[first] = messages
            outbox.keep(Kept(first, len(messages), b"", False, self._confirm, first))

    def _confirm(self, first: int) -> None:
        self.confirmed |= {message.number for message in self.frames.pop(first) if message.is_acked}

    def read(self, frame: Batch | Word) -> None:
        """Take in what the other end wrote."""
        self.session.is_shared = True
        if isinstance(frame, Word):
            for kept in self.session.confirm(frame.received):
                kept.confirm(kept.position)
            if frame.again:
                self.session.outbox.rewind()
        elif frame.after is not None and self.session.refuses(frame.after):
            self.line.append(Word(self.session.received, self.session.must_ask(frame.first)))
        else:
            skip, gap = self.session.admit(frame.first, len(frame.messages))
            self.gaps += gap
            self.delivered += frame.messages[skip:]
            if frame.after is not None:
                self.line.append(Word(self.session.received, False))

    def begin(self, losses: Losses) -> None:
        """A handshake has ended here."""
        self.losses += losses.outgoing
        self.gaps += losses.incoming or 0
        if losses.unknown:
            self.give_up_sent()
        for kept in self.session.outbox.confirm(self.session.arrived):
            kept.confirm(kept.position)
        self.session.outbox.rewind()

    def give_up_sent(self) -> None:
        self.unknown |= {message.number for frame in self.frames.values() for message in frame if message.is_acked}
        self.frames.clear()

    def forget(self) -> None:
        """It takes the other end for down: what it had for that one is given up."""
        self.give_up_sent()
        self.unknown |= {message.number for message in self.queue if message.is_acked}
        self.queue.clear()
        self.session = Session()


def connect(dialler: End, accepter: End, *, is_welcome_lost: bool = False) -> None:
    """A new connection; what was on the line is gone."""
    dialler.line.clear()
    accepter.line.clear()
    answer = accepter.session.answer(dialler.session.offer(), accepter.rng)
    accepter.begin(answer.losses)
    if not is_welcome_lost:
        dialler.begin(dialler.session.adopt(answer.welcome))
        dialler.line.append(Word(dialler.session.received, False))
