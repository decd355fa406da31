"""The count of one process, which the answer of the cluster is compared with."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import trio

from partisan_cli.demo.tally import count_words, explain, read_tally

CHANGED = "changed while it was counted"

_Signature = tuple[int, int]


@dataclass(slots=True)
class Comparison:
    """Both counts, of the files that both sides could read."""

    answer: Counter[bytes] = field(default_factory=Counter)
    expected: Counter[bytes] = field(default_factory=Counter)
    left_out: dict[Path, str] = field(default_factory=dict)
    """On both sides, and why."""


class Reference:
    """Remembers how the files were before the run, and counts them after it."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._before = [_signature(file) for file in files]

    async def compare(self, results: Mapping[int, bytes]) -> Comparison:
        """Count every file here, and add up what the cluster has counted; other tasks run in between.

        A file that one side could not read, or that is not what it was before the run, is left out on both sides.
        """
        comparison = Comparison()
        for number, file in enumerate(self._files):
            await trio.lowlevel.checkpoint()
            theirs = read_tally(results[number])
            error = theirs.error
            try:
                words = count_words(file)
            except OSError as reason:
                error = error or explain(reason)
            if error or self._before[number] != _signature(file):
                comparison.left_out[file] = error or CHANGED
            else:
                comparison.expected.update(words)
                comparison.answer.update(theirs.words)
        return comparison


def _signature(file: Path) -> _Signature | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
