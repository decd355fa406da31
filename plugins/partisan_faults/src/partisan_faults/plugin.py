"""What this distribution hands to Partisan: the extension behind `[faults]`."""

from partisan_core.kinds import ExtensionPlugin
from partisan_core.plugins import hookimpl
from partisan_faults.config import FaultsConfig
from partisan_faults.faults import Faults

PARTISAN_API = "1.3"


@hookimpl
def partisan_extension() -> ExtensionPlugin:
    """Hand over the faults of a node, and their configuration."""
    return ExtensionPlugin(interpose=Faults, config=FaultsConfig)
