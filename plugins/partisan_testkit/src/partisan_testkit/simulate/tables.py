"""Reports as text for people."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from partisan_testkit.simulate.figures import Figures
from partisan_testkit.simulate.running import Report

_ROWS: Mapping[str, Callable[[Figures], str]] = {
    "simulated time": lambda one: f"{one.time:g} s",
    "living nodes": lambda one: str(one.nodes),
    "components": lambda one: str(one.components),
    "  largest": lambda one: percent(one.largest),
    "one-sided links": lambda one: str(one.one_sided),
    "degree": lambda one: f"{one.degree_min} / {one.degree_mean:.2f} / {one.degree_max}",
    "in-degree": lambda one: f"{one.in_degree_min} / {one.degree_mean:.2f} / {one.in_degree_max}",
    "shortest path": lambda one: f"{one.path:.2f}",
    "clustering": lambda one: f"{one.clustering:.4f}",
    "flood reliability": lambda one: percent(one.reliability),
    "  hops": lambda one: str(one.hops),
    "  redundancy": lambda one: f"{one.redundancy:.2f}",
    "events": lambda one: str(one.events),
}


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield lines: the first column to the left, all others to the right, each as wide as it must be."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        first, *others = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join([first, *(cell.strip().rjust(width) for cell, width in zip(others, widths[1:], strict=True))])


def report_lines(report: Report, wall_seconds: float) -> Iterator[str]:
    """Yield what a run came to."""
    yield f"{report.overlay}, {report.nodes} nodes, seed {report.seed}"
    if report.phases:
        yield from table(
            ["", *(figures.name for figures in report.phases)],
            [
                *([name, *map(show, report.phases)] for name, show in _ROWS.items()),
                ["events per second", *(f"{speed:.0f}" for speed in report.speeds)],
            ],
        )
        yield "degrees are least / mean / most"
    if report.floods:
        shares = [told.reliability for told in report.floods]
        yield (
            f"broadcasts: {len(shares)}, reliability in the mean {percent(sum(shares) / len(shares))}, "
            f"at the least {percent(min(shares))}; at most {max(told.hops for told in report.floods)} hops"
        )
    if report.settled is not None:
        yield f"invariants: no violation; all rules held {report.settled:g} s after the end"
    yield f"speed: {report.events} events, {report.events / max(wall_seconds, 1e-6):.0f} events/s"


def violation_lines(report: Report, repeat: str) -> Iterator[str]:
    """Yield what was violated, and how to see it again."""
    yield "the end of the log:"
    yield from (f"  {line}" for line in report.last_lines)
    yield f"violation with seed {report.seed}, at {report.violation}"
    yield f"repeat it with: {repeat}"


def percent(share: float) -> str:
    """Write a share."""
    return f"{share:.1%}"
