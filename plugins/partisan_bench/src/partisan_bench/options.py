"""The options that the commands of `partisan bench` share."""

from collections.abc import Callable, Sequence
from typing import Final, TypedDict

import click

from partisan_bench.cases import SUBJECTS
from partisan_bench.transports import NAMES, TCP

Command = Callable[..., None]
Option = Callable[[Command], Command]

ALL: Final = "all"
"""Every overlay that is installed."""


class Wanted(TypedDict):
    """The options of a benchmark that runs two processes."""

    pairs: int
    seconds: float
    only: tuple[str, ...]
    containing: str
    transport: str


_AS_JSON = click.option("--json/--table", "as_json", help="One JSON array of rows, or a table (default).")


def with_options(seconds: float) -> Option:
    """Add the options of a benchmark whose measurements take so long by default."""
    return _adding(
        _AS_JSON,
        click.option("--pairs", type=click.IntRange(1), default=7, show_default=True, help="Rounds of all subjects."),
        click.option(
            "--subject",
            "only",
            multiple=True,
            type=click.Choice(sorted({subject.name for subject in SUBJECTS})),
            help="Measure only this one; may be given several times.",
        ),
        click.option("--case", "containing", default="", help="Measure only the cases with this in their name."),
        click.option(
            "--transport",
            type=click.Choice(NAMES),
            default=TCP.name,
            show_default=True,
            help="Measure Partisan over this one beside TCP, and compare them.",
        ),
        click.option(
            "--seconds",
            type=click.FloatRange(0, 60, min_open=True),
            default=seconds,
            show_default=True,
            help="Length of one measurement.",
        ),
    )


def with_cluster_options(overlays: Sequence[str], sizes: Sequence[int], rounds: int) -> Option:
    """Add the options of a benchmark that runs clusters, with these defaults."""
    return _adding(
        _AS_JSON,
        click.option(
            "--overlay",
            "overlays",
            multiple=True,
            default=overlays,
            show_default=True,
            help=f"Any that is installed, or `{ALL}`; may be given several times. `static` is a ring.",
        ),
        click.option(
            "--nodes",
            "sizes",
            multiple=True,
            type=click.IntRange(2, 1024),
            default=sizes,
            show_default=True,
            help="Nodes in a cluster; may be given several times.",
        ),
        click.option("--rounds", type=click.IntRange(1), default=rounds, show_default=True, help="Clusters of each."),
        click.option(
            "--idle",
            type=click.FloatRange(0.1, 600),
            default=10.0,
            show_default=True,
            help="Seconds for which a complete cluster is watched while it does nothing.",
        ),
    )


def _adding(*options: Option) -> Option:
    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add
