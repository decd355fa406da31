"""The converter: strict in both directions, and nothing that cattrs would guess.

cattrs alone reads `5` as the text "5", a text as the list of its characters, and writes an object of a subclass as
its base. Here each type that a field may have has a hook for each direction, and no other type may be one.

A list or dict of a peer's is given up at its first misfit, and an object keeps one misfit of each object inside it:
an error is never larger than a path, whatever was sent.
"""

from collections.abc import Callable, Mapping
from typing import Any

from cattrs import Converter

from partisan_codec_cattrs import classes, containers, scalars, unions
from partisan_codec_cattrs.hooks import Reader, Writer
from partisan_core.errors import ConfigError

Rule = tuple[Callable[[Any], bool], Callable[[Any], Writer], Callable[[Any], Reader]]
"""Which types, and what makes their hooks."""


def make_converter(registered: Mapping[str, type], *, forbid_extra_keys: bool) -> Converter:
    """Make a converter and its hooks for these classes, so that what cannot travel is found now.

    Raises:
        ConfigError: one is neither an attrs class nor a dataclass, or has a field of a type that cannot travel.
    """
    converter = Converter(forbid_extra_keys=forbid_extra_keys, detailed_validation=True)
    for matches, make_writer, make_reader in _rules(converter, {kind: tag for tag, kind in registered.items()}):
        converter.register_unstructure_hook_factory(matches, make_writer)
        converter.register_structure_hook_factory(matches, make_reader)
    scalars.override_hooks(converter)
    for kind in registered.values():
        _prepare(kind, converter)
    return converter


def _rules(converter: Converter, tags: Mapping[type, str]) -> list[Rule]:
    """The first is asked last."""
    return [
        (lambda kind: True, scalars.refused, scalars.refused),
        (lambda kind: kind in (Any, object), scalars.plain_writer, scalars.plain_reader),
        (lambda kind: kind in scalars.SCALARS, scalars.write_as_it_is, lambda kind: scalars.read_scalar),
        (lambda kind: kind in scalars.AS_TEXT, scalars.text_writer, scalars.text_reader),
        (scalars.is_enum, scalars.member_writer, lambda kind: scalars.read_member),
        (scalars.is_literal, scalars.write_as_it_is, scalars.literal_reader),
        (
            containers.is_array,
            lambda kind: containers.array_writer(kind, converter),
            lambda kind: containers.array_reader(kind, converter),
        ),
        (
            containers.is_dict,
            lambda kind: containers.dict_writer(kind, converter),
            lambda kind: containers.dict_reader(kind, converter),
        ),
        (
            classes.is_class,
            lambda kind: classes.class_writer(kind, converter),
            lambda kind: classes.class_reader(kind, converter),
        ),
        (
            unions.is_union,
            lambda kind: unions.union_writer(kind, converter, tags),
            lambda kind: unions.union_reader(kind, converter, tags),
        ),
    ]


def _prepare(kind: type, converter: Converter) -> None:
    if not classes.is_class(kind):
        raise ConfigError(f"{kind.__name__} is neither an attrs class nor a dataclass, and cannot travel")
    try:
        converter.get_unstructure_hook(kind)
        converter.get_structure_hook(kind)
    except ConfigError as error:
        raise ConfigError(f"{kind.__name__} cannot travel: {error}") from error
