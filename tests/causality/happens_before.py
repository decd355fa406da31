"""What causal order means, checked on a log from end to end. Knows nothing of stamps or triples.

Lamport (Time, clocks, and the ordering of events in a distributed system, 1978): an event happened before another when
a chain of steps leads from it: later at the same node, or from sending a message to its delivery.
"""

from typing import NamedTuple

from partisan_causal import Life


class Sent(NamedTuple):
    """A node has sent a message."""

    at: Life
    message: int
    to: Life


class Delivered(NamedTuple):
    """A node has delivered a message."""

    at: Life
    message: int


Event = Sent | Delivered


def violations(log: list[Event]) -> list[str]:
    """Name each delivery that breaks causal order, comes twice, or comes where it does not belong."""
    found: list[str] = []
    before: dict[Life, int] = {}
    """By node, the set of messages whose sending happened before what it does next, as bits."""
    causes: dict[int, int] = {}
    """By message, the same set at its sending."""
    destinations: dict[int, Life] = {}
    delivered: dict[Life, list[int]] = {}
    for event in log:
        known = before.get(event.at, 0)
        if isinstance(event, Sent):
            causes[event.message], destinations[event.message] = known, event.to
            before[event.at] = known | 1 << event.message
            continue
        if destinations.get(event.message) != event.at:
            found.append(f"{event.at} delivers message {event.message}, which was not sent to it")
            continue
        here = delivered.setdefault(event.at, [])
        if event.message in here:
            found.append(f"{event.at} delivers message {event.message} twice")
        found += [
            f"{event.at} delivers message {event.message} after {later}, which it led to"
            for later in here
            if causes[later] >> event.message & 1
        ]
        here.append(event.message)
        before[event.at] = known | causes[event.message] | 1 << event.message
    return found
