"""The body of a DATA or RELAY frame: count u32 (little endian) | payload, messages encoded one by one and joined.

The payload may be compressed: see `wire.packing`. With the flag `AFTER` a number stands before the count.
"""

from collections.abc import Sequence
from struct import Struct
from zlib import crc32

from partisan_core.errors import FrameError
from partisan_core.wire.frames import (
    AFTER,
    CHECKED_HEADER,
    CHECKSUM,
    IGNORABLE,
    Frame,
    Kind,
    Trailer,
    encode_prefixed,
)
from partisan_core.wire.packing import plain_size

_DATA = int(Kind.DATA)
_COUNT = Struct("<I")
_HEAD = Struct("<IBBHQI")
"""A frame's header and the count behind it."""
_AFTER_COUNT = Struct("<QI")
_AFTER = Struct("<Q")


def encode_data(
    first: int,
    count: int,
    payload: bytes | memoryview,
    flags: int = 0,
    trailer: Trailer | None = None,
    after: int | None = None,
) -> bytes:
    """Make a whole DATA frame of `count` joined messages, the first of them number `first`.

    `after`: the message that must have arrived before; None where nobody acknowledges.
    """
    if after is not None:
        return encode_prefixed(_DATA, _AFTER_COUNT.pack(after, count), payload, first, flags | AFTER, trailer)
    length = _COUNT.size + len(payload)
    check = crc32(CHECKED_HEADER.pack(length, _DATA, flags, first)) & 0xFFFF
    head = _HEAD.pack(length, _DATA, flags, check, first, count)
    end = CHECKSUM.pack(crc32(payload, crc32(head))) if trailer is None else trailer.make(head, payload)
    return b"".join((head, payload, end))


def encode_relayed(
    first: int,
    count: int,
    payload: bytes | memoryview,
    flags: int = 0,
    trailer: Trailer | None = None,
    after: int | None = None,
) -> bytes:
    """Make a whole RELAY frame, which is like a DATA frame, of `count` joined letters."""
    prefix, flag = (_COUNT.pack(count), 0) if after is None else (_AFTER_COUNT.pack(after, count), AFTER)
    return encode_prefixed(int(Kind.RELAY), prefix, payload, first, IGNORABLE | flag | flags, trailer)


ENCLOSING = b"\xdd\x00\x00\x00\x01", b""
"""What `join_array` puts before and behind a single item."""


def join_array(pieces: Sequence[bytes]) -> bytes:
    """Make one MessagePack array (array32) of encoded items."""
    return b"".join((b"\xdd", len(pieces).to_bytes(4, "big"), *pieces))


def split_data(body: memoryview, flags: int = 0) -> tuple[int, memoryview]:
    """Read the body of a DATA frame: the number of messages, and the payload, which may be compressed.

    Raises:
        FrameError: it has no messages, or more than bytes.
    """
    if len(body) > _COUNT.size:
        count: int = _COUNT.unpack_from(body)[0]
        payload = body[_COUNT.size :]
        size = plain_size(flags, payload) if flags else len(payload)
        if 0 < count <= size:
            return count, payload
        raise FrameError(f"a data frame claims {count} messages in {size} bytes")
    raise FrameError(f"a data frame of {len(body)} bytes has no messages")


def split_after(frame: Frame) -> tuple[int, memoryview]:
    """The message that must have arrived before those of a frame with the flag `AFTER`, and the rest of its body.

    Raises:
        FrameError: it is too short, or the number is not one of a message before.
    """
    body = frame.body
    if len(body) < _AFTER.size:
        raise FrameError(f"a frame of {len(body)} bytes does not say what must have arrived before it")
    after: int = _AFTER.unpack_from(body)[0]
    if after >= frame.number:
        raise FrameError(f"a frame from message {frame.number} says that message {after} comes before it")
    return after, body[_AFTER.size :]
