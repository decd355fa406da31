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
    """
    from partisan_cli.running import run_node
    from partisan_cli.runtime import Residence

    if name is not None:
        settings["node.name"] = name
    addresses = [Address.parse(contact) for contact in contacts]
    config = _named(load_config(path, overrides=settings))
    residence = Residence(config.node.name, config.node.data_dir)
    config = replace(config, node=replace(config.node, data_dir=residence.data_dir))
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    run_node(config, addresses, residence, as_json=as_json)


def _named(config: Config) -> Config:
    """A node without a name gets one that says where it runs."""
    host = socket.gethostname().partition(".")[0] or "node"
    name = config.node.name or f"{host}-{secrets.token_hex(3)}"
    return replace(config, node=replace(config.node, name=name))
