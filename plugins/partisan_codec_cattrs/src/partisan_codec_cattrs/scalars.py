"""Fields with one value: scalars, what is written as text, members of an Enum, literals, plain data."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args, get_origin
from uuid import UUID

from cattrs import Converter

from partisan_codec_cattrs.hooks import Reader, Writer, checked, expected, name_of
from partisan_codec_cattrs.plain import check_plain
from partisan_core.errors import ConfigError
from partisan_core.refs import Ref

SCALARS = (bool, int, float, str, bytes, Ref)

AS_TEXT: Mapping[type, tuple[Callable[[Any], str], Callable[[str], object]]] = {
    datetime: (datetime.isoformat, datetime.fromisoformat),
    date: (date.isoformat, date.fromisoformat),
    time: (time.isoformat, time.fromisoformat),
    UUID: (str, UUID),
    Decimal: (str, Decimal),
}


def is_enum(kind: object) -> bool:
    """Whether it is an Enum."""
    return isinstance(kind, type) and issubclass(kind, Enum)


def is_literal(kind: object) -> bool:
    """Whether it is a `Literal[…]`."""
    return get_origin(kind) is Literal


def read_scalar(value: object, kind: type) -> object:
    """Take no 5 for a text, no `true` for a 1; an integer is a float all right.

    cattrs asks the hook of a base class before any other: an Enum that is a str comes here too.
    """
    if kind not in SCALARS:
        return read_member(value, kind) if issubclass(kind, Enum) else _refuse(kind)
    if type(value) is kind:
        return value
    if kind is float and type(value) is int:
        return float(value)
    raise expected(kind, value)


def override_hooks(converter: Converter) -> None:
    """Replace what cattrs registered by class, which goes before anything that is registered by a rule."""
    for kind in (str, bytes, int, float, Path):
        converter.register_structure_hook(kind, read_scalar)
    converter.register_unstructure_hook(str, lambda text: text.value if isinstance(text, Enum) else text)


def write_as_it_is(kind: type) -> Writer:
    """Scalars are checked when they are read, which `encode` does too."""
    return lambda value: value


def text_writer(kind: type) -> Writer:
    """Write it as its text."""
    return checked(kind, AS_TEXT[kind][0])


def text_reader(kind: type) -> Reader:
    """Read it from its text."""
    parse = AS_TEXT[kind][1]

    def hook(value: object, _: object) -> object:
        if type(value) is not str:
            raise expected(f"the text of a {kind.__name__}", value)
        try:
            return parse(value)
        except (ValueError, ArithmeticError) as error:
            raise ValueError(f"{value[:100]!a} is no {kind.__name__}") from error

    return hook


def member_writer(kind: type[Enum]) -> Writer:
    """Write the value of a member."""
    return checked(kind, lambda member: member.value)


def read_member(value: object, kind: type[Enum]) -> object:
    """Find the member of this value."""
    for member in kind:
        if member.value == value and type(member.value) in (type(value), type(member)):
            return member
    raise ValueError(f"expected one of {', '.join(repr(member.value) for member in kind)}, got {str(value)[:100]!a}")


def literal_reader(kind: object) -> Reader:
    """Take what is one of these, and of its type."""
    allowed = get_args(kind)

    def hook(value: object, _: object) -> object:
        for one in allowed:
            if one == value and type(one) is type(value):
                return value
        raise ValueError(f"expected one of {', '.join(map(repr, allowed))}, got {str(value)[:100]!a}")

    return hook


def plain_writer(kind: object) -> Writer:
    """Plain data, checked: an object of a class would arrive as a dict."""

    def hook(value: object) -> object:
        check_plain(value, lambda other: f"{other.__module__}.{other.__qualname__} in a field that is for plain data")
        return value

    return hook


def plain_reader(kind: object) -> Reader:
    """What arrives for a field of type `Any` is plain data."""
    return lambda value, _: value


def _refuse(kind: object) -> NoReturn:
    raise ConfigError(f"a field of type {name_of(kind)} cannot travel")


def refused(kind: object) -> Any:  # noqa: ANN401 - of a reader and of a writer
    """Make no hook for what no other rule takes."""
    _refuse(kind)
