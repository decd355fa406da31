"""Exactly the links of the configuration and of joins: every way in which beta may stand, and all that can happen."""

from collections.abc import Callable, Mapping
from itertools import product

import pytest

from partisan_core.events import DialFailed, Event, Evict, Join, LinkDown, LinkUp, Reason, Received
from partisan_core.identity import NodeSpec
from partisan_core.plugins import Plugins
from partisan_static import Static
from partisan_static._protocol import MAX_PEERS
from partisan_static.messages import Farewell, Greeting
from tests.static.test_static_machine import BETA, LISTED_BETA, NEWER_BETA, greeted, joined, static


def _after(machine: Static, *events: Event) -> Static:
    for event in events:
        machine.handle(event, 0.0)
    return machine


def _full() -> Static:
    return joined(*(NodeSpec(f"peer-{number}", 1, 1) for number in range(MAX_PEERS)))


def _who_greeted() -> Static:
    machine = static()
    greeted(machine, BETA)
    return machine


STANDINGS: Mapping[str, Callable[[], Static]] = {
    "nobody": static,
    "configured": lambda: static(LISTED_BETA),
    "joined": lambda: joined(BETA),
    "who greeted": _who_greeted,
    "evicted": lambda: _after(joined(BETA), Evict(BETA)),
    "gone": lambda: _after(joined(BETA), Received(BETA, Farewell())),
    "configured and gone": lambda: _after(static(LISTED_BETA), LinkUp(BETA), Received(BETA, Farewell())),
    "one too many": _full,
}
LINKED = {"configured", "joined", "who greeted"}
ALL = set(STANDINGS)

HAPPENINGS: Mapping[str, tuple[Event, set[str]]] = {
    "nothing": (LinkDown(NodeSpec("gamma", 1, 1), Reason.GONE), LINKED),
    "a join": (Join(BETA), ALL),
    "a greeting": (Received(BETA, Greeting()), ALL - {"evicted", "one too many"}),
    "a greeting of a newer life": (Received(NEWER_BETA, Greeting()), ALL - {"one too many"}),
    "a farewell": (Received(BETA, Farewell()), set()),
    "an eviction": (Evict(BETA), set()),
    "a link that somebody made": (LinkUp(BETA), LINKED),
    "a lost link": (LinkDown(BETA, Reason.UNREACHABLE), LINKED),
    "a dial in vain": (DialFailed(BETA, Reason.GONE), LINKED),
}
"""What happens, and who is wanted afterwards, by the standing before."""


@pytest.mark.parametrize(("standing", "happening"), list(product(STANDINGS, HAPPENINGS)))
def test_who_is_linked_after_all_that_can_happen(standing: str, happening: str) -> None:
    event, linked = HAPPENINGS[happening]
    machine = _after(STANDINGS[standing](), event)
    assert ("beta" in machine.links()) == ("beta" in machine.members()) == (standing in linked)


def test_a_message_makes_no_link() -> None:
    assert Plugins().overlay("static").unconnected == "refuse"
