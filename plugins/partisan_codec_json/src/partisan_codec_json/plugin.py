"""What this distribution hands to Partisan: the serializer `json`."""

from partisan_codec_json.codec import JsonSerializer
from partisan_core.kinds import SerializerPlugin
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.0"


@hookimpl
def partisan_serializer() -> SerializerPlugin:
    """Hand over the serializer; it has nothing to configure."""
    return SerializerPlugin(make=lambda options: JsonSerializer())
