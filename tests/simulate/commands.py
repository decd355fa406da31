"""`partisan simulate` as a user calls it."""

from click.testing import CliRunner, Result

from partisan_cli.group import partisan


def command(*words: str) -> Result:
    return CliRunner().invoke(partisan, ["simulate", *words])
