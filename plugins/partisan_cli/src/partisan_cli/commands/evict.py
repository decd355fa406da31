"""`partisan evict`."""

import click

from partisan_cli.finding import RunningNode, for_a_node
from partisan_control.protocol import EvictArguments, Nothing


@click.command()
@click.argument("name")
@for_a_node
def evict(node: RunningNode, name: str) -> None:
    """Remove the member NAME, living or dead, from the cluster of a node."""
    node.ask("evict", Nothing, EvictArguments(name))
    click.echo(f"{name} is evicted")
