"""What commands print: JSON for programs, tables for people."""

import json
import sys
from collections.abc import Mapping, Sequence

import click
import msgspec

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(value: object) -> None:
    """Print data as JSON; all but ASCII is escaped, so that a peer's text cannot command the terminal."""
    click.echo(json.dumps(msgspec.to_builtins(value), indent=2))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under headings; numbers are set to the right. What is no terminal gets lines of any length."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        numbers = any(isinstance(row[index], int | float) for row in rows)
        table.add_column(column, justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else 10_000).print(table)


def printable(cell: object) -> str:
    """Text of a cell, with everything escaped that a terminal would obey."""
    if cell is None:
        return "-"
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in str(cell))


def counts(counted: Mapping[str, int]) -> str:
    """What was counted, by name."""
    return ", ".join(f"{name} {counted[name]}" for name in sorted(counted)) or "none"


def milliseconds(seconds: float | None) -> str | None:
    """A time that is short."""
    return None if seconds is None else f"{seconds * 1000:.2f} ms"


def duration(seconds: float | None) -> str | None:
    """A time that is long: `12s`, `5m 12s`, `3h 5m`, `2d 3h`."""
    if seconds is None:
        return None
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")]
    first = next((index for index, (count, _) in enumerate(parts) if count), 3)
    return " ".join(f"{count}{unit}" for count, unit in parts[first : first + 2])
