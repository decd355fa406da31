"""The command `partisan replay`."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import click

from partisan_testkit.wholenodes.trace import BadTrace, Line, read_trace


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--node", help="Only what happens at or to the node of this name.")
@click.option("--after", type=float, default=0.0, help="Begin at this second.")
@click.option("--bytes/--no-bytes", "with_bytes", default=False, help="Show each segment of bytes that arrives, too.")
@click.option("--step", is_flag=True, help="Wait for a key after each moment.")
def replay(file: Path, node: str | None, after: float, with_bytes: bool, step: bool) -> None:
    """Print what happened in a simulation of whole nodes, from the FILE that --trace wrote."""
    try:
        heading, lines = read_trace(file)
        click.echo(f"{heading.nodes} nodes of {heading.overlay}, seed {heading.seed}")
        click.echo("\n".join(heading.schedule))
        for second, moment in groupby(_chosen(lines, node, after, with_bytes=with_bytes), lambda line: line[0]):
            for line in moment:
                click.echo(f"{second:10.3f} s  {' '.join(map(str, line[1:]))}")
            if step:
                click.pause("")
    except BadTrace as error:
        raise click.ClickException(str(error)) from None


def _chosen(lines: Iterator[Line], node: str | None, after: float, *, with_bytes: bool) -> Iterator[Line]:
    for line in lines:
        second, what, *_ = line
        is_late = isinstance(second, int | float) and second >= after
        if is_late and (with_bytes or what != "bytes") and (node is None or _concerns(line, node)):
            yield line


def _concerns(line: Line, node: str) -> bool:
    return any(str(word).partition("/")[0] == node for word in line[1:4])
