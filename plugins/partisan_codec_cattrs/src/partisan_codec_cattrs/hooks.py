"""What every hook is made of: its two shapes, what it says of a misfit, and the hooks of what is inside."""

from collections.abc import Callable
from typing import Any

from cattrs import Converter

Writer = Callable[[Any], Any]
Reader = Callable[[Any, Any], Any]


def name_of(kind: object) -> str:
    """How an error calls a type: `int`, or `list[int]`."""
    return kind.__name__ if isinstance(kind, type) else str(kind)


def expected(kind: object, value: object) -> ValueError:
    """Say what a field should hold and what it does."""
    return ValueError(f"expected {name_of(kind)}, got {type(value).__name__}")


def checked(kind: type, write: Writer) -> Writer:
    """Write only what is exactly of this type: an object of a subclass would arrive as something else."""

    def hook(value: object) -> object:
        if type(value) is not kind:
            raise expected(kind, value)
        return write(value)

    return hook


def writer_inside(kind: object, converter: Converter) -> Writer:
    """The hook for what a field holds; found at the first use where a class holds itself."""
    try:
        return converter.get_unstructure_hook(kind)
    except RecursionError:  # how cattrs says that the class is being looked at already
        return lambda value: converter.unstructure(value, unstructure_as=kind)


def reader_inside(kind: Any, converter: Converter) -> Reader:  # noqa: ANN401 - what stands in an annotation
    """The same for reading."""
    try:
        return converter.get_structure_hook(kind)
    except RecursionError:
        return converter.structure
