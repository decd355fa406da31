"""`partisan plugins`."""

import click

from partisan_cli.offers import read_offers
from partisan_cli.output import json_option, print_json, print_table
from partisan_core.plugins import PluginInfo, Plugins


@click.command()
@json_option
def plugins(*, as_json: bool) -> None:
    """List the installed plugins: what a configuration can use, and who brings it. Imports none of them."""
    commands = [
        PluginInfo("command", offer.name, offer.distribution, offer.version, offer.value) for offer in read_offers()
    ]
    found = [*Plugins().listing(), *sorted(commands, key=lambda info: info.name)]
    if as_json:
        print_json(found)
    else:
        rows = [(info.kind, info.name, info.distribution, info.version) for info in found]
        print_table(("kind", "name", "distribution", "version"), rows)
