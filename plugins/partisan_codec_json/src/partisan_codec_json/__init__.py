"""The JSON serializer for Partisan: messages that people can read on the wire."""

from partisan_codec_json.codec import JsonSerializer as JsonSerializer
