"""What came out of a run, as people and programs read it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec


@dataclass(frozen=True, slots=True)
class Outcome:
    """The keys of the JSON report, in order. Times in seconds; None where nothing was killed."""

    nodes: int
    overlay: str
    files: int
    """Counted and compared."""
    words: int
    expected_words: int
    match: bool
    """Every word was counted as often as by one process, and all nodes hold the same results."""
    formation_s: float
    """From the first start to the moment when every roster held everybody."""
    killed: list[str]
    detected_s: float | None
    """From the kill until the last neighbour had noticed; the slowest when several were killed."""
    rejoined_s: float | None
    """From the restart until every roster held the new life; the slowest when several were killed."""
    messages: int
    dropped: dict[str, int]
    """By reason."""


@dataclass(frozen=True, slots=True)
class Remarks:
    """What does not belong into the report, but has to be said."""

    left_out: dict[Path, str] = field(default_factory=dict)
    spared: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """One line each."""
        for path, reason in self.left_out.items():
            yield f"left out on both sides: {path}: {reason}"
        for name in self.spared:
            yield (
                f"{name} was not killed: it was never seen with some files counted and some to count; "
                f"give it more files or a slower --pace"
            )


def as_json(outcome: Outcome) -> str:
    """One JSON object."""
    return msgspec.json.encode(outcome).decode()


def as_text(outcome: Outcome) -> str:
    """A few lines."""
    dropped = ", ".join(f"{count} {reason}" for reason, count in sorted(outcome.dropped.items()))
    rows = [
        ("nodes", f"{outcome.nodes}, overlay {outcome.overlay}"),
        ("formation", f"{outcome.formation_s:.2f} s"),
        ("killed", ", ".join(outcome.killed) or "nobody"),
        ("detected", _after(outcome.detected_s, "the kill", 1000, "ms")),
        ("rejoined", _after(outcome.rejoined_s, "the restart", 1, "s")),
        ("messages", f"{outcome.messages:,} sent; dropped: {dropped or 'none'}"),
        ("counted", f"{outcome.words:,} words in {outcome.files:,} files"),
        ("one process", f"{outcome.expected_words:,} words"),
    ]
    verdict = "the counts match, word for word" if outcome.match else "THE COUNTS DIFFER"
    return "\n".join([*(f"{title:<12} {text}" for title, text in rows), verdict])


def _after(seconds: float | None, what: str, factor: float, unit: str) -> str:
    return "-" if seconds is None else f"{seconds * factor:.2f} {unit} after {what}"
