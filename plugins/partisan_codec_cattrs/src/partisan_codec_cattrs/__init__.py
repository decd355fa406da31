"""The cattrs serializer for Partisan: attrs classes and dataclasses that the receiver registered."""

from partisan_codec_cattrs.codec import CattrsSerializer as CattrsSerializer
