"""The body of a DATA or RELAY frame: count u32 (little endian) | payload, messages encoded one by one and joined."""

from collections.abc import Sequence
from struct import Struct
from zlib import crc32

from partisan_core.errors import FrameError
from partisan_core.wire.frames import CHECKED_HEADER, CHECKSUM, IGNORABLE, Kind, Trailer, encode_frame

_DATA = int(Kind.DATA)
_COUNT = Struct("<I")
_HEAD = Struct("<IBBHQI")
"""A frame's header and the count behind it."""


def encode_data(first: int, count: int, payload: bytes, trailer: Trailer | None = None) -> bytes:
    """Make a whole DATA frame of `count` joined messages, the first of them number `first`."""
    length = _COUNT.size + len(payload)
    check = crc32(CHECKED_HEADER.pack(length, _DATA, 0, first)) & 0xFFFF
    head = _HEAD.pack(length, _DATA, 0, check, first, count)
    end = CHECKSUM.pack(crc32(payload, crc32(head))) if trailer is None else trailer.make(head, payload)
    return b"".join((head, payload, end))


def encode_relayed(first: int, letters: Sequence[bytes], trailer: Trailer | None = None) -> bytes:
    """Make a whole RELAY frame, which is like a DATA frame, of encoded letters."""
    return encode_frame(Kind.RELAY, _COUNT.pack(len(letters)) + join_array(letters), first, IGNORABLE, trailer)


def join_array(pieces: Sequence[bytes]) -> bytes:
    """Make one MessagePack array (array32) of encoded items."""
    return b"".join((b"\xdd", len(pieces).to_bytes(4, "big"), *pieces))


def split_data(body: memoryview) -> tuple[int, memoryview]:
    """Read the body of a DATA frame: the number of messages, and the payload for the serializer.

    Raises:
        FrameError: it has no messages, or more than bytes.
    """
    if len(body) > _COUNT.size:
        count: int = _COUNT.unpack_from(body)[0]
        if 0 < count <= len(body) - _COUNT.size:
            return count, body[_COUNT.size :]
        raise FrameError(f"a data frame claims {count} messages in {len(body) - _COUNT.size} bytes")
    raise FrameError(f"a data frame of {len(body)} bytes has no messages")
