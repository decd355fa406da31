"""The page of the configuration: every key with its type, default and meaning, those of plugins included."""

import re
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeGuard, get_args, get_origin, get_type_hints

from partisan_core.config.model import FAULTS, ChannelConfig, Config, Selection
from partisan_core.config.readings import Count, Reading, Texts, is_reloadable, reading_of
from partisan_core.config.units import Duration, Size, format_duration, format_size
from partisan_core.installed import PluginInfo
from partisan_core.plugins import Plugins
from partisan_reference import markdown
from partisan_reference.markdown import code, prose, table

INTRODUCTION = """
Sources in rising precedence: the defaults below, the file, the environment (`PARTISAN__SECTION__KEY`, with
one more `__` for each level: `PARTISAN__CHANNELS__BULK__PARALLELISM=4`), and keywords of `open_node`.

Durations are text with a unit, `"500ms"`, `"2s"`, `"1.5m"` or `"1h"`, and so are sizes, `"512B"`,
`"64KiB"`, `"8MiB"` or `"1GiB"`. A bare number is refused, except 0. An unknown key is an error that names
the nearest one.

A key that is marked *reload* can change while the node runs: see {doc}`../../how-to/configure-a-node`.
"""

SELECTION = """
`use` is the name of an installed plugin or, for the first day of one, `"package.module:Thing"`. The default
is `"{default}"`. All other keys of the table belong to that plugin.
"""

COMPRESSION = """
The key `compression` is the name of an installed compression, or a table `[channels.NAME.compression]` with `use` and
the keys that belong to it.
"""

WORDS: dict[object, str] = {str: "text", int: "whole number", float: "number", bool: "true or false"}
"""What a type is called by those who write a file and no Python."""


def page() -> str:
    """The core's sections, each followed by what the installed plugins add to it."""
    sections = [_section(key) for key in fields(Config) if not _is_internal(key)]
    return markdown.page("Configuration", INTRODUCTION, *sections)


def _is_internal(key: "Field[Any]") -> bool:
    return not key.repr


def _section(section: "Field[Any]") -> str:
    default = _default(section)
    if isinstance(default, Selection):
        return _selection(section.name, default)
    options = ChannelConfig if section.name == "channels" else type(default)
    title = f"[{section.name}.NAME]" if section.name == "channels" else f"[{section.name}]"
    return "\n\n".join([f"## `{title}`", _subject(options), _options(options), *_added(section.name)])


def _subject(options: type) -> str:
    """Return the docstring without the title that it repeats."""
    said = re.sub(r"^`\[.*?\]`: ", "", prose(options))
    return said[:1].upper() + said[1:]


def _selection(section: str, default: Selection) -> str:
    return "\n\n".join([f"## `[{section}]`", SELECTION.format(default=default.use).strip(), *_plugins(section)])


def _added(section: str) -> list[str]:
    """What installed plugins add to a table: compressions, extensions, and who injects faults."""
    match section:
        case "channels":
            return [COMPRESSION.strip(), *_plugins("compression")]
        case "extensions":
            return _plugins("extension", lambda name: name != FAULTS)
        case _:
            return _plugins("extension", lambda name: name == FAULTS) if section == FAULTS else []


def _plugins(kind: str, is_meant: Callable[[str], bool] = lambda name: True) -> list[str]:
    plugins = Plugins()
    return [_plugin(plugins, one) for one in plugins.listing() if one.kind == kind and is_meant(one.name)]


def _named(info: PluginInfo) -> tuple[str, str]:
    """The table that is the plugin's, and the line of a configuration that asks for it."""
    if info.name == FAULTS:
        return FAULTS, "enabled = true"
    table = f"extensions.{info.name}"
    return (table, f"[{table}]") if info.kind == "extension" else (info.kind, f'use = "{info.name}"')


def _plugin(plugins: Plugins, info: PluginInfo) -> str:
    record = getattr(plugins, info.kind)(info.name)
    section, selects = _named(info)
    title = f"### `{selects}`, of {info.distribution}"
    if not fields(record.config):
        return f"{title}\n\nIt has no keys of its own."
    inner = [
        f"#### `[{section}.{key}]`\n\n{_subject(kind)}\n\n{_options(kind)}" for key, kind in _tables(record.config)
    ]
    return "\n\n".join([title, _subject(record.config), _options(record.config), *inner])


def _tables(owner: type) -> list[tuple[str, type]]:
    """Its keys that are tables of their own, each with what makes it."""
    hints = get_type_hints(owner, include_extras=True).items()
    return [(key, kind) for key, hint in hints for kind in (hint, *get_args(hint)) if _is_table(kind)]


def _is_table(hint: object) -> TypeGuard[type]:
    return isinstance(hint, type) and is_dataclass(hint)


def _options(owner: type) -> str:
    described = [base for base in reversed(owner.__mro__) if is_dataclass(base) and base.__annotations__]
    meanings = {name: text for base in described for name, _, text in markdown.fields(base)}
    hints = get_type_hints(owner, include_extras=True)

    def _meaning(key: str) -> str:
        return f"*Reload.* {meanings[key]}" if is_reloadable(hints[key]) else meanings[key]

    rows = [
        [code(key.name), _kind(hints[key.name]), _written(_default(key), hints[key.name]), _meaning(key.name)]
        for key in fields(owner)
        if not _is_internal(key)
    ]
    return table(["key", "type", "default", "meaning"], rows)


def _default(key: "Field[Any]") -> object:
    if key.default_factory is not MISSING:
        return key.default_factory()
    return key.default


def _kind(hint: object) -> str:
    match reading_of(hint):
        case Duration():
            return "duration"
        case Size():
            return "size"
        case Count(least, most):
            return f"{least} to {most}"
        case Texts():
            return "table of text"
        case Reading() as reading:
            return type(reading).__name__.lower()
    if any(_is_table(one) for one in (hint, *get_args(hint))):
        return "table"
    inner = [_kind(one) for one in get_args(hint) if one not in {type(None), ...}]
    if get_origin(hint) is tuple:
        return f"list of {' and '.join(inner)}"
    return inner[0] if inner else WORDS.get(hint, getattr(hint, "__name__", str(hint)).lower())


def _written(value: object, hint: object) -> str:
    """A value as it is written in a file."""
    if value is MISSING:
        return "required"
    match reading_of(hint), value:
        case Duration(), float():
            return code(f'"{format_duration(value)}"')
        case Size(), int():
            return code(f'"{format_size(value)}"')
    return "none" if value is None else code(_toml(value))


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, tuple | list | set | frozenset):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + "}"
    return f'"{value.as_posix() if isinstance(value, Path) else value}"'
