"""attrs classes and dataclasses: by cattrs' generated functions, behind what they do not check."""

from dataclasses import is_dataclass
from typing import Any

import attrs
from cattrs import ClassValidationError, Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from partisan_codec_cattrs.hooks import Reader, Writer, checked, expected
from partisan_core.errors import ConfigError


def is_class(kind: object) -> bool:
    """Whether its objects can be taken apart."""
    return isinstance(kind, type) and (attrs.has(kind) or is_dataclass(kind))


def class_writer(kind: type, converter: Converter) -> Writer:
    """Write the fields of exactly this class."""
    return checked(kind, make_dict_unstructure_fn(kind, converter))


def class_reader(kind: type, converter: Converter) -> Reader:
    """Read a dict of the fields, and keep one misfit of them: an error must not grow with what a peer sent."""
    if attrs.has(kind):
        for field in attrs.fields(kind):
            if field.type is None:
                raise ConfigError(f"the field {field.name!r} of {kind.__name__} states no type")
    inner: Reader = make_dict_structure_fn(kind, converter)

    def hook(value: Any, _: object) -> object:  # noqa: ANN401 - a peer wrote it
        if type(value) is not dict:
            raise expected(kind, value)
        try:
            return inner(value, kind)
        except ClassValidationError as error:
            first = error.exceptions[0].with_traceback(None)  # whose frames hold the others
            misfit = error.derive([first])
        raise misfit  # outside of the block: an exception remembers the one that was being handled

    return hook
