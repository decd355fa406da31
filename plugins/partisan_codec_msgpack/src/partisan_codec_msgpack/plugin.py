"""What this distribution hands to Partisan: the serializer `msgpack`."""

from partisan_codec_msgpack.codec import MsgpackSerializer
from partisan_core.kinds import SerializerPlugin
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.0"


@hookimpl
def partisan_serializer() -> SerializerPlugin:
    """Hand over the serializer; it has nothing to configure."""
    return SerializerPlugin(make=lambda options: MsgpackSerializer())
