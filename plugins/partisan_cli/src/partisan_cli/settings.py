"""The option `--set`: single values of the configuration, said on the command line."""

import click

from partisan_core.config.sources import read_variable


def _read(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> dict[str, object]:
    settings: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not all(key.split(".")):
            raise click.BadParameter(f"{text!r}: write section.key=value, for example overlay.use=fullmesh")
        settings[key] = read_variable(tuple(key.split(".")), value)
    return settings


set_option = click.option(
    "--set",
    "settings",
    metavar="SECTION.KEY=VALUE",
    multiple=True,
    callback=_read,
    help="Set a value of the configuration; may be given several times.",
)
