"""Who follows a run while it lasts."""

from collections.abc import Callable
from typing import Protocol

from partisan_cli.demo.chronicle import Chronicle


class Audience(Protocol):
    """What the conductor needs of it."""

    def say(self, line: str) -> None:
        """Something worth a line has happened."""

    def show(self, chronicle: Chronicle) -> None:
        """Something has changed; called often."""


class Listener:
    """Follows line by line, where there is no terminal; with nothing to write to, in silence."""

    def __init__(self, write: Callable[[str], None] | None) -> None:
        self._write = write

    def say(self, line: str) -> None:
        """Write the line."""
        if self._write is not None:
            self._write(line)

    def show(self, chronicle: Chronicle) -> None:
        """A picture is for those who see."""
