"""What two ends must have in common to read each other's objects of a type, as a short hash."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from msgspec import NODEFAULT, Struct, inspect
from msgspec.msgpack import Encoder

from partisan_codec_msgpack.extensions import encode_other
from partisan_core.errors import ConfigError
from partisan_core.refs import Ref

_DIGITS = 6
"""Of the hash. Chosen: a change of a type goes unseen once in 16 million times, and it stands in every message."""

_WITH_FIELDS = (inspect.StructType, inspect.DataclassType, inspect.NamedTupleType, inspect.TypedDictType)
_BORROWING = (inspect.RawType, inspect.MemoryViewType)

_encode_default = Encoder(enc_hook=encode_other, order="deterministic").encode


def fingerprint(kind: type[Struct]) -> str:
    """The same for two types with equal fields: their names, types, defaults and order, and how they are laid out.

    Not what classes are called, nor where they live: programs may move them.

    Raises:
        ConfigError: a field is of a type that cannot travel.
    """
    return sha256(repr(_describe(inspect.type_info(kind), ())).encode()).hexdigest()[:_DIGITS]


def _describe(part: Any, inside: tuple[type, ...]) -> object:  # noqa: ANN401 - a tree of whatever stands in annotations
    """The part as texts and tuples whose `repr` is the same in every process."""
    match part:
        case inspect.Metadata():
            return _describe(part.type, inside)  # titles and examples change no byte
        case inspect.UnionType() | inspect.LiteralType():
            one_of = part.types if isinstance(part, inspect.UnionType) else part.values
            return type(part).__name__, sorted(repr(_describe(one, inside)) for one in one_of)
        case inspect.EnumType():
            return tuple((name, _describe_value(one.value)) for name, one in part.cls.__members__.items())
        case inspect.Type() | inspect.Field():
            _check(part)
            if isinstance(part, _WITH_FIELDS):
                if part.cls in inside:
                    return inside.index(part.cls)
                inside = (*inside, part.cls)
            return type(part).__name__, *((name, _describe(value, inside)) for name, value in _said(part))
        case tuple():
            return tuple(_describe(one, inside) for one in part)
        case _ if callable(part):  # a class, or what makes a default
            return getattr(part, "__name__", type(part).__name__)
        case _:
            return _describe_value(part)


def _said(part: inspect.Type | inspect.Field) -> Iterator[tuple[str, Any]]:
    """Without what is left open: a later msgspec may know more that can be."""
    left_open = (NODEFAULT,) if isinstance(part, inspect.Field) else (None, False)
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if name != "cls" and not any(value is one for one in left_open):
            yield name, value


def _describe_value(value: object) -> object:
    try:
        return _encode_default(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return type(value).__name__  # a default that does not travel: it may have no text that is the same everywhere


def _check(part: object) -> None:
    if isinstance(part, _BORROWING):
        name = type(part).__name__.removesuffix("Type")
        raise ConfigError(f"a field of type {name} would hold memory that is used again; say bytes")
    if isinstance(part, inspect.CustomType) and part.cls is not Ref:
        raise ConfigError(
            f"a field holds a {part.cls.__name__}, which is neither plain data nor a Ref, Struct or dataclass"
        )
