"""What pages name: rows of their tables, and tests by their ids."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.workspace import ROOT

_CODE = re.compile(r"`([^`]+)`")
_TEST_ID = re.compile(r"tests/[\w/]+\.py(::\w+)?")


class Row(NamedTuple):
    """One row of a table."""

    heading: str
    cells: list[str]


def rows(page: Path) -> list[Row]:
    """The rows of all tables of a page, without their heads, below the heading where they stand."""
    heading, found, lines = "", [], page.read_text().splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("|") and not line.startswith("|---") and not following.startswith("|---"):
            found.append(Row(heading, [cell.strip() for cell in line.strip("| ").split(" | ")]))
    return found


def codes(text: str) -> list[str]:
    """What stands in backticks."""
    return _CODE.findall(text)


def ids_in(text: str) -> list[str]:
    """The test ids in a text."""
    return [code for code in codes(text) if _TEST_ID.fullmatch(code)]


@cache
def functions(path: str) -> dict[str, str]:
    """name -> source of each test of a file, as pytest names it, without what stands in brackets."""
    source = (ROOT / path).read_text()
    nodes = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {node.name: ast.get_source_segment(source, node) or "" for node in nodes if node.name.startswith("test")}


def source_of(test_id: str) -> str | None:
    """The source of a test; None: there is none of that name. An id without a name means the whole file."""
    path, _, name = test_id.partition("::")
    if not (ROOT / path).is_file():
        return None
    return functions(path).get(name) if name else (ROOT / path).read_text()
