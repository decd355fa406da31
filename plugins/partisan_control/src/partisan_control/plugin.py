"""What this distribution hands to Partisan: the extension `control`."""

from partisan_control.server import serve
from partisan_core.kinds import ExtensionPlugin
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.1"


@hookimpl
def partisan_extension() -> ExtensionPlugin:
    """Hand over the control socket; it has nothing to configure."""
    return ExtensionPlugin(serve=serve)
