"""The page of notices: what a node tells its application."""

from partisan_core import notices
from partisan_reference import markdown
from partisan_reference.seam import rows

INTRODUCTION = """
`node.open_events()` yields these, in the order in which they happened. The stream is bounded: a reader who
falls behind misses events and gets a fresh snapshot in their place.
"""


def page() -> str:
    """One table."""
    return markdown.page("Events", INTRODUCTION, markdown.table(["event", "fields", "meaning"], rows(notices)))
