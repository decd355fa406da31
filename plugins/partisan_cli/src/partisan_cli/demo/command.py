"""The command `partisan demo`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from partisan_cli.demo.audience import Audience
    from partisan_cli.demo.plan import Plan

MOST_NODES = 24
"""The Greek alphabet has so many letters; each node is a process of about 40 MiB."""

SHORTEST_PACE = 0.5
"""Seconds; much faster, and a victim is done before it can be caught at work (chosen)."""


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--nodes", type=click.IntRange(1, MOST_NODES), default=5, show_default=True, help="How many processes.")
@click.option(
    "--overlay", default="fullmesh", show_default=True, help="The overlay network: `partisan plugins` lists them."
)
@click.option("--kill", type=click.IntRange(0), default=1, show_default=True, help="How many of them to kill.")
@click.option(
    "--pace",
    type=click.FloatRange(SHORTEST_PACE),
    default=5.0,
    show_default=True,
    help="Seconds that counting shall take.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output, and no table.")
def demo(paths: tuple[Path, ...], nodes: int, overlay: str, kill: int, pace: float, as_json: bool) -> None:
    """Count the words of real files in a cluster of processes, kill some, and compare.

    PATHS are files, or folders with everything below; without any, the standard library of this Python is counted.
    Succeeds when the answer is that of one process, word for word.
    """
    if kill >= nodes:
        raise click.UsageError(f"--kill {kill} leaves no survivor of {nodes} nodes: kill at most {nodes - 1}")
    sys.exit(_perform(_plan(paths, nodes, overlay, kill, pace), as_json))


def _plan(paths: tuple[Path, ...], nodes: int, overlay: str, kill: int, pace: float) -> "Plan":
    from partisan_cli.demo.plan import make_plan
    from partisan_cli.demo.sources import find_sources
    from partisan_core.errors import PluginError

    sources = find_sources(paths)
    for folder, reason in sources.unlisted.items():
        click.echo(f"left out on both sides: {folder}: {reason}", err=True)
    if not sources.files:
        raise click.UsageError("there is no file below these folders: nothing to count")
    try:
        return make_plan(nodes, kill, overlay, sources.files, pace)
    except PluginError as error:
        raise click.UsageError(str(error)) from error


def _perform(plan: "Plan", as_json: bool) -> int:
    """Run the plan; returns the exit code."""
    import trio

    from partisan_cli.demo.conductor import DemoFailed
    from partisan_cli.demo.outcome import as_json as to_json
    from partisan_cli.demo.outcome import as_text
    from partisan_cli.demo.performance import Stopped, perform

    try:
        with _open_audience(as_json) as audience:
            outcome, remarks = trio.run(perform, plan, audience)
    except DemoFailed as failure:
        raise click.ClickException(str(failure)) from failure
    except Stopped as stopped:
        click.echo(str(stopped), err=True)
        return 128 + stopped.number
    for line in remarks.lines():
        click.echo(line, err=True)
    click.echo(to_json(outcome) if as_json else as_text(outcome))
    return 0 if outcome.match else 1


@contextmanager
def _open_audience(as_json: bool) -> "Iterator[Audience]":
    """A live table on a terminal; elsewhere lines, on standard error; silence for programs."""
    from partisan_cli.demo.audience import Listener

    if not as_json and sys.stderr.isatty():
        from partisan_cli.demo.live import open_screen

        with open_screen() as screen:
            yield screen
    else:
        yield Listener(None if as_json else _say)


def _say(line: str) -> None:
    click.echo(line, err=True)
