"""The rows for human eyes."""

from collections.abc import Iterable, Sequence

from partisan_bench.rows import Row

_HEAD = ("case", "subject", "metric", "median", "lowest", "highest", "unit")
_NUMBERS = range(3, 6)


def render(rows: Sequence[Row]) -> str:
    """Lay the rows out in columns; numbers stand to the right."""
    lines = [_HEAD, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_line(cells, widths) for cells in lines)


def _cells(row: Row) -> tuple[str, ...]:
    figures = (row.median, min(row.values), max(row.values))
    return (row.case, row.subject, row.metric, *map(_figure, figures), row.unit)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _line(cells: Iterable[str], widths: Sequence[int]) -> str:
    padded = (
        cell.rjust(width) if column in _NUMBERS else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(padded).rstrip()
