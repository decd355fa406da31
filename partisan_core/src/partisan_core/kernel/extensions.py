"""Extensions: other people's observers, made before anything is opened, and kept from hurting the node."""

import logging
from collections.abc import Callable, Mapping
from functools import partial

from partisan_core.config.loader import structure_options
from partisan_core.config.model import Config, Selection
from partisan_core.errors import PluginError
from partisan_core.kernel.journal import Journal, LogLimit
from partisan_core.kernel.selecting import named_by
from partisan_core.notices import Notice
from partisan_core.plugins import Plugins, blaming

log = logging.getLogger("partisan.extension")

Observer = Callable[[Notice], object]


def make_observers(config: Config, plugins: Plugins) -> Mapping[str, Observer]:
    """The observers of all enabled extensions, by name and in the order of the configuration.

    Raises:
        PluginError: an extension cannot be loaded, or its factory raised.
        ConfigError: its table is wrong.
    """
    return {name: _make(config, name, plugins) for name in config.extensions.enable}


def attach(observers: Mapping[str, Observer], journal: Journal, *, strict: bool) -> None:
    """Let them see every notice from now on."""
    guarded = partial(_observe, journal, LogLimit(), strict)
    for name, observer in observers.items():
        journal.observe(partial(guarded, name, observer))


def _make(config: Config, name: str, plugins: Plugins) -> Observer:
    with named_by(config, "extensions.enable"):
        plugin = plugins.extension(name)
        table = Selection(use=name, options=config.extensions.options.get(name, {}), origins=config.origins)
        options: object = structure_options(table, plugin.config, "extensions", name)
        with blaming(f"the extension {name!r}", "its factory"):
            observer = plugin.observe(options)
        if not callable(observer):
            raise PluginError(f"the extension {name!r} made {observer!r}, which cannot be called with a notice")
    return observer


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
