"""The command `partisan bench`."""

import sys
from collections.abc import Iterator, Sequence
from typing import Unpack

import click
import msgspec

from partisan_bench import environment, harness, transports
from partisan_bench.cases import SUBJECTS, Subject, cases_of
from partisan_bench.formation import measure as formed
from partisan_bench.options import ALL, Wanted, with_cluster_options, with_options
from partisan_bench.overhead import measure as idling
from partisan_bench.rows import Row, Sample, summarise
from partisan_bench.table import render
from partisan_core.plugins import Plugins


@click.group()
def bench() -> None:
    """Measure Partisan: beside its baselines, pair by pair on loopback, and as a cluster of many processes."""


@bench.command()
@with_options(seconds=0.3)
def oneway(as_json: bool, **wanted: Unpack[Wanted]) -> None:
    """Messages per second in one direction, of 64 B, 1 KiB and 512 KiB."""
    _report("oneway", as_json, **wanted)


@bench.command()
@with_options(seconds=0.3)
def rtt(as_json: bool, **wanted: Unpack[Wanted]) -> None:
    """Round trips of 64 B: time for one caller, rate for 16 and 128 callers; and what a monitor takes beside them."""
    _report("rtt", as_json, **wanted)


@bench.command()
@with_options(seconds=2.0)
def hol(as_json: bool, **wanted: Unpack[Wanted]) -> None:
    """Pings of 64 B while messages of 8 MiB stream, on the same channel and on another one."""
    _report("hol", as_json, **wanted)


@bench.command()
@with_options(seconds=1.0)
def echo(as_json: bool, **wanted: Unpack[Wanted]) -> None:
    """Calls of many actors, of 1 KiB to 8 MiB, over one lane or 16, at 1 and 20 ms. The paper's."""
    _report("echo", as_json, **wanted)


@bench.command()
@with_options(seconds=0.5)
def memory(as_json: bool, **wanted: Unpack[Wanted]) -> None:
    """The most memory that either end has for messages of 1 and 8 MiB, one at a time, by their size."""
    _report("memory", as_json, **wanted)


@bench.command()
@with_cluster_options(overlays=("fullmesh",), sizes=(2, 4, 8, 16, 32), rounds=3)
@click.option("--per-process", type=click.IntRange(1, 64), default=1, show_default=True, help="Nodes in each process.")
def formation(
    as_json: bool, overlays: tuple[str, ...], sizes: tuple[int, ...], per_process: int, rounds: int, idle: float
) -> None:
    """Seconds until many nodes are one complete cluster, and what each of them costs then."""
    click.echo(environment.describe(), err=as_json)
    chosen = _overlays(overlays)
    rows = _summarise(formed.run(chosen, sizes, rounds, idle, per_process), rounds * len(sizes) * len(chosen))
    _print(rows, as_json)


@bench.command()
@with_cluster_options(overlays=(ALL,), sizes=(2, 8, 32), rounds=1)
@click.option(
    "--peers", type=click.IntRange(0, 1000), default=100, show_default=True, help="Of the one node with many; 0: none."
)
def overhead(
    as_json: bool, overlays: tuple[str, ...], sizes: tuple[int, ...], peers: int, rounds: int, idle: float
) -> None:
    """What a node costs while it does nothing: processor, bytes, memory and sockets, alone with many peers too."""
    click.echo(environment.describe(), err=as_json)
    planned = idling.plans(_overlays(overlays), sizes, peers)
    _print(_summarise(idling.run(planned, rounds, idle), rounds * len(planned)), as_json)


def _overlays(wanted: Sequence[str]) -> list[str]:
    """Put what is installed for the word that means all."""
    return Plugins().names("overlay") if ALL in wanted else list(dict.fromkeys(wanted))


def _report(benchmark: str, as_json: bool, **wanted: Unpack[Wanted]) -> None:
    click.echo(environment.describe(), err=as_json)
    pairs, containing, transport = wanted["pairs"], wanted["containing"], wanted["transport"]
    if mend := transports.lacking(transport):
        raise click.UsageError(f"the transport {transport} cannot be measured; {mend}")
    subjects = _choose(benchmark, wanted["only"], containing)
    turns = harness.run(benchmark, subjects, pairs, wanted["seconds"], containing, transport)
    _print(_summarise(turns, pairs * len(subjects)), as_json)


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
