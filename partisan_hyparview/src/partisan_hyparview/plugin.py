"""The plugin `hyparview`."""

from partisan_core.kinds import OverlayPlugin
from partisan_core.plugins import hookimpl
from partisan_hyparview._protocol import HyParView
from partisan_hyparview.config import HyParViewConfig

PARTISAN_API = "1.0"


@hookimpl
def partisan_overlay() -> OverlayPlugin:
    """Hand over HyParView."""
    return OverlayPlugin(make=HyParView, config=HyParViewConfig, capabilities=HyParView.capabilities)
