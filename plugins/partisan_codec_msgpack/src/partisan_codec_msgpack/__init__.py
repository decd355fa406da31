"""The MessagePack serializer for Partisan: plain data and references, by msgspec."""

from partisan_codec_msgpack.codec import REF_CODE as REF_CODE
from partisan_codec_msgpack.codec import MsgpackSerializer as MsgpackSerializer
