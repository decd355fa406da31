"""Frames: a byte stream cut into checked pieces.

    length u32 | kind u8 | flags u8 | header check u16 | number u64 | body (length bytes) | checksum u32

All little endian. The checksum is the CRC-32 of header and body, unless both ends have agreed on another
trailer for the frames that follow their handshake: see `wire.checksums` and `wire.sealing`. The header check is
the low half of the CRC-32 of the other 14 header bytes; it is verified before `length` is believed, or one
flipped bit would stall a link that waits for bytes that never come. CRC-32 finds every error of up to three bits
in 11 KB, and all but one in 2**32 of the larger ones; TCP's own sum misses 3 % of the two-bit errors (reliability
reference, section 5).

How the format grows: a frame of an unknown kind is skipped when it carries `IGNORABLE`, otherwise the stream
is broken. With `HAS_SECTION` the body begins with a section (u16 length, then bytes) that a reader may skip.
The other flags mean nothing yet, and only a version that both ends have agreed on may set them.
"""

from enum import IntEnum
from hmac import compare_digest
from struct import Struct
from typing import NamedTuple, Protocol
from zlib import crc32

from partisan_core.errors import CorruptFrame, FrameError

IGNORABLE = 1
"""Flag: a reader that does not know the kind skips the frame."""

HAS_SECTION = 2
"""Flag: the body begins with an optional section, u16 length and bytes."""

COMPRESSED = 4
"""Flag: the body, or its end, is compressed (see `wire.packing`); only where both hellos told that it may be."""

AFTER = 8
"""Flag: the body begins with the number of the message that must have arrived before those of the frame, u64; behind
the section, and only where both hellos told that they acknowledge (see `wire.outbox`)."""

HEADER = Struct("<IBBHQ")
CHECKED_HEADER = Struct("<IBBQ")
"""The header without its own check: what the check covers."""
CHECKSUM = Struct("<I")
_SECTION_LENGTH = Struct("<H")

HEADER_SIZE = HEADER.size
FRAME_OVERHEAD = HEADER.size + CHECKSUM.size
"""Bytes of a frame beside its body."""


class Kind(IntEnum):
    """What a frame is."""

    HELLO = 1
    PROOF = 2
    WELCOME = 3
    REFUSAL = 4
    DATA = 5
    """Messages; `number` is the session's number of the first."""
    PING = 6
    PONG = 7
    """Answers a ping with its `number`."""
    CONTROL = 8
    """What two kernels tell each other."""
    RELAY = 9
    """Messages through a third node, counted as those of DATA frames are. Ignorable."""
    FRAGMENT = 10
    """A slice of a large message: see `wire.fragments`."""
    CHANNELS = 11
    """On the membership connection: the channels of a node, told anew because there are more. Ignorable."""
    ACK = 12
    """All messages up to `number` have arrived. Ignorable."""
    AGAIN = 13
    """The same, and what follows was refused, as something before it is missing: it is wanted again. Ignorable."""


_KNOWN_KINDS = frozenset(map(int, Kind))
_KNOWN_FLAGS = IGNORABLE | HAS_SECTION | COMPRESSED | AFTER


class Frame(NamedTuple):
    """A frame that was read and checked."""

    kind: int
    flags: int
    number: int
    body: memoryview
    """Without the optional section. Valid only until the reader is fed again: the memory is used again."""


class Trailer(Protocol):
    """What ends each frame of one direction of a connection, in the place of the CRC-32."""

    @property
    def name(self) -> str:
        """What listings call it."""

    @property
    def size(self) -> int:
        """Its bytes."""

    @property
    def fault(self) -> str:
        """What is wrong, for people, when it does not match."""

    def make(self, covered: bytes | memoryview, more: bytes | memoryview = b"", /) -> bytes:
        """The trailer of the next frame: of its header and body, given in one part or two."""


class Trailers(NamedTuple):
    """Both directions of one connection, as one end sees them."""

    outgoing: Trailer
    incoming: Trailer


def encode_frame(kind: int, body: bytes, number: int = 0, flags: int = 0, trailer: Trailer | None = None) -> bytes:
    """Make a whole frame. Without a `trailer` it ends with its CRC-32, as those of a handshake do."""
    length = len(body)
    check = crc32(CHECKED_HEADER.pack(length, kind, flags, number)) & 0xFFFF
    head = HEADER.pack(length, kind, flags, check, number)
    end = CHECKSUM.pack(crc32(body, crc32(head))) if trailer is None else trailer.make(head, body)
    return b"".join((head, body, end))


def encode_prefixed(
    kind: int, prefix: bytes, rest: bytes | memoryview, number: int, flags: int, trailer: Trailer | None
) -> bytes:
    """The same of a body in two parts, which are not joined before."""
    length = len(prefix) + len(rest)
    check = crc32(CHECKED_HEADER.pack(length, kind, flags, number)) & 0xFFFF
    head = HEADER.pack(length, kind, flags, check, number) + prefix
    end = CHECKSUM.pack(crc32(rest, crc32(head))) if trailer is None else trailer.make(head, rest)
    return b"".join((head, rest, end))


