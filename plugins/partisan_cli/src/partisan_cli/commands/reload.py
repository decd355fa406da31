"""`partisan reload`."""

import click

from partisan_cli.finding import RunningNode, for_a_node
from partisan_cli.output import json_option, print_json, print_table
from partisan_core.views import Change


@click.command()
@json_option
@for_a_node
def reload(node: RunningNode, *, as_json: bool) -> None:
    """Make a node read its configuration again, and take over what has changed: all of it, or nothing."""
    changes = node.ask("reload", list[Change])
    if as_json:
        print_json(changes)
    elif changes:
        print_table(["key", "before", "now"], [[change.key, change.before, change.after] for change in changes])
    else:
        click.echo("nothing has changed")
