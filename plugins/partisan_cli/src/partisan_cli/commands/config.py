"""`partisan config`."""

from pathlib import Path

import click

from partisan_cli.checking import check_configuration
from partisan_cli.failing import Failure
from partisan_cli.output import json_option, print_json, printable
from partisan_cli.settings import set_option
from partisan_cli.shown import as_toml, show_configuration
from partisan_core.config.loader import load_config


@click.group()
def config() -> None:
    """Check or show a configuration."""


@config.command()
@click.argument("path", metavar="[CONFIG]", required=False, type=click.Path(path_type=Path))
@set_option
@json_option
def check(path: Path | None, *, settings: dict[str, object], as_json: bool) -> None:
    """Load the file CONFIG, the environment and the plugins that they name, and print every problem."""
    problems = check_configuration(path, overrides=settings)
    if as_json:
        print_json({"ok": not problems, "problems": problems})
        if problems:
            raise click.exceptions.Exit(1)
    elif problems:
        raise Failure(problems)
    else:
        click.echo(f"{path or 'the configuration'} is fine")


@config.command()
@click.argument("path", metavar="[CONFIG]", required=False, type=click.Path(path_type=Path))
@click.option("--origin", is_flag=True, help="Say behind each value where it came from.")
@set_option
@json_option
def show(path: Path | None, *, origin: bool, settings: dict[str, object], as_json: bool) -> None:
    """Print every key with the value that a node would use, as TOML that can be used as a CONFIG.

    The values come from the file CONFIG, the environment, --set and defaults, those of plugins included.
    """
    if problems := check_configuration(path, overrides=settings):
        raise Failure(problems)
    rows = show_configuration(load_config(path, overrides=settings))
    if as_json:
        print_json(rows)
    for row in () if as_json else rows:
        click.echo(f"{as_toml(row):<50} # {printable(row.origin)}" if origin else as_toml(row))
