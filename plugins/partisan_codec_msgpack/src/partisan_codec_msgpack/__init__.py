"""The MessagePack serializer for Partisan: plain data, references and registered Structs, by msgspec."""

from partisan_codec_msgpack.codec import MsgpackSerializer as MsgpackSerializer
from partisan_codec_msgpack.extensions import REF_CODE as REF_CODE
from partisan_codec_msgpack.importing import import_types as import_types
