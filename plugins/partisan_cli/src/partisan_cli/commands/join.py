"""`partisan join`."""

import click

from partisan_cli.finding import RunningNode, for_a_node
from partisan_cli.output import json_option, print_json
from partisan_control.protocol import JoinArguments, Joined

_MARGIN = 5.0
"""Seconds beyond the join's own for the node to answer us."""


@click.command()
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@click.option("--timeout", type=click.FloatRange(0.001, 3600), default=10.0, show_default=True, help="Seconds to try.")
@json_option
@for_a_node
def join(node: RunningNode, addresses: tuple[str, ...], *, timeout: float, as_json: bool) -> None:
    """Make a node join a cluster through the first ADDRESS (host:port) that answers."""
    joined = node.ask("join", Joined, JoinArguments(addresses, timeout), timeout=timeout + _MARGIN)
    if as_json:
        print_json(joined)
    else:
        click.echo(f"joined; neighbours: {', '.join(joined.neighbours)}")
