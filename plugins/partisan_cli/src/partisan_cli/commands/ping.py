"""`partisan ping`."""

import click

from partisan_cli.failing import Failure
from partisan_cli.finding import RunningNode, for_a_node
from partisan_cli.output import json_option, milliseconds, print_json
from partisan_control.protocol import PingArguments, Pong
from partisan_core.views import Status

_MARGIN = 5.0
"""Seconds beyond the ping's own for the node to answer us."""


@click.command()
@click.argument("peers", nargs=-1, metavar="[PEER]...")
@click.option("--count", type=click.IntRange(1, 1000), default=1, show_default=True, help="Pings of each peer.")
@click.option(
    "--timeout", type=click.FloatRange(0.001, 60), default=2.0, show_default=True, help="Seconds to wait for each."
)
@json_option
@for_a_node
def ping(node: RunningNode, peers: tuple[str, ...], *, count: int, timeout: float, as_json: bool) -> None:
    """Measure how long members take to answer a node, over the membership connection.

    Without PEER all neighbours are asked. Fails when one does not answer.
    """
    whom = peers or node.ask("status", Status).neighbours
    pongs = []
    for peer in whom:
        for _ in range(count):
            pong = node.ask("ping", Pong, PingArguments(peer, timeout), timeout=timeout + _MARGIN)
            pongs.append(pong)
            if not as_json:
                click.echo(f"{pong.peer}: {milliseconds(pong.rtt) or 'no answer'}")
    if as_json:
        print_json(pongs)
    silent = sorted({pong.peer for pong in pongs if pong.rtt is None})
    if silent:
        raise Failure([f"{peer} did not answer within {timeout:g} s; its link is still up" for peer in silent])
