"""Messages in MessagePack: each encoded alone in `send`, joined into an array, decoded in one call."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from msgspec.msgpack import Decoder, Encoder, Ext

from partisan_core.errors import InvalidName
from partisan_core.refs import Ref

REF_CODE = 1
"""The MessagePack extension type of a `Ref`: its text in UTF-8. Part of the wire format."""

_FIXED_ARRAY = 0x90
_ARRAY_16 = b"\xdc"
_ARRAY_32 = b"\xdd"


class MsgpackSerializer:
    """Sends what MessagePack knows, and references. What arrives is plain data; no class is made by name."""

    __slots__ = ("decode_batch", "encode")

    encode: Callable[[tuple[str, object]], bytes]
    """Encode (mailbox name, message): msgspec's own bound method, since it runs once per message.

    Raises:
        TypeError: the message holds something that is not plain data.
        OverflowError: an integer below -2**63 or above 2**64 - 1.
        ValueError: a string that is no Unicode text, such as one half of a surrogate pair.
        RecursionError: nested too deeply.
    """
    decode_batch: Callable[[memoryview], list[tuple[str, Any]]]
    """Decode an array of envelopes; nothing of the memory is kept.

    Raises:
        ValueError: (msgspec's errors are some) or RecursionError, when the bytes are no such array.
    """

    def __init__(self) -> None:
        self.encode = Encoder(enc_hook=_encode_other).encode
        self.decode_batch = Decoder(list[tuple[str, Any]], ext_hook=_decode_extension).decode

    def join(self, pieces: Sequence[bytes]) -> bytes:
        """Make one array of encoded envelopes."""
        return b"".join((_array_header(len(pieces)), *pieces))


def _array_header(count: int) -> bytes:
    if count < 1 << 4:
        return bytes((_FIXED_ARRAY | count,))
    if count < 1 << 16:
        return _ARRAY_16 + count.to_bytes(2, "big")
    return _ARRAY_32 + count.to_bytes(4, "big")


def _encode_other(value: object) -> Ext:
    if isinstance(value, Ref):
        return Ext(REF_CODE, str(value).encode())
    kind = type(value)
    raise TypeError(
        f"{kind.__module__}.{kind.__qualname__} is not plain data; send numbers, text, bytes, lists, dicts, "
        f"datetimes, a Ref, or a msgspec.Struct or dataclass of these"
    )


def _decode_extension(code: int, data: memoryview) -> object:
    content = bytes(data)  # the memory is the reader's and is used again
    return _read_ref(content) if code == REF_CODE else Ext(code, content)


@lru_cache(maxsize=1024)
def _read_ref(content: bytes) -> Ref:
    """Cached, since most references are somebody's address for replies, in every message of theirs."""
    try:
        return Ref.parse(content.decode())
    except InvalidName as error:
        raise ValueError(f"an extension of type {REF_CODE} is no reference: {error}") from error
