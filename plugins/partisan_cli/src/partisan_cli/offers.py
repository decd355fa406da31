"""Commands that other distributions offer: the entry points of the group `partisan.commands`.

Read from the files that installers write, and not through `importlib.metadata`: importing that costs a good part of
what `partisan --help` may take, as does pathlib, and so both are avoided here.
"""

# ruff: noqa: PTH118, PTH122, PTH123, PTH208

import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

GROUP, KIND = "partisan.commands", "command"


class Offer(NamedTuple):
    """One command that a distribution offers."""

    name: str
    value: str
    """module:object."""
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version} ({self.value})"


def read_offers() -> list[Offer]:
    """What is offered on the import path, but for what the operator disables."""
    return [offer for offer in _read(tuple(sys.path)) if not _is_disabled(offer.name)]


def disabled_offer(name: str) -> Offer | None:
    """Return what `name` would be, were it not disabled."""
    offers = [offer for offer in _read(tuple(sys.path)) if offer.name == name]
    return offers[0] if offers and _is_disabled(name) else None


def _is_disabled(name: str) -> bool:
    if "PARTISAN_DISABLE_PLUGINS" not in os.environ:
        return False  # the core is not imported for the help, if it can be helped
    from partisan_core.installed import is_disabled

    return is_disabled(KIND, name)


@cache
def _read(folders: Sequence[str]) -> list[Offer]:
    found: dict[str, list[Offer]] = {}
    for folder in folders:
        for info in _infos(folder):
            name, _, version = os.path.splitext(info)[0].partition("-")
            # as in an import, the first of two installations of one distribution counts
            if name.lower() not in found:
                path = os.path.join(folder, info, "entry_points.txt")
                found[name.lower()] = list(_offers(path, name.replace("_", "-"), version))
    return [offer for offers in found.values() for offer in offers]


def _infos(folder: str) -> list[str]:
    """The folders that an installer left in `folder` (core metadata specifications: .dist-info, .egg-info)."""
    try:
        return sorted(name for name in os.listdir(folder or ".") if name.endswith((".dist-info", ".egg-info")))
    except OSError:
        return []


def _offers(path: str, distribution: str, version: str) -> Iterator[Offer]:
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError):
        return
    group = ""
    for line in map(str.strip, lines):
        if line.startswith("["):
            group = line.strip("[] ")
        elif group == GROUP and line and line[0] not in "#;":
            name, _, value = line.partition("=")
            yield Offer(name.strip(), value.strip(), distribution, version)
