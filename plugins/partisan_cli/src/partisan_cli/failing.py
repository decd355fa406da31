"""Errors as an operator reads them: plain lines on the standard error, no traceback."""

from collections.abc import Iterator, Sequence
from typing import IO, Any

import click


class Failure(click.ClickException):
    """Ends the command with exit code 1 and one `Error:` line for each of `lines`."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self._lines = lines

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the lines."""
        for line in self._lines:
            click.echo(f"Error: {line}", file=file, err=file is None)


def explain(error: Exception) -> list[str]:
    """What to tell of an error: each leaf of a group once."""
    return list(dict.fromkeys(line for leaf in _leaves(error) for line in _lines(leaf)))


def _lines(error: BaseException) -> Sequence[str]:
    from partisan_core.errors import ConfigError, PartisanError

    if isinstance(error, ConfigError):
        return error.problems
    if isinstance(error, PartisanError):
        return [str(error)]
    if isinstance(error, OSError):
        return [str(error)]
    return [f"{type(error).__name__}: {error}. This is a fault of the program; --debug shows where it is"]


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for below in error.exceptions:
            yield from _leaves(below)
    else:
        yield error
