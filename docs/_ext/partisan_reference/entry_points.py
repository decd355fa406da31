"""The page of entry-point groups: where a plugin announces itself, and what this project installs there."""

from partisan_core.plugins import API_VERSION, GROUPS, Plugins
from partisan_reference import markdown
from partisan_reference.markdown import code, table

INTRODUCTION = """
An entry point in the `pyproject.toml` of a distribution makes its plugin known. Its name is what a
configuration says in `use`; its value is the module. Listing the installed plugins reads metadata and
imports none of them.
"""


def page() -> str:
    """Groups, then what is installed in them."""
    major, minor = API_VERSION
    groups = [[code(group), code(f"partisan_{kind}"), kind.replace("_", " ")] for kind, group in GROUPS.items()]
    installed = [[code(GROUPS[one.kind]), code(one.name), one.distribution] for one in Plugins().listing()]
    return markdown.page(
        "Entry-point groups",
        INTRODUCTION,
        f"This core offers the interface {major}.{minor} to plugins: it accepts those whose `PARTISAN_API` "
        f"has the major number {major} and a minor number not above {minor}.",
        table(["group", "hook", "kind"], groups),
        "## What this project brings",
        table(["group", "name", "distribution"], installed),
    )
