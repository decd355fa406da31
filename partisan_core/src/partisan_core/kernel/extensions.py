"""Extensions: other people's observers and servers, kept from hurting the node."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import trio

from partisan_core.config.loader import structure_options
from partisan_core.config.model import DEFAULT_EXTENSIONS, FAULTS, Config, Selection
from partisan_core.errors import PluginError, StartError
from partisan_core.interposition import Interposition, Stage
from partisan_core.kernel.interposing import interpose
from partisan_core.kernel.journal import Journal, LogLimit
from partisan_core.kernel.kernel import Kernel
from partisan_core.kernel.selecting import named_by
from partisan_core.kinds import ExtensionPlugin
from partisan_core.node import Node
from partisan_core.notices import Notice
from partisan_core.plugins import Plugins, blaming

log = logging.getLogger("partisan.extension")

Observer = Callable[[Notice], object]
Server = Callable[..., Awaitable[None]]


class Extension(NamedTuple):
    """What a node has of an extension."""

    name: str
    observer: Observer | None = None
    server: Server | None = None
    """Takes the node and `task_status`."""
    interpose: Callable[[Stage], Interposition] | None = None


def make_extensions(config: Config, plugins: Plugins) -> Sequence[Extension]:
    """All enabled extensions in the order of the configuration, then those that a node has by default.

    Raises:
        PluginError: an extension cannot be loaded, or its factory raised.
        ConfigError: its table is wrong.
    """
    enabled = [_make(config, name, "extensions.enable", plugins) for name in config.extensions.enable]
    faults = [_make_faults(config, plugins)] if config.faults.enabled else []
    by_default = [_make(config, name, f"extensions.{name}", plugins) for name in _by_default(config, plugins)]
    return enabled + faults + by_default


def attach(extensions: Sequence[Extension], journal: Journal, *, strict: bool) -> None:
    """Let their observers see every notice from now on."""
    guarded = partial(_observe, journal, LogLimit(), strict)
    for extension in extensions:
        if extension.observer is not None:
            journal.observe(partial(guarded, extension.name, extension.observer))


def stand_between(extensions: Sequence[Extension], kernel: Kernel) -> None:
    """Let the one that interposes do so.

    Raises:
        FaultError: a rule of the configuration cannot be.
    """
    for extension in extensions:
        if extension.interpose is not None:
            interpose(kernel, extension.interpose)


async def serve(extensions: Sequence[Extension], node: Node, kernel: Kernel) -> None:
    """Run their servers in the node's nursery, and wait until each has begun or ended.

    Raises:
        StartError: a server cannot begin.
    """
    for extension in extensions:
        if extension.server is not None:
            guarded = partial(_serve, kernel.journal, kernel.config.node.strict, extension.name)
            await kernel.nursery.start(guarded, partial(extension.server, node))


def _by_default(config: Config, plugins: Plugins) -> list[str]:
    if config.node.data_dir is None:
        return []
    installed = plugins.names("extension")
    return [name for name in DEFAULT_EXTENSIONS if name in installed and name not in config.extensions.enable]


def _make(config: Config, name: str, asked_by: str, plugins: Plugins) -> Extension:
    with named_by(config, asked_by):
        own = config.extensions.options.get(name, {})
        plugin, options = _load(config, plugins, name, own, "extensions", name)
        if plugin.interpose is not None:
            raise PluginError(f"the extension {name!r} stands between: set [faults] enabled = true instead")
        observer = None
        if plugin.observe is not None:
            with blaming(f"the extension {name!r}", "its factory"):
                observer = plugin.observe(options)
            if not callable(observer):
                raise PluginError(f"the extension {name!r} made {observer!r}, which cannot be called with a notice")
    return Extension(name, observer, plugin.serve and partial(plugin.serve, options))


def _make_faults(config: Config, plugins: Plugins) -> Extension:
    """What the table `[faults]` belongs to: a distribution of its own, of which a node without it knows nothing."""
    with named_by(config, "faults.enabled"):
        plugin, options = _load(config, plugins, FAULTS, config.faults.options, FAULTS)
        if plugin.interpose is None:
            raise PluginError(f"the extension {FAULTS!r} that is installed does not interpose; it is not ours")
    return Extension(FAULTS, interpose=partial(plugin.interpose, options))


def _load(
    config: Config, plugins: Plugins, name: str, raw: Mapping[str, Any], *section: str
) -> tuple[ExtensionPlugin, object]:
    """An extension, and its configuration of what stands raw in a section."""
    plugin = plugins.extension(name)
    table = Selection(use=name, options=raw, origins=config.origins)
    return plugin, structure_options(table, plugin.config, *section)


def _observe(journal: Journal, limit: LogLimit, strict: bool, name: str, observer: Observer, notice: Notice) -> None:
    try:
        observer(notice)
    except Exception:
        if strict:
            raise
        journal.counters["extension_errors"] += 1
        more = limit.admit(name)
        if more is not None:
            log.exception("the extension %r raised at a %s; the node goes on%s", name, type(notice).__name__, more)


class _Beginning:
    """The `task_status` of a server, which remembers that it was used."""

    def __init__(self, task_status: trio.TaskStatus[None]) -> None:
        self._task_status = task_status
        self.is_over = False

    def started(self, value: None = None) -> None:
        self.is_over = True
        self._task_status.started(value)


async def _serve(
    journal: Journal, strict: bool, name: str, server: Server, *, task_status: trio.TaskStatus[None]
) -> None:
    beginning = _Beginning(task_status)
    try:
        await server(task_status=beginning)
    except* Exception as errors:  # a server that is cancelled may raise beside it
        if strict or (not beginning.is_over and errors.subgroup(StartError)):
            raise
        journal.counters["extension_errors"] += 1
        log.exception("the extension %r raised and serves no longer; the node goes on", name)
    if not beginning.is_over:
        beginning.started()
