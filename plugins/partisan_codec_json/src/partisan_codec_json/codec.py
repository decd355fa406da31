"""Messages in JSON: each encoded alone in `send`, joined into an array with a line for each, decoded in one call."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NoReturn

from msgspec import json, to_builtins

from partisan_codec_json.escapes import escape, unescape
from partisan_core.refs import Ref

_ESCAPED = (bytes, bytearray, memoryview, datetime, Ref)
"""What msgspec leaves as it is, for `escape` to write."""


class JsonSerializer:
    """Sends what MessagePack would, as text; what JSON has no notation for is escaped: see `escapes`."""

    __slots__ = ("_decode", "_encode")

    def __init__(self) -> None:
        self._encode = json.Encoder().encode
        self._decode = json.Decoder(list[tuple[str, Any]]).decode

    def encode(self, envelope: tuple[str, object]) -> bytes:
        """Encode (mailbox name, message).

        Raises:
            TypeError: the message holds something that is not plain data.
            ValueError: a string that is no Unicode text, or an integer of more than 4,300 digits, which Python reads
                from no text.
            RecursionError: nested too deeply.
        """
        mailbox, message = envelope
        return self._encode((mailbox, escape(to_builtins(message, builtin_types=_ESCAPED, enc_hook=_refuse))))

    enclosing = b"[", b"]"
    """What `join` puts around a single piece."""

    def join(self, pieces: Sequence[bytes]) -> bytes:
        """Make one array of encoded envelopes, one on a line."""
        return b"[" + b",\n".join(pieces) + b"]"

    def decode_batch(self, data: memoryview) -> list[tuple[str, Any]]:
        """Decode an array of envelopes; nothing of the memory is kept.

        Raises:
            ValueError: (msgspec's errors are some) or RecursionError, when the bytes are no such array.
        """
        return [(mailbox, unescape(message)) for mailbox, message in self._decode(data)]


def _refuse(value: object) -> NoReturn:
    kind = type(value)
    raise TypeError(
        f"{kind.__module__}.{kind.__qualname__} is not plain data; send numbers, text, bytes, lists, dicts, "
        f"datetimes, a Ref, or a msgspec.Struct or dataclass of these"
    )
