"""The page of the seam: the strategy, the events that go in, the effects that come out."""

from msgspec import Struct

from partisan_core import effects, events
from partisan_core.strategy import MembershipStrategy
from partisan_reference import markdown
from partisan_reference.hooks import class_section
from partisan_reference.markdown import classes, code, constants, fields, prose, table

INTRODUCTION = """
An overlay is a `MembershipStrategy`: a pure state machine of one node. Events go in by `handle`, effects
come out, and after every event the host compares `members()` and `links()` with what they were.
"""


CAPABILITIES = """
An overlay says by name what an application may rely on. A node whose `node.requires` names something else does
not start. The set is open: another overlay may bring another name. These have a meaning in this project:
"""

MEANINGS = {
    "full_view": "`members()` is everybody, sooner or later, on every node.",
    "evict": "It acts on `Evict`: without it `Node.evict` is a `CapabilityError`.",
    "reconcile": "It acts on `Reconcile`: without it `Node.reconcile` is a `CapabilityError`.",
    "reserved_slots": "It acts on `Reserve`: without it `Node.reserve` is a `CapabilityError`.",
}


def page() -> str:
    """Strategy, events, effects, reasons."""
    attributes = [[code(name), code(written), text] for name, written, text in fields(MembershipStrategy)]
    reasons = [[code(name), text] for name, text in constants(events.Reason)]
    return markdown.page(
        "The seam",
        INTRODUCTION,
        class_section(MembershipStrategy, level=2),
        table(["attribute", "type", "meaning"], attributes),
        "## Capabilities",
        CAPABILITIES,
        table(["capability", "meaning"], [[code(name), text] for name, text in MEANINGS.items()]),
        "## Events",
        table(["event", "fields", "meaning"], rows(events)),
        "## Effects",
        table(["effect", "fields", "meaning"], rows(effects)),
        "## Reasons",
        prose(events.Reason),
        table(["reason", "meaning"], reasons),
    )


def rows(module: object) -> list[list[str]]:
    """Name, fields and docstring of each Struct of a module."""
    return [
        [
            code(one.__name__),
            ", ".join(code(f"{name}: {written}") for name, written, _ in fields(one)),
            prose(one),
        ]
        for one in classes(module, Struct)
    ]
