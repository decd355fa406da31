"""What this distribution hands to Partisan: the compression `zstd`."""

from partisan_compression_zstd.compression import Zstd, ZstdOptions
from partisan_core.kinds import CompressionPlugin
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.3"


@hookimpl
def partisan_compression() -> CompressionPlugin:
    """Hand over the compression."""
    return CompressionPlugin(make=Zstd, config=ZstdOptions)
