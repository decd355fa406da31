"""Checks a configuration without starting anything: its own keys, the plugins it names, the tables that they own."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from partisan_core.config.loader import read_settings, structure_options, structure_settings
from partisan_core.config.model import DEFAULT_USES, Selection
from partisan_core.config.problems import key_path
from partisan_core.config.sources import Settings
from partisan_core.errors import ConfigError, PluginError
from partisan_core.plugins import Plugins


def check_configuration(path: Path | None = None, *, overrides: Mapping[str, object] | None = None) -> list[str]:
    """Every problem of the configuration that `load_config` would load, as lines; none when it can be used.

    A problem in one part hides none in another. Imports the plugins that the configuration names.
    """
    try:
        settings = read_settings(path, overrides=overrides)
    except ConfigError as error:
        return list(error.problems)
    problems: list[str] = []
    try:
        structure_settings(settings)
    except ConfigError as error:
        problems += error.problems
    plugins = Plugins()
    for section in DEFAULT_USES:
        problems += _section_problems(section, settings, plugins)
    problems += _channel_problems(settings, plugins)
    return problems


def _section_problems(section: str, settings: Settings, plugins: Plugins) -> Iterator[str]:
    selection = _selection(section, settings)
    if selection is None:
        return
    try:
        structure_options(selection, _options_class(section, selection.use, plugins), section)
    except PluginError as error:
        yield f"{_origin(settings, (section, 'use'))}: {section}.use: {error}"
    except ConfigError as error:
        yield from error.problems


def _options_class(section: str, use: str, plugins: Plugins) -> type:
    match section:
        case "overlay":
            return plugins.overlay(use).config
        case "serializer":
            return plugins.serializer(use).config
        case "failure_detector":
            return plugins.failure_detector(use).config
        case _:
            return plugins.transport(use).config


def _selection(section: str, settings: Settings) -> Selection | None:
    """What a section selects; None when it is no table or names nothing, which the section's own check tells."""
    table = settings.values.get(section, {})
    if not isinstance(table, Mapping):
        return None
    use = table.get("use", DEFAULT_USES[section])
    if not isinstance(use, str) or not use:
        return None
    options = {key: value for key, value in table.items() if key != "use"}
    origins = {key_path(known): origin for known, origin in settings.origins.items()}
    return Selection(use=str(use), options=options, origins=origins)


def _channel_problems(settings: Settings, plugins: Plugins) -> Iterator[str]:
    channels = settings.values.get("channels", {})
    for channel, table in channels.items() if isinstance(channels, Mapping) else ():
        for key, load in (("policy", plugins.channel_policy), ("serializer", plugins.serializer)):
            use = table.get(key) if isinstance(table, Mapping) else None
            try:
                if isinstance(use, str):
                    load(use)
            except PluginError as error:
                path = ("channels", str(channel), key)
                yield f"{_origin(settings, path)}: {key_path(path)}: {error}"


def _origin(settings: Settings, path: tuple[str, ...]) -> str:
    return settings.origin(path) if settings.value(path) is not None else "default"
