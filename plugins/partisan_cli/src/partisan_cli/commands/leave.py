"""`partisan leave`."""

import click

from partisan_cli.finding import RunningNode, for_a_node
from partisan_cli.output import json_option, print_json
from partisan_control.protocol import Gone

_PATIENCE = 60.0
"""Seconds for the node to flush what is queued; its own bound, `links.flush_timeout`, is smaller."""


@click.command()
@click.option("--stay", is_flag=True, help="Let the process of a `partisan run` go on, alone; it can join again.")
@json_option
@for_a_node
def leave(node: RunningNode, *, stay: bool, as_json: bool) -> None:
    """Make a node leave its cluster; the process of a `partisan run` then ends.

    A node inside an application leaves, and what becomes of the process is for the application to say.
    """
    gone = node.ask("leave" if stay else "shutdown", Gone, timeout=_PATIENCE)
    if as_json:
        print_json(gone)
    else:
        click.echo(f"{gone.name} has left; its process {'ends' if gone.ends else 'goes on'}")
