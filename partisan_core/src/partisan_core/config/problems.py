"""How a wrong configuration is told: who said it, the key, the value, what was expected; all at once."""

import json
import re
from collections.abc import Iterable
from typing import NamedTuple

from partisan_core.config.sources import KeyPath, Settings
from partisan_core.errors import ConfigError

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SHOWN = 80
"""Characters of a value that are shown: enough to recognise it."""


class Problem(NamedTuple):
    """Something wrong at a key."""

    path: KeyPath
    message: str


def key_path(path: KeyPath) -> str:
    """Write a path as TOML writes it: `node.listen[0]`, `node.labels."a.b"`."""
    written = ""
    for step in path:
        if isinstance(step, int):
            written += f"[{step}]"
        else:
            written += ("." if written else "") + (step if _BARE_KEY.fullmatch(step) else json.dumps(step))
    return written


def report(problems: Iterable[Problem], settings: Settings) -> ConfigError:
    """Make one error of all problems."""
    return ConfigError(*(_line(problem, settings) for problem in problems))


def _line(problem: Problem, settings: Settings) -> str:
    value = settings.value(problem.path)
    shown = "" if value is None or isinstance(value, dict) else f" = {show(value)}"
    return f"{settings.origin(problem.path)}: {key_path(problem.path)}{shown}: {problem.message}"


def show(value: object) -> str:
    """Write a value nearly as TOML would, and not too long."""
    if isinstance(value, str | bool | int | float | list):
        written = json.dumps(value, default=repr, ensure_ascii=False)
    else:
        written = repr(value)
    return written if len(written) <= _SHOWN else f"{written[:_SHOWN]}…"
