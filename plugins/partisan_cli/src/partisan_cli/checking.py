"""Checks a configuration without starting anything: its own keys, the plugins it names, the tables that they own."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from partisan_core.config.loader import read_settings, structure_options, structure_settings
from partisan_core.config.model import DEFAULT_USES, FAULTS, Selection
from partisan_core.config.problems import key_path
from partisan_core.config.sources import KeyPath, Settings
from partisan_core.errors import ConfigError, PluginError, RequirementError
from partisan_core.plugins import Plugins
from partisan_core.requirements import check_requirements
from partisan_core.wire.checksums import CRC32

CHANNEL_KINDS = {"policy": "channel_policy", "serializer": "serializer", "compression": "compression"}
"""The kinds of what a channel selects, by its keys."""


def check_configuration(path: Path | None = None, *, overrides: Mapping[str, object] | None = None) -> list[str]:
    """Every problem of the configuration that `load_config` would load, as lines; none when it can be used.

    A problem in one part hides none in another. Imports the plugins that the configuration names.
    """
    try:
        settings = read_settings(path, overrides=overrides)
    except ConfigError as error:
        return list(error.problems)
    problems: list[str] = []
    plugins = Plugins()
    try:
        check_requirements(structure_settings(settings), plugins)
    except ConfigError as error:
        problems += error.problems
    except RequirementError as error:
        problems.append(str(error))
    except PluginError:
        pass  # that the overlay cannot be loaded is told below
    for section in DEFAULT_USES:
        problems += _section_problems(section, settings, plugins)
    problems += _channel_problems(settings, plugins)
    problems += _extension_problems(settings, plugins)
    problems += _fault_problems(settings, plugins)
    problems += _checksum_problems(settings, plugins)
    return problems


def _section_problems(section: str, settings: Settings, plugins: Plugins) -> Iterator[str]:
    selection = _selection(settings.values.get(section, {}), DEFAULT_USES[section], settings)
    if selection is not None:
        yield from _part_problems(section, selection, settings, plugins, (section, "use"), (section,))


def _part_problems(
    kind: str, selection: Selection, settings: Settings, plugins: Plugins, asked_by: KeyPath, table: tuple[str, ...]
) -> Iterator[str]:
    """Those of one plugin, which is named at `asked_by`, and of its `table`."""
    try:
        structure_options(selection, options_class(kind, selection.use, plugins), *table)
    except PluginError as error:
        yield f"{_origin(settings, asked_by)}: {key_path(asked_by)}: {error}"
    except ConfigError as error:
        yield from error.problems


def options_class(kind: str, use: str, plugins: Plugins) -> type:
    """The configuration class of a plugin.

    Raises:
        PluginError: it cannot be loaded.
    """
    match kind:
        case "overlay":
            return plugins.overlay(use).config
        case "serializer":
            return plugins.serializer(use).config
        case "failure_detector":
            return plugins.failure_detector(use).config
        case "extension":
            return plugins.extension(use).config
        case "channel_policy":
            return plugins.channel_policy(use).config
        case "compression":
            return plugins.compression(use).config
        case _:
            return plugins.transport(use).config


def _extension_problems(settings: Settings, plugins: Plugins) -> Iterator[str]:
    enabled = settings.value(("extensions", "enable"))
    names = enabled if isinstance(enabled, list | tuple) else ()
    for name in (str(name) for name in names if isinstance(name, str)):
        options = settings.value(("extensions", name)) or {}
        if isinstance(options, Mapping):  # the section's own check tells the others
            selection = Selection(use=name, options=options, origins=_origins(settings))
            asked_by, table = ("extensions", "enable"), ("extensions", name)
            yield from _part_problems("extension", selection, settings, plugins, asked_by, table)


def _fault_problems(settings: Settings, plugins: Plugins) -> Iterator[str]:
    table, asked_by = settings.values.get(FAULTS), (FAULTS, "enabled")
    if isinstance(table, Mapping) and settings.value(asked_by) is True:
        options = {key: value for key, value in table.items() if key != "enabled"}
        selection = Selection(use=FAULTS, options=options, origins=_origins(settings))
        yield from _part_problems("extension", selection, settings, plugins, asked_by, (FAULTS,))


def _selection(table: object, default: str, settings: Settings) -> Selection | None:
    """What a table selects; None when it is none or names nothing, which the check of its section tells."""
    if not isinstance(table, Mapping):
        return None
    use = table.get("use", default)
    if not isinstance(use, str) or not use:
        return None
    options = {key: value for key, value in table.items() if key != "use"}
    return Selection(use=str(use), options=options, origins=_origins(settings))


def _channel_problems(settings: Settings, plugins: Plugins) -> Iterator[str]:
    channels = settings.values.get("channels", {})
    for channel, table in channels.items() if isinstance(channels, Mapping) else ():
        for key, kind in CHANNEL_KINDS.items():
            value = table.get(key) if isinstance(table, Mapping) else None
            selection = _selection({"use": value} if isinstance(value, str) else value, "", settings)
            if selection is not None:
                path = ("channels", str(channel), key)
                yield from _part_problems(kind, selection, settings, plugins, path, path)


def _checksum_problems(settings: Settings, plugins: Plugins) -> Iterator[str]:
    pinned, path = settings.value(("links", "checksum")), ("links", "checksum")
    for name in plugins.names("checksum") if pinned is None else [pinned]:
        if isinstance(name, str) and name != CRC32:  # the section's own check tells the others
            try:
                plugins.checksum(name)
            except PluginError as error:
                yield f"{_origin(settings, path)}: {key_path(path)}: {error}"


def _origins(settings: Settings) -> dict[str, str]:
    return {key_path(known): origin for known, origin in settings.origins.items()}


def _origin(settings: Settings, path: KeyPath) -> str:
    return settings.origin(path) if settings.value(path) is not None else "default"
