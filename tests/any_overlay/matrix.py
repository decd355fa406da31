"""The matrix of guarantees: a row for each promise, a column for each overlay, in each cell what was seen."""

import re
from pathlib import Path

from tests.any_overlay.settings import SETTINGS
from tests.any_overlay.trials import TRIALS

PAGE = Path("docs/reference/overlays.md")

Matrix = dict[str, dict[str, str]]
"""By title of the trial and name of the overlay."""


def written(observed: Matrix) -> str:
    """The table as it stands in the page."""
    overlays = [setting.overlay for setting in SETTINGS]
    rows = [[trial.title, *(observed[trial.title][overlay] for overlay in overlays)] for trial in TRIALS]
    head = [["", *(f"`{overlay}`" for overlay in overlays)], ["---"] * (len(overlays) + 1)]
    return "".join(f"| {' | '.join(row)} |\n" for row in head + rows)


def read(page: str) -> Matrix:
    """The first table of a page."""
    lines = [line for line in page.splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    overlays = [re.sub("`", "", cell) for cell in head[1:]]
    return {title: dict(zip(overlays, cells, strict=True)) for title, *cells in rows}
