"""Raw settings become frozen dataclasses, strictly: by cattrs, with every error collected and explained.

Strict means that nothing is guessed: text is no list of its characters, `true` is no 1, and `"4"` is no 4.
Importing cattrs costs as much as all the rest of the core: this module is imported when it is needed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from cattrs import AttributeValidationNote, ClassValidationError, Converter, ForbiddenExtraKeysError
from cattrs.errors import IterableValidationError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, make_mapping_structure_fn

from partisan_core.config.model import ExtensionConfig, FaultConfig, Selection
from partisan_core.config.problems import Problem, report, show
from partisan_core.config.readings import Expected, Misfit, reading_of
from partisan_core.config.sources import FileText, KeyPath, Settings
from partisan_core.errors import ConfigError
from partisan_core.identity import Address
from partisan_core.spelling import did_you_mean

_T = TypeVar("_T")
_Hook = Callable[[Any, Any], Any]

_EXPECTED = {
    str: 'text in quotes, for example "text"',
    bool: "true or false",
    int: "a whole number",
    float: "a number",
}
_MANY = (tuple, list, set, frozenset)


def structure(values: object, target: type[_T], settings: Settings, path: KeyPath = ()) -> _T:
    """Make a `target` of `values`, which stand at `path` of `settings`.

    Raises:
        ConfigError: with all problems at once.
    """
    try:
        return _converter().structure(values, target)
    except (ClassValidationError, Expected) as error:
        problems = list(_problems(error, path, target))
    raise report(problems, settings)


@lru_cache(maxsize=1)
def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    converter.register_structure_hook_factory(is_dataclass, lambda table: _table(table, converter))
    converter.register_structure_hook_factory(_is_mapping, lambda kind: _mapping(kind, converter))
    converter.register_structure_hook_factory(_is_many, lambda kind: _many(kind, converter))
    converter.register_structure_hook_func(lambda kind: reading_of(kind) is not None, _read)
    for scalar in _EXPECTED:
        converter.register_structure_hook(scalar, _scalar)
    converter.register_structure_hook(Path, _path)
    converter.register_structure_hook(Address, _address)
    converter.register_structure_hook(Selection, _selection)
    converter.register_structure_hook(ExtensionConfig, _open_table(ExtensionConfig, "enable", converter))
    converter.register_structure_hook(FaultConfig, _open_table(FaultConfig, "enabled", converter))
    return converter


def _table(table: type, converter: Converter) -> _Hook:
    return _demanding_table(make_dict_structure_fn(table, converter))


def _mapping(kind: type, converter: Converter) -> _Hook:
    return _demanding_table(make_mapping_structure_fn(kind, converter, structure_to=dict))


def _demanding_table(inner: Callable[[Mapping[str, object], Any], object]) -> _Hook:
    def hook(value: object, kind: object) -> object:
        if isinstance(value, Mapping):
            return inner(value, kind)
        raise Expected("a table")

    return hook


def _many(kind: type, converter: Converter) -> _Hook:
    """Lists become what the field says; cattrs alone would take text for a list of its characters."""
    make, item_type = get_origin(kind) or tuple, get_args(kind)[0]

    def hook(value: object, _: object) -> object:
        if not isinstance(value, list | tuple):
            raise Expected(f"a list: write [{show(value)}]")
        items, errors = [], []
        for index, item in enumerate(value):
            try:
                items.append(converter.structure(item, item_type))
            except Exception as error:  # noqa: BLE001 - as cattrs does: every item's error is collected
                error.add_note(IterableValidationNote(f"item {index}", index, item_type))
                errors.append(error)
        if errors:
            raise IterableValidationError("while structuring a list", errors, kind)
        return make(items)

    return hook


def _is_mapping(kind: object) -> bool:
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _is_many(kind: object) -> bool:
    args = get_args(kind)
    return get_origin(kind) in _MANY and (len(args) == 1 or args[1:] == (Ellipsis,))


def _scalar(value: object, kind: type) -> object:
    fits = isinstance(value, kind) or (kind is float and isinstance(value, int))
    if not fits or isinstance(value, bool) is not (kind is bool):
        raise Expected(_EXPECTED[kind])
    return kind(value)


def _read(value: object, kind: object) -> object:
    reading = reading_of(kind)
    assert reading is not None
    return reading.read(value)


def _path(value: object, _: object) -> Path:
    if not isinstance(value, str | Path) or not str(value):
        raise Expected('a path in quotes, for example "var/alpha"')
    path = Path(value).expanduser()
    return value.folder / path if isinstance(value, FileText) else path


def _address(value: object, _: object) -> Address:
    if isinstance(value, Address):
        return value
    if not isinstance(value, str):
        raise Expected('an address in quotes, for example "127.0.0.1:9090"')
    return Address.parse(value)


def _selection(value: object, _: object) -> Selection:
    """The plugin's options stay raw: their class is known when the plugin is loaded."""
    if not isinstance(value, Mapping):
        raise Expected(f"a table: write {{ use = {show(value)} }}")
    options = dict(value)
    use = options.pop("use", None)
    if not isinstance(use, str) or not use:
        error = Expected('the name of a plugin in quotes, for example "tcp"')
        error.add_note(AttributeValidationNote("use", "use", str))
        raise ClassValidationError("while structuring a selection", [error], Selection)
    return Selection(use=str(use), options=options)


def _open_table(table: type, own: str, converter: Converter) -> _Hook:
    """Beside the `own` key stand those of plugins, which stay raw as the options of a `Selection` do."""
    inner = _table(table, converter)

    def hook(value: object, kind: object) -> object:
        if isinstance(value, Mapping):
            options = {name: table for name, table in value.items() if name != own}
            value = {name: said for name, said in value.items() if name not in options} | {"options": options}
        return inner(value, kind)

    return hook


def _problems(error: BaseException, path: KeyPath, target: object) -> Iterator[Problem]:
    """Flatten the groups of cattrs into problems with their key paths."""
    if isinstance(error, ClassValidationError | IterableValidationError):
        noted, bare = error.group_exceptions()
        for cause, note in noted:
            step = note.name if isinstance(note, AttributeValidationNote) else note.index
            yield from _problems(cause, (*path, step), note.type)
        for cause in bare:
            yield from _problems(cause, path, error.cl)
    elif isinstance(error, ForbiddenExtraKeysError):
        for key in sorted(error.extra_fields):
            yield Problem((*path, key), _unknown_key(key, error.cl))
    elif isinstance(error, Misfit):
        yield Problem((*path, *error.key), f"expected {error.expected}")
    else:
        yield Problem(path, _explain(error, target))


def _unknown_key(key: str, table: type) -> str:
    known = [field.name for field in fields(table) if field.init and field.name != "origins"]
    near = did_you_mean(key, known)
    return f"unknown key{near}" if near else f"unknown key; known here: {', '.join(known) or 'none'}"


def _explain(error: BaseException, target: object) -> str:
    if isinstance(error, Expected):
        return f"expected {error}"
    if isinstance(error, KeyError):
        return "this key is required"
    if isinstance(target, type) and issubclass(target, Enum):
        return f"expected one of {', '.join(repr(member.value) for member in target)}"
    if get_origin(target) is Literal:
        return f"expected one of {', '.join(map(repr, get_args(target)))}"
    if isinstance(error, ConfigError | ValueError):
        return str(error)
    return f"{type(error).__name__}: {error}"
