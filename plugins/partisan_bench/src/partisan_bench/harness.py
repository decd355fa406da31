"""Runs the subjects of a benchmark in turn, round by round, each time in two fresh processes on loopback.

Whatever else the machine does meets ours and the baselines alike: that is why a ratio is made inside a round,
and why the subjects alternate instead of running one after the other.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence

import msgspec

from partisan_bench.cases import Subject, cases_of
from partisan_bench.rows import Sample
from partisan_bench.work import Figures


class WorkerFailed(Exception):
    """A worker process ended without figures; the whole benchmark is given up."""


def run(benchmark: str, subjects: Sequence[Subject], pairs: int, seconds: float) -> Iterator[list[Sample]]:
    """Run every subject `pairs` times, each of its cases for `seconds`; yield what each turn measured.

    Raises:
        WorkerFailed: when a worker process failed; no process is left behind.
    """
    for _ in range(pairs):
        for subject in subjects:
            cases, figures = cases_of(benchmark, subject.module), _measure(benchmark, subject, seconds)
            yield [Sample(case, subject.name, measured) for case, measured in zip(cases, figures, strict=True)]


def _measure(benchmark: str, subject: Subject, seconds: float) -> list[Figures]:
    """Start both processes at once, so that each imports what it needs while the other does."""
    with (
        _start(benchmark, subject, "serve", seconds) as server,
        _start(benchmark, subject, "drive", seconds) as driver,
    ):
        try:
            assert server.stdout is not None
            address = server.stdout.readline()
            if not address:
                raise _failure(benchmark, subject, server.communicate()[1])
            output, errors = driver.communicate(address)
            if driver.returncode:
                raise _failure(benchmark, subject, errors)
            return msgspec.json.decode(output, type=list[Figures])
        finally:
            driver.kill()
            server.kill()


def _start(benchmark: str, subject: Subject, role: str, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "partisan_bench.worker", benchmark, subject.module, role, str(seconds)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)  # noqa: S603 - our own module


def _failure(benchmark: str, subject: Subject, errors: str) -> WorkerFailed:
    """Name the run and the last line that the worker had to say."""
    reason = errors.strip().rpartition("\n")[2] or "it was killed, or took too long"
    return WorkerFailed(f"{benchmark}, subject {subject.name}: a worker process failed: {reason}")
