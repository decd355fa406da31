"""What a name stands for: an installed overlay, serializer or failure detector, or an object in a module."""

from contextlib import suppress
from enum import StrEnum

from partisan_core.errors import PluginError
from partisan_core.plugins import Plugins
from partisan_core.spelling import did_you_mean
from partisan_testkit.conformance.subjects import (
    PLAIN,
    SETTINGS,
    DetectorSubject,
    OverlaySubject,
    SerializerSubject,
    Setting,
)


class Kind(StrEnum):
    """What the kit has rules for."""

    OVERLAY = "overlay"
    SERIALIZER = "serializer"
    FAILURE_DETECTOR = "failure_detector"


def find_overlay(use: str, setting: Setting | None = None) -> OverlaySubject:
    """Load an overlay.

    Args:
        use: as in a configuration: an installed name, or `package.module:Thing`.
        setting: what its nodes need; that of the name when there is one, else nothing.

    Raises:
        PluginError: it cannot be loaded.
    """
    return OverlaySubject(use, Plugins().overlay(use), SETTINGS.get(use, PLAIN) if setting is None else setting)


def find_serializer(use: str, setting: Setting = PLAIN) -> SerializerSubject:
    """Load a serializer; see `find_overlay`."""
    return SerializerSubject(use, Plugins().serializer(use), setting)


def find_detector(use: str, setting: Setting = PLAIN) -> DetectorSubject:
    """Load a failure detector; see `find_overlay`."""
    return DetectorSubject(use, Plugins().failure_detector(use), setting)


def kind_of(use: str) -> Kind:
    """Find out what a name stands for.

    Raises:
        PluginError: for nothing, or for more than one kind of them.
    """
    plugins = Plugins()
    if ":" in use:
        return _kind_of_object(plugins, use)
    kinds = [kind for kind in Kind if use in plugins.names(kind)]
    if len(kinds) == 1:
        return kinds[0]
    if kinds:
        raise PluginError(f"{use!r} is {' and '.join(map(_with_article, kinds))}: say which with --kind")
    names = [name for kind in Kind for name in plugins.names(kind)]
    near = did_you_mean(use, names)
    installed = ", ".join(sorted(names)) or "none"
    raise PluginError(f"no overlay, serializer or failure detector {use!r} is installed{near}; installed: {installed}")


def _with_article(kind: Kind) -> str:
    return "an overlay" if kind is Kind.OVERLAY else f"a {kind.replace('_', ' ')}"


def _kind_of_object(plugins: Plugins, use: str) -> Kind:
    """Whichever it can be loaded as; when none, what is wrong with it as an overlay is told."""
    loaders = {
        Kind.OVERLAY: plugins.overlay,
        Kind.SERIALIZER: plugins.serializer,
        Kind.FAILURE_DETECTOR: plugins.failure_detector,
    }
    for kind, load in loaders.items():
        with suppress(PluginError):
            load(use)
            return kind
    return Kind.OVERLAY
