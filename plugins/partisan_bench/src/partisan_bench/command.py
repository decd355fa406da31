"""The command `partisan bench`."""

import sys
from collections.abc import Callable, Iterator, Sequence

import click
import msgspec

from partisan_bench import environment, harness
from partisan_bench.cases import SUBJECTS, Subject, cases_of
from partisan_bench.formation import measure
from partisan_bench.rows import Row, Sample, summarise
from partisan_bench.table import render

_Command = Callable[..., None]

_OPTIONS = (
    click.option("--json/--table", "as_json", help="One JSON array of rows, or a table (default)."),
    click.option("--pairs", type=click.IntRange(1), default=7, show_default=True, help="Rounds of all subjects."),
    click.option(
        "--subject",
        "only",
        multiple=True,
        type=click.Choice([subject.name for subject in SUBJECTS]),
        help="Measure only this one; may be given several times.",
    ),
    click.option("--case", "containing", default="", help="Measure only the cases with this in their name."),
)


@click.group()
def bench() -> None:
    """Measure Partisan: beside its baselines, pair by pair on loopback, and as a cluster of many processes."""


def _with_options(seconds: float) -> Callable[[_Command], _Command]:
    """Add the options of a benchmark whose measurements take so long by default."""
    length = click.option(
        "--seconds",
        type=click.FloatRange(0, 60, min_open=True),
        default=seconds,
        show_default=True,
        help="Length of one measurement.",
    )

    def add(command: _Command) -> _Command:
        for option in reversed((*_OPTIONS, length)):
            command = option(command)
        return command

    return add


@bench.command()
@_with_options(seconds=0.3)
def oneway(as_json: bool, pairs: int, seconds: float, only: tuple[str, ...], containing: str) -> None:
    """Messages per second in one direction, of 64 B and 1 KiB."""
    _report("oneway", as_json, pairs, seconds, only, containing)


@bench.command()
@_with_options(seconds=0.3)
def rtt(as_json: bool, pairs: int, seconds: float, only: tuple[str, ...], containing: str) -> None:
    """Round trips of 64 B: time for one caller, rate for 128 callers."""
    _report("rtt", as_json, pairs, seconds, only, containing)


@bench.command()
@_with_options(seconds=2.0)
def hol(as_json: bool, pairs: int, seconds: float, only: tuple[str, ...], containing: str) -> None:
    """Pings of 64 B while messages of 8 MiB stream, on the same channel and on another one."""
    _report("hol", as_json, pairs, seconds, only, containing)


@bench.command()
@_with_options(seconds=1.0)
def echo(as_json: bool, pairs: int, seconds: float, only: tuple[str, ...], containing: str) -> None:
    """Calls of many actors, of 1 KiB to 8 MiB, over one lane or 16, at 1 and 20 ms. The paper's."""
    _report("echo", as_json, pairs, seconds, only, containing)


@bench.command()
@click.option("--json/--table", "as_json", help="One JSON array of rows, or a table (default).")
@click.option("--overlay", default="fullmesh", show_default=True, help="Any that is installed; `static` is a ring.")
@click.option(
    "--nodes",
    "sizes",
    multiple=True,
    type=click.IntRange(2, 1024),
    default=(4, 8, 16, 32),
    show_default=True,
    help="Nodes in a cluster; may be given several times.",
)
@click.option("--per-process", type=click.IntRange(1, 64), default=1, show_default=True, help="Nodes in each process.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Clusters of each size.")
@click.option(
    "--idle",
    type=click.FloatRange(0.1, 600),
    default=10.0,
    show_default=True,
    help="Seconds for which a complete cluster is watched while it does nothing.",
)
def formation(as_json: bool, overlay: str, sizes: tuple[int, ...], per_process: int, rounds: int, idle: float) -> None:
    """Seconds until many nodes are one complete cluster, and what each of them costs then."""
    click.echo(environment.describe(), err=as_json)
    rows = _summarise(measure.run(overlay, sizes, rounds, idle, per_process), rounds * len(sizes))
    _print(rows, as_json)


def _report(benchmark: str, as_json: bool, pairs: int, seconds: float, only: tuple[str, ...], containing: str) -> None:
    click.echo(environment.describe(), err=as_json)
    subjects = _choose(benchmark, only, containing)
    rows = _summarise(harness.run(benchmark, subjects, pairs, seconds, containing), pairs * len(subjects))
    _print(rows, as_json)


def _print(rows: Sequence[Row], as_json: bool) -> None:
    click.echo(msgspec.json.encode(rows) if as_json else render(rows))


def _choose(benchmark: str, only: tuple[str, ...], containing: str) -> list[Subject]:
    """Leave out the subjects that were not asked for, and with a word those that are not installed."""
    chosen = []
    for subject in SUBJECTS:
        if (only and subject.name not in only) or not cases_of(benchmark, subject.module, containing):
            continue
        if subject.is_installed:
            chosen.append(subject)
        else:
            click.echo(f"{subject.name} is not installed and is left out; to measure it: {subject.mend}", err=True)
    if not chosen:
        raise click.UsageError(f"nothing to measure: {benchmark} has no such case or no such subject installed")
    return chosen


def _summarise(turns: Iterator[list[Sample]], length: int) -> list[Row]:
    try:
        with click.progressbar(turns, length=length, file=sys.stderr, hidden=not sys.stderr.isatty()) as progress:
            return summarise([sample for turn in progress for sample in turn])
    except harness.WorkerFailed as error:
        raise click.ClickException(str(error)) from error
