"""Writes the kind of each notice of a node, and whom it is about, into a file."""

from dataclasses import dataclass
from pathlib import Path

from partisan_core.kinds import ExtensionPlugin
from partisan_core.notices import Notice
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookConfig:
    file: Path
    """Where to write; begun anew with each start of the node."""


class Notebook:
    def __init__(self, config: NotebookConfig) -> None:
        self._file = config.file
        self._file.write_text("")

    def __call__(self, notice: Notice) -> None:
        peer = getattr(notice, "peer", None)
        with self._file.open("a") as file:
            print(type(notice).__name__, "" if peer is None else peer.name, file=file)


@hookimpl
def partisan_extension() -> ExtensionPlugin:
    return ExtensionPlugin(observe=Notebook, config=NotebookConfig)
