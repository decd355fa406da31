"""The types that the tests of the msgpack serializer register."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from partisan_codec_msgpack import MsgpackSerializer
from partisan_core.kinds import SerializerPlugin
from partisan_core.refs import Ref


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Line(Struct, frozen=True):
    sku: str
    count: int = 1


class Card(Struct, frozen=True, tag=True):
    number: str


class Cash(Struct, frozen=True, tag=True):
    number: str


@dataclass
class Crate:
    weight: float


class Order(Struct, frozen=True):
    id: int
    lines: tuple[Line, ...] = ()
    paid: Card | Cash | None = None
    reply_to: Ref | None = None
    crate: Crate | None = None
    anything: Any = None


class Sample(Struct, frozen=True, array_like=True):
    """As fast as it gets."""

    number: int
    name: str
    data: bytes


class Tree(Struct):
    name: str
    children: "list[Tree]" = []
    sides: "dict[str, Tree]" = {}


class Everything(Struct):
    flag: bool = False
    ratio: float = 0.5
    at: datetime | None = None
    price: Decimal = Decimal("1.50")
    key: UUID = UUID(int=1)
    colour: Colour = Colour.RED
    names: frozenset[str] = frozenset({"a", "b", "c"})
    refs: dict[Ref, list[Ref]] = {}
    extension: msgspec.msgpack.Ext | None = None


class Positive(Struct, frozen=True):
    """Has code of its own, which a peer's bytes run."""

    number: int

    def __post_init__(self) -> None:
        if self.number <= 0:
            raise KeyError(f"{self.number} is not positive")


class PricedLine(Struct):
    """What a later program calls a line."""

    sku: str
    count: int = 1
    price: Decimal = Decimal(0)


class BigLine(Line, frozen=True):
    """A subclass that is not registered."""


TYPED = SerializerPlugin(make=lambda options: MsgpackSerializer({"Line": Line, "Order": Order}))
"""For one channel, as an application makes it; and for the conformance kit."""
