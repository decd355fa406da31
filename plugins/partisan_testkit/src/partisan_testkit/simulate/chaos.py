"""Random schedules of faults, as `partisan simulate --chaos` shows them."""

from collections.abc import Iterator, Mapping

from partisan_testkit.schedules.command import Outcome

NODES = 16
"""Chosen: as the schedules of `python -m partisan_testkit.schedules`."""


def chaos_lines(overlay: str, nodes: int, outcome: Outcome) -> Iterator[str]:
    """Yield what a range of seeds came to: sums, or the first violation with all that it takes to see it again."""
    if outcome.violation is None:
        yield f"{overlay}: {outcome.seeds} schedules of {nodes} nodes, no violation; {outcome.events} events"
        yield f"all was well {outcome.settled:g} s after the last fault at the latest; logs {outcome.hash}"
        return
    yield f"seed {outcome.seed}, as few faults as it takes:"
    yield str(outcome.schedule)
    yield "the end of the log:"
    yield from (f"  {line}" for line in outcome.last_lines)
    yield f"violation: {outcome.violation}"
    yield f"repeat it with: {repeat(overlay, nodes, outcome)}"


def chaos_figures(overlay: str, nodes: int, outcome: Outcome) -> Mapping[str, object]:
    """The same as plain data."""
    figures: dict[str, object] = {"overlay": overlay, "nodes": nodes, "events": outcome.events, "hash": outcome.hash}
    if outcome.violation is None:
        return figures | {"seeds": outcome.seeds, "settled": outcome.settled, "violation": None}
    return figures | {
        "seed": outcome.seed,
        "schedule": str(outcome.schedule).splitlines(),
        "last_lines": list(outcome.last_lines),
        "violation": str(outcome.violation),
        "repeat": repeat(overlay, nodes, outcome),
    }


def repeat(overlay: str, nodes: int, outcome: Outcome) -> str:
    """The command that does it again."""
    return f"partisan simulate --overlay {overlay} --nodes {nodes} --chaos --seeds {outcome.seed}"
