"""Runs the subjects of a benchmark in turn, round by round, each time in two fresh processes on loopback.

Whatever else the machine does meets ours and the baselines alike: that is why a ratio is made inside a round,
and why the subjects alternate instead of running one after the other.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import msgspec

from partisan_bench.cases import PARTISAN, Case, Subject, cases_of, round_trips_of
from partisan_bench.delay.process import Delay, opened_delay
from partisan_bench.rows import Sample
from partisan_bench.transports import TCP, Transport, transports
from partisan_bench.work import Figures


class WorkerFailed(Exception):
    """A worker process ended without figures; the whole benchmark is given up."""


def run(
    benchmark: str,
    subjects: Sequence[Subject],
    pairs: int,
    seconds: float,
    containing: str = "",
    transport: str = TCP.name,
) -> Iterator[list[Sample]]:
    """Run every subject `pairs` times, each of its cases for `seconds`; yield what each turn measured.

    Only the cases whose name contains `containing`; Partisan over TCP, and over `transport`, if that is another.

    Raises:
        WorkerFailed: when a worker process failed; no process is left behind.
    """
    with transports(transport) as available:
        for _ in range(pairs):
            for subject in subjects:
                yield [
                    Sample(way.over(case), subject.name, figures)
                    for round_trip in round_trips_of(benchmark, containing)
                    for way in (available if subject.name == PARTISAN.name else (TCP,))
                    for case, figures in _measure(Run(benchmark, subject, containing, round_trip, seconds, way))
                ]


@dataclass(frozen=True, slots=True)
class Run:
    """Two processes, and the cases that they go through one after the other."""

    benchmark: str
    subject: Subject
    containing: str
    round_trip: float
    seconds: float
    transport: Transport = TCP

    def start(self, role: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start the process that serves or drives."""
        settings = {**os.environ, **self.transport.settings[role], **(environment or {})}
        cases = (self.benchmark, self.subject.module, self.containing, str(self.round_trip))
        command = [sys.executable, "-m", "partisan_bench.worker", *cases, role, str(self.seconds)]
        pipe = subprocess.PIPE
        return subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=settings
        )

    def failed(self, errors: str) -> WorkerFailed:
        """Name the run and the last line that the worker had to say."""
        reason = errors.strip().rpartition("\n")[2] or "it was killed, or took too long"
        return WorkerFailed(f"{self.benchmark}, subject {self.subject.name}: a worker process failed: {reason}")


def _measure(run: Run) -> Iterator[tuple[Case, Figures]]:
    """Start both processes at once, so that each imports what it needs while the other does."""
    delayed = opened_delay(run.round_trip) if run.round_trip else nullcontext()
    with delayed as delay, run.start("serve", _reached_through(delay)) as server, run.start("drive") as driver:
        try:
            assert server.stdout is not None
            address = server.stdout.readline()
            if not address:
                raise run.failed(server.communicate()[1])
            if delay:
                delay.forward_to(address)
            output, errors = driver.communicate(delay.address if delay else address)
            if driver.returncode:
                raise run.failed(errors)
            cases = cases_of(run.benchmark, run.subject.module, run.containing, run.round_trip)
            return zip(cases, msgspec.json.decode(output, type=list[Figures]), strict=True)
        finally:
            driver.kill()
            server.kill()


def _reached_through(delay: Delay | None) -> dict[str, str]:
    """Let a Partisan node tell others to dial the proxy instead of itself."""
    return {"PARTISAN__NODE__ADVERTISE": f'["{delay.address}"]'} if delay else {}
