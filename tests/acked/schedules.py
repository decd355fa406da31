"""Schedules of what two ends and the line between them do, and what must hold after each."""

import random

from tests.acked.ends import End, connect

Deed = tuple[object, ...]

_ROUNDS = 10_000
"""Rounds in which a good line must be at rest."""


class Line:
    """Does what a schedule says."""

    def __init__(self) -> None:
        self.ends = tuple(End(random.Random(seed)) for seed in (1, 2))
        self.writing: set[int] = set()
        """Who believes to have a connection; of one alone nothing arrives."""

    def do(self, what: str, who: int, *how: int) -> None:
        end, other = self.ends[who], self.ends[1 - who]
        if what in ("write", "finish") and who in self.writing:
            end.write(how[0]) if how else end.finish_large()
        elif what in ("drop", "double") and end.line:
            frame = end.line.popleft()
            end.line.extendleft([frame] * 2 * (what == "double"))
        else:
            self._do_more(what, end, other, *how)

    def _do_more(self, what: str, end: End, other: End, *how: int) -> None:
        match what:
            case "send":
                end.send(how[0], is_acked=bool(how[1]))
            case "read" if len(self.writing) == 2:
                for _ in range(min(how[0], len(other.line))):
                    end.read(other.line.popleft())
            case "rewind":
                end.session.outbox.rewind()
            case "connect":
                connect(end, other, is_welcome_lost=bool(how[0]))
                self.writing = {self.ends.index(other)} if how[0] else {0, 1}
            case "forget":
                end.forget()
                self.writing = set()

    def heal(self) -> None:
        """A good line from now on."""
        connect(*self.ends)
        for _ in range(_ROUNDS):
            busy = False
            for end, other in (self.ends, self.ends[::-1]):
                busy = end.write() or bool(other.line) or busy
                while other.line:
                    end.read(other.line.popleft())
            if not busy and any(end.session.outbox for end in self.ends):  # what the timer is for
                for end in self.ends:
                    end.session.outbox.rewind()
                busy = True
            if not busy:
                return
        raise AssertionError("a good line does not come to rest")


def run(deeds: list[Deed]) -> Line:
    line = Line()
    for deed in deeds:
        line.do(*deed)  # type: ignore[arg-type]
    line.heal()
    for end in line.ends:
        end.send(1, is_acked=True)  # behind which no gap stays unseen
    line.heal()
    return line


def check_order(line: Line) -> None:
    for end in line.ends:
        numbers = [message.number for message in end.delivered]
        assert numbers == sorted(set(numbers)), "a message came twice, or too late"


def check_exactly_once(line: Line) -> None:
    """What must hold when no end forgot the other."""
    check_order(line)
    for end, other in (line.ends, line.ends[::-1]):
        assert not end.unknown
        assert end.acked == end.confirmed
        assert end.acked <= {message.number for message in other.delivered}
        assert not end.session.outbox
        assert not end.session.outbox.bytes
        assert other.gaps + len(other.delivered) == end.made, "each loss is told once to the receiver"
        assert end.losses <= other.gaps, "and what is kept is no loss to the sender"


def check_told(line: Line) -> None:
    """What must hold in any case."""
    check_order(line)
    for end, other in (line.ends, line.ends[::-1]):
        assert end.confirmed <= {message.number for message in other.delivered}, "a receipt of what did not arrive"
        assert end.acked == end.confirmed | end.unknown
        assert not end.confirmed & end.unknown


def any_deeds(rng: random.Random, *, forgets: bool) -> list[Deed]:
    """A schedule by a seed."""
    deeds: list[Deed] = []
    for _ in range(rng.randrange(10, 60)):
        who = rng.randrange(2)
        deeds.append(
            rng.choice(
                [
                    ("send", who, rng.randrange(1, 6), rng.random() < 0.5),
                    ("write", who, rng.randrange(1, 5)),
                    ("read", who, rng.randrange(1, 5)),
                    (rng.choice(["drop", "double", "rewind", "finish"]), who),
                    ("connect", who, rng.random() < 0.3),
                    ("forget", who) if forgets and rng.random() < 0.2 else ("read", who, 4),
                ]
            )
        )
    return deeds
