"""What the configuration requires of the overlay, checked before anything is opened."""

import math
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from itertools import chain

from partisan_core.config.model import Config
from partisan_core.errors import PluginError, RequirementError
from partisan_core.kernel.selecting import named_by
from partisan_core.plugins import Plugins
from partisan_core.spelling import did_you_mean


def check_requirements(config: Config, plugins: Plugins) -> None:
    """Compare `node.requires`, and what `downing.after` needs, with what the overlay declares.

    Raises:
        RequirementError: something is missing; nothing was started.
        PluginError: the overlay cannot be loaded.
    """
    downs = ("evict",) if math.isfinite(config.downing.after) else ()
    if not (config.node.requires or downs):
        return
    with named_by(config, "overlay.use"):
        overlay = plugins.overlay(config.overlay.use)
    for key, needed in (("node.requires", config.node.requires), ("downing.after", downs)):
        missing = [name for name in needed if name not in overlay.capabilities]
        if missing:
            raise RequirementError(
                f"{config.origins.get(key, 'default')}: {key}: "
                f"{describe_lack(plugins, config.overlay.use, overlay.capabilities, missing)}. "
                f"Nothing was started: use another overlay, or require less"
            )


def describe_lack(plugins: Plugins, overlay: str, capabilities: Collection[str], missing: Iterable[str]) -> str:
    """Say what the overlay lacks, which of those installed have it, and what it has."""
    installed = _installed(plugins) | {overlay: capabilities}
    lacks = "; ".join(_lack(name, installed) for name in missing)
    return f"overlay {overlay!r} lacks {lacks}. It has {_list(capabilities)}"


def _lack(name: str, installed: Mapping[str, Collection[str]]) -> str:
    having = [overlay for overlay, capabilities in installed.items() if name in capabilities]
    hint = "" if having else did_you_mean(name, chain.from_iterable(installed.values()))
    return f"{name!r}{hint}; installed overlays that have it: {_list(having)}"


def _installed(plugins: Plugins) -> dict[str, Collection[str]]:
    """The capabilities of each installed overlay that can be loaded: only an error is worth importing them all."""
    found: dict[str, Collection[str]] = {}
    for info in plugins.listing():
        with suppress(PluginError):
            if info.kind == "overlay":
                found[info.name] = plugins.overlay(info.name).capabilities
    return found


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
