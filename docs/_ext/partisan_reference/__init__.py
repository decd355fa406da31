"""Writes the reference out of the code, so that it can say nothing else: a Sphinx extension, and a script.

    python -m partisan_reference FOLDER

Each page is a function without arguments that returns Markdown. It needs only the standard library and the
packages that are documented; the options of every installed plugin are written too.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from partisan_reference import configuration, entry_points, errors, hooks, interface, notices, seam

PAGES: dict[str, Callable[[], str]] = {
    "hooks": hooks.page,
    "configuration": configuration.page,
    "node": interface.page,
    "entry-points": entry_points.page,
    "seam": seam.page,
    "notices": notices.page,
    "errors": errors.page,
}


def write(folder: Path) -> None:
    """Write all pages into `folder`; what has not changed is left alone, and Sphinx need not read it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        path, text = folder / f"{name}.md", page()
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)


class _Sphinx(Protocol):
    srcdir: Path

    def connect(self, event: str, callback: "Callable[[_Sphinx], None]") -> int: ...


def setup(app: _Sphinx) -> dict[str, bool]:
    """Register with Sphinx: write before it looks for pages."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir) / "reference" / "generated"))
    return {"parallel_read_safe": True}
