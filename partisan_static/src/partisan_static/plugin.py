"""The plugin `static`."""

from partisan_core.kinds import OverlayPlugin
from partisan_core.plugins import hookimpl
from partisan_static._protocol import Static
from partisan_static.config import StaticConfig

PARTISAN_API = "1.2"


@hookimpl
def partisan_overlay() -> OverlayPlugin:
    """Hand over the static overlay."""
    return OverlayPlugin(make=Static, config=StaticConfig, capabilities=Static.capabilities, unconnected="refuse")
