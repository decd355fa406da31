"""What JSON has no notation for, as an object with one key that begins with `$`.

    {"$ref": "partisan://beta@42/greeter"}      a `Ref`
    {"$bytes": "AP8="}                          bytes, in base64 (RFC 4648, section 4)
    {"$float": "nan"}                           `nan`, `inf` or `-inf`
    {"$datetime": "2026-01-02T03:04:05+00:00"}  a `datetime`, in ISO 8601
    {"$dict": [[1, "one"], [null, "none"]]}     a dict with keys that are not all text, as pairs
    {"$$ref": 1}                                the application's own {"$ref": 1}

A dict of the application's with one key that begins with `$` gets one more `$`, so that no dict is taken for an escape.
"""

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from datetime import datetime
from math import isfinite
from typing import Any

from partisan_core.errors import InvalidName
from partisan_core.refs import Ref

_MARK = "$"


def escape(value: Any) -> object:  # noqa: ANN401 - dispatches on the type
    """Make of plain data what JSON can write. Copies lists and dicts, and shares the rest."""
    write = _WRITERS.get(type(value))
    return value if write is None else write(value)


def unescape(value: Any) -> Any:  # noqa: ANN401 - what arrives is whatever was sent
    """Undo `escape`, in place: lists and dicts are changed.

    Raises:
        ValueError: an escape is unknown, or holds what it cannot.
    """
    if type(value) is list:
        for index, inner in enumerate(value):
            if type(inner) in _CONTAINERS:
                value[index] = unescape(inner)
    elif type(value) is dict:
        if len(value) == 1:
            ((key, inner),) = value.items()
            if key.startswith(_MARK):
                return _read_escape(key, inner)
        for key, inner in value.items():
            if type(inner) in _CONTAINERS:
                value[key] = unescape(inner)
    return value


_CONTAINERS = (list, dict)


def _write_list(values: list[object] | tuple[object, ...]) -> object:
    return [escape(value) for value in values]


def _write_dict(table: dict[Any, object]) -> object:
    if not all(type(key) is str for key in table):
        return {"$dict": [[escape(key), escape(value)] for key, value in table.items()]}
    if len(table) == 1:
        ((key, value),) = table.items()
        if key.startswith(_MARK):
            return {_MARK + key: escape(value)}
    return {key: escape(value) for key, value in table.items()}


def _write_float(number: float) -> object:
    return number if isfinite(number) else {"$float": str(number)}


def _write_bytes(content: bytes | bytearray | memoryview) -> object:
    return {"$bytes": b2a_base64(bytes(content), newline=False).decode()}


_WRITERS: dict[type, Callable[[Any], object]] = {
    list: _write_list,
    tuple: _write_list,
    dict: _write_dict,
    float: _write_float,
    bytes: _write_bytes,
    bytearray: _write_bytes,
    memoryview: _write_bytes,
    datetime: lambda moment: {"$datetime": moment.isoformat()},
    Ref: lambda ref: {"$ref": str(ref)},
}


def _read_escape(key: str, content: Any) -> object:  # noqa: ANN401 - a peer wrote it
    if key.startswith(_MARK * 2):
        return {key[1:]: unescape(content)}
    if key == "$dict":
        return _read_pairs(content)
    read = _READERS.get(key)
    if read is None:
        raise ValueError(f"{key[:100]!a} is no escape: there are {', '.join(sorted((*_READERS, '$dict')))}")
    if type(content) is not str:
        raise ValueError(f"{key} holds a {type(content).__name__}, not text")
    return read(content)


def _read_pairs(pairs: object) -> object:
    if type(pairs) is not list or not all(type(pair) is list and len(pair) == 2 for pair in pairs):
        raise ValueError("$dict holds something else than pairs")
    return {_read_key(unescape(key)): unescape(value) for key, value in pairs}


def _read_key(key: Any) -> Any:  # noqa: ANN401 - what arrives is whatever was sent
    if type(key) is list:
        return tuple(_read_key(part) for part in key)
    if type(key) is dict:
        raise ValueError("a dict is the key of a dict")
    return key


def _read_float(text: str) -> float:
    if text not in ("nan", "inf", "-inf"):
        raise ValueError(f"$float holds {text[:100]!a}, which is none of nan, inf, -inf")
    return float(text)


def _read_bytes(text: str) -> bytes:
    return a2b_base64(text, strict_mode=True)


def _read_ref(text: str) -> Ref:
    try:
        return Ref.parse(text)
    except InvalidName as error:
        raise ValueError(f"$ref holds no reference: {error}") from error


_READERS: dict[str, Callable[[str], object]] = {
    "$bytes": _read_bytes,
    "$datetime": datetime.fromisoformat,
    "$float": _read_float,
    "$ref": _read_ref,
}
