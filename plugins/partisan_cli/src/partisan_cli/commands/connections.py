"""`partisan connections`."""

import click

from partisan_cli.finding import RunningNode, for_a_node
from partisan_cli.output import duration, json_option, milliseconds, print_json, print_table
from partisan_core.views import ConnectionRow

_COLUMNS = (
    *("peer", "channel", "lane", "state", "by", "address", "age", "rtt", "bytes in", "bytes out", "frames in"),
    *("frames out", "queued", "queued bytes", "dropped", "last error"),
)


@click.command()
@json_option
@for_a_node
def connections(node: RunningNode, *, as_json: bool) -> None:
    """List the connections of a node: a row for each peer, channel and lane."""
    rows = node.ask("connections", tuple[ConnectionRow, ...])
    if as_json:
        print_json(rows)
        return
    print_table(_COLUMNS, [_cells(row) for row in rows])


def _cells(row: ConnectionRow) -> tuple[object, ...]:
    return (
        *(row.peer, row.channel, row.lane, row.state, {True: "us", False: "peer", None: None}[row.dialled]),
        *(row.address, duration(row.age), milliseconds(row.rtt)),
        *(row.bytes_in, row.bytes_out, row.frames_in, row.frames_out),
        *(row.queue_messages, row.queue_bytes, row.dropped, row.last_error),
    )
