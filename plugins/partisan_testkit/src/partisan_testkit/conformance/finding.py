"""What a name stands for: an installed overlay or serializer, or an object in a module."""

from enum import StrEnum

from partisan_core.errors import PluginError
from partisan_core.plugins import Plugins
from partisan_core.spelling import did_you_mean
from partisan_testkit.conformance.subjects import PLAIN, SETTINGS, OverlaySubject, SerializerSubject, Setting


class Kind(StrEnum):
    """What the kit has rules for."""

    OVERLAY = "overlay"
    SERIALIZER = "serializer"


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


def kind_of(use: str) -> Kind:
    """Find out what a name stands for.

    Raises:
        PluginError: for nothing, or for both an overlay and a serializer.
    """
    plugins = Plugins()
    if ":" in use:
        return _kind_of_object(plugins, use)
    kinds = [kind for kind in Kind if use in plugins.names(kind)]
    if len(kinds) == 1:
        return kinds[0]
    if kinds:
        raise PluginError(f"{use!r} is an overlay and a serializer: say which with --kind")
    names = [name for kind in Kind for name in plugins.names(kind)]
    near = did_you_mean(use, names)
    raise PluginError(
        f"no overlay or serializer {use!r} is installed{near}; installed: {', '.join(sorted(names)) or 'none'}"
    )


def _kind_of_object(plugins: Plugins, use: str) -> Kind:
    """Whichever it can be loaded as; when neither, what is wrong with it as an overlay is told."""
    try:
        plugins.overlay(use)
    except PluginError:
        try:
            plugins.serializer(use)
        except PluginError:
            return Kind.OVERLAY
        return Kind.SERIALIZER
    return Kind.OVERLAY
