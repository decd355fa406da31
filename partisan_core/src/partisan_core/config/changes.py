"""What differs between two configurations, and which of it a running node can take over."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import NamedTuple, get_type_hints

from partisan_core.config.model import ExtensionConfig, FaultConfig, Selection
from partisan_core.config.readings import is_reloadable

Keys = tuple[str, ...]
"""From the top to a value."""


class Difference(NamedTuple):
    """One key whose value is not the same."""

    path: Keys
    before: object
    """None: not there, as in `after`."""
    after: object
    is_reloadable: bool


def compare(before: object, after: object, path: Keys = (), *, is_marked: bool = False) -> Iterator[Difference]:
    """Yield the differences between two configurations, sections or values at `path`, in the order of the keys."""
    if is_dataclass(before) and not isinstance(before, type) and type(before) is type(after):
        hints = get_type_hints(type(before), include_extras=True)
        for key in fields(before):
            # what a plugin owns stands beside `use`, `enable` or `enabled`
            is_beside = isinstance(before, Selection | ExtensionConfig | FaultConfig) and key.name == "options"
            below, marked = path if is_beside else (*path, key.name), is_reloadable(hints[key.name])
            if key.compare:
                yield from compare(getattr(before, key.name), getattr(after, key.name), below, is_marked=marked)
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in {**before, **after}:
            yield from compare(before.get(name), after.get(name), (*path, str(name)), is_marked=is_marked)
    elif before != after:
        yield Difference(path, before, after, is_marked)
