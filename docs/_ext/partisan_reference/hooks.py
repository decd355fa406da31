"""The page of hooks: every extension point, what it returns, and the protocol of what that makes."""

import inspect
from collections.abc import Callable

from partisan_core import hookspecs, kinds, wires
from partisan_core.compression import Compression
from partisan_reference import markdown
from partisan_reference.markdown import code, described, prose, table

INTRODUCTION = """
A plugin is a module that an entry point names. It says in `PARTISAN_API` which version of the core's
interface it was written for, and implements one hook, marked with `partisan_core.plugins.hookimpl`. A
starting node calls the hooks of the plugins that its configuration names, in the order of this page. The
groups are in {doc}`entry-points`.
"""

PROTOCOLS = """
## What the records make

An overlay makes a `MembershipStrategy`, described in {doc}`seam`. These are the protocols of the other kinds.
"""

HOMES = kinds.__name__, wires.__name__
"""Where the protocols of the kinds stand."""


def page() -> str:
    """Hooks with their records, then protocols."""
    in_order = sorted(_hooks(), key=lambda hook: hook.__code__.co_firstlineno)
    return markdown.page(
        "Hooks",
        INTRODUCTION,
        *(_hook(hook) for hook in in_order),
        PROTOCOLS,
        *(class_section(kind, level=3) for kind in _protocols()),
    )


def class_section(kind: type, level: int) -> str:
    """One class with its methods."""
    methods = [described(method) for method in markdown.methods(kind)]
    return "\n\n".join([f"{'#' * level} `{kind.__name__}`", prose(kind), *methods])


def _hooks() -> list[Callable[..., object]]:
    return [one for name, one in inspect.getmembers(hookspecs, inspect.isfunction) if name.startswith("partisan_")]


def _hook(hook: Callable[..., object]) -> str:
    record = inspect.get_annotations(hook, eval_str=True)["return"]
    rows = [[code(name), code(written), text] for name, written, text in markdown.fields(record)]
    return "\n\n".join(
        [
            f"## `{hook.__name__}`",
            described(hook),
            f"`{record.__name__}` has these fields:",
            table(["field", "type", "meaning"], rows),
        ]
    )


def _protocols() -> list[type]:
    own = [one for one in vars(kinds).values() if inspect.isclass(one) and one.__module__ in HOMES]
    return [*(one for one in own if getattr(one, "_is_protocol", False)), Compression]
