"""`partisan status`."""

import click

from partisan_cli.failing import Failure
from partisan_cli.finding import RunningNode, for_a_node
from partisan_cli.output import counts, duration, json_option, print_json, printable
from partisan_core.views import ChannelRow, Counters, Status


@click.command()
@click.option("--strict", is_flag=True, help="Fail as well when a single wanted link is missing.")
@json_option
@for_a_node
def status(node: RunningNode, *, strict: bool, as_json: bool) -> None:
    """Show a running node at a glance, and fail when it is not healthy: a health check of a container.

    Healthy is a node that answers, is a member, and has a link if it wants any. A link that another node's end has
    cost is told as missing, and fails with --strict alone: else the death of one node would make all others ill.
    """
    found = node.ask("status", Status)
    counted = node.ask("counters", Counters)
    problems = [*found.problems, *(f"there is no link to {peer}" for peer in found.missing if strict)]
    if as_json:
        from msgspec import to_builtins

        print_json({"healthy": not problems, **to_builtins(found), **to_builtins(counted)})
    else:
        for label, value in _lines(found, counted):
            click.echo(f"{label:<12}{printable(value)}")
    if problems:
        raise Failure([f"{found.name} is not healthy: {problem}" for problem in problems])


def _lines(found: Status, counted: Counters) -> list[tuple[str, object]]:
    return [
        ("name", found.name),
        ("state", found.state),
        ("cluster", found.cluster),
        ("overlay", found.overlay),
        ("serializer", found.serializer),
        ("addresses", ", ".join(found.addresses)),
        ("data_dir", found.data_dir),
        ("incarnation", found.incarnation),
        ("process", f"{found.process}, partisan-core {found.version}, for {duration(found.age)}"),
        ("members", found.members),
        ("neighbours", ", ".join(found.neighbours) or "none"),
        ("missing", ", ".join(found.missing) or "none"),
        ("connections", found.connections),
        ("mailboxes", ", ".join(found.mailboxes) or "none"),
        *(("channel", _channel(row)) for row in counted.channels),
        ("dropped", counts(counted.dropped)),
        ("ignored", counts(found.ignored)),
        ("counted", counts(counted.notices)),
    ]


def _channel(row: ChannelRow) -> str:
    return (
        f"{row.channel}: {row.connections} of {row.opened} connections open, "
        f"{row.messages_in} messages ({row.bytes_in} bytes) in, {row.messages_out} ({row.bytes_out}) out"
    )
