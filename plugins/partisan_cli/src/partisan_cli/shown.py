"""A configuration as lines: every key with its value, as it would stand in a file, and where it came from."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import get_type_hints

from msgspec import Struct

from partisan_cli.checking import CHANNEL_KINDS, options_class
from partisan_core.config.loader import structure_options
from partisan_core.config.model import FAULTS, Config, ExtensionConfig, FaultConfig, Selection
from partisan_core.config.problems import key_path
from partisan_core.config.readings import reading_of
from partisan_core.config.units import Duration, Size, format_duration, format_size
from partisan_core.plugins import Plugins

Path = tuple[str, ...]


class Shown(Struct, frozen=True):
    """One key."""

    key: str
    value: object
    """Plain data; None: not set."""
    origin: str
    """A file, an environment variable, `keyword` (as is `--set`), or `default`."""


def show_configuration(config: Config) -> list[Shown]:
    """Every key, those of the plugins in use included, which are imported for that.

    Raises:
        ConfigError, PluginError: a plugin cannot be loaded, or its part is wrong.
    """
    plugins = Plugins()
    return [
        Shown(key_path(path), value, config.origins.get(key_path(path), "default"))
        for path, value in _leaves((), config, None, plugins)
    ]


def as_toml(shown: Shown) -> str:
    """A line of a TOML file, a comment when there is nothing to say."""
    return f"# {shown.key} is not set" if shown.value is None else f"{shown.key} = {_toml(shown.value)}"


def _leaves(path: Path, value: object, hint: object, plugins: Plugins) -> Iterator[tuple[Path, object]]:
    if isinstance(value, Selection):
        yield from _selected(path, value, plugins)
    elif isinstance(value, ExtensionConfig):
        yield (*path, "enable"), list(value.enable)
        for name in value.enable:
            table = Selection(use=name, options=value.options.get(name, {}))
            options: object = structure_options(table, options_class("extension", name, plugins), *path, name)
            yield from _leaves((*path, name), options, None, plugins)
    elif isinstance(value, FaultConfig):
        yield from _faults(path, value, plugins)
    elif is_dataclass(value):
        hints = get_type_hints(type(value), include_extras=True)
        for field in fields(value):
            if field.repr:  # what the table keeps for itself is none of its keys
                yield from _leaves((*path, field.name), getattr(value, field.name), hints[field.name], plugins)
    elif isinstance(value, Mapping) and value:
        for key, below in value.items():
            yield from _leaves((*path, str(key)), below, None, plugins)
    else:
        yield path, _plain(value, hint)


def _faults(path: Path, value: FaultConfig, plugins: Plugins) -> Iterator[tuple[Path, object]]:
    """The table whose rest belongs to an extension, which is looked at where it is enabled."""
    yield (*path, "enabled"), value.enabled
    if value.enabled:
        table = Selection(use=FAULTS, options=value.options)
        options: object = structure_options(table, options_class("extension", FAULTS, plugins), *path)
        yield from _leaves(path, options, None, plugins)


def _selected(path: Path, value: Selection, plugins: Plugins) -> Iterator[tuple[Path, object]]:
    """A section, or what a channel selects, which is its name alone when it has no options."""
    is_of_a_channel = path[0] == "channels"
    options = options_class(CHANNEL_KINDS[path[-1]] if is_of_a_channel else path[0], value.use, plugins)
    if is_of_a_channel and not fields(options):
        yield path, value.use
    else:
        yield (*path, "use"), value.use
        yield from _leaves(path, structure_options(value, options, *path), None, plugins)


def _plain(value: object, hint: object) -> object:
    """A value as a file would have it."""
    match reading_of(hint), value:
        case Duration(), float():
            return format_duration(value)
        case Size(), int():
            return format_size(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, None) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return {} if isinstance(value, Mapping) else str(value)


def _toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return '"' + "".join(map(_letter, value)) + '"' if isinstance(value, str) else json.dumps(value)


def _letter(letter: str) -> str:
    """What a terminal would obey, and what TOML does not allow, is escaped."""
    plain = letter.isprintable() or ord(letter) < 0x20
    return json.dumps(letter, ensure_ascii=False)[1:-1] if plain else f"\\U{ord(letter):08X}"
