"""Which files are counted."""

import os
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from partisan_cli.demo.tally import explain

_NOT_THE_STANDARD_LIBRARY = {"site-packages", "dist-packages", "__pycache__"}


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of a run, sorted, each once, and the folders that could not be listed, with the reason."""

    files: tuple[Path, ...]
    unlisted: dict[Path, str]


def find_sources(paths: Sequence[Path]) -> Sources:
    """Find the files: `paths` themselves, everything below the folders among them; by default the standard library.

    Whether a file can be read is found out when it is counted.
    """
    found: set[Path] = set()
    unlisted: dict[Path, str] = {}
    for path in paths:
        found.update(_below(path, unlisted) if path.is_dir() else [path.absolute()])
    if not paths:
        found.update(_standard_library())
    return Sources(tuple(sorted(found)), unlisted)


def _below(folder: Path, unlisted: dict[Path, str]) -> Iterator[Path]:
    def note(error: OSError) -> None:
        unlisted[Path(error.filename)] = explain(error)

    for parent, _, names in os.walk(folder.absolute(), onerror=note):
        yield from (Path(parent, name) for name in names)


def _standard_library() -> Iterable[Path]:
    for parent, folders, names in os.walk(sysconfig.get_path("stdlib")):
        folders[:] = [folder for folder in folders if folder not in _NOT_THE_STANDARD_LIBRARY]
        yield from (Path(parent, name) for name in names if name.endswith(".py"))
