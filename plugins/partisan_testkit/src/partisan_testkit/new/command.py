"""The command `partisan new`."""

from pathlib import Path

import click

from partisan_testkit.new.naming import BadName, check_name
from partisan_testkit.new.writing import Occupied, write_overlay


@click.group()
def new() -> None:
    """Write the beginning of a distribution."""


@new.command()
@click.argument("name")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    help="The folder of the distribution, which is made.  [default: partisan_overlay_NAME]",
)
def overlay(name: str, folder: Path | None) -> None:
    """Write an overlay called NAME: small, but it works as it stands, and keeps the rules of the kit."""
    try:
        naming = check_name(name)
        folder = folder or Path(naming.package)
        written = write_overlay(naming, folder)
    except (BadName, Occupied) as error:
        raise click.ClickException(str(error)) from None
    for path in written:
        click.echo(path)
    click.echo(f"install it:        pip install -e {folder}")
    click.echo(f"look at its rules: partisan conformance {name}")
    click.echo(f"see it work:       partisan demo --overlay {name}")
