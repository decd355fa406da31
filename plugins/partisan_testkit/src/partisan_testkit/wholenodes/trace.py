"""All that happened in one run, in a file: the smallest schedule that fails, or the whole one when it does not."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from partisan_testkit.schedules.plan import Schedule
from partisan_testkit.schedules.run import Report
from partisan_testkit.schedules.settings import ClusterSettings
from partisan_testkit.schedules.shrink import shrink
from partisan_testkit.wholenodes.run import make_whole_schedule, run_whole


class Heading(Struct, frozen=True):
    """The first line of a trace."""

    overlay: str
    nodes: int
    seed: int
    schedule: list[str]
    """What was done to the nodes."""


Line = list[object]
"""Any other line: the second, and what happened."""


class BadTrace(Exception):
    """A file is no trace."""


def write_trace(path: Path, cluster: ClusterSettings, seed: int, seconds: float) -> Report:
    """Run a seed, make its schedule smaller if it fails, and write what happens in it."""
    schedule = make_whole_schedule(seed, cluster, seconds)
    if run_whole(schedule, cluster).violation is not None:
        schedule = shrink(schedule, lambda smaller: run_whole(smaller, cluster).violation is not None)
    with path.open("wb") as file:
        file.write(msgspec.json.encode(_heading(schedule, cluster)) + b"\n")
        return run_whole(schedule, cluster, trace=file)


def read_trace(path: Path) -> tuple[Heading, Iterator[Line]]:
    """Open a trace.

    Raises:
        BadTrace: it is none; also while its lines are read.
    """
    lines = _lines(path)
    try:
        return msgspec.json.decode(next(lines, b""), type=Heading), _decoded(path, lines)
    except msgspec.DecodeError as error:
        raise BadTrace(f"{path} is no trace of a simulation: {error}") from error


def _heading(schedule: Schedule, cluster: ClusterSettings) -> Heading:
    return Heading(cluster.overlay, len(cluster.names), schedule.seed, [str(action) for action in schedule.actions])


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def _decoded(path: Path, lines: Iterator[bytes]) -> Iterator[Line]:
    for number, line in enumerate(lines, start=2):
        try:
            yield msgspec.json.decode(line, type=Line)
        except msgspec.DecodeError as error:
            raise BadTrace(f"{path}, line {number}: {error}") from error
