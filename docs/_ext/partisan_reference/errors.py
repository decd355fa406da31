"""The page of errors: the tree, as the module draws it."""

import inspect

from partisan_core import errors
from partisan_reference import markdown


def page() -> str:
    """The docstring of the module, and the one of each class."""
    introduction, _, tree = (inspect.getdoc(errors) or "").partition("\n\n")
    described = [[markdown.code(one.__name__), markdown.prose(one)] for one in markdown.classes(errors, Exception)]
    return markdown.page(
        "Errors", introduction, f"```text\n{tree}\n```", markdown.table(["error", "meaning"], described)
    )
