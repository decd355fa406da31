"""Two types have one fingerprint if, and only if, each end can read what the other wrote."""

import subprocess
import sys
from enum import Enum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct, defstruct, field, inspect

from partisan_codec_msgpack import MsgpackSerializer
from partisan_codec_msgpack.fingerprints import _said, fingerprint
from partisan_core.errors import ConfigError
from tests.codec_msgpack import shop
from tests.codec_msgpack.shop import Everything, Line, Order, Tree

FIELDS: list[Any] = [("sku", str), ("count", int, 1)]


def line(fields: list[Any] = FIELDS, **options: Any) -> type[Struct]:
    return defstruct("Line", fields, **options)


def test_the_same_fields_elsewhere_have_the_same_fingerprint() -> None:
    assert fingerprint(line()) == fingerprint(Line)
    assert fingerprint(line(frozen=True, kw_only=True, module="moved.to")) == fingerprint(Line)
    assert fingerprint(defstruct("Item", FIELDS)) == fingerprint(Line)


class Size(Enum):
    SMALL = 1


DIFFERENT: dict[str, list[Any]] = {
    "name": [("code", str), ("count", int, 1)],
    "type": [("sku", str), ("count", float, 1)],
    "default": [("sku", str), ("count", int, 2)],
    "false default": [("sku", str), ("count", int, False)],
    "empty default": [("sku", str), ("count", int, None)],
    "no default": [("sku", str), ("count", int)],
    "factory": [("sku", str), ("count", int, field(default_factory=int))],
    "order": [("count", int, 1), ("sku", str, "")],
    "another": [*FIELDS, ("note", str, "")],
    "renamed": [("sku", str, field(name="s")), ("count", int, 1)],
    "bounds": [("sku", str), ("count", Annotated[int, Meta(ge=0)], 1)],
    "union": [("sku", str), ("count", int | None, 1)],
    "members": [("sku", str), ("count", Size, Size.SMALL)],
    "literal": [("sku", str), ("count", Literal[1, 2], 1)],
    "inside": [("sku", str), ("count", defstruct("int", [("x", int)]), None)],
}


@pytest.mark.parametrize("change", DIFFERENT)
def test_other_fields_have_another_fingerprint(change: str) -> None:
    assert fingerprint(line(DIFFERENT[change])) != fingerprint(Line)


@pytest.mark.parametrize("options", [{"array_like": True}, {"tag": True}, {"forbid_unknown_fields": True}], ids=str)
def test_another_layout_has_another_fingerprint(options: dict[str, Any]) -> None:
    assert fingerprint(line(**options)) != fingerprint(Line)


def test_all_of_these_differ_from_each_other() -> None:
    assert len({fingerprint(line(fields)) for fields in DIFFERENT.values()}) == len(DIFFERENT)


def test_what_a_later_msgspec_can_say_of_a_type_and_this_one_leaves_open_changes_nothing() -> None:
    said = [name for name, _ in _said(inspect.type_info(Annotated[int, Meta(ge=0)]))]
    assert said == ["ge"]


def test_what_changes_no_byte_changes_no_fingerprint() -> None:
    titled = Annotated[int, Meta(title="how many")]
    assert fingerprint(line([("sku", str), ("count", titled, 1)])) == fingerprint(Line)
    either, other = (
        [("sku", str | None), ("mode", Literal["a", "b"])],
        [("sku", None | str), ("mode", Literal["b", "a"])],
    )
    assert fingerprint(line(either)) == fingerprint(line(other))


def test_members_of_an_enum_count() -> None:
    kinds = [Enum("Size", {"SMALL": value}) for value in (1, 2)]
    one, other = (fingerprint(line([("size", kind)])) for kind in kinds)
    assert one != other


def test_it_is_the_same_in_every_process() -> None:
    """Where texts have other hashes, and sets another order."""
    kinds = (Line, Order, Tree, Everything)
    names = ", ".join(kind.__name__ for kind in kinds)
    program = (
        f"from {shop.__name__} import {names}\n"
        f"from partisan_codec_msgpack.fingerprints import fingerprint\n"
        f"print(*map(fingerprint, ({names})))"
    )
    for seed in "1", "2":
        said = subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, text=True
        )
        assert said.stdout.split() == [fingerprint(kind) for kind in kinds]


class Thing:
    pass


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (
            Thing,
            "Line cannot travel: a field holds a Thing, which is neither plain data nor a Ref, Struct or dataclass",
        ),
        (list[Thing | None], "a field holds a Thing"),
        (memoryview, "Line cannot travel: a field of type MemoryView would hold memory that is used again"),
        (dict[str, msgspec.Raw], "a field of type Raw would hold memory"),
        (defstruct("Inner", [("raw", msgspec.Raw)]), "a field of type Raw would hold memory"),
        ("Nowhere", "Line cannot travel: NameError: name 'Nowhere' is not defined"),
        (Order | Line, "Line cannot travel: TypeError: "),
    ],
    ids=str,
)
def test_a_type_that_cannot_travel_is_refused_at_the_start(annotation: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        MsgpackSerializer({"Line": line([("field", annotation)])})


def test_a_default_that_cannot_travel_does_no_harm() -> None:
    """Its text may hold an address, and be another in each process."""
    one, other = (fingerprint(line([("field", Any, Thing())])) for _ in range(2))
    assert one == other
