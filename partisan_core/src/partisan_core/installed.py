"""What is installed, as metadata tells it: nothing of it is imported to be listed.

Entry points are read once per `Installed`, when something is asked for the first time.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint

DISABLE_VARIABLE = "PARTISAN_DISABLE_PLUGINS"
"""`name,kind:name`: what an operator treats as not installed."""

_OWN = "partisan-core"
_REQUIREMENT = re.compile(r"partisan[-_.]+core(?![-_.\w])[^;]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One installed plugin, as its metadata tells."""

    kind: str
    name: str
    """What a configuration calls it."""
    distribution: str
    version: str
    api_range: str | None
    """The versions of the core that its distribution asks for, `partisan-core>=0.1,<0.2`; None: it does not say."""
    value: str
    """The module it lives in."""
    disabled: bool
    """By `PARTISAN_DISABLE_PLUGINS`."""


class Installed:
    """The entry points of some kinds."""

    def __init__(self, groups: Mapping[str, str]) -> None:
        self._groups = groups

    def listing(self) -> list[PluginInfo]:
        """Everything installed, by kind and name, claimed twice or disabled or not."""
        found = [
            PluginInfo(kind, name, *_distribution(point), point.value, is_disabled(kind, name))
            for (kind, name), points in self._points.items()
            for point in points
        ]
        return sorted(found, key=lambda info: ([*self._groups].index(info.kind), info.name, info.distribution))

    def find(self, kind: str, name: str) -> list[EntryPoint]:
        """Who claims this name, disabled or not."""
        return self._points.get((kind, name), [])

    def names(self, kind: str) -> list[str]:
        """What can be used of a kind."""
        return sorted(name for its_kind, name in self._points if its_kind == kind and not is_disabled(kind, name))

    def unmatched(self) -> list[str]:
        """What `PARTISAN_DISABLE_PLUGINS` names, and nothing is called."""
        return sorted(_disabled() - {known for kind, name in self._points for known in (name, f"{kind}:{name}")})

    @cached_property
    def _points(self) -> dict[tuple[str, str], list[EntryPoint]]:
        # Imported late: with the scan it costs more than the rest of the façade, and `--help` needs neither.
        from importlib_metadata import entry_points

        kinds = {group: kind for kind, group in self._groups.items()}
        points = defaultdict(list)
        for point in entry_points():
            if point.group in kinds:
                points[kinds[point.group], point.name].append(point)
        return dict(points)


def is_disabled(kind: str, name: str) -> bool:
    """Whether `PARTISAN_DISABLE_PLUGINS` says so."""
    return not _disabled().isdisjoint({name, f"{kind}:{name}"})


def origin(point: EntryPoint) -> str:
    """The distribution and its version, for people."""
    return " ".join(_distribution(point)[:2])


def _disabled() -> frozenset[str]:
    return frozenset(word.strip() for word in os.environ.get(DISABLE_VARIABLE, "").split(",")) - {""}


def _distribution(point: EntryPoint) -> tuple[str, str, str | None]:
    """Name, version and API range; a distribution with damaged metadata is listed, not fatal."""
    unknown = ("?", "?", None)
    try:
        dist = point.dist
        return (dist.name, dist.version, _api_range(dist.name, dist.version, dist.requires)) if dist else unknown
    except Exception:  # noqa: BLE001 - what damaged metadata raises differs between versions of the library
        return unknown


def _api_range(distribution: str, version: str, requires: Iterable[str] | None) -> str | None:
    if distribution == _OWN:
        return f"{_OWN}=={version}"
    found = (_REQUIREMENT.match(requirement) for requirement in requires or ())
    return next((match[0].strip() for match in found if match), None)
