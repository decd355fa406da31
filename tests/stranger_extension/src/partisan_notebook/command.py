"""The command `partisan hello`."""

import click


@click.command()
@click.argument("name", default="world")
def hello(name: str) -> None:
    """Greet somebody."""
    click.echo(f"hello {name}")
