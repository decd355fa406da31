"""Compressed payloads: size u32 (little endian) | what a compression made of that many bytes.

Each end compresses by what its own configuration says, names it in its hello (`packs`), and does so when the hello of
the other end lists it among those that it can undo (`unpacks`). A frame whose payload is not compressed has no flag.
"""

from struct import Struct

from partisan_core.compression import Compression
from partisan_core.errors import FrameError
from partisan_core.wire.checks import printable
from partisan_core.wire.frames import COMPRESSED

_SIZE = Struct("<I")


class Packing:
    """What one connection compresses and what it undoes: nothing, by default."""

    __slots__ = ("_minimum", "_packer", "_unpacker", "bytes_after", "bytes_before", "packs", "wish")

    def __init__(
        self, wish: str = "", packer: Compression | None = None, minimum: int = 0, unpacker: Compression | None = None
    ) -> None:
        self.wish = wish
        """What this end is to compress with; empty: nothing. Whether the other end can undo it: see `packs`."""
        self.packs = packer is not None
        """Whether it compresses what it sends."""
        self._packer, self._minimum, self._unpacker = packer, minimum, unpacker
        self.bytes_before = self.bytes_after = 0
        """What went through `pack` and came out of it, where a compression was agreed on: their quotient is the ratio
        of the connection, payloads included that were too small or did not get smaller."""

    def pack(self, payload: bytes | memoryview) -> tuple[int, bytes | memoryview]:
        """The flags of a frame, and its payload: compressed if that makes it smaller."""
        if self._packer is None:
            return 0, payload
        flags, result = 0, payload
        if len(payload) >= self._minimum:
            packed = self._packer.compress(payload)
            if _SIZE.size + len(packed) < len(payload):
                flags, result = COMPRESSED, _SIZE.pack(len(payload)) + packed
        self.bytes_before += len(payload)
        self.bytes_after += len(result)
        return flags, result

    def unpack(self, flags: int, payload: memoryview, limit: int) -> memoryview:
        """The payload of a frame as it was, of at most `limit` bytes.

        Raises:
            FrameError: no compression was agreed on, it would be larger, or it is not what it says.
        """
        if not flags & COMPRESSED:
            return payload
        size = plain_size(flags, payload)
        if self._unpacker is None:
            raise FrameError("a frame is compressed, and this connection agreed on no compression for its direction")
        if not 0 < size <= limit:
            raise FrameError(f"a compressed frame says that it holds {size} bytes; 1 to {limit} are allowed here")
        try:
            plain = self._unpacker.decompress(payload[_SIZE.size :], size)
        except Exception as error:  # a compression raises what its library does
            said = f"{type(error).__name__}: {printable(str(error))}"
            raise FrameError(f"a frame of {size} compressed bytes cannot be decompressed: {said}") from error
        if len(plain) != size:
            raise FrameError(f"a compressed frame said to hold {size} bytes holds {len(plain)}")
        return memoryview(plain)


def plain_size(flags: int, payload: memoryview) -> int:
    """Bytes of a payload when it is unpacked: as it says itself, if it is compressed.

    Raises:
        FrameError: it is too short to say.
    """
    if not flags & COMPRESSED:
        return len(payload)
    if len(payload) <= _SIZE.size:
        raise FrameError(f"a compressed frame has no more than {len(payload)} bytes")
    size: int = _SIZE.unpack_from(payload)[0]
    return size
