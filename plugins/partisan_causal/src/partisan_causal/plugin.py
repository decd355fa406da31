"""What this distribution hands to Partisan: the extension `causal`."""

from partisan_causal.config import CausalConfig
from partisan_causal.orderer import serve
from partisan_core.kinds import ExtensionPlugin
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.3"


@hookimpl
def partisan_extension() -> ExtensionPlugin:
    """Hand over what keeps the order of `send(causal=...)`."""
    return ExtensionPlugin(serve=serve, config=CausalConfig)
