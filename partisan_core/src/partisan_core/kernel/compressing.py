"""The compressions of a node: those that its channels send with, and those that it can undo."""

from typing import NamedTuple

from partisan_core.compression import Compression
from partisan_core.config.model import Config
from partisan_core.kernel.selecting import select_compression
from partisan_core.plugins import Plugins
from partisan_core.wire.messages import Hello
from partisan_core.wire.packing import Packing

_BUILT_IN = "zlib"
"""Undone by every node that has it, configured or not: it comes with the core."""


class _Sending(NamedTuple):
    """How one channel compresses."""

    name: str
    minimum: int
    compression: Compression


class Compressions:
    """Made once; agrees with each peer on what a connection compresses."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins
        self._sending: dict[str, _Sending] = {}
        self._undoing: dict[str, Compression] = {}
        if _BUILT_IN in plugins.names("compression"):
            self._undo(_BUILT_IN)

    def add(self, config: Config, channel: str) -> None:
        """Note how a channel compresses; raises as `select_compression`."""
        selection = config.channels[channel].compression
        if selection is None:
            return
        plugin, options = select_compression(config, channel, selection, self._plugins.compression)
        self._sending[channel] = _Sending(selection.use, options.minimum, plugin.make(options))
        self._undo(selection.use)

    @property
    def unpacks(self) -> tuple[str, ...]:
        """The names of those that this node can undo."""
        return tuple(self._undoing)

    def packs(self, channel: str) -> str:
        """The name of the one that a channel sends with; empty: none."""
        sending = self._sending.get(channel)
        return "" if sending is None else sending.name

    def agree(self, channel: str, hello: Hello) -> Packing:
        """What a connection of the channel to who said `hello` compresses and undoes."""
        undoing = self._undoing.get(hello.packs)
        sending = self._sending.get(channel)
        if sending is None:
            return Packing(unpacker=undoing)
        compression = sending.compression if sending.name in hello.unpacks else None
        return Packing(sending.name, compression, sending.minimum, undoing)

    def _undo(self, name: str) -> None:
        if name not in self._undoing:
            plugin = self._plugins.compression(name)
            self._undoing[name] = plugin.make(plugin.config())
