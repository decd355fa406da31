"""Documentation pages as the tests run them.

All `python` blocks of a page are one program; all `toml` blocks are configurations; of the `console` blocks
those commands are run that `RUNNABLE` allows. A comment on the line above a block changes that:

    <!-- file: alpha.toml -->     the block is written to this file first, whatever its language
    <!-- not run: the reason -->  the block is only shown
    <!-- part: cyclon/x.py -->    the block is a part of this file; a test of its own makes something of these files
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.workspace import ROOT, Distribution

RUNNABLE = ("partisan --help", "partisan plugins", "partisan config check", "partisan simulate --", "python ")

_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>file|not run|part): (?P<word>.+?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    language: str
    text: str
    line: int
    """The line of the page on which the text begins."""
    file: str | None
    part_of: str | None
    shown_only: bool

    @property
    def runs(self) -> bool:
        return not self.shown_only and self.file is None


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    def __str__(self) -> str:
        return Distribution.relative(self.path)

    def blocks(self) -> Iterator[Block]:
        text = self.path.read_text()
        for found in _BLOCK.finditer(text):
            line = text.count("\n", 0, found.start("text")) + 1
            file, part_of = (found["word"] if found["mark"] == mark else None for mark in ("file", "part"))
            shown_only = found["mark"] in ("not run", "part")
            yield Block(found["language"], found["text"], line, file, part_of, shown_only)

    def program(self) -> str:
        """The Python blocks as one program, each on its lines of the page, so that tracebacks name these."""
        lines: list[str] = []
        for block in self.blocks():
            if block.language == "python" and block.runs:
                lines += [""] * (block.line - 1 - len(lines))
                lines += block.text.splitlines()
        return "\n".join(lines) + "\n" if lines else ""

    def configurations(self) -> Iterator[Block]:
        """The TOML blocks that are a configuration, those that are written to a file included."""
        for block in self.blocks():
            if block.language == "toml" and not block.shown_only and block.file != "pyproject.toml":
                yield block

    def commands(self) -> Iterator[str]:
        """The commands of the console blocks that the tests may run."""
        for block in self.blocks():
            if block.language == "console" and block.runs:
                lines = [line.removeprefix("$ ") for line in block.text.splitlines() if line.startswith("$ ")]
                yield from (line for line in lines if line.startswith(RUNNABLE))

    def parts(self) -> dict[str, str]:
        """The files that a page makes step by step: the parts of each, in their order, an empty line between them."""
        files: dict[str, list[str]] = {}
        for block in self.blocks():
            if block.part_of is not None:
                files.setdefault(block.part_of, []).append(block.text)
        return {path: "\n".join(texts) for path, texts in files.items()}

    def write_files(self, folder: Path) -> None:
        for block in self.blocks():
            if block.file is not None:
                (folder / block.file).write_text(block.text)


def pages() -> list[Page]:
    """The READMEs and the written documentation; generated pages have nothing to run."""
    readmes = [ROOT / "README.md", *ROOT.glob("partisan_*/README.md"), *ROOT.glob("plugins/**/README.md")]
    written = [path for path in ROOT.glob("docs/**/*.md") if not {"_build", "generated"} & set(path.parts)]
    return [Page(path) for path in sorted({*readmes, *written})]
