"""Messages in MessagePack: each encoded alone in `send`, joined into an array, decoded in one call."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder

from partisan_codec_msgpack.extensions import decode_extension, encode_other
from partisan_codec_msgpack.tagged import Registered, is_tagged, level
from partisan_core.spelling import did_you_mean

_FIXED_ARRAY = 0x90
_ARRAY_16 = b"\xdc"
_ARRAY_32 = b"\xdd"

Encode = Callable[[tuple[str, object]], bytes]


class MsgpackSerializer:
    """Sends what MessagePack knows, references, and objects of the types it was given; no others arrive."""

    __slots__ = ("_decode_plain", "_registered", "encode")

    encode: Encode
    """Encode (mailbox name, message): without types msgspec's own bound method, since it runs once per message.

    Raises:
        TypeError: the message holds something that is not plain data, or is a Struct of none of the types, if there
            are some.
        OverflowError: an integer below -2**63 or above 2**64 - 1.
        ValueError: a string that is no Unicode text, such as one half of a surrogate pair.
        RecursionError: nested too deeply.
    """

    def __init__(self, types: Mapping[str, type[Struct]] | None = None) -> None:
        """Register types by the names that stand for them on the wire.

        Raises:
            ConfigError: one is no Struct, or has a field of a type that cannot travel.
        """
        self._registered = Registered(types or {})
        self._decode_plain = Decoder(list[tuple[str, Any]], ext_hook=decode_extension).decode
        encode = Encoder(enc_hook=encode_other).encode
        self.encode = _with_tags(encode, self._registered) if types else encode

    enclosing = bytes((_FIXED_ARRAY | 1,)), b""
    """What `join` puts around a single piece."""

    def join(self, pieces: Sequence[bytes]) -> bytes:
        """Make one array of encoded envelopes."""
        if self._registered.names and len(pieces) > 1:  # a lone one may be anybody's, from a relay
            pieces = level(pieces)
        return b"".join((_array_header(len(pieces)), *pieces))

    def decode_batch(self, data: memoryview) -> list[tuple[str, Any]]:
        """Decode an array of envelopes; nothing of the memory is kept.

        What is of a type that is not registered here, or does not fit its type, is `Unreadable`.

        Raises:
            ValueError: (msgspec's errors are some) or RecursionError, when the bytes are no such array.
        """
        return self._registered.decode_batch(data) if is_tagged(data) else self._decode_plain(data)


def _array_header(count: int) -> bytes:
    if count < 1 << 4:
        return bytes((_FIXED_ARRAY | count,))
    if count < 1 << 16:
        return _ARRAY_16 + count.to_bytes(2, "big")
    return _ARRAY_32 + count.to_bytes(4, "big")


def _with_tags(encode: Callable[[object], bytes], registered: Registered) -> Encode:
    """Encode as before, objects of registered types with their tag. A closure: it runs once per message."""
    tag_of = registered.tags.get

    def encode_tagged(envelope: tuple[str, object]) -> bytes:
        mailbox, message = envelope
        kind = type(message)
        tag = tag_of(kind)
        if tag is not None:
            return encode((tag, mailbox, message))
        if type(kind) is not type and issubclass(kind, Struct):  # the first is quick, and false of plain data
            raise _unregistered(kind, registered)
        return encode(envelope)

    return encode_tagged


def _unregistered(kind: type, registered: Registered) -> TypeError:
    return TypeError(
        f"{kind.__module__}.{kind.__qualname__} is not registered here{did_you_mean(kind.__name__, registered.names)}; "
        f"registered: {', '.join(sorted(registered.names))}. Add '{kind.__module__}:{kind.__qualname__}' to `types` "
        f"of [serializer] on every node"
    )
