"""Fields that are lists, tuples, sets and dicts. On the wire the first four are arrays."""

from collections.abc import Iterable
from typing import Any, get_args, get_origin

from cattrs import Converter, IterableValidationError
from cattrs.errors import IterableValidationNote

from partisan_codec_cattrs.hooks import Reader, Writer, expected, reader_inside, writer_inside

_ARRAYS = (list, tuple, set, frozenset)
_LONGEST_KEY = 40
"""Characters of a key in an error."""


def is_array(kind: object) -> bool:
    """Whether it is a `list[X]`, `tuple[X, ...]`, `tuple[X, Y]`, `set[X]` or `frozenset[X]`, or a bare one."""
    return (get_origin(kind) or kind) in _ARRAYS


def is_dict(kind: object) -> bool:
    """Whether it is a `dict[K, V]`, or a bare one."""
    return (get_origin(kind) or kind) is dict


def array_writer(kind: Any, converter: Converter) -> Writer:  # noqa: ANN401 - what stands in an annotation
    """Write each item by its hook."""
    container = get_origin(kind) or kind
    writers = [writer_inside(item, converter) for item in _items(kind)]

    def hook(values: Any) -> object:  # noqa: ANN401 - whatever the application put there
        if type(values) is not container:
            raise expected(kind, values)
        return [write(value) for write, value in zip(_repeated(writers, kind, values), values, strict=True)]

    return hook


def array_reader(kind: Any, converter: Converter) -> Reader:  # noqa: ANN401 - what stands in an annotation
    """Read each item by its hook, and give up at the first that does not fit."""
    container = get_origin(kind) or kind
    readers = [(item, reader_inside(item, converter)) for item in _items(kind)]

    def hook(values: Any, _: object) -> object:  # noqa: ANN401 - a peer wrote it
        if type(values) is not list:
            raise expected(kind, values)
        items = []
        for index, (value, (item, read)) in enumerate(zip(values, _repeated(readers, kind, values), strict=True)):
            try:
                items.append(read(value, item))
            except Exception as error:
                raise _placed(error, index, item, kind) from error
        return container(items)

    return hook


def dict_writer(kind: Any, converter: Converter) -> Writer:  # noqa: ANN401 - what stands in an annotation
    """Write each key and each value by its hook."""
    write_key, write_value = (writer_inside(item, converter) for item in _pair(kind))

    def hook(table: Any) -> object:  # noqa: ANN401 - whatever the application put there
        if type(table) is not dict:
            raise expected(kind, table)
        return {_as_key(write_key(key)): write_value(value) for key, value in table.items()}

    return hook


def dict_reader(kind: Any, converter: Converter) -> Reader:  # noqa: ANN401 - what stands in an annotation
    """Read each key and each value by its hook, and give up at the first that does not fit."""
    key_type, value_type = _pair(kind)
    read_key, read_value = reader_inside(key_type, converter), reader_inside(value_type, converter)

    def hook(table: Any, _: object) -> object:  # noqa: ANN401 - a peer wrote it
        if type(table) is not dict:
            raise expected(kind, table)
        read: dict[Any, Any] = {}
        for key, value in table.items():
            try:
                read[read_key(_as_array(key), key_type)] = read_value(value, value_type)
            except Exception as error:
                raise _placed(error, ascii(key)[:_LONGEST_KEY], value_type, kind) from error
        return read

    return hook


def _items(kind: object) -> tuple[Any, ...]:
    """The types of the items: one, or of a `tuple[X, Y]` each."""
    arguments = get_args(kind) or (Any,)
    return arguments[:1] if arguments[1:] == (Ellipsis,) else arguments


def _pair(kind: object) -> tuple[Any, Any]:
    key, value = get_args(kind) or (Any, Any)
    return key, value


def _repeated(hooks: list[Any], kind: object, values: Any) -> Iterable[Any]:  # noqa: ANN401 - any sized thing
    arguments = get_args(kind)
    if get_origin(kind) is tuple and arguments[1:] != (Ellipsis,):
        if len(values) != len(hooks):
            raise ValueError(f"expected {len(hooks)} items, got {len(values)}")
        return hooks
    return hooks * len(values)


def _as_key(key: object) -> object:
    """A tuple is an array on the wire, and a key has to be hashable here."""
    return tuple(map(_as_key, key)) if type(key) is list else key


def _as_array(key: object) -> object:
    return list(map(_as_array, key)) if type(key) is tuple else key


def _placed(error: Exception, index: int | str, item: object, kind: Any) -> IterableValidationError:  # noqa: ANN401
    """The error with its place, in the form that `transform_error` reads."""
    error.__notes__ = [*getattr(error, "__notes__", []), IterableValidationNote(f"at {index}", index, item)]
    return IterableValidationError("an item", [error], kind)
