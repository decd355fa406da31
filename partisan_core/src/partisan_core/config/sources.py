"""Where settings come from: a file, the environment, keywords; and how the later ones overlay the earlier.

Every value keeps its origin, so that an error, and `config show`, can say who said it.
"""

from collections.abc import Mapping
from dataclasses import is_dataclass
from math import isfinite
from pathlib import Path
from typing import get_args, get_type_hints

from partisan_core.config.model import Config
from partisan_core.errors import ConfigError

ENVIRONMENT_PREFIX = "PARTISAN__"
KEYWORD = "keyword"
CODE = "configuration made in code"

KeyPath = tuple[str | int, ...]
"""The keys from the top to a value; a number is a place in a list."""


class FileText(str):
    """Text from a file: knows the file's folder, which a relative path in it is relative to."""

    __slots__ = ("folder",)
    folder: Path


class Settings:
    """A tree of raw values with the origin of each."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.origins: dict[KeyPath, str] = {}

    def put(self, path: KeyPath, value: object, origin: str) -> None:
        """Set a value; a table merges with what is there, anything else replaces it."""
        if isinstance(value, Mapping) and value:
            for key, below in value.items():
                self.put((*path, str(key)), below, origin)
            return
        if value == {} and isinstance(self.value(path), Mapping):
            return
        self.forget(path)
        table = self.values
        for step in path[:-1]:
            below = table.get(str(step))
            if not isinstance(below, dict):
                below = table[str(step)] = {}
            table = below
        table[str(path[-1])] = {} if value == {} else value
        self.origins[path] = origin

    def forget(self, path: KeyPath) -> None:
        """Forget who said anything at, above or below `path`, as it is about to be said anew."""
        for known in list(self.origins):
            shared = min(len(known), len(path))
            if known[:shared] == path[:shared]:
                del self.origins[known]

    def lay(self, upper: "Settings", selections: Mapping[str, str]) -> None:
        """Overlay these settings with `upper`, which wins.

        The options of a plugin belong to the `use` beside which they were written: where `upper` uses another
        plugin in one of the sections `selections` (each with its default `use`), the former one's options go.
        """
        for section, default in selections.items():
            use = upper.value((section, "use"))
            if use is not None and use != (self.value((section, "use")) or default):
                self.forget((section,))
                self.values.pop(section, None)
        for path, origin in upper.origins.items():
            self.put(path, upper.value(path), origin)

    def value(self, path: KeyPath) -> object:
        """Return what is at `path`, or None."""
        found: object = self.values
        for step in path:
            if isinstance(found, Mapping):
                found = found.get(step)
            elif isinstance(found, list | tuple) and isinstance(step, int) and step < len(found):
                found = found[step]
            else:
                return None
        return found

    def origin(self, path: KeyPath) -> str:
        """Return who said `path`: the value itself, the list around it, or the first key of the nearest table."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        for length in range(len(path), 0, -1):
            for known, origin in self.origins.items():
                if known[:length] == path[:length]:
                    return origin
        return CODE


def read_file(path: Path) -> Settings:
    """Read a TOML file.

    Raises:
        ConfigError: when it cannot be read or is no TOML.
    """
    try:
        values = _parse_toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; without a file the defaults are used") from None
    except OSError as error:
        raise ConfigError(f"{path}: the file cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    settings = Settings()
    settings.put((), _with_folder(values, path.absolute().parent), str(path))
    return settings


def _parse_toml(text: str) -> dict[str, object]:
    # Imported late: a node without a file and without variables does not need it.
    import tomllib

    return tomllib.loads(text)


def _with_folder(value: object, folder: Path) -> object:
    if isinstance(value, str):
        text = FileText(value)
        text.folder = folder
        return text
    if isinstance(value, dict):
        return {key: _with_folder(below, folder) for key, below in value.items()}
    if isinstance(value, list):
        return [_with_folder(item, folder) for item in value]
    return value


def read_environment(environ: Mapping[str, str]) -> Settings:
    """Read `PARTISAN__SECTION__KEY=value`; other variables are nobody's business here.

    Raises:
        ConfigError: when a variable's name has an empty part.
    """
    settings = Settings()
    for name in sorted(environ):
        if name.startswith(ENVIRONMENT_PREFIX):
            path = tuple(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"))
            if not all(path):
                raise ConfigError(f"environment variable {name}: write PARTISAN__SECTION__KEY, with no part empty")
            settings.put(path, read_variable(path, environ[name]), f"environment variable {name}")
    return settings


def read_variable(path: tuple[str, ...], text: str) -> object:
    """Read a value as TOML, but for a key of the core that wants text take it as it stands: a name may be `007`."""
    value = parse_variable(text)
    return value if isinstance(value, str) or not _wants_text(path) else text


def _wants_text(path: tuple[str, ...]) -> bool:
    kind: object = Config
    for step in path:
        table = isinstance(kind, type) and is_dataclass(kind)
        kind = get_type_hints(kind).get(step) if table else next(iter(get_args(kind)[1:]), None)
    return kind in (str, str | None, Path, Path | None)


def parse_variable(text: str) -> object:
    """Return the TOML value that `text` is, or `text` itself: `4`, `true`, `["a:1"]`, `500ms`, `alpha`."""
    try:
        parsed = _parse_toml(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    value: object = parsed.pop("value", text)
    usable = isinstance(value, str | int | list | dict) or (isinstance(value, float) and isfinite(value))
    return value if usable and not parsed else text


def read_keywords(overrides: Mapping[str, object]) -> Settings:
    """Read keywords: sections as (nested) mappings, or single values under `"section.key"`."""
    settings = Settings()
    for key, value in overrides.items():
        settings.put(tuple(key.split(".")), value, KEYWORD)
    return settings
