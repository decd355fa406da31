"""`partisan config`."""

from pathlib import Path

import click

from partisan_cli.failing import Failure
from partisan_cli.output import json_option, print_json
from partisan_cli.settings import set_option
from partisan_core.checking import check_configuration


@click.group()
def config() -> None:
    """Check a configuration."""


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
