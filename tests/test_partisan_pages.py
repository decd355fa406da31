"""The two pages about Partisan: nothing of the original is missing, and whatever is named of ours exists."""

import importlib
import inspect
import re
from pathlib import Path

import pytest
from click import Context

from partisan_cli.group import partisan
from partisan_core import Config
from tests.named import Row, codes, ids_in, rows, source_of
from tests.partisan_facts import CASES, COMPLAINTS, DEFECTS, FUNCTIONS
from tests.workspace import ROOT

DIFFERENCES = ROOT / "docs" / "explanation" / "partisan-differences.md"
FROM_PARTISAN = ROOT / "docs" / "how-to" / "from-partisan.md"

PENDING: set[str] = set()
"""Names that the pages use and that are still being built: each must be absent today, so this set empties itself."""

PARTS = (
    "other overlays",
    "channels and codecs",
    "delivery guarantees and monitors",
    "actors",
    "broadcast and discovery",
)
"""What a row may wait for."""

_HOMES = ("", ".notices", ".views", ".errors", ".downs")
_OURS = re.compile(r"([A-Z]\w+|open_node|load_config)(?:\.(\w+)(?:\((\w+)(?:=\w+)?\))?)?")


def exists(name: str) -> bool:
    """Is there such a class, function, attribute, or (in brackets) parameter of ours?"""
    owner, attribute, parameter = _OURS.fullmatch(name).groups()  # type: ignore[union-attr]
    homes = [importlib.import_module(f"partisan_core{home}") for home in _HOMES]
    found = [getattr(home, owner) for home in homes if hasattr(home, owner)]
    if not found or attribute is None:
        return bool(found)
    value = getattr(found[0], attribute, None)
    return value is not None and (parameter is None or parameter in parameters(value))


def parameters(value: object) -> set[str]:
    return {*inspect.signature(value).parameters} if callable(value) else set()


def is_there(name: str) -> bool:
    return source_of(name) is not None if name.startswith("tests/") else exists(name)


def named(page: Path) -> set[str]:
    """Our names on a page, with a parameter but without its value; the first column is Partisan's."""
    cells = [cell for row in rows(page) for cell in row.cells[1:]]
    return {re.sub(r"=\w+", "", code) for cell in cells for code in codes(cell) if _OURS.fullmatch(code)}


def section(page: Path, heading: str) -> list[Row]:
    return [row for row in rows(page) if row.heading == heading]


# Whatever is named exists.


@pytest.mark.parametrize("page", [DIFFERENCES, FROM_PARTISAN], ids=lambda page: str(page.stem))
def test_each_name_of_ours_and_each_test_on_a_page_exists(page: Path) -> None:
    ids = {test for row in rows(page) for cell in row.cells for test in ids_in(cell)}
    assert {name for name in named(page) | ids if not is_there(name)} - PENDING == set()


def test_a_name_that_does_not_exist_is_found() -> None:
    assert exists("Node.send")
    assert exists("Node.send(channel)")
    assert exists("Config.channels")
    assert not exists("Node.sent")
    assert not exists("Node.send(chanel)")
    assert not exists("NeighbourUpp")
    assert not is_there("tests/test_partisan_pages.py::test_nothing_of_the_kind")


def test_what_is_pending_is_named_and_not_there_yet() -> None:
    ids = {test for row in rows(DIFFERENCES) for cell in row.cells for test in ids_in(cell)}
    assert PENDING - named(DIFFERENCES) - named(FROM_PARTISAN) - ids == set(), "no page speaks of these"
    assert {name for name in PENDING if is_there(name)} == set(), "these exist by now: take them out of PENDING"


def test_each_command_and_each_key_on_the_pages_exists() -> None:
    text = DIFFERENCES.read_text() + FROM_PARTISAN.read_text()
    commands = {code.split()[1] for code in codes(text) if code.startswith("partisan ")}
    assert "members" in commands
    assert {name for name in commands if partisan.get_command(Context(partisan), name) is None} == set()
    keys = {code for code in codes(text) if code.startswith("[")}
    assert "[links] redial_first" in keys
    assert {key for key in keys if not is_key(key)} == set()


def is_key(key: str) -> bool:
    table, _, name = key.removeprefix("[").partition("] ")
    section = getattr(Config(), table, None)
    return hasattr(section, name)


# Nothing of the original is missing.


def test_each_function_of_the_original_has_its_row() -> None:
    shown: dict[str, list[str]] = {}
    for row in rows(FROM_PARTISAN):
        shown.setdefault(codes(row.heading)[0], []).extend(codes(row.cells[0]))
    assert shown == {module: functions.split() for module, functions in FUNCTIONS.items()}


def test_each_function_leads_somewhere() -> None:
    """To something of ours, to the part that it waits for, or to nothing, with the reason."""
    for row in rows(FROM_PARTISAN):
        here, *remarks = row.cells[1:]
        first = next(iter(codes(here)), "")
        is_ours = bool(_OURS.fullmatch(first)) or first.startswith("partisan ")
        assert is_ours or waits(here) or here == "gone", row
        assert all(waits(remark) or "later: " not in remark for remark in remarks), row
    reasons = [row.cells[2:] for row in section(FROM_PARTISAN, "`partisan`: the node and its cluster") if "gone" in row]
    assert all(reasons)


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("Defects", DEFECTS),
        ("Complaints of users", COMPLAINTS.split()),
        *((suite, cases.split()) for suite, cases in CASES.items()),
    ],
)
def test_each_defect_complaint_and_case_has_its_row(heading: str, expected: list[str]) -> None:
    shown = [name for row in section(DIFFERENCES, heading) for name in row.cells[0].replace("`", "").split(", ")]
    assert sorted(shown) == sorted(expected)


def test_each_row_has_a_test_or_says_what_it_waits_for() -> None:
    for row in rows(DIFFERENCES):
        here = row.cells[-1]
        assert ids_in(here) or waits(here) or here.startswith("nothing"), row


def waits(cell: str) -> bool:
    """True when it names the part; a part that nobody knows is a fault."""
    parts = re.findall(r"later: ([a-z ]+)", cell)
    assert all(part.startswith(PARTS) for part in parts), cell
    return bool(parts)
