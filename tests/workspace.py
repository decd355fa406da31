"""The workspace as the tests see it: its distributions and their source files."""

import ast
import tokenize
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

_LAYOUT_TOKENS = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
)


@dataclass(frozen=True)
class Distribution:
    """One folder that is built into one wheel."""

    folder: Path

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "pyproject.toml").read_text())

    @property
    def project(self) -> dict[str, Any]:
        table: dict[str, Any] = self.pyproject["project"]
        return table

    @property
    def package(self) -> Path:
        return self.folder / "src" / self.folder.name

    @property
    def is_overlay(self) -> bool:
        return "partisan.overlays" in self.project.get("entry-points", {})

    def sources(self) -> Iterator[Path]:
        return iter(sorted(self.package.rglob("*.py")))

    def __str__(self) -> str:
        return self.relative(self.folder)

    @staticmethod
    def relative(path: Path) -> str:
        return path.relative_to(ROOT).as_posix()


def root_pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def distributions() -> list[Distribution]:
    """Every folder below the workspace's globs that has a pyproject.toml."""
    globs = root_pyproject()["tool"]["uv"]["workspace"]["members"]
    folders = sorted(folder for glob in globs for folder in ROOT.glob(glob) if (folder / "pyproject.toml").is_file())
    return [Distribution(folder) for folder in folders]


def sources() -> dict[str, str]:
    """path -> text of every source file of every distribution."""
    return {Distribution.relative(path): path.read_text() for one in distributions() for path in one.sources()}


def code_lines(source: str) -> int:
    """How many lines hold code: no blank lines, no comments, no docstrings."""
    prose = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    code: set[int] = set()
    for token in tokenize.generate_tokens(StringIO(source).readline):
        if token.type not in _LAYOUT_TOKENS:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - prose)