def change_trailer(frame: bytes, trailer: Trailer | None) -> bytes:
    """A frame that ends with its CRC-32, with the `trailer` of its connection instead."""
    if trailer is None:
        return frame
    covered = memoryview(frame)[: -CHECKSUM.size]
    return b"".join((covered, trailer.make(covered)))


class FrameReader:
    """Cuts what arrives into frames, however the stream was split on its way.

    Whole frames are read in place; only a frame that is split between two feeds is copied. What is held is at
    most one frame with a body of `max_body`, and never more than has really arrived.
    """

    __slots__ = ("_held", "_size", "_trailer", "_trailer_size", "error", "max_body")

    def __init__(self, max_body: int, trailer: Trailer | None = None) -> None:
        self.max_body = max_body
        """Bytes allowed in a body, from the next frame on."""
        self.error: FrameError | None = None
        """Why the stream is broken; it stays broken, since the start of the next frame is unknown."""
        self._held = bytearray()
        """The part that has arrived of a frame that is not complete."""
        self._size = 0
        """The size of that whole frame; 0 while its header is not complete."""
        self._trailer = trailer
        """What the next frame must end with; None: its CRC-32."""
        self._trailer_size = CHECKSUM.size if trailer is None else trailer.size

    @property
    def pending(self) -> int:
        """Bytes held of a frame that is not complete."""
        return len(self._held)

    @property
    def wanted(self) -> int:
        """Bytes that complete the header or frame being read; fed no more, it takes nothing beyond."""
        return (self._size or HEADER_SIZE) - len(self._held)

    def feed(self, data: memoryview | bytes) -> list[Frame]:
        """Take bytes in; return the frames that are complete now. Never raises: see `error`."""
        frames: list[Frame] = []
        if self.error is not None:
            return frames
        view = memoryview(data)
        try:
            start = self._complete(view, frames) if self._held else 0
            self._read(view, start, frames)
        except FrameError as error:
            self.error = error
            self._held = bytearray()
        return frames

    def _complete(self, view: memoryview, frames: list[Frame]) -> int:
        """Add to what is held: its header first, which tells the size, then the rest. Returns how much."""
        used = 0
        if not self._size:
            used = self._hold(view, HEADER_SIZE, frames)
        if self._size:
            used += self._hold(view[used:], self._size, frames)
        return used

    def _hold(self, view: memoryview, size: int, frames: list[Frame]) -> int:
        """Let the held part grow to `size`, then read it."""
        held = self._held
        part = view[: size - len(held)]
        held += part
        if len(held) == size:
            self._held, self._size = bytearray(), 0
            self._read(memoryview(held), 0, frames)
        return len(part)

    def _read(self, view: memoryview, start: int, frames: list[Frame]) -> None:
        """Read the frames of `view` from `start`; hold what is left. Hot, once per frame, not per message."""
        end, trailer, trailer_size = len(view), self._trailer, self._trailer_size
        while end - start >= HEADER_SIZE:
            length, kind, flags, check, number = HEADER.unpack_from(view, start)
            if crc32(CHECKED_HEADER.pack(length, kind, flags, number)) & 0xFFFF != check:
                raise CorruptFrame(
                    "the header check of a frame does not match: bits changed on the way, or the peer speaks "
                    "another protocol; nothing of it was accepted"
                )
            if length > self.max_body:
                raise FrameError(f"a frame of {length} bytes is larger than the {self.max_body} allowed here")
            tail = start + HEADER_SIZE + length
            if tail + trailer_size > end:
                self._size = tail + trailer_size - start
                break
            if trailer is not None:
                _check_trailer(trailer, view[start:tail], view[tail : tail + trailer_size])
            elif crc32(view[start:tail]) != CHECKSUM.unpack_from(view, tail)[0]:
                raise CorruptFrame(
                    f"the checksum of a frame with {length} bytes does not match: bits changed on the way; "
                    f"nothing of it was accepted"
                )
            frame = Frame(kind, flags, number, view[start + HEADER_SIZE : tail])
            if flags or kind not in _KNOWN_KINDS:
                _read_special(frame, frames)
            else:
                frames.append(frame)
            start = tail + trailer_size
        if start < end:
            self._held += view[start:]


def _check_trailer(trailer: Trailer, covered: memoryview, found: memoryview) -> None:
    if not compare_digest(trailer.make(covered), found):
        raise CorruptFrame(f"{trailer.fault}; nothing of it was accepted")


def _read_special(frame: Frame, frames: list[Frame]) -> None:
    """A frame with flags, or of a later version."""
    if frame.kind not in _KNOWN_KINDS:
        if frame.flags & IGNORABLE:
            return
        raise FrameError(f"a frame of kind {frame.kind} is unknown here and may not be ignored")
    if frame.flags & ~_KNOWN_FLAGS:
        raise FrameError(f"a frame carries flags {frame.flags:#04x}, which no version agreed on here knows")
    frames.append(frame._replace(body=_skip_section(frame.body)) if frame.flags & HAS_SECTION else frame)


def _skip_section(body: memoryview) -> memoryview:
    if len(body) >= _SECTION_LENGTH.size:
        end = _SECTION_LENGTH.size + _SECTION_LENGTH.unpack_from(body)[0]
        if end <= len(body):
            return body[end:]
    raise FrameError("the optional section of a frame is longer than its body")
