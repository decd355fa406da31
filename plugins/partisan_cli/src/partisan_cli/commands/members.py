"""`partisan members`."""

import click

from partisan_cli.finding import RunningNode, for_a_node
from partisan_cli.output import json_option, print_json, print_table
from partisan_core.views import MemberRow

_COLUMNS = ("name", "state", "neighbour", "incarnation", "addresses", "labels", "last error")


@click.command()
@json_option
@for_a_node
def members(node: RunningNode, *, as_json: bool) -> None:
    """List the members of the cluster, as a node sees them.

    Each row has its state: up, suspected (the failure detector doubts it), down (a member that cannot be reached),
    known (a member without a link), left or evicted (no member any more).
    """
    rows = node.ask("members", tuple[MemberRow, ...])
    if as_json:
        print_json(rows)
        return
    print_table(_COLUMNS, [_cells(row) for row in rows])


def _cells(row: MemberRow) -> tuple[object, ...]:
    relation = "this node" if row.local else "yes" if row.neighbour else "no"
    labels = ", ".join(f"{key}={value}" for key, value in sorted(row.labels.items()))
    return row.name, row.state, relation, row.incarnation, ", ".join(row.addresses), labels, row.last_error
