"""Messages that no honest node would send, but whose types the core lets pass: made of the types alone."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import msgspec
from msgspec import Struct, inspect

from partisan_core.identity import NodeSpec

_TRIES = 20
_LONG = 40
"""How long a long list is. Chosen: longer than any view of a handful."""
_EDGES = (0, 1, 2, -1, 255, 2**31, 2**53, 2**63 - 1, -(2**63))
_TEXTS = ("", "x", "x" * 300, "\0", "../..", "é\N{SNOWMAN}", "\x1b[2J", "a/b", "partisan://")


class Forger:
    """Draws values of types.

    Args:
        rng: where the luck comes from.
        nodes: whom messages are about, most of the time.
    """

    def __init__(self, rng: Random, nodes: Sequence[NodeSpec]) -> None:
        self._rng, self._nodes = rng, nodes
        self._makers: Mapping[type[inspect.Type], Callable[[Any], object]] = {
            inspect.NoneType: lambda _: None,
            inspect.BoolType: lambda _: rng.random() < 0.5,
            inspect.IntType: self._whole,
            inspect.FloatType: lambda _: rng.choice((0.0, -1.0, 1e300, rng.random())),
            inspect.StrType: self._text,
            inspect.BytesType: lambda kind: rng.randbytes(self._length(kind)),
            inspect.EnumType: lambda kind: rng.choice(list(kind.cls)),
            inspect.LiteralType: lambda kind: rng.choice(kind.values),
            inspect.UnionType: lambda kind: self.value(rng.choice(kind.types)),
            inspect.TupleType: lambda kind: tuple(self.value(item) for item in kind.item_types),
            inspect.VarTupleType: lambda kind: tuple(self._items(kind)),
            inspect.ListType: self._items,
            inspect.SetType: self._items,
            inspect.FrozenSetType: self._items,
            inspect.DictType: self._table,
            inspect.StructType: self._struct,
        }

    def message(self, kinds: Sequence[type[Struct]]) -> Struct | None:
        """Draw a message as it comes off the wire; None when no luck makes one that the wire would take."""
        for _ in range(_TRIES):
            kind = self._rng.choice(kinds)
            drawn = self._fields(inspect.type_info(kind))
            try:
                return msgspec.msgpack.decode(msgspec.msgpack.encode(kind(**drawn)), type=kind)
            except (msgspec.MsgspecError, OverflowError, UnicodeEncodeError):
                continue
        return None

    def value(self, kind: inspect.Type) -> object:
        """Draw a value."""
        if isinstance(kind, inspect.Metadata):
            kind = kind.type
        make = self._makers.get(type(kind))
        return make(kind) if make else None

    def _struct(self, kind: inspect.StructType) -> object:
        if kind.cls is NodeSpec and self._rng.random() < 0.9:
            return self._rng.choice(self._nodes)
        return kind.cls(**self._fields(kind))

    def _fields(self, kind: inspect.Type) -> dict[str, object]:
        assert isinstance(kind, inspect.StructType)
        return {field.name: self.value(field.type) for field in kind.fields}

    def _whole(self, kind: inspect.IntType) -> int:
        drawn = self._rng.choice((*_EDGES, self._rng.randrange(10), self._rng.choice(self._nodes).incarnation))
        least = kind.ge if kind.ge is not None else kind.gt
        most = kind.le if kind.le is not None else kind.lt
        if least is not None:
            drawn = max(drawn, least + (kind.ge is None))
        if most is not None:
            drawn = min(drawn, most - (kind.le is None))
        return drawn

    def _text(self, kind: inspect.StrType) -> str:
        named = self._rng.random() < 0.8
        drawn = self._rng.choice(self._nodes).name if named else self._rng.choice(_TEXTS)
        return drawn if kind.max_length is None else drawn[: kind.max_length]

    def _length(self, kind: inspect.BytesType | inspect.ListType | inspect.DictType) -> int:
        drawn = self._rng.choice((0, 1, 2, 4, _LONG))
        most = drawn if kind.max_length is None else kind.max_length
        return max(min(drawn, most), kind.min_length or 0)

    def _items(self, kind: inspect.ListType) -> list[object]:
        return [self.value(kind.item_type) for _ in range(self._length(kind))]

    def _table(self, kind: inspect.DictType) -> dict[object, object]:
        return {self.value(kind.key_type): self.value(kind.value_type) for _ in range(self._length(kind))}
