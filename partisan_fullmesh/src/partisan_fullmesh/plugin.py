"""The plugin `fullmesh`."""

from partisan_core.kinds import OverlayPlugin
from partisan_core.plugins import hookimpl
from partisan_fullmesh._protocol import FullMesh
from partisan_fullmesh.config import FullMeshConfig

PARTISAN_API = "1.0"


@hookimpl
def partisan_overlay() -> OverlayPlugin:
    """Hand over the full mesh."""
    return OverlayPlugin(make=FullMesh, config=FullMeshConfig, capabilities=FullMesh.capabilities)
