"""The live table on a terminal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from partisan_cli.demo.audience import Audience
from partisan_cli.demo.chronicle import Chronicle, Life

_REFRESH = 0.1
"""Seconds between two pictures, at least (chosen)."""

_NAMES_SHOWN = 4
"""Neighbours told by name; more are a number (chosen)."""


class Screen:
    """Lines above, the table below."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._shown_at = 0.0

    def say(self, line: str) -> None:
        """Print the line above the table."""
        self._live.console.print(line, highlight=False)

    def show(self, chronicle: Chronicle) -> None:
        """Draw the table, not too often."""
        now = time.monotonic()
        if now - self._shown_at >= _REFRESH or chronicle.are_finished:
            self._shown_at = now
            self._live.update(draw(chronicle), refresh=True)


@contextmanager
def open_screen() -> Iterator[Audience]:
    """A live table on standard error."""
    with Live(console=Console(stderr=True), auto_refresh=False) as live:
        yield Screen(live)


def draw(chronicle: Chronicle) -> Table:
    """The table of all nodes."""
    table = Table("node", "state", "neighbours", "counted", "knows", "")
    for name in chronicle.names:
        life = chronicle.living.get(name)
        if life is None:
            table.add_row(name, "[red]killed" if name in chronicle.killed else "", "", "", "", "")
        else:
            known = life.progress.known
            bar = ProgressBar(total=max(1, chronicle.files), completed=known, width=24)
            counted = str(life.progress.shares.get(name, 0))
            table.add_row(name, _state(chronicle, life), _neighbours(life), counted, str(known), bar)
    return table


def _state(chronicle: Chronicle, life: Life) -> str:
    again = " again" if life.name in chronicle.killed else ""
    if life.started is None:
        return f"[yellow]starting{again}"
    return f"[green]up{again}"


def _neighbours(life: Life) -> str:
    names = sorted(life.view.neighbours) if life.view else []
    return ", ".join(names) if len(names) <= _NAMES_SHOWN else f"{len(names)} nodes"
