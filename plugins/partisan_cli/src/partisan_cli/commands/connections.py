"""`partisan connections`."""

from collections.abc import Sequence

import click

from partisan_cli.failing import Failure
from partisan_cli.finding import RunningNode, for_a_node
from partisan_cli.output import counts, duration, json_option, milliseconds, print_json, print_table, printable
from partisan_core.spelling import did_you_mean
from partisan_core.views import ConnectionRow, LinkRow

_COLUMNS = (
    *("channel", "lane", "state", "by", "address", "checksum", "age", "rtt", "session", "sent", "received"),
    *("queued", "queued bytes", "compression", "dropped", "waits for", "last error"),
)


@click.command()
@click.argument("peer", required=False)
@json_option
@for_a_node
def connections(node: RunningNode, *, peer: str | None, as_json: bool) -> None:
    """Show the links of a node, to PEER or to all: why one is not there, and a row for each lane of each channel.

    `compression` tells how many times smaller it made what was sent, or that the peer cannot undo it.
    `dropped` counts messages of the lane that were not delivered, by reason; `queued` shows its bound as well.
    """
    links = node.ask("links", tuple[LinkRow, ...])
    if peer is not None:
        links = _only(peer, links)
    if as_json:
        print_json(links)
        return
    for number, link in enumerate(links):
        click.echo("\n" * bool(number) + printable(_headline(link)))
        if link.lanes:
            print_table(_COLUMNS, [_cells(row) for row in link.lanes])


def _only(peer: str, links: Sequence[LinkRow]) -> tuple[LinkRow, ...]:
    names = [link.peer for link in links]
    if peer not in names:
        raise Failure([f"no peer {peer!r} is known to this node{did_you_mean(peer, names)}; see `partisan members`"])
    return tuple(link for link in links if link.peer == peer)


def _headline(link: LinkRow) -> str:
    """`beta (down): dialling for 12s, wanted by overlay; 3s ago at 127.0.0.1:9: refused …; next dial in 1.2 s`."""
    since = f" for {duration(link.since)}" if link.since is not None else ""
    wanted = f"wanted by {' and '.join(link.wanted_by) or 'nobody'}"
    member = link.member or "no member"
    return "; ".join([f"{link.peer} ({member}): {link.state}{since}, {wanted}", *_hindrances(link)])


def _hindrances(link: LinkRow) -> list[str]:
    membership = link.lanes[0] if link.lanes else None
    if membership is None or membership.resolved:
        return []
    refused = f" [{membership.error_code}]" if membership.error_code else ""
    said = [f"{duration(membership.error_age)} ago{refused}: {membership.last_error}"]
    if membership.next_dial is not None:
        said.append(f"next dial in {membership.next_dial:.1f} s")
    return said


def _cells(row: ConnectionRow) -> tuple[object, ...]:
    error = f"{row.last_error} ({duration(row.error_age)} ago)" if row.last_error else None
    next_dial = f" in {row.next_dial:.1f} s" if row.next_dial is not None else ""
    return (
        *(row.channel, row.lane, row.state, {True: "us", False: "peer", None: None}[row.dialled]),
        *(row.address, row.checksum, duration(row.age), milliseconds(row.rtt), row.session, row.sent, row.received),
        f"{row.queue_messages}/{row.queue_messages_limit}",
        *(f"{row.queue_bytes}/{row.queue_bytes_limit}", _compression(row), counts(row.dropped)),
        *(f"{row.waits_for}{next_dial}" if row.waits_for else None, error),
    )


def _compression(row: ConnectionRow) -> str | None:
    """`zlib 3.4x`; `zlib` before anything was sent."""
    if not row.compression:
        return None
    if not row.packs:
        return f"{row.compression} not at the peer"
    return f"{row.compression} {row.bytes_before / row.bytes_after:.1f}x" if row.bytes_after else row.compression
