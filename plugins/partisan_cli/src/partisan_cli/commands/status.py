"""`partisan status`."""

import click

from partisan_cli.finding import RunningNode, for_a_node
from partisan_cli.output import duration, json_option, print_json, printable
from partisan_core.views import Counters, Status


@click.command()
@json_option
@for_a_node
def status(node: RunningNode, *, as_json: bool) -> None:
    """Show a running node at a glance."""
    found = node.ask("status", Status)
    counted = node.ask("counters", Counters)
    if as_json:
        from msgspec import to_builtins

        print_json({**to_builtins(found), **to_builtins(counted)})
        return
    for label, value in _lines(found, counted):
        click.echo(f"{label:<12}{printable(value)}")


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
        ("connections", found.connections),
        ("mailboxes", ", ".join(found.mailboxes) or "none"),
        ("dropped", _counts(counted.dropped)),
        ("notices", _counts(counted.notices)),
    ]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {counts[name]}" for name in sorted(counts)) or "none"
