"""Fragments: a message that is too large for one frame, in slices, with frames of smaller ones between them.

    kind u8 | message u16 | total u32 | offset u32 | slice          (the body of a FRAGMENT frame, little endian)

`kind` is that of the frame which the slices would be in one piece: DATA or RELAY; `total` are the bytes of its payload.
`message` counts those of a connection, so that what is left of two of one size, when a fault took slices of both, is
never put together; it begins again behind 65,535.
Each connection carries one such message at a time, from its first slice to its last. The last one carries the
session's number of the message: smaller ones that overtook it have earlier numbers, and of a message that broke off
nothing was counted, so its sender begins it again on the next connection.
"""

from struct import Struct
from typing import NamedTuple
from zlib import crc32

from partisan_core.errors import FrameError
from partisan_core.wire.frames import AFTER, CHECKED_HEADER, CHECKSUM, Kind, Trailer, encode_prefixed

_FRAGMENT = int(Kind.FRAGMENT)
_PLACE = Struct("<BHII")
_HEAD = Struct("<IBBHQBHII")
"""A frame's header and the place behind it."""
_AFTER_PLACE = Struct("<QBHII")
_CARRIED = frozenset({int(Kind.DATA), int(Kind.RELAY)})


class Whole(NamedTuple):
    """A message that has arrived with its last slice."""

    kind: int
    number: int
    payload: memoryview


class Place(NamedTuple):
    """Where a slice belongs."""

    kind: int
    message: int
    total: int
    offset: int

    def __str__(self) -> str:
        return f"a fragment from {self.offset} of {self.total} bytes of message {self.message}"


def encode_fragment(
    place: Place,
    part: bytes | memoryview,
    number: int,
    flags: int = 0,
    trailer: Trailer | None = None,
    after: int | None = None,
) -> bytes:
    """Make a whole FRAGMENT frame of a slice, which may be compressed; `number` is 0 for all but the last.

    `after` goes with that number: see `wire.batch`.
    """
    if after is not None:
        return encode_prefixed(_FRAGMENT, _AFTER_PLACE.pack(after, *place), part, number, flags | AFTER, trailer)
    length = _PLACE.size + len(part)
    check = crc32(CHECKED_HEADER.pack(length, _FRAGMENT, flags, number)) & 0xFFFF
    head = _HEAD.pack(length, _FRAGMENT, flags, check, number, *place)
    end = CHECKSUM.pack(crc32(part, crc32(head))) if trailer is None else trailer.make(head, part)
    return b"".join((head, part, end))


def split_fragment(body: memoryview) -> tuple[Place, memoryview]:
    """Read the body of a FRAGMENT frame: where its slice belongs, and the slice, which may be compressed.

    Raises:
        FrameError: there is nothing in it.
    """
    if len(body) <= _PLACE.size:
        raise FrameError(f"a fragment of {len(body)} bytes has nothing in it")
    return Place(*_PLACE.unpack_from(body)), body[_PLACE.size :]


class Assembly:
    """Puts the slices of one message after the other together. Holds what has arrived, never what was announced."""

    __slots__ = ("_held", "_kind", "_limit", "_message", "total")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = bytearray()
        self._kind = self._message = 0
        self.total = 0
        """The bytes of the message that has begun; 0 between two messages."""

    def add(self, place: Place, part: memoryview, number: int) -> Whole | None:
        """Take a slice; returns the message that it completes.

        Raises:
            FrameError: it is not the slice that comes next. Nothing of its message is kept.
        """
        try:
            self._check(place, len(part), number)
        except FrameError:
            self.clear()
            raise
        self._held += part
        if len(self._held) < self.total:
            return None
        whole = Whole(self._kind, number, memoryview(self._held))
        self.clear()
        return whole

    def clear(self) -> None:
        """Forget what has arrived of a message that will not be completed."""
        self._held, self._kind, self.total = bytearray(), 0, 0

    def _check(self, place: Place, size: int, number: int) -> None:
        if not self.total:
            self._begin(place)
        end = place.offset + size
        due = Place(self._kind, self._message, self.total, len(self._held))
        if place != due or end > self.total:
            raise FrameError(f"{place} came where {due} was due")
        if (end == self.total) != (number > 0):
            raise FrameError("the last fragment of a message has its number, and no other one")

    def _begin(self, place: Place) -> None:
        if place.offset:
            raise FrameError(f"{place} belongs to no message that has begun")
        if place.kind not in _CARRIED:
            raise FrameError(f"a fragment is of a frame of kind {place.kind}, which is never in fragments")
        if place.total > self._limit:
            raise FrameError(
                f"a message of {place.total} bytes in fragments is larger than the {self._limit} allowed here"
            )
        self._kind, self._message, self.total = place.kind, place.message, place.total
