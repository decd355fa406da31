"""What MessagePack has no type for and Partisan sends all the same: references, as an extension type."""

from functools import lru_cache

from msgspec.msgpack import Ext

from partisan_core.errors import InvalidName
from partisan_core.refs import Ref

REF_CODE = 1
"""The MessagePack extension type of a `Ref`: its text in UTF-8. Part of the wire format."""


def encode_other(value: object) -> Ext:
    """Encode a reference.

    Raises:
        TypeError: it is anything else.
    """
    if isinstance(value, Ref):
        return Ext(REF_CODE, str(value).encode())
    kind = type(value)
    raise TypeError(
        f"{kind.__module__}.{kind.__qualname__} is not plain data; send numbers, text, bytes, lists, dicts, "
        f"datetimes, a Ref, or a msgspec.Struct or dataclass of these"
    )


def decode_extension(code: int, data: memoryview) -> object:
    """Decode a reference; other extensions pass through.

    Raises:
        ValueError: it has the code of a reference, and is none.
    """
    content = bytes(data)  # the memory is the reader's and is used again
    return _read_ref(content) if code == REF_CODE else Ext(code, content)


@lru_cache(maxsize=1024)
def _read_ref(content: bytes) -> Ref:
    """Cached, since most references are somebody's address for replies, in every message of theirs."""
    try:
        return Ref.parse(content.decode())
    except InvalidName as error:
        raise ValueError(f"an extension of type {REF_CODE} is no reference: {error}") from error
