"""What all subjects send: pings one after the other, and a bulk of large messages, a few of them under way. Pure."""

from dataclasses import dataclass, field

from partisan_bench.work import NUMBER, REPLY_TO, Figures, Record, percentile

PING, BULK = "ping", "bulk"
"""What a record is; said where others have a mailbox to answer to."""

IN_FLIGHT = 4
"""Large messages under way. Origin: the middle one of the project's measurements of other libraries: enough for a
stream that never pauses, and few enough that what waits before a ping is theirs and not a queue's."""

PAUSE = 0.001
"""Seconds between an answer and the next ping. Chosen: thousands of pings in a run, which cost next to nothing."""


@dataclass(slots=True)
class Tally:
    """What one run has seen."""

    started: float
    seconds: float
    times: list[float] = field(default_factory=list)
    """Of each ping, in seconds."""
    acknowledged: int = 0
    """Large messages whose answer has come."""

    @property
    def deadline(self) -> float:
        """When the last large message is sent."""
        return self.started + self.seconds

    def wants_ping(self, now: float) -> bool:
        """True until the deadline; and once after it, where a busy machine let no ping through before."""
        return now < self.deadline or not self.times

    def wants_bulk(self, now: float, sent: int) -> bool:
        """True until the deadline, and until one large message was sent."""
        return now < self.deadline or not sent

    def figures(self, bulk: int, now: float) -> Figures:
        """Report percentiles of the pings in ms, and the MB/s of large messages of `bulk` bytes."""
        ordered = sorted(self.times)
        return {
            "p50": percentile(ordered, 50) * 1e3,
            "p99": percentile(ordered, 99) * 1e3,
            "bulk": self.acknowledged * bulk / (now - self.started) / 1e6,
        }


def record(kind: str, payload: bytes) -> Record:
    """Make what a driver sends."""
    return 0, kind, False, payload


def answer(received: Record) -> Record:
    """Return a ping as it came; of a large message only that it came."""
    return received if received[REPLY_TO] == PING else (received[NUMBER], BULK, False, b"")
