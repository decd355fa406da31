"""From sources to a `Config`, and from a plugin's raw options to the class that the plugin brought."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from partisan_core.config.model import DEFAULT_USES, Config, Selection
from partisan_core.config.problems import key_path
from partisan_core.config.sources import CODE, Settings, read_environment, read_file, read_keywords

_T = TypeVar("_T")


def load_config(
    path: Path | None = None, *, environ: Mapping[str, str] | None = None, overrides: Mapping[str, object] | None = None
) -> Config:
    """Load a configuration from, in rising precedence: defaults, file, environment, keywords.

    Args:
        path: a TOML file, or None for none.
        environ: where `PARTISAN__SECTION__KEY` is looked up; the process's environment by default.
        overrides: sections as mappings, or single values under `"section.key"`.

    Raises:
        ConfigError: when a source cannot be read; or with everything that is wrong in what they say together.
    """
    return structure_settings(read_settings(path, environ, overrides))


def read_settings(
    path: Path | None, environ: Mapping[str, str] | None = None, overrides: Mapping[str, object] | None = None
) -> Settings:
    """Read the sources that `load_config` names, without looking at what they say.

    Raises:
        ConfigError: when a source cannot be read.
    """
    settings = Settings()
    if path is not None:
        settings.lay(read_file(path), DEFAULT_USES)
    settings.lay(read_environment(os.environ if environ is None else environ), DEFAULT_USES)
    settings.lay(read_keywords(overrides or {}), DEFAULT_USES)
    return settings


def structure_settings(settings: Settings) -> Config:
    """Make a `Config` of what the sources say.

    Raises:
        ConfigError: with everything that is wrong in it.
    """
    # Imported late for its cost; see the module.
    from partisan_core.config.structure import structure

    values = dict(settings.values)
    for section, use in DEFAULT_USES.items():
        table = values.get(section, {})
        values[section] = {"use": use, **table} if isinstance(table, dict) else table
    config = structure(values, Config, settings)
    origins = {key_path(known): origin for known, origin in settings.origins.items()}
    selections = {section: replace(getattr(config, section), origins=origins) for section in DEFAULT_USES}
    return replace(config, origins=origins, **selections)


def structure_options(selection: Selection, options_class: type[_T], *section: str) -> _T:
    """Make an instance of a plugin's configuration class of its part of the table at the path `section`.

    Raises:
        ConfigError: with everything that is wrong in it.
    """
    from partisan_core.config.structure import structure

    settings = Settings()
    settings.put(section, selection.options, CODE)
    settings.origins = {path: selection.origins.get(key_path(path), CODE) for path in settings.origins}
    return structure(dict(selection.options), options_class, settings, section)
