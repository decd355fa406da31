"""What causal order means, checked on a log from end to end. Knows nothing of stamps or triples.

Lamport (Time, clocks, and the ordering of events in a distributed system, 1978): an event happened before another when
a chain of steps leads from it: later at the same node, or from sending a message to its delivery.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

Life = tuple[str, int]
"""The name of a node, and its incarnation."""


class Sent(NamedTuple):
    """A node is about to send a message."""

    at: Life
    message: int
    to: Life


class Delivered(NamedTuple):
    """A node has delivered a message."""

    at: Life
    message: int


Event = Sent | Delivered


class HappensBefore:
    """Takes in events in the order in which they happened."""

    def __init__(self) -> None:
        self._before: dict[Life, int] = {}
        """By node, the set of messages whose sending happened before what it does next, as bits."""
        self._causes: dict[int, int] = {}
        """By message, the same set at its sending."""
        self._destinations: dict[int, Life] = {}
        self._delivered: dict[Life, list[int]] = {}

    def take(self, event: Event) -> Iterator[str]:
        """Name what is wrong with a delivery: it breaks causal order, comes twice, or where it does not belong."""
        if isinstance(event, Sent):
            self._send(event)
        elif self._destinations.get(event.message) != event.at:
            yield f"{event.at} delivers message {event.message}, which was not sent to it"
        else:
            yield from self._deliver(*event)

    def _send(self, sent: Sent) -> None:
        known = self._before.get(sent.at, 0)
        self._causes[sent.message], self._destinations[sent.message] = known, sent.to
        self._before[sent.at] = known | 1 << sent.message

    def _deliver(self, at: Life, message: int) -> Iterator[str]:
        here = self._delivered.setdefault(at, [])
        if message in here:
            yield f"{at} delivers message {message} twice"
        for later in here:
            if self._causes[later] >> message & 1:
                yield f"{at} delivers message {message} after {later}, which it led to"
        here.append(message)
        self._before[at] = self._before.get(at, 0) | self._causes[message] | 1 << message


def violations(log: Iterable[Event]) -> list[str]:
    """All that is wrong with a whole log."""
    checker = HappensBefore()
    return [fault for event in log for fault in checker.take(event)]
