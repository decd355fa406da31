"""Writes the files of a template, with its words replaced."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from partisan_testkit.new.naming import Naming

_SUFFIX = ".template"
"""So that tools do not take the files of a template for code of this package."""


class Occupied(Exception):
    """The folder exists and is not empty: nothing was written."""


def write_overlay(naming: Naming, folder: Path) -> list[Path]:
    """Write the beginning of an overlay into `folder`, which is made; return the files.

    Raises:
        Occupied: something is there already.
        OSError: the folder cannot be written to.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Occupied(f"{folder} exists and is not an empty folder: name another one with --dir; nothing was written")
    template = files("partisan_testkit.new") / "overlay"
    return sorted(_write(template, folder, naming.words))


def _write(template: Traversable, target: Path, words: dict[str, str]) -> list[Path]:
    if template.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return [path for inner in template.iterdir() for path in _write(inner, target / _name(inner, words), words)]
    target.write_text(Template(template.read_text("utf-8")).substitute(words), "utf-8")
    return [target]


def _name(inner: Traversable, words: dict[str, str]) -> str:
    return inner.name.removesuffix(_SUFFIX).replace("PACKAGE", words["package"])
