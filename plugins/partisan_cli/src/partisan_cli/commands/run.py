"""`partisan run`."""

import logging
import secrets
import socket
from dataclasses import replace
from pathlib import Path

import click

from partisan_cli.output import json_option
from partisan_cli.settings import set_option
from partisan_core.config.loader import load_config
from partisan_core.config.model import Config
from partisan_core.identity import Address

_LEVELS = ("debug", "info", "warning", "error")


@click.command()
@click.argument("path", metavar="[CONFIG]", required=False, type=click.Path(path_type=Path))
@click.option("--name", help="The node's name; says more than the configuration.")
@click.option(
    "--join", "contacts", metavar="ADDRESS", multiple=True, help="Join through this node; may be given several times."
)
@set_option
@click.option("--log-level", type=click.Choice(_LEVELS), default="info", show_default=True)
@json_option
def run(
    path: Path | None,
    *,
    name: str | None,
    contacts: tuple[str, ...],
    settings: dict[str, object],
    log_level: str,
    as_json: bool,
) -> None:
    """Run a node until Ctrl-C, SIGTERM or `partisan leave`; it then leaves its cluster and flushes.

    Without CONFIG, or where that says nothing else, the node has a name of the moment, a data_dir that is removed at
    the end, and listens on any port of the loopback interface. The first line of output says where it is.

    SIGHUP, or `partisan reload`, makes it read CONFIG again and take over what has changed: all of it, or nothing.
    """
    from partisan_cli.running import run_node
    from partisan_cli.runtime import Residence

    if name is not None:
        settings["node.name"] = name
    addresses = [Address.parse(contact) for contact in contacts]
    given = load_config(path, overrides=settings).node
    made_up = "" if given.name else _made_up_name()
    residence = Residence(given.name or made_up, given.data_dir)
    lodging = residence.data_dir if given.data_dir is None else None

    def load() -> Config:
        config = load_config(path, overrides=settings)
        node = config.node
        return replace(config, node=replace(node, name=node.name or made_up, data_dir=node.data_dir or lodging))

    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    run_node(load, addresses, residence, as_json=as_json)


def _made_up_name() -> str:
    """Says where it runs."""
    host = socket.gethostname().partition(".")[0] or "node"
    return f"{host}-{secrets.token_hex(3)}"
