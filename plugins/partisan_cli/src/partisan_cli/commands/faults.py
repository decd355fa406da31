"""`partisan faults`."""

from collections.abc import Sequence

import click

from partisan_cli.finding import RunningNode, for_a_node
from partisan_cli.output import json_option, print_json, print_table
from partisan_control.protocol import FaultArguments, NameArguments, Nothing
from partisan_core.views import FaultRow

_Rows = tuple[FaultRow, ...]


@click.group()
def faults() -> None:
    """Harm what a running node sends and receives; its configuration has to allow it."""


@faults.command("list")
@json_option
@for_a_node
def list_(node: RunningNode, *, as_json: bool) -> None:
    """List the rules of a node, and how often each has struck."""
    _show(node.ask("faults", _Rows), as_json=as_json)


@faults.command()
@click.argument("name")
@click.argument("action")
@click.option("--direction", help="`in`, `out` or `both`.")
@click.option("--peer", "peers", multiple=True, help="The other end, by name. May be repeated.")
@click.option("--channel", "channels", multiple=True, help="May be repeated.")
@click.option("--kind", "kinds", multiple=True, help="Of frame: data, relay, ping and so on. May be repeated.")
@click.option("--probability", type=float, help="How likely it strikes what it matches.")
@click.option("--count", type=int, help="How often it strikes at most.")
@click.option("--skip", type=int, help="How many of what it matches go unharmed before.")
@click.option("--time", help="How long to delay, to hold back or to pause, for example 50ms.")
@click.option("--jitter", help="Up to so much is added to a delay.")
@click.option("--bits", type=int, help="How many bits of a frame `corrupt` flips.")
@json_option
@for_a_node
def add(node: RunningNode, /, name: str, action: str, *, as_json: bool, **keys: object) -> None:
    """Add the rule NAME: drop, delay, duplicate, reorder, corrupt, truncate, close, pause, partition or refuse."""
    said = {key: value for key, value in keys.items() if value not in (None, ())}
    _show(node.ask("faults_add", _Rows, FaultArguments(name, {"action": action, **said})), as_json=as_json)


@faults.command()
@click.argument("name")
@json_option
@for_a_node
def remove(node: RunningNode, name: str, *, as_json: bool) -> None:
    """Remove the rule NAME; what it held back goes on."""
    _show(node.ask("faults_remove", _Rows, NameArguments(name)), as_json=as_json)


@faults.command()
@json_option
@for_a_node
def heal(node: RunningNode, *, as_json: bool) -> None:
    """Remove all partitions; other rules stay."""
    _show(node.ask("faults_heal", _Rows, Nothing()), as_json=as_json)


def _show(rows: Sequence[FaultRow], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
    else:
        columns = ("name", "action", "match", "firings")
        print_table(columns, [(row.name, row.action, row.match, row.firings) for row in rows])
