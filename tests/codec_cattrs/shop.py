"""The classes that the tests of the cattrs serializer register."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any, Literal
from uuid import UUID

import attrs

from partisan_core.refs import Ref


class Colour(Enum):
    RED = "red"
    NONE = 0


class Size(IntEnum):
    SMALL = 1


class Unit(StrEnum):
    PIECE = "piece"


@dataclass(frozen=True)
class Line:
    sku: str
    count: int = 1


@attrs.frozen
class Card:
    number: str


@attrs.frozen
class Cash:
    """Has the fields of `Card`: nothing but its name tells them apart."""

    number: str


@attrs.define
class Order:
    id: int
    lines: list[Line] = attrs.field(factory=list)
    paid: Card | Cash | None = None
    reply_to: Ref | None = None
    at: datetime | None = None


@dataclass
class Everything:
    flag: bool = False
    ratio: float = 0.5
    blob: bytes = b""
    day: date = date(2026, 1, 2)
    hour: time = time(3, 4)
    price: Decimal = Decimal("1.50")
    key: UUID = field(default_factory=lambda: UUID(int=1))
    colour: Colour = Colour.RED
    size: Size = Size.SMALL
    unit: Unit = Unit.PIECE
    mode: Literal["fast", 1] = "fast"
    names: tuple[str, ...] = ()
    pair: tuple[int, str] = (1, "one")
    tags: frozenset[str] = frozenset()
    ids: set[int] = field(default_factory=set)
    prices: dict[str, Decimal] = field(default_factory=dict)
    grid: dict[tuple[int, int], Line] = field(default_factory=dict)
    either: int | str | list[int] | Line | None = None
    anything: Any = None


@dataclass
class Tree:
    name: str
    children: "list[Tree]" = field(default_factory=list)
    parent: "Tree | None" = None
    sides: "dict[str, Tree]" = field(default_factory=dict)


@attrs.define
class Fork:
    name: str
    left: "Fork | None" = None
    right: "Fork | None" = None


@attrs.define
class Positive:
    number: int = attrs.field(validator=attrs.validators.gt(0))


@dataclass(frozen=True)
class BigLine(Line):
    """A subclass that is not registered."""
