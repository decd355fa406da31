"""What this distribution hands to Partisan: the serializer `msgpack`, and the types that its table names."""

from partisan_codec_msgpack.codec import MsgpackSerializer
from partisan_codec_msgpack.config import MsgpackConfig
from partisan_codec_msgpack.importing import import_types
from partisan_core.kinds import SerializerPlugin
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.3"


@hookimpl
def partisan_serializer() -> SerializerPlugin:
    """Hand over the serializer; its types are imported when a node starts."""
    return SerializerPlugin(make=_make, config=MsgpackConfig)


def _make(config: MsgpackConfig) -> MsgpackSerializer:
    return MsgpackSerializer(import_types(config.types))
