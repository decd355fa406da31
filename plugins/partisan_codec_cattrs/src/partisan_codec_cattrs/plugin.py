"""What this distribution hands to Partisan: the serializer `cattrs`."""

from partisan_codec_cattrs.codec import CattrsSerializer
from partisan_codec_cattrs.config import CattrsConfig
from partisan_codec_msgpack import import_types
from partisan_core.kinds import SerializerPlugin
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.0"


@hookimpl
def partisan_serializer() -> SerializerPlugin:
    """Hand over the serializer; its classes are imported when a node starts."""
    return SerializerPlugin(make=_make, config=CattrsConfig)


def _make(config: CattrsConfig) -> CattrsSerializer:
    return CattrsSerializer(import_types(config.types), forbid_extra_keys=config.forbid_extra_keys)
