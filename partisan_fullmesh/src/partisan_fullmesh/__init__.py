"""Full mesh: everybody knows everybody and is linked to everybody."""

from partisan_fullmesh._protocol import FullMesh as FullMesh
from partisan_fullmesh.config import FullMeshConfig as FullMeshConfig
